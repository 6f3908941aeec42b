"""All sessions: who is let go for its age, what of a run is damaged, what a restart still knows."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.limits import Limits
from app.sessions import store as store_module
from app.sessions.asking import Asked
from app.sessions.backup import backup, restore
from app.sessions.schema import FILE
from app.sessions.session import KEPT_CHANGES
from app.sessions.sessions import Sessions
from app.sessions.store import Idle
from app.settings import Settings
from tests.clients import client_of
from tests.nets import SMALL

Scene = Callable[[Sessions], Awaitable[Any]]
DAYS = 86_400


def play(folder: Path, scene: Scene, **limits: int) -> Any:
    async def main() -> Any:
        sessions = Sessions(folder, Limits(**limits))
        found = await scene(sessions)
        await sessions.close()
        return found

    return asyncio.run(main())


async def make(sessions: Sessions) -> str:
    return (await sessions.create(SMALL)).id


async def seek(sessions: Sessions, key: str, step: int, command: str) -> dict[str, Any]:
    async with sessions.use(key) as access:
        return await access.session.seek(step, 0, None, Asked(command))


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two sessions that nobody has used for longer than is allowed."""

    async def scene(sessions: Sessions) -> list[str]:
        return [await make(sessions) for _ in range(2)]

    found: list[str] = play(tmp_path, scene)
    later = store_module._now() + 31 * DAYS
    monkeypatch.setattr(store_module, "_now", lambda: later)
    return found


def test_a_session_that_is_opened_while_old_ones_go_stays(tmp_path: Path, old: list[str]) -> None:
    """It is opened just when it has been found to be old, and the other one is deleted."""

    async def scene(sessions: Sessions) -> None:
        expired = sessions._store.expired

        async def then_one_is_opened(in_use: set[str]) -> list[Idle]:
            found = await expired(in_use)
            async with sessions.use(old[0]):
                pass
            return found

        sessions._store.expired = then_one_is_opened  # type: ignore[method-assign]
        await sessions.expire()
        assert [key for key in old if await sessions.exists(key)] == [old[0]]
        assert (await seek(sessions, old[0], 3, "a"))["offset"] == 1

    play(tmp_path, scene)


def test_a_session_is_not_opened_while_it_is_deleted(tmp_path: Path, old: list[str]) -> None:
    """Whoever asks for it just then is told that it is gone, and not that it is there."""

    async def scene(sessions: Sessions) -> None:
        delete, asked = sessions._store.delete, []

        async def meanwhile_it_is_asked_for(idle: Idle) -> None:
            asked.append(asyncio.create_task(seek(sessions, idle.id, 3, "a")))
            await sessions._store.body_of(idle.id, "x")  # the one who asks could have read by now
            await delete(idle)

        sessions._store.delete = meanwhile_it_is_asked_for  # type: ignore[method-assign]
        await sessions.expire()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [getattr(answer, "code", answer) for answer in answers] == ["unknown_session"] * 2

    play(tmp_path, scene)


def test_to_see_whether_a_session_exists_nothing_of_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def begin(sessions: Sessions) -> list[str]:
        made = await sessions.create(SMALL)
        return [made.id, made.read_id]

    async def look(sessions: Sessions) -> list[bool]:
        return [await sessions.exists(key) for key in (*keys, "none")]

    keys: list[str] = play(tmp_path, begin)
    monkeypatch.delattr(store_module, "_load")
    assert play(tmp_path, look) == [True, True, False]


def test_the_last_command_is_known_after_a_restart_whatever_its_id(tmp_path: Path) -> None:
    """Ids that descend, more than are kept: sorted by name the last one would be forgotten first."""

    async def before(sessions: Sessions) -> tuple[str, dict[str, Any]]:
        key = await make(sessions)
        async with sessions.use(key) as access:
            for number in range(KEPT_CHANGES + 5):
                command = Asked(f"{9999 - number}")
                body = await access.session.seek(number % 7, 0, None, command)
        return key, body

    key, last = play(tmp_path, before)

    async def after(sessions: Sessions) -> None:
        await seek(sessions, key, 3, "new")
        assert await seek(sessions, key, 5, last["id"]) == last
        assert await sessions.problem() is None

    play(tmp_path, after)


