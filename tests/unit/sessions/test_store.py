"""The store: what goes in comes out, also after it was closed; what cannot go in changes nothing."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from app.limits import Limits
from app.sessions import schema
from app.sessions import store as store_module
from app.sessions import writer as writer_module
from app.sessions.rows import KEPT_CHANGES, Place, Stored
from app.sessions.schema import _VERSION_1, FILE, VERSION, BadStore
from app.sessions.store import Damaged, Store
from app.sessions.writer import Conflict, NotStored
from app.timeline.checkpoints import Checkpoint
from app.timeline.recorders import ANEW
from app.timeline.saved import Saved

T = TypeVar("T")
SPEC = {"seed": 7, "precision": "float32"}
EDIT = {"step": 3, "learning_rate": 0.1}
MOST = Limits().resume_bytes
STATE = np.array([0.1, -2.5, 1e-30], np.float32)


def checkpoint(step: int, machine: str = "here") -> Checkpoint:
    return Checkpoint(step, STATE + step, (0.5, 3.0), machine)


def saved(*steps: int, new: tuple[int, ...] | None = None) -> Saved:
    found = tuple(checkpoint(step) for step in (steps if new is None else new))
    return Saved(8, [[0, "here"]], [8], b"\0table", found, frozenset(steps))


def place(step: int, phase: int, revision: int, changes: int) -> Place:
    return Place(step, phase, revision, changes, step, "here")


ROOT = Path(__file__).parents[3]
ONE = Stored("one", "reader", place(12, 4, 2, 0), SPEC, [EDIT], [], saved(0, 8))


def run(task: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(task)


def body(number: int, command: str | None) -> dict[str, Any]:
    return {"id": command, "offset": number, "cursor": {"step": number, "phase": 0}}


async def opened(folder: Path, **limits: int) -> Store:
    return Store(folder, Limits(**limits))


def same(first: Stored | None, second: Stored | None) -> bool:
    """Compare two sessions, the states of their checkpoints by their bytes."""
    assert first is not None
    assert second is not None
    assert first.saved is not None
    assert second.saved is not None
    plain = [replace(one, saved=None) for one in (first, second)]
    tables = [replace(one.saved, checkpoints=()) for one in (first, second)]  # type: ignore[type-var]
    states = [
        sorted(
            (k.step, k.machine, k.sums, str(k.state.dtype), k.state.tobytes())
            for k in one.saved.checkpoints
        )  # type: ignore[union-attr]
        for one in (first, second)
    ]
    return plain[0] == plain[1] and tables[0] == tables[1] and states[0] == states[1]


@pytest.mark.parametrize(
    ("damage", "read"),
    [
        ("UPDATE checkpoint SET state = x'00'", lambda store: store.load("one")),
        ("UPDATE change SET body = 'none'", lambda store: store.bodies_since("one", 0, MOST)),
    ],
    ids=["a run", "its changes"],
)
def test_a_run_that_cannot_be_read_makes_no_other_one_older(
    tmp_path: Path, damage: str, read: Callable[[Store], Coroutine[Any, Any, Any]]
) -> None:
    """Whoever is told so may take long to read that; until then the failure is at hand."""

    async def scene() -> None:
        store = await opened(tmp_path)
        for key in ("one", "two"):
            await store.insert(replace(ONE, id=key, read_id=f"{key} to read"))
            for number in (1, 2):
                await store.move(key, place(12 + number, 0, 2, number), body(number, None))
        with closing(sqlite3.connect(tmp_path / FILE)) as db, db:
            assert db.execute(f"{damage} WHERE session_id = 'one'").rowcount
        with pytest.raises(Damaged) as at_hand:
            await read(store)
        await store.move("two", place(15, 0, 2, 3), body(3, None))
        found = await store.load("two")
        assert at_hand.value
        assert found
        assert (found.place.step, found.place.changes) == (15, 3)
        await store.close()

    run(scene())


def test_a_session_comes_back_after_closing_by_either_key(tmp_path: Path) -> None:
    async def write() -> None:
        store = await opened(tmp_path)
        await store.insert(ONE)
        await store.move("one", place(900_000, 6, 2, 1), body(1, "command"))
        undo = [{"added": EDIT, "took": []}]
        await store.edit("one", place(900_000, 6, 3, 2), body(2, None), [], undo, saved(0, new=()))
        await store.save("one", place(900_001, 0, 3, 2), saved(0, 16, new=(16,)))
        await store.close()

    async def read() -> None:
        store = await opened(tmp_path)
        expected = replace(
            ONE,
            place=place(900_001, 0, 3, 2),
            edits=[],
            undo_stack=[{"added": EDIT, "took": []}],
            saved=saved(0, 16),
        )
        assert same(await store.load("one"), expected)
        assert same(await store.load("reader"), expected)
        assert await store.load("other") is None
        assert await store.body_of("one", "command") == body(1, "command")
        assert await store.body_of("one", "other") is None
        assert await store.commands("one") == ["command"]
        assert await store.bodies_since("one", 1, MOST) == [body(2, None)]
        await store.close()

    run(write())
    run(read())


def test_the_last_thousand_changes_are_kept_for_each_session(tmp_path: Path) -> None:
    async def write() -> None:
        store = await opened(tmp_path)
        await store.insert(ONE)
        await store.insert(replace(ONE, id="two", read_id="r2"))
        await store.move("two", place(0, 0, 0, 1), body(1, "1"))
        last = KEPT_CHANGES + 5
        await asyncio.gather(
            *(store.move("one", place(n, 0, 0, n), body(n, str(n))) for n in range(1, last + 1))
        )
        assert await store.body_of("one", "5") is None
        assert await store.body_of("one", "6") == body(6, "6")
        assert await store.body_of("two", "1") == body(1, "1")
        kept = await store.bodies_since("one", 0, MOST) or []
        assert [b["offset"] for b in kept] == list(range(6, last + 1))
        await store.close()

    run(write())


def test_the_ids_of_commands_are_told_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    async def write() -> None:
        store = await opened(tmp_path)
        await store.insert(ONE)
        for number, command in enumerate(("c", "a", "b"), start=1):
            await store.move("one", place(number, 0, 0, number), body(number, command))
        assert await store.commands("one") == ["c", "a", "b"]
        await store.close()

    run(write())


@pytest.mark.parametrize("wrong", [ValueError("not a number"), MemoryError()])
def test_a_write_that_breaks_is_told_and_the_next_one_is_written(
    tmp_path: Path, wrong: Exception
) -> None:
    def broken(db: sqlite3.Connection) -> None:
        raise wrong

    async def write() -> None:
        store = await opened(tmp_path)
        results = await asyncio.gather(
            store.insert(ONE), store.writer.put(broken), return_exceptions=True
        )
        assert results == [None, wrong]
        assert await store.writer.check() is None
        assert same(await store.load("one"), ONE)
        await store.close()

    run(write())


def test_a_writer_that_cannot_count_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(seconds: float, size: int) -> None:
        raise ZeroDivisionError

    async def write() -> None:
        store = Store(tmp_path, Limits(), broken)
        await store.insert(ONE)
        await store.move("one", place(1, 0, 2, 1), body(1, "a"))
        assert await store.writer.check() is None
        await store.close()

    run(write())
    assert [record.message for record in caplog.records] == ["the writer failed"] * 2


def test_a_writer_that_has_ended_refuses_and_says_so(tmp_path: Path) -> None:
    async def write() -> None:
        store = await opened(tmp_path)
        await store.close()
        assert await store.writer.check() == "the thread that writes has ended"
        with pytest.raises(NotStored, match="has ended"):
            await store.insert(ONE)

    run(write())


def test_who_computed_what_is_open_until_it_is_stored_with_the_machines(tmp_path: Path) -> None:
    async def scene() -> None:
        store = await opened(tmp_path)
        await store.insert(ONE)
        there = replace(ONE.place, machine="there")
        for write in (store.move("one", there, None), store.note_seen("one", 3, "there")):
            await write
            found = await store.load("one")
            assert found
            assert found.place.machine == ANEW
        kept = replace(saved(0, 8), recorders=[[0, "here"], [13, "there"]])
        assert await store.save("one", there, kept)
        found = await store.load("one")
        assert found
        assert found.place.machine == "there"
        await store.close()

    run(scene())


def test_one_write_that_fails_leaves_its_neighbours_alone(tmp_path: Path) -> None:
    """All wait for one group; the one with a known command id fails, whole."""

    async def write() -> None:
        store = await opened(tmp_path)
        await store.insert(ONE)
        await store.insert(replace(ONE, id="two", read_id="r2"))
        await store.move("one", place(1, 0, 0, 1), body(1, "same"))
        results = await asyncio.gather(
            store.move("two", place(5, 0, 0, 1), body(1, "a")),
            store.move("one", place(99, 0, 0, 2), body(2, "same")),
            store.move("two", place(6, 0, 0, 2), body(2, "b")),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [type(None), Conflict, type(None)]
        found, other = await store.load("one"), await store.load("two")
        assert found
        assert other
        assert found.place == replace(place(1, 0, 0, 1), furthest=12), "what was seen stays seen"
        assert other.place == replace(place(6, 0, 0, 2), furthest=12)
        await store.close()

    run(write())


def test_a_write_that_contradicts_the_store_says_nothing_of_the_disk(tmp_path: Path) -> None:
    async def write() -> None:
        store = await opened(tmp_path)
        await store.insert(ONE)
        with pytest.raises(Conflict):
            await store.insert(ONE)
        assert store.writer.trouble.reason is None
        await store.close()

    run(write())


def test_a_store_that_another_program_holds_is_waited_for_once(tmp_path: Path) -> None:
    """All who wait are told at once, and while it is held no other write waits as long."""
    waits: list[int] = []

    async def write() -> None:
        store = await opened(tmp_path)
        await store.insert(ONE)
        store.writer._db.set_trace_callback(  # type: ignore[union-attr]
            lambda statement: statement.startswith("BEGIN") and waits.append(patience())
        )

        def patience() -> int:
            return int(store.writer._lock_seconds)  # type: ignore[union-attr]

        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            moves = (store.move("one", place(n, 0, 0, n), body(n, None)) for n in range(1, 40))
            results = await asyncio.gather(*moves, return_exceptions=True)
            assert {str(result) for result in results} == {
                "nothing was changed, since another program holds the store; reading goes on"
            }
            assert waits[0] == 2
            assert sum(waits) == 2
            assert len(waits) < 5
            assert await store.writer.check() == "another program holds the store"
            assert sum(waits) == 2
            other.execute("ROLLBACK")
        assert await store.writer.check() is None
        await store.move("one", place(1, 0, 0, 1), body(1, None))
        assert waits[-1] == 2, "and the next lock is waited for again"
        await store.close()

    run(write())


def test_a_disk_that_does_not_answer_is_told(tmp_path: Path) -> None:
    async def write() -> None:
        store = await opened(tmp_path)
        begun, answers = threading.Event(), threading.Event()
        held = asyncio.ensure_future(
            store.writer.put(lambda _: (begun.set(), answers.wait(30)))  # type: ignore[union-attr]
        )
        await asyncio.to_thread(begun.wait, 30)
        assert await store.writer.check() is None
        later = store.writer._oldest + 9  # type: ignore[union-attr,operator]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(writer_module.time, "monotonic", lambda: later)
            assert await store.writer.check() == "the disk has kept a write waiting for 9 s"
        answers.set()
        await held
        writer = store.writer
        await store.close()  # its thread is done: only now it is sure to wait for nothing
        assert writer.age == 0  # type: ignore[union-attr]

    run(write())


def test_many_writes_share_a_commit(tmp_path: Path) -> None:
    groups: list[int] = []

    async def write() -> None:
        store = Store(tmp_path, Limits(), lambda seconds, size: groups.append(size))
        await store.insert(ONE)
        moves = (store.move("one", place(n, 0, 0, n), body(n, None)) for n in range(1, 1201))
        await asyncio.gather(*moves)
        await store.close()

    run(write())
    assert sum(groups) == 1201
    assert max(groups) == 512
    assert len(groups) < 100


def test_a_newer_store_is_not_touched(tmp_path: Path) -> None:
    run(run_and_close(tmp_path))
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(BadStore, match="knows"):
        run(opened(tmp_path))


async def run_and_close(folder: Path) -> None:
    store = await opened(folder)
    await store.insert(ONE)
    await store.close()


def test_a_damaged_store_is_named_and_left_alone(tmp_path: Path) -> None:
    run(run_and_close(tmp_path))
    file = tmp_path / FILE
    damaged = bytearray(file.read_bytes())
    page = 4096
    for start in range(page, len(damaged), page):
        damaged[start : start + 200] = b"\xff" * 200
    file.write_bytes(damaged)
    with pytest.raises(BadStore, match="damaged"):
        run(opened(tmp_path))
    assert file.read_bytes() == damaged


def test_a_store_that_is_cut_to_nothing_is_not_replaced(tmp_path: Path) -> None:
    run(run_and_close(tmp_path))
    (tmp_path / FILE).write_bytes(b"")
    with pytest.raises(BadStore, match=r"is empty\. Restore a backup"):
        run(opened(tmp_path))
    assert (tmp_path / FILE).read_bytes() == b""


def test_a_log_without_its_store_is_not_given_a_new_one(tmp_path: Path) -> None:
    log = tmp_path / f"{FILE}-wal"
    log.write_bytes(b"the last commands")
    with pytest.raises(BadStore, match=r"without its store\. Restore a backup"):
        run(opened(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [log.name]


def test_what_is_left_of_a_store_that_could_not_be_made_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(db: sqlite3.Connection, file: Path) -> None:
        file.touch()
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("app.sessions.schema._check", full)
        with pytest.raises(BadStore, match="no store can be made"):
            run(opened(tmp_path))
    assert list(tmp_path.iterdir()) == []
    run(run_and_close(tmp_path))


@pytest.mark.parametrize("stage", ["_check", "migrate", "_check_tables"])
def test_a_first_start_that_is_killed_leaves_nothing_that_stops_the_next(
    tmp_path: Path, stage: str
) -> None:
    """A real process that ends without a word at that very place, log and all."""
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from app.sessions import schema\n"
        f"schema.{stage} = lambda *_: os._exit(9)\n"
        "schema.prepare(Path(sys.argv[1]))\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path / FILE)], cwd=ROOT)
    assert killed.returncode == 9
    assert any(tmp_path.iterdir())
    run(run_and_close(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("DROP TABLE checkpoint", "without the tables checkpoint"),
        ("PRAGMA user_version = -1", f"version from 1 to {VERSION} was expected, not -1"),
        ("PRAGMA user_version = 0", f"version from 1 to {VERSION} was expected, not 0"),
    ],
)
def test_a_store_of_another_shape_is_damaged(tmp_path: Path, damage: str, words: str) -> None:
    run(run_and_close(tmp_path))
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute(damage)
    with pytest.raises(BadStore, match=words):
        run(opened(tmp_path))


def test_a_log_that_cannot_be_read_with_its_store_is_named(tmp_path: Path) -> None:
    """Without it the store would be read as it was some commands ago."""

    async def leave() -> None:
        store = await opened(tmp_path / "data")
        await store.insert(ONE)
        for suffix in ("", "-wal"):  # as after a kill, and the log's index is lost
            shutil.copy(tmp_path / "data" / f"{FILE}{suffix}", tmp_path)
        await store.close()

    run(leave())
    (tmp_path / f"{FILE}-shm").symlink_to("nowhere")  # no index can be made, whatever one may do
    with pytest.raises(BadStore, match="-wal cannot be read"):
        run(opened(tmp_path))
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / FILE).symlink_to(tmp_path / FILE)
    with pytest.raises(BadStore, match="-wal cannot be read"):
        run(opened(tmp_path / "linked"))


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX modes")
def test_a_new_store_and_its_log_are_for_their_owner(tmp_path: Path) -> None:
    async def modes() -> dict[str, int]:
        store = await opened(tmp_path)
        await store.insert(ONE)
        found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        await store.close()
        return found

    before = os.umask(0o022)
    try:
        assert run(modes()) == dict.fromkeys(
            (f"{FILE}{end}" for end in ("", "-wal", "-shm")), 0o600
        )
        (tmp_path / FILE).chmod(0o640)  # what somebody has set stays
        run(run_again(tmp_path))
        assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o640
    finally:
        os.umask(before)


DENIED = """
import sys
from pathlib import Path
from app.sessions.schema import BadStore, prepare
from tests.chaos.read_only import give_up_rights
give_up_rights(Path())
try:
    prepare(Path(sys.argv[1]))
