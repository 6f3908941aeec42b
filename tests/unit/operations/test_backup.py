"""A backup is the store at one moment, taken while it is written; restoring loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from unittest.mock import Mock

import httpx
import pytest

from app.limits import Limits
from app.sessions import backup as backup_module
from app.sessions.backup import STORE_FILE, Unusable, backup, check, restore
from app.sessions.lock import LOCK_FILE, InUse, held
from app.sessions.rows import Place, Stored
from app.sessions.schema import _VERSION_1, BadStore, connect_without_log
from app.sessions.schema import VERSION as SCHEMA_VERSION
from app.sessions.store import Store
from tests.nets import SMALL
from tests.process import ROOT, Process

ONE = Stored(
    "one", "reader", Place(12, 4, 2, 0, 12, "here"), {"seed": 7, "precision": "float64"}, [], []
)
NOW = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


def _open(folder: Path) -> Store:
    async def opened() -> Store:
        return Store(folder, Limits())

    return asyncio.run(opened())


def _close(store: Store) -> None:
    asyncio.run(store.close())


def _stand(store: Store, step: int) -> None:
    asyncio.run(store.move("one", replace(ONE.place, step=step), None))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = _open(tmp_path / "data")
    asyncio.run(found.insert(ONE))
    yield found
    if found.writer.is_open:
        _close(found)


def _steps(folder: Path) -> int | None:
    store = _open(folder)
    found = asyncio.run(store.load("one"))
    _close(store)
    return found.place.step if found else None


def test_a_backup_holds_what_an_open_store_was_told(store: Store, tmp_path: Path) -> None:
    _stand(store, 77)  # in the log still, not in the file
    size = backup(tmp_path / "data", tmp_path / "copy")
    assert size == (tmp_path / "copy").stat().st_size
    assert restore(tmp_path / "other", tmp_path / "copy", NOW) is None
    assert _steps(tmp_path / "other") == 77


def test_a_backup_is_one_file_for_its_owner(store: Store, tmp_path: Path) -> None:
    backup(tmp_path / "data", tmp_path / "copy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "data"]
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600


def test_a_backup_overwrites_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("dear")
    with pytest.raises(Unusable, match="copy exists"):
        backup(tmp_path / "data", tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "dear"
    assert not (tmp_path / "copy.partial").exists()


def test_two_backups_of_one_name_do_not_mix(store: Store, tmp_path: Path) -> None:
    (tmp_path / "copy.partial").write_text("of another")
    with pytest.raises(Unusable, match=r"copy\.partial exists"):
        backup(tmp_path / "data", tmp_path / "copy")
    assert (tmp_path / "copy.partial").read_text() == "of another"


def test_no_backup_without_a_store(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no store"):
        backup(tmp_path, tmp_path / "copy")
    assert not (tmp_path / STORE_FILE).exists()


LOGGED = ("", "-shm", "-wal")  # what a store consists of while it is open
READ_ONLY = """
import sys
from pathlib import Path
from app.sessions.backup import backup
from tests.chaos.read_only import give_up_rights
give_up_rights(Path())
backup(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="gives up rights of the process")
@pytest.mark.parametrize("after", ["stop", "kill"])
def test_a_store_that_can_only_be_read_is_backed_up(
    store: Store, tmp_path: Path, after: str
) -> None:
    _stand(store, 77)  # in the log still, not in the file
    folder = tmp_path / "killed"
    if after == "stop":
        _close(store)
    shutil.copytree(tmp_path / "data", folder)
    there = sorted(path.name for path in folder.iterdir())
    assert there == [f"{STORE_FILE}{end}" for end in ([""] if after == "stop" else LOGGED)]
    for path in (*folder.iterdir(), folder):
        path.chmod(0o555)
    command = [sys.executable, "-c", READ_ONLY, str(folder), str(tmp_path / "copy")]
    subprocess.run(command, cwd=ROOT, check=True)
    folder.chmod(0o755)
    restore(tmp_path / "other", tmp_path / "copy", NOW)
    assert _steps(tmp_path / "other") == 77