def test_a_command_that_only_the_store_knows_is_answered_as_it_was(tmp_path: Path) -> None:
    async def scene(sessions: Sessions) -> None:
        key = await make(sessions)
        first = await seek(sessions, key, 3, "a")
        async with sessions.use(key) as access:
            access.session._commands.clear()
            edit = await access.session.change({"learning_rate": 0.2}, Asked("b"))
            access.session._commands.clear()
            assert await access.session.change({"learning_rate": 0.4}, Asked("b")) == edit
            assert await seek(sessions, key, 9, "a") == first
            state = access.session.to_json()
            assert (state["offset"], state["cursor"]["step"], len(state["edits"])) == (2, 3, 1)
        assert await sessions.problem() is None

    play(tmp_path, scene)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE run SET spec = '{broken'",
        "UPDATE run SET spec = '[]'",
        "UPDATE edits SET edits = '7'",
        "UPDATE saved SET history = x'00'",
        "UPDATE checkpoint SET state = substr(state, 1, 10)",
        "UPDATE checkpoint SET state = substr(state, 1, 16) WHERE step > 0",
        "DELETE FROM checkpoint WHERE step = 0",
    ],
)
def test_a_run_that_cannot_be_read_says_that_it_is_damaged(tmp_path: Path, damage: str) -> None:
    async def before(sessions: Sessions) -> list[str]:
        keys = [await make(sessions) for _ in range(2)]
        for key in keys:
            await seek(sessions, key, 3000, "a")
        return keys

    broken, whole = play(tmp_path, before)
    with closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        joint = "AND" if "WHERE" in damage else "WHERE"
        assert db.execute(f"{damage} {joint} session_id = ?", (broken,)).rowcount
    with client_of(Settings(data_dir=tmp_path)) as client:
        for address in (f"/api/sessions/{broken}", f"/api/sessions/{broken}/steps/2"):
            answer = client.get(address)
            assert (answer.status_code, answer.json()["error"]["code"]) == (500, "damaged")
            assert "this run is damaged" in answer.json()["error"]["message"]
        with client.websocket_connect(f"/api/sessions/{broken}/live") as live:
            assert live.receive()["code"] == 4410
        assert client.get(f"/api/sessions/{whole}").status_code == 200


class Restored:
    """A session of ten changes, a backup, more changes, and the backup put back."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self.folder, copy = folder / "data", folder / "copy"

        async def first(sessions: Sessions) -> tuple[str, dict[str, Any]]:
            key = await make(sessions)
            return key, [await seek(sessions, key, k, f"c{k}") for k in range(10)][-1]

        async def more(sessions: Sessions) -> int:
            last = [await seek(sessions, self.key, k, f"d{k}") for k in range(10)][-1]
            return int(last["offset"])

        self.key, self.kept = play(self.folder, first)
        backup(self.folder, copy)
        self.seen = play(self.folder, more)
        restore(self.folder, copy, now)


NOW = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
MILLISECONDS = 1_704_164_645_000


def test_what_was_seen_before_a_restore_is_not_continued_after_it(tmp_path: Path) -> None:
    before = Restored(tmp_path, NOW)

    async def scene(sessions: Sessions) -> None:
        bodies = [await seek(sessions, before.key, k, f"e{k}") for k in range(12)]
        assert [body["offset"] - MILLISECONDS for body in bodies] == list(range(1, 13))
        async with sessions.use(before.key) as access:
            for seen in (0, 10, before.seen, MILLISECONDS - 1):
                assert await access.session.changes_since(seen) is None
            assert await access.session.changes_since(MILLISECONDS) == bodies
            assert await access.session.changes_since(MILLISECONDS + 12) == []

    play(before.folder, scene)


def test_a_command_of_the_backup_is_not_done_again_after_it_is_restored(tmp_path: Path) -> None:
    before = Restored(tmp_path, NOW)

    async def scene(sessions: Sessions) -> None:
        new = await seek(sessions, before.key, 5, "new")
        again = await seek(sessions, before.key, 6, str(before.kept["id"]))
        assert again == before.kept
        assert (await seek(sessions, before.key, 6, "d1"))["offset"] == new["offset"] + 1

    play(before.folder, scene)


def test_a_second_restore_never_counts_back(tmp_path: Path) -> None:
    """Also where the clock was set back in between."""
    before = Restored(tmp_path, NOW)
    backup(before.folder, tmp_path / "again")
    restore(before.folder, tmp_path / "again", NOW.replace(year=2001))

    async def scene(sessions: Sessions) -> int:
        return int((await seek(sessions, before.key, 5, "new"))["offset"])

    assert play(before.folder, scene) == MILLISECONDS + KEPT_CHANGES + 1


def test_a_page_that_saw_more_than_was_restored_is_told_everything(tmp_path: Path) -> None:
    before = Restored(tmp_path, datetime.now(UTC))
    with client_of(Settings(data_dir=before.folder)) as client:
        for k in range(12):
            give(client, before.key, k)
        live = f"/api/sessions/{before.key}/live"
        with client.websocket_connect(f"{live}?since={before.seen}") as socket:
            hello = socket.receive_json()
        assert hello["type"] == "hello"
        give(client, before.key, 40)
        with client.websocket_connect(f"{live}?since={hello['session']['offset']}") as socket:
            resumed = socket.receive_json()
        assert (resumed["type"], len(resumed["changes"])) == ("resumed", 1)


def give(client: TestClient, key: str, step: int) -> None:
    command = {"do": "seek", "step": step}
    assert client.post(f"/api/sessions/{key}/commands", json=command).status_code == 200
