"""Why the store is not written: those who run it are told, by the check and by the log."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.limits import Limits
from app.sessions import trouble
from app.sessions.schema import FILE
from app.sessions.store import Store
from app.sessions.trouble import MOVED, Trouble
from app.sessions.writer import NotStored
from tests.unit.sessions.test_store import ONE, body, place, same

AWAY = "elsewhere"


def _move(file: Path) -> None:
    os.rename(file, file.with_name(AWAY))


def _replace(file: Path) -> None:
    shutil.copy(file, file.with_name("copy"))
    _move(file)
    os.rename(file.with_name("copy"), file)


@pytest.mark.parametrize("take_away", [_move, _replace])
@pytest.mark.parametrize("asked", [True, False])
def test_what_would_be_gone_with_the_next_start_is_not_written(
    tmp_path: Path, take_away: Callable[[Path], None], asked: bool
) -> None:
    """The file has another name now, or none: whoever starts the server would not find it."""

    async def scene() -> None:
        store, file = Store(tmp_path, Limits()), tmp_path / FILE
        await store.insert(ONE)
        take_away(file)
        if asked:
            assert await store.writer.check() == MOVED
        with pytest.raises(NotStored, match="moved or deleted"):
            await store.move("one", place(13, 0, 2, 1), body(1, None))
        assert same(await store.load("one"), ONE)
        os.replace(file.with_name(AWAY), file)
        if asked:
            assert await store.writer.check() is None
        await store.move("one", place(13, 0, 2, 1), body(1, None))
        assert await store.writer.check() is None
        await store.close()

    asyncio.run(scene())


def test_the_log_tells_why_nothing_is_written_and_when_that_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    monkeypatch.setattr(trouble.time, "monotonic", lambda: now)

    def told() -> list[str | None]:
        found = [getattr(line, "fields", {}).get("reason") for line in caplog.records]
        assert all(line.levelno == logging.WARNING for line in caplog.records)
        caplog.clear()
        return found

    store = Trouble()
    assert told() == []
    for _ in range(3):
        store.note("the disk is full")
    assert told() == ["the disk is full"]
    for _ in range(100):  # a disk that is nearly full: small writes go, large ones do not
        store.note(None)
        assert store.reason is None
        store.note("the disk is full")
        assert store.reason == "the disk is full"
    assert told() == [None]
    store.note("the store is read-only")
    assert told() == ["the store is read-only"]
    now = 61.0
    store.note("the disk is full")
    store.note(None)
    assert told() == ["the disk is full", None]


def test_a_start_that_can_only_read_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    Trouble("the store is read-only")
    assert [line.fields for line in caplog.records] == [{"reason": "the store is read-only"}]  # type: ignore[attr-defined]