def _take_index(store: Path) -> None:
    """Let SQLite make no index of the log, whatever one may do: as where nothing can be written."""
    index = store.with_name(f"{store.name}-shm")
    index.unlink(missing_ok=True)
    index.symlink_to("nowhere")


def test_a_log_that_cannot_be_read_with_its_store_is_no_backup(
    store: Store, tmp_path: Path
) -> None:
    """A server that writes has one, and its file is an older store."""
    _stand(store, 77)
    shutil.copytree(tmp_path / "data", tmp_path / "killed")
    _take_index(tmp_path / "killed" / STORE_FILE)
    with pytest.raises(Unusable, match=f"{STORE_FILE}-wal cannot be read while nothing"):
        backup(tmp_path / "killed", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_store_that_is_written_while_it_is_read_past_its_locks_is_no_backup(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a server in another container, say, which begins just then."""
    _close(store)
    file = tmp_path / "data" / STORE_FILE
    _take_index(file)

    def open_and_write(path: Path) -> sqlite3.Connection:
        db = connect_without_log(path)
        os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
        return db

    with monkeypatch.context() as patch:
        patch.setattr("app.sessions.backup.connect_without_log", open_and_write)
        with pytest.raises(Unusable, match="was written while it was read"):
            backup(tmp_path / "data", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    backup(tmp_path / "data", tmp_path / "copy")
    check(tmp_path / "copy")


def test_the_store_of_a_stopped_server_is_restored_from_where_nothing_can_be_written(
    store: Store, tmp_path: Path
) -> None:
    _close(store)
    _take_index(tmp_path / "data" / STORE_FILE)
    restore(tmp_path / "other", tmp_path / "data" / STORE_FILE, NOW)
    assert _steps(tmp_path / "other") == 12


def test_restoring_keeps_the_old_store_beside_the_new(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    backup(folder, tmp_path / "copy")
    _stand(store, 99)
    _close(store)
    aside = restore(folder, tmp_path / "copy", NOW)
    assert aside == folder / f"{STORE_FILE}.before-20240102T030405"
    assert _steps(folder) == 12
    (tmp_path / "old").mkdir()
    aside.rename(tmp_path / "old" / STORE_FILE)  # its log went into it when it was closed
    assert _steps(tmp_path / "old") == 99


def test_what_was_put_aside_can_be_restored_with_its_log(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    backup(folder, tmp_path / "copy")
    _stand(store, 99)  # in the log, and still open: as after a crash
    aside = restore(folder, tmp_path / "copy", NOW)
    assert aside is not None
    assert aside.with_name(f"{aside.name}-wal").stat().st_size > 0
    assert _steps(folder) == 12
    restore(folder, aside, NOW.replace(year=2025))
    assert _steps(folder) == 99


def test_a_damaged_store_is_moved_aside_with_its_log(tmp_path: Path) -> None:
    _close(_open(tmp_path / "good"))
    backup(tmp_path / "good", tmp_path / "copy")
    folder = tmp_path / "data"
    folder.mkdir()
    for suffix in ("", "-wal"):
        (folder / f"{STORE_FILE}{suffix}").write_text(f"torn {suffix}")
    aside = restore(folder, tmp_path / "copy", NOW)
    assert aside is not None
    assert aside.read_text() == "torn "
    assert aside.with_name(f"{aside.name}-wal").read_text() == "torn -wal"
    check(folder / STORE_FILE)


def test_a_log_without_its_store_never_meets_the_restored_one(store: Store, tmp_path: Path) -> None:
    backup(tmp_path / "data", tmp_path / "copy")
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / f"{STORE_FILE}-wal").write_text("of a lost store")
    aside = restore(folder, tmp_path / "copy", NOW)
    assert aside is not None
    assert aside.with_name(f"{aside.name}-wal").read_text() == "of a lost store"
    assert _steps(folder) == 12


@pytest.mark.parametrize("renames", range(5))
def test_a_restore_that_is_broken_off_hides_nothing_and_can_be_done_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    """Killed before each of its renames: a start then finds the old run whole, the new one whole,
    or is refused; never no run, and never the old store without its log.
    """
    folder = tmp_path / "data"
    backup(folder, tmp_path / "copy")
    _stand(store, 14)
    crashed = tmp_path / "crashed"
    shutil.copytree(folder, crashed)  # with its log, as after a kill
    assert (crashed / f"{STORE_FILE}-wal").stat().st_size > 0
    done: list[str] = []
    moved = os.rename

    def rename(old: str, new: str) -> None:
        if len(done) == renames:
            raise KeyboardInterrupt  # what is done at the end is all that a kill would not do
        moved(old, new)
        done.append(new)

    with monkeypatch.context() as patch:
        patch.setattr("app.sessions.backup.os.rename", rename)
        patch.setattr("app.sessions.backup.Path.unlink", lambda *_, **__: None)
        with contextlib.suppress(KeyboardInterrupt):
            restore(crashed, tmp_path / "copy", NOW)
    assert len(done) == min(renames, 4)
    started = tmp_path / "started"
    shutil.copytree(crashed, started)
    if renames in (0, 4):
        assert _steps(started) == (14 if renames == 0 else 12)
    else:
        with pytest.raises(BadStore, match="is without its store"):
            _open(started)
    restore(crashed, tmp_path / "copy", NOW.replace(year=2025))
    assert _steps(crashed) == 12


def _fail_at(patch: pytest.MonkeyPatch, at: int, of: int) -> None:
    """Have `of` calls of the system fail, from that one on: renames and flushes of the folder."""
    calls = 0

    def failing(call: Callable[..., None]) -> Callable[..., None]:
        def counted(*words: object) -> None:
            nonlocal calls
            calls += 1
            if at < calls <= at + of:
                raise OSError(errno.EIO, "the disk failed")
            call(*words)

        return counted

    for name in ("settle", "os.rename"):
        module = "app.sessions.backup"
        patch.setattr(f"{module}.{name}", failing(attrgetter(name)(backup_module)))


@pytest.mark.parametrize("calls", range(6))
def test_a_restore_that_fails_leaves_the_old_store_in_its_place(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """Four renames to move it aside, a flush of the folder, the rename of the new one."""
    folder = tmp_path / "data"
    backup(folder, tmp_path / "copy")
    _stand(store, 14)
    crashed = tmp_path / "crashed"
    shutil.copytree(folder, crashed)  # with its log, as after a kill
    there = {path.name for path in crashed.iterdir()}
    with monkeypatch.context() as patch:
        _fail_at(patch, calls, 1)
        with pytest.raises(OSError, match="the disk failed"):
            restore(crashed, tmp_path / "copy", NOW)
    assert {path.name for path in crashed.iterdir()} == there | {LOCK_FILE}
    assert _steps(crashed) == 14


def test_a_restore_whose_last_flush_fails_has_put_the_new_store_in_place(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    backup(folder, tmp_path / "copy")
    _stand(store, 14)
    _close(store)
    with monkeypatch.context() as patch:
        _fail_at(patch, 6, 1)
        with pytest.raises(OSError, match="the disk failed"):
            restore(folder, tmp_path / "copy", NOW)
    assert _steps(folder) == 12


def test_a_journal_goes_with_the_store_that_it_belongs_to(tmp_path: Path, store: Store) -> None:
    """A kill may leave one; beside the new store SQLite would take it for that one's."""
    folder = tmp_path / "data"
    backup(folder, tmp_path / "copy")
    _close(store)
    journal = folder / f"{STORE_FILE}-journal"
    journal.write_bytes(b"of the old store")
    aside = restore(folder, tmp_path / "copy", NOW)
    assert aside
    assert aside.with_name(f"{aside.name}-journal").read_bytes() == b"of the old store"
    assert not journal.exists()


def test_what_a_restore_that_was_killed_has_left_is_not_restored_onto_itself(
    tmp_path: Path, store: Store
) -> None:
    folder = tmp_path / "data"
    _close(store)
    left = folder / f"{STORE_FILE}.partial"
    shutil.copy(folder / STORE_FILE, left)
    before = left.read_bytes()
    with pytest.raises(Unusable, match="copy it to another place first"):
        restore(folder, left, NOW)
    assert left.read_bytes() == before
    restore(folder, shutil.copy(left, tmp_path / "copy"), NOW)
    assert _steps(folder) == 12


@pytest.mark.parametrize("again", ["the copy", "a rename"])
def test_while_the_old_store_is_aside_no_empty_one_is_made(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    """A restore fails, and so does moving back; then the next restore fails as well."""
    folder = tmp_path / "data"
    backup(folder, tmp_path / "copy")
    _close(store)
    with monkeypatch.context() as patch:
        _fail_at(patch, 1, 99)
        with pytest.raises(OSError, match="the disk failed"):
            restore(folder, tmp_path / "copy", NOW)
    later = NOW.replace(year=2025)
    with monkeypatch.context() as patch:
        if again == "the copy":
            patch.setattr("app.sessions.backup._copy", Mock(side_effect=OSError("no room")))
        else:
            _fail_at(patch, 1, 1)
        with pytest.raises(OSError):
            restore(folder, tmp_path / "copy", later)
    with pytest.raises(BadStore, match="is without its store"):
        _open(folder)
    restore(folder, tmp_path / "copy", later)
    assert _steps(folder) == 12


def test_a_backup_of_the_first_version_is_restored(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "copy")) as db, db:
        db.executescript(_VERSION_1)
        db.execute("PRAGMA user_version = 1")
        row = ("one", '{"seed": 7, "precision": "float64"}', "[]", "[]", 33, 4, 2, None)
        db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    restore(tmp_path / "data", tmp_path / "copy", NOW)
    assert _steps(tmp_path / "data") == 33


def test_nothing_is_restored_while_a_server_holds_the_folder(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    backup(folder, tmp_path / "copy")
    with held(folder), pytest.raises(InUse, match="in use"):
        restore(folder, tmp_path / "copy", NOW)
    assert _steps(folder) == 12


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION + 1])
def test_a_store_of_another_version_is_not_restored(
    store: Store, tmp_path: Path, version: int
) -> None:
    backup(tmp_path / "data", tmp_path / "copy")
    db = sqlite3.connect(tmp_path / "copy")
    db.execute(f"PRAGMA user_version = {version}")
    db.close()
    with pytest.raises(Unusable, match=f"got version {version}"):
        restore(tmp_path / "data", tmp_path / "copy", NOW)
    assert _steps(tmp_path / "data") == 12


@pytest.mark.parametrize(
    ("version", "change", "words"),
    [
        (SCHEMA_VERSION, "DROP TABLE checkpoint", "without the tables checkpoint$"),
        (2, "DROP TABLE run", "without the tables run$"),
        (1, "DROP TABLE run", "already exists$"),
    ],
)
def test_a_backup_that_a_server_would_refuse_is_not_restored(
    store: Store, tmp_path: Path, version: int, change: str, words: str
) -> None:
    backup(tmp_path / "data", tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy")) as db, db:
        if version < SCHEMA_VERSION:
            db.execute("DROP TABLE clock")
        db.execute(change)
        db.execute(f"PRAGMA user_version = {version}")
    _close(store)
    with pytest.raises(Unusable, match=f"copy cannot be restored: .*{words}"):
        restore(tmp_path / "data", tmp_path / "copy", NOW)
    assert _is_alone_and_whole(tmp_path / "data")


@pytest.mark.parametrize("reply", ["[]", "{", "null"])
def test_a_damaged_backup_of_the_first_version_is_not_restored(
    store: Store, tmp_path: Path, reply: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "copy")) as db:
        db.executescript(_VERSION_1)
        db.execute("INSERT INTO session VALUES ('a', '{}', '[]', '[]', 0, 0, 0, NULL)")
        db.execute("INSERT INTO reply VALUES (1, 'a', 'one', ?)", (reply,))
        db.execute("PRAGMA user_version = 1")
        db.commit()
    _close(store)
    with pytest.raises(Unusable, match="copy cannot be restored"):
        restore(tmp_path / "data", tmp_path / "copy", NOW)
    assert _is_alone_and_whole(tmp_path / "data")


def test_a_file_of_another_program_is_not_restored(store: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other")) as db:
        db.execute("CREATE TABLE x (y)")
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    _close(store)
    done = _run(tmp_path / "data", "restore", str(tmp_path / "other"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "other cannot be restored: it is without the tables session, run," in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert _is_alone_and_whole(tmp_path / "data")


def _is_alone_and_whole(folder: Path) -> bool:
    """Tell whether the store is in its place, and nothing of a restore beside it."""
    there = {path.name for path in folder.iterdir()}
    return there == {STORE_FILE, LOCK_FILE} and _steps(folder) == 12


def test_a_damaged_backup_is_not_restored(store: Store, tmp_path: Path) -> None:
    for number in range(200):
        asyncio.run(store.insert(replace(ONE, id=f"{number:03}", read_id=f"r{number}")))
    copy = tmp_path / "copy"
    backup(tmp_path / "data", copy)
    whole = copy.read_bytes()
    for torn in (
        b"",
        b"not a store",
        whole[: len(whole) // 2],
        whole[:8000] + b"\xff" * 500 + whole[8500:],
    ):
        copy.write_bytes(torn)
        with pytest.raises(Unusable):
            restore(tmp_path / "data", copy, NOW)
    assert _steps(tmp_path / "data") == 12


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RETRACE_DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "app", *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )


def test_a_backup_under_writes_is_a_state_that_was(tmp_path: Path) -> None:
    """Two sessions move in turns, a by a step and then b: at any moment a - b is 0 or 1."""
    folder = tmp_path / "data"
    server = Process(folder, RETRACE_COMMAND_BURST="1000000")
    with httpx.Client(base_url=server.url) as client:
        a, b = (client.post("/api/sessions", json=SMALL).json()["id"] for _ in "ab")
        done, moving = threading.Event(), threading.Event()

        def move() -> None:
            with httpx.Client(base_url=server.url) as mover:
                while not done.is_set():
                    for key in (a, b):
                        step = {"do": "step", "unit": "step", "by": 1}
                        mover.post(f"/api/sessions/{key}/commands", json=step)
                    moving.set()

        writer = threading.Thread(target=move)
        writer.start()
        moving.wait()
        copies = [tmp_path / f"copy{number}" for number in range(3)]
        for copy in copies:
            made = _run(folder, "backup", str(copy))
            assert made.returncode == 0, made.stderr
        assert "in use" in _run(folder, "restore", str(copies[0])).stderr
        done.set()
        writer.join()
        last = client.get(f"/api/sessions/{a}").json()["cursor"]["step"]
    assert server.stop() == 0
    seen = [_restored(tmp_path / f"other{n}", copy, a, b) for n, copy in enumerate(copies)]
    assert all(first - second in (0, 1) for first, second in seen)
    assert [0, *(first for first, _ in seen), last] == sorted(
        [0, *(first for first, _ in seen), last]
    )
    assert seen[-1][0] > 0


def _restored(folder: Path, copy: Path, *keys: str) -> tuple[int, ...]:
    """Restore elsewhere, serve that, and return where the sessions stand."""
    assert _run(folder, "restore", str(copy)).returncode == 0
    server = Process(folder)
    try:
        found = [httpx.get(f"{server.url}/api/sessions/{key}").json() for key in keys]
        return tuple(session["cursor"]["step"] for session in found)
    finally:
        server.stop()


def test_the_command_line_says_what_is_wrong_and_fails(tmp_path: Path) -> None:
    done = _run(tmp_path, "backup", str(tmp_path / "copy"))
    assert done.returncode == 1
    assert done.stderr == f"retrace: there is no store at {tmp_path / STORE_FILE}\n"


def test_two_servers_do_not_share_a_folder(tmp_path: Path) -> None:
    with held(tmp_path):
        assert "in use by another Retrace" in _run(tmp_path).stderr
