"""The store: what goes in comes out, also after it was closed."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from app.sessions.store import KEPT_REPLIES, SCHEMA_VERSION, Store, Stored

ONE = Stored("one", {"seed": 7}, [{"step": 3, "learning_rate": 0.1}], [], 12, 4, 2)


def test_a_session_comes_back_after_closing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.insert(ONE)
    moved = replace(ONE, step=900_000, phase=6, edits=[], undo_stack=[{"added": {}}], revision=3)
    store.update(moved, "command", {"cursor": {"step": 900_000}})
    store.save("one", b"\0checkpoints")
    store.close()
    again = Store(tmp_path)
    assert again.load("one") == replace(moved, saved=b"\0checkpoints")
    assert again.reply("one", "command") == {"cursor": {"step": 900_000}}
    assert again.load("other") is None
    assert again.reply("one", "other") is None


def test_the_last_thousand_replies_are_kept_for_each_session(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.insert(ONE)
    store.insert(replace(ONE, id="two"))
    store.update(replace(ONE, id="two"), "0", {"n": "two"})
    for number in range(KEPT_REPLIES + 5):
        store.update(ONE, str(number), {"n": number})
    assert store.reply("one", "4") is None
    assert store.reply("one", "5") == {"n": 5}
    assert store.reply("one", str(KEPT_REPLIES + 4)) == {"n": KEPT_REPLIES + 4}
    assert store.reply("two", "0") == {"n": "two"}


def test_a_reply_that_fails_takes_its_move_with_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.insert(ONE)
    store.update(ONE, "same", {})
    with pytest.raises(sqlite3.IntegrityError):
        store.update(replace(ONE, step=99), "same", {})
    found = store.load("one")
    assert found is not None
    assert found.step == ONE.step


def test_a_newer_store_is_not_touched(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / "retrace.sqlite3") as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(RuntimeError, match="newer"):
        Store(tmp_path)