except BadStore as named:
    print(named)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="gives up rights of the process")
def test_a_store_that_may_not_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    """As one that root has restored may not be by the server's user."""
    run(run_and_close(tmp_path))
    (tmp_path / FILE).chmod(0)
    command = [sys.executable, "-c", DENIED, str(tmp_path / FILE)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{tmp_path / FILE} may not be read by the user")
    assert "permission denied" in done.stdout


def test_a_store_that_is_closed_is_one_file(tmp_path: Path) -> None:
    async def use() -> None:
        store = await opened(tmp_path)
        await store.insert(ONE)
        await store.load("one")
        await store.close()

    run(use())
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(BadStore, match="no store can be made"):
        run(opened(tmp_path / "file" / "data"))


def test_a_store_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as db:
        db.executescript(_VERSION_1)
        db.execute("PRAGMA user_version = 1")
        row = (
            "one",
            '{"seed": 7, "precision": "float64"}',
            '[{"step": 3, "learning_rate": 0.1}]',
            "[]",
            12,
            4,
            2,
            b"old",
        )
        db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        for command, step in (("far", 40), ("c", 12)):
            reply = json.dumps({"id": command, "cursor": {"step": step, "phase": 4}})
            query = "INSERT INTO reply (session_id, command_id, reply) VALUES ('one', ?, ?)"
            db.execute(query, (command, reply))

    async def read() -> None:
        store = await opened(tmp_path)
        found = await store.load("one")
        assert found
        assert (found.spec["seed"], found.edits, found.place) == (
            7,
            [EDIT],
            Place(12, 4, 2, 2, 40, ""),  # what was answered once was shown
        )
        assert len(found.read_id) > 20
        assert found.saved is None
        answered = {"id": "c", "cursor": {"step": 12, "phase": 4}, "offset": 2}
        assert await store.body_of("one", "c") == answered
        await store.close()

    run(read())
    with sqlite3.connect(tmp_path / FILE) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == VERSION
        tables = {
            row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        assert not {"reply", "old_session"} & tables


def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(tmp_path / FILE) as db:
        db.executescript(_VERSION_1)
        db.execute("PRAGMA user_version = 1")
        row = ("one", "not JSON", "[]", "[]", 12, 4, 2, None)
        db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        db.execute(
            "INSERT INTO reply (session_id, command_id, reply) VALUES ('one', 'c', 'not JSON')"
        )
    with pytest.raises(ValueError):
        run(opened(tmp_path))
    with sqlite3.connect(tmp_path / FILE) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 1
        assert db.execute("SELECT step FROM session").fetchone()[0] == 12


def test_a_full_store_refuses_in_plain_words_and_goes_on_reading(tmp_path: Path) -> None:
    async def fill() -> None:
        store = await opened(tmp_path, disk_bytes=200_000)
        await store.insert(ONE)
        big = replace(ONE, id="big", read_id="rb", spec={**SPEC, "x": "x" * 400_000})
        with pytest.raises(NotStored, match="RETRACE_DISK_BYTES"):
            await store.insert(big)
        assert store.writer.trouble.reason
        assert same(await store.load("one"), ONE)
        assert await store.load("big") is None
        assert await store.writer.check() is None, "there is room for what is small"
        with pytest.raises(NotStored, match="RETRACE_DISK_BYTES"):
            await store.insert(big)
        await store.move("one", place(13, 0, 2, 1), body(1, "fits"))
        assert store.writer.trouble.reason is None
        await store.close()

    run(fill())


def test_what_fills_the_store_deletes_nothing_and_leaves_room_for_those_at_work(
    tmp_path: Path,
) -> None:
    """New runs are refused first, then checkpoints; commands and their replies go on."""
    limits = Limits(disk_bytes=1_000_000)

    async def fill() -> None:
        store = Store(tmp_path, limits)
        await store.insert(ONE)
        made = ["one"]

        async def make_many() -> None:
            spec = {**SPEC, "x": "x" * 85_000}
            while True:
                name = f"s{len(made)}"
                await store.insert(replace(ONE, id=name, read_id=f"r-{name}", spec=spec))
                made.append(name)

        with pytest.raises(NotStored, match=r"new runs may use is used up \(RETRACE_DISK_BYTES\)"):
            await make_many()
        assert len(made) > 8
        assert await store.expired(set()) == []
        assert [name for name in made if await store.load(name)] == made
        assert await store.writer.check() is None
        assert await store.save("one", place(13, 0, 2, 0), saved(0, 16))
        number = 0
        while await store.save("one", place(13, 0, 2, number), saved(0, 8 + number)):
            number += 1
            await store.move("one", place(13, 0, 2, number), {**body(number, None), "x": "x" * 999})
            assert number < 100
        found = await store.load("one")
        assert found
        assert found.saved
        assert (found.place, found.saved.steps) == (place(13, 0, 2, number), {0, 7 + number})
        await store.move("one", place(14, 0, 2, number + 1), body(number + 1, "goes on"))
        await store.close()

    run(fill())


async def expire(store: Store, *in_use: str) -> None:
    for idle in await store.expired(set(in_use)):
        await store.delete(idle)


def running_clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return what the clock says, which never leaps: whoever changes that lets it run."""
    now = [1_000_000_000]
    for name in ("_now", "_steady"):
        monkeypatch.setattr(store_module, name, lambda: now[0])
    return now


def test_the_oldest_idle_sessions_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = running_clock(monkeypatch)

    async def age() -> list[str]:
        store = await opened(tmp_path, idle_days=30, disk_bytes=10_000_000)
        for name in ("old", "held", "young"):
            await store.insert(replace(ONE, id=name, read_id=f"r-{name}"))
            now[0] += 20 * 86_400 if name == "held" else 1
        now[0] += 11 * 86_400
        await expire(store, "held")
        left = [name for name in ("old", "held", "young") if await store.load(name)]
        for table in ("run", "edits", "saved", "checkpoint"):
            with sqlite3.connect(tmp_path / FILE) as db:
                assert (
                    db.execute(f"SELECT COUNT(DISTINCT session_id) FROM {table}").fetchone()[0] == 2
                )
        await store.close()
        return left

    assert run(age()) == ["held", "young"]


def test_a_session_that_was_used_since_is_not_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = running_clock(monkeypatch)

    async def age() -> None:
        store = await opened(tmp_path, idle_days=30)
        await store.insert(ONE)
        now[0] += 31 * 86_400
        (idle,) = await store.expired(set())
        await store.save("one", ONE.place, saved(0, 8))
        await store.delete(idle)
        assert same(await store.load("one"), ONE)
        await store.close()

    run(age())


SERVE = """
import asyncio, pathlib, resource, sys
from app.limits import Limits
from app.sessions.store import Store
from app.sessions.writer import Conflict, NotStored, Writer
from tests.unit.sessions.test_store import ONE, SPEC, replace
async def main():
    store = Store(pathlib.Path(sys.argv[1]), Limits())
    await store.insert(ONE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
    try:
        await store.insert(replace(ONE, id="big", read_id="rb", spec={**SPEC, "x": "x" * 400_000}))
    except NotStored as refused:
        print(refused)
    print((await store.load("one")).place, await store.load("big"))
asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit on file sizes")
def test_a_disk_that_takes_no_more_is_told(tmp_path: Path) -> None:
    """A process whose files may not grow: what a disk says that has no room."""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    refused, read = done.stdout.splitlines()
    assert refused.startswith("nothing was changed, since the disk")
    assert read == f"{ONE.place} None"


def test_a_read_only_store_is_read_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(run_and_close(tmp_path))

    def denied(file: Path) -> None:
        with closing(schema.connect(file, "ro")) as db:
            db.execute(f"PRAGMA user_version = {VERSION}")

    monkeypatch.setattr("app.sessions.schema._prepare", denied)

    async def read() -> None:
        store = await opened(tmp_path)
        assert same(await store.load("one"), ONE)
        with pytest.raises(NotStored, match="read-only"):
            await store.move("one", place(1, 0, 0, 1), None)
        assert await store.writer.check() == "the store is read-only"
        await store.close()

    run(read())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a store that is held."""
    monkeypatch.setattr(schema, "LOCK_SECONDS", 0)
    monkeypatch.setattr(writer_module, "_BUSY_SECONDS", 0)


@contextmanager
def held_by_another(folder: Path, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as other:
        other.execute(begin)
        yield
        other.execute("ROLLBACK")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
@pytest.mark.parametrize("asked", [True, False])
def test_a_store_that_is_held_at_the_start_is_written_once_it_is_free(
    tmp_path: Path, mode: str, asked: bool
) -> None:
    """Also one that was just restored, which has no log yet."""
    run(run_and_close(tmp_path))
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute(f"PRAGMA journal_mode = {mode}")

    async def scene() -> None:
        with held_by_another(tmp_path):
            store = await opened(tmp_path)
            assert same(await store.load("one"), ONE)
            assert await store.writer.check() == "another program holds the store"
            with pytest.raises(NotStored, match="another program holds the store"):
                await store.move("one", place(13, 0, 2, 1), None)
        if asked:
            assert await store.writer.check() is None
        moves = (store.move("one", place(20 + n, 0, 2, n), body(n, None)) for n in range(1, 9))
        await asyncio.gather(*moves, store.load("one"))
        assert await store.writer.check() is None
        found = await store.load("one")
        assert found
        assert found.place == place(28, 0, 2, 8)
        await store.close()
        with closing(sqlite3.connect(tmp_path / FILE)) as db:
            assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"

    run(scene())


@pytest.mark.usefixtures("impatient")
def test_an_older_store_that_is_held_at_the_start_is_named_with_the_reason(tmp_path: Path) -> None:
    run(run_and_close(tmp_path))
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute("DROP TABLE clock")
        db.execute("PRAGMA user_version = 2")
    expected = "brought up to date, but it cannot be written: database is locked"
    with held_by_another(tmp_path), pytest.raises(BadStore, match=expected):
        run(opened(tmp_path))
    run(run_again(tmp_path))


async def run_again(folder: Path) -> None:
    store = await opened(folder)
    assert same(await store.load("one"), ONE)
    await store.close()


@pytest.mark.usefixtures("impatient")
def test_a_store_that_another_program_lets_nobody_read_is_not_read_without_its_log(
    tmp_path: Path,
) -> None:
    run(run_and_close(tmp_path))
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    with (
        held_by_another(tmp_path, "BEGIN EXCLUSIVE"),
        pytest.raises(BadStore, match="held by another program"),
    ):
        run(opened(tmp_path))


START = """
import asyncio, pathlib, resource, sys
from tests.unit.sessions.test_store import ONE, NotStored, opened, place, same
def room(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
async def main():
    room(int(sys.argv[2]))
    store = await opened(pathlib.Path(sys.argv[1]))
    print(await store.writer.check())
    print(same(await store.load("one"), ONE))
    try:
        await store.move("one", place(13, 0, 2, 1), None)
    except NotStored as refused:
        print(refused.reason)
    room(resource.RLIM_INFINITY)
    if sys.argv[3] == "asked":
        print(await store.writer.check())
    await store.move("one", place(14, 0, 2, 1), None)
    print((await store.load("one")).place.step, await store.writer.check())
    await store.close()
asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit on file sizes")
@pytest.mark.parametrize("asked", ["asked", "not asked"])
@pytest.mark.parametrize("after", ["stop", "kill"])
def test_a_start_on_a_full_disk_reads_and_writes_once_there_is_room(
    tmp_path: Path, after: str, asked: str
) -> None:
    """After a stop there is no room even for the index of SQLite's log, after a kill it is there."""
    folder, full = tmp_path / "data", "the disk, or the share of it"

    async def leave() -> int:
        store = await opened(folder)
        await store.insert(ONE)
        if after == "kill":
            shutil.copytree(folder, tmp_path / "killed")
        await store.close()
        return 20_000

    room = run(leave())
    if after == "kill":
        folder = tmp_path / "killed"
        room, full = (folder / f"{FILE}-wal").stat().st_size, "the disk cannot be written"
    done = subprocess.run(
        [sys.executable, "-c", START, str(folder), str(room), asked],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    problem, read, refused, *healed = done.stdout.splitlines()
    assert problem == refused
    assert problem.startswith(full)
    assert read == "True"
    assert healed == [*(["None"] if asked == "asked" else []), "14 None"]


def test_a_large_write_lets_small_ones_go_first_and_shares_its_transaction_with_none(
    tmp_path: Path,
) -> None:
    groups: list[int] = []
    written: list[str] = []

    async def write() -> None:
        store = Store(tmp_path, Limits(), lambda seconds, size: groups.append(size))
        begun, go_on = threading.Event(), threading.Event()

        def put(name: str, large: bool = False) -> asyncio.Future[None]:
            call = store.writer.put(lambda _: written.append(name), large)
            return asyncio.ensure_future(call)

        held = asyncio.ensure_future(store.writer.put(lambda _: (begun.set(), go_on.wait(30))))
        await asyncio.to_thread(begun.wait, 30)
        waiting = [put("A", large=True), put("B", large=True), put("c"), put("d")]
        await asyncio.sleep(0)  # all of them are in the queue now
        go_on.set()
        await asyncio.gather(held, *waiting)
        last = [put("E", large=True), put("F", large=True)]
        await asyncio.sleep(0)
        await store.close()  # what waits is written
        await asyncio.gather(*last)

    run(write())
    assert written == ["c", "d", "A", "B", "E", "F"]
    assert groups == [1, 2, 1, 1, 1, 1]


def test_who_gives_up_a_write_waits_for_it_so_that_no_later_one_is_undone_by_it(
    tmp_path: Path,
) -> None:
    written: list[str] = []

    async def write() -> None:
        store = Store(tmp_path, Limits())
        begun, go_on = threading.Event(), threading.Event()
        held = asyncio.ensure_future(store.writer.put(lambda _: (begun.set(), go_on.wait(30))))
        await asyncio.to_thread(begun.wait, 30)
        puts = [store.writer.put(lambda _, k=k: written.append(k), large=True) for k in "AB"]
        first, given_up = map(asyncio.ensure_future, puts)
        for _ in range(3):
            await asyncio.sleep(0)
            given_up.cancel()
        await asyncio.sleep(0)
        assert not given_up.done()
        go_on.set()
        await asyncio.wait({held, first, given_up})
        assert given_up.cancelled()
        await store.writer.put(lambda _: written.append("c"))
        await store.close()

    run(write())
    assert written == ["A", "B", "c"]


def test_a_write_that_comes_while_the_store_closes_is_answered(tmp_path: Path) -> None:
    async def write() -> None:
        store = Store(tmp_path, Limits())
        begun, go_on = threading.Event(), threading.Event()
        held = asyncio.ensure_future(store.writer.put(lambda _: (begun.set(), go_on.wait(30))))
        await asyncio.to_thread(begun.wait, 30)
        closing = asyncio.ensure_future(store.close())
        while store.writer._queue.empty():
            await asyncio.sleep(0)
        late = asyncio.ensure_future(store.writer.put(lambda _: None))
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(held, closing)
        with pytest.raises(NotStored, match="has ended"):
            await late

    run(write())


def test_states_of_megabytes_are_a_large_write(tmp_path: Path) -> None:
    large: list[bool] = []

    async def write() -> None:
        store = await opened(tmp_path)
        await store.insert(ONE)
        put = store.writer.put

        async def spied(write: Any, large_one: bool = False) -> None:
            large.append(large_one)
            await put(write, large_one)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store.writer, "put", spied)
            for number, size in enumerate((10, 100_000), start=1):
                state = Checkpoint(0, np.zeros(size), (0.0, 0.0), "here")
                kept = replace(saved(0), checkpoints=(state,))
                here = place(1, 0, 0, number)
                await store.save("one", here, kept)
                await store.edit("one", here, body(number, None), [], [], kept)
                new = replace(ONE, id=f"{size}", read_id=f"read {size}", saved=kept)
                await store.insert(new)
            await store.insert(replace(ONE, id="text", read_id="r text", text=" " * 300_000))
        await store.close()

    run(write())
    assert large == [False] * 3 + [True] * 4
