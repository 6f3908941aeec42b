"""All sessions: who is let go for its age, what of a run is damaged, what a restart still knows."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
from starlette.testclient import TestClient

from app.limits import Limits
from app.sessions import rows
from app.sessions import sessions as sessions_module
from app.sessions import store as store_module
from app.sessions.asking import Asked
from app.sessions.backup import backup, restore
from app.sessions.expiry import Idle
from app.sessions.reaching import Busy
from app.sessions.schema import FILE
from app.sessions.session import KEPT_CHANGES, Session
from app.sessions.sessions import Sessions
from app.sessions.store import Store
from app.sessions.trouble import DAMAGE
from app.sessions.writer import NotStored
from app.settings import Settings
from app.timeline.timeline import Timeline
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


class World:
    """What time it is, and what the server's clock says: so many days wrong."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.day, self.wrong, start = 0.0, 0.0, store_module._now()
        clock = lambda: start + round((self.day + self.wrong) * DAYS)  # noqa: E731
        monkeypatch.setattr(store_module, "_now", clock)
        monkeypatch.setattr(store_module, "_steady", lambda: self.day * DAYS)


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two sessions that nobody has used for longer than is allowed, while a server ran."""
    world = World(monkeypatch)

    async def scene(sessions: Sessions) -> list[str]:
        return [await make(sessions) for _ in range(2)]

    async def a_month(sessions: Sessions) -> None:
        for world.day in (0, 31):
            await sessions._follow_clock()

    found: list[str] = play(tmp_path, scene)
    play(tmp_path, a_month)
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


def kill(sessions: Sessions) -> Awaitable[None]:
    """End as a kill does: what is in memory only is gone."""
    sessions._workers.close()
    return sessions._store.close()


@pytest.mark.parametrize("key", [0, 1], ids=["writing key", "reading key"])
def test_a_session_that_was_only_looked_at_before_a_kill_is_not_idle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: int
) -> None:
    """Written, looked at 29 days later, killed; what expires two days after that is another one."""
    world = World(monkeypatch)

    async def main() -> None:
        sessions = Sessions(tmp_path, Limits())
        made, other = [await sessions.create(SMALL) for _ in range(2)]
        await sessions.close()
        sessions = Sessions(tmp_path, Limits())
        for world.day in (0, 29):
            await sessions._follow_clock()
        async with sessions.use((made.id, made.read_id)[key]):
            pass
        await kill(sessions)
        sessions = Sessions(tmp_path, Limits())
        world.day = 31
        await sessions.expire()
        assert [await sessions.exists(one.id) for one in (made, other)] == [True, False]
        await sessions.close()

    asyncio.run(main())


def test_a_session_that_stays_open_is_used_although_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, days = store_module._now(), [0]
    monkeypatch.setattr(store_module, "_now", lambda: start + days[0] * DAYS)

    async def scene(sessions: Sessions) -> None:
        key = await make(sessions)
        async with sessions.use(key):
            days[0] = 40
            await sessions.expire()
            stored = await sessions._store.load(key)
            assert stored
            assert stored.used_at == store_module._now()

    play(tmp_path, scene)


def test_to_look_again_within_the_hour_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(sessions: Sessions) -> None:
        key = await make(sessions)

        async def refuse(write: object) -> None:
            raise AssertionError("written")

        with monkeypatch.context() as patch:
            patch.setattr(sessions._store.writer, "put", refuse)
            async with sessions.use(key):
                pass

    play(tmp_path, scene)


def test_a_store_that_takes_nothing_still_opens_a_session(
    tmp_path: Path, old: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(sessions: Sessions) -> None:
        async def refuse(write: object) -> None:
            raise NotStored("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(sessions._store.writer, "put", refuse)
            async with sessions.use(old[0]) as access:
                assert access.session.id == old[0]

    play(tmp_path, scene)


async def look(sessions: Sessions, key: str) -> None:
    async with sessions.use(key):
        pass


@pytest.mark.parametrize("wrong", [-730, -3, 3, 730])
@pytest.mark.parametrize("when", ["at the start", "later", "until a restart"])
def test_a_clock_that_is_wrong_for_a_while_deletes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: float, when: str
) -> None:
    """A run that was looked at before, one of 20 days, and one that is made by the wrong clock."""
    world = World(monkeypatch)

    async def first(sessions: Sessions) -> list[str]:
        keys = [await make(sessions) for _ in range(2)]
        await sessions.expire()
        world.day = 20
        await sessions.expire()
        await look(sessions, keys[0])
        return keys

    async def second(sessions: Sessions) -> None:
        if when == "later":
            await sessions.expire()
            world.day, world.wrong = world.day + 0.01, wrong
        await sessions.expire()
        keys.append(await make(sessions))
        await look(sessions, keys[0])
        await sessions.expire()
        if when != "until a restart":
            world.day, world.wrong = world.day + 0.01, 0
            await sessions.expire()

    async def third(sessions: Sessions) -> None:
        await sessions.expire()
        await look(sessions, keys[2])
        await sessions.expire()
        assert [key for key in keys if await sessions.exists(key)] == keys

    async def last(sessions: Sessions) -> None:
        await sessions.expire()
        world.day += 31
        await sessions.expire()
        assert not [key for key in keys if await sessions.exists(key)], "age still counts"

    keys: list[str] = play(tmp_path, first)
    world.day, world.wrong = 20.4, 0 if when == "later" else wrong
    play(tmp_path, second)
    world.day, world.wrong = 20.8, 0
    play(tmp_path, third)
    play(tmp_path, last)


@pytest.mark.parametrize("leap", [40, -730, -3], ids=str)
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_before_a_leap_was_seen_deletes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leap: float, end: str
) -> None:
    """As where a laptop sleeps for weeks: one run is used before the next look at the clock."""
    world = World(monkeypatch)

    async def before(sessions: Sessions) -> list[str]:
        await sessions._follow_clock()
        return [await make(sessions) for _ in range(3)]

    async def asleep(sessions: Sessions) -> None:
        await sessions._follow_clock()
        world.day, world.wrong = world.day + 0.001, leap
        await seek(sessions, keys[0], 3, "a")
        if end == "kill":
            await kill(sessions)
            monkeypatch.setattr(sessions, "close", AsyncMock())

    async def after(sessions: Sessions) -> list[str]:
        await sessions._follow_clock()
        for world.day in (0.01, 0.1, 1):
            await sessions.expire()
        return [key for key in keys if await sessions.exists(key)]

    async def last(sessions: Sessions) -> list[str]:
        for world.day in (1, 32):
            await sessions.expire()
        return [key for key in keys if await sessions.exists(key)]

    keys: list[str] = play(tmp_path, before)
    play(tmp_path, asleep)
    assert play(tmp_path, after) == keys
    assert play(tmp_path, last) == [], "age still counts"


def test_a_clock_that_leaps_behind_the_look_of_a_sweep_deletes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(monkeypatch)

    async def scene(sessions: Sessions) -> None:
        keys = [await make(sessions) for _ in range(3)]
        follow = sessions._store.follow_clock

        async def then_it_leaps() -> int:
            leap = await follow()
            world.wrong = 40
            return leap

        monkeypatch.setattr(sessions._store, "follow_clock", then_it_leaps)
        await sessions.expire()
        await sessions.expire()
        assert [key for key in keys if await sessions.exists(key)] == keys

    play(tmp_path, scene, resident_sessions=1)


def test_a_run_that_is_used_while_the_clock_is_wrong_between_two_looks_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(monkeypatch)

    async def scene(sessions: Sessions) -> None:
        await sessions._follow_clock()
        key = await make(sessions)
        world.wrong = -40
        await seek(sessions, key, 3, "a")
        world.wrong = 0
        assert not await sessions._store.expired(set())
        stored = await sessions._store.load(key)
        assert stored
        assert stored.used_at == store_module._now()

    play(tmp_path, scene)


@pytest.mark.parametrize("leap", [-40, 40])
@pytest.mark.parametrize("when", ["before", "behind"])
def test_a_use_that_is_noted_beside_a_leap_is_not_moved_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leap: float, when: str
) -> None:
    """In the writer's queue some seconds before the leap, or just behind it."""
    world = World(monkeypatch)

    async def scene(sessions: Sessions) -> None:
        store, key = sessions._store, await make(sessions)
        put = store.writer.put

        async def beside(write: Any) -> None:
            monkeypatch.setattr(store.writer, "put", put)
            if when == "behind":
                await put(write)
            world.day += 3 / DAYS
            await store.note_use(key)
            if when == "before":
                await put(write)

        world.wrong = leap
        monkeypatch.setattr(store.writer, "put", beside)
        assert await store.follow_clock() == leap * DAYS
        stored = await store.load(key)
        assert stored
        assert stored.used_at == store_module._now() == store.now()

    play(tmp_path, scene)


def test_a_leap_that_could_not_be_written_is_written_with_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(monkeypatch)

    async def scene(sessions: Sessions) -> None:
        store = sessions._store
        world.wrong = 40
        with monkeypatch.context() as patch:
            patch.setattr(store.writer, "put", AsyncMock(side_effect=NotStored("the disk is full")))
            with pytest.raises(NotStored):
                await store.follow_clock()
        assert await store.follow_clock() == 40 * DAYS
        assert await store.follow_clock() == 0

    play(tmp_path, scene)


def test_a_kill_just_before_a_leap_is_written_deletes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A use that went before it into the store is noted by the clock that leapt."""
    world = World(monkeypatch)

    async def killed(sessions: Sessions) -> list[str]:
        store, keys = sessions._store, [await make(sessions) for _ in range(3)]
        await store.follow_clock()
        put = store.writer.put

        async def only_a_use(write: Any) -> None:
            monkeypatch.setattr(store.writer, "put", put)
            await store.note_use(keys[0])
            await kill(sessions)
            raise NotStored("it was killed")

        world.wrong = 40
        monkeypatch.setattr(store.writer, "put", only_a_use)
        monkeypatch.setattr(sessions, "close", AsyncMock())
        with pytest.raises(NotStored):
            await store.follow_clock()
        return keys

    async def after(sessions: Sessions) -> None:
        for world.day in (0, 0.01):
            await sessions.expire()
        assert [key for key in keys if await sessions.exists(key)] == keys

    keys: list[str] = play(tmp_path, killed)
    play(tmp_path, after)


def test_a_run_that_stays_in_memory_expires_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(monkeypatch)

    async def scene(sessions: Sessions) -> list[bool]:
        keys = [await make(sessions) for _ in range(2)]
        for key in keys:
            await look(sessions, key)
            sessions._seats[key].awaited_until = 0.0  # nobody comes back for it
        async with sessions.use(keys[1]):
            for _ in range(64):
                world.day += 0.5
                await sessions.expire()
        return [await sessions.exists(key) for key in keys]

    assert play(tmp_path, scene) == [False, True]


def test_a_run_that_comes_back_while_others_are_looked_after_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was idle for days; while a note of another run is written it leaves and is opened."""
    world = World(monkeypatch)

    async def scene(sessions: Sessions) -> None:
        noted, idle = [await make(sessions) for _ in range(2)]
        note, tabs = sessions._store.note_use, AsyncExitStack()

        async def slow(key: str) -> None:
            await note(key)
            if key == noted:
                await sessions._leave(idle)
                await tabs.enter_async_context(sessions.use(idle))

        sessions._seats[idle].awaited_until = 0.0
        async with sessions.use(noted):
            world.day += 3
            sessions._seats.move_to_end(idle)  # after the one whose note takes so long
            monkeypatch.setattr(sessions._store, "note_use", slow)
            await sessions.expire()
        one = await tabs.enter_async_context(sessions.use(idle))
        assert one.session is sessions._seats[idle].session
        assert one.session.users == 2
        await tabs.aclose()

    play(tmp_path, scene)


def test_a_run_that_leaves_as_soon_as_it_has_come_can_be_opened_again(tmp_path: Path) -> None:
    """Memory is crowded, and somebody uses it before those hear of it who opened it."""

    async def scene(sessions: Sessions) -> None:
        first, other = [await make(sessions) for _ in range(2)]  # there is room for one
        arrived, users = sessions._openings._arrived, list[asyncio.Task[str]]()

        async def use() -> str:
            async with sessions.use(first) as access:
                return access.session.id

        def arrive(session: Session) -> None:
            arrived(session)
            if not users:
                users.append(asyncio.create_task(use()))

        sessions._openings._arrived = arrive
        async with sessions.use(other):
            opens = asyncio.create_task(use())
            while not users:
                await asyncio.sleep(0)
            assert await users[0] == first
            assert await opens == first
        await sessions.made_room()
        assert sessions._leaving == {}

    play(tmp_path, scene, resident_sessions=1)


def test_what_is_opened_is_as_it_was_at_one_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two of the questions that read a run another process writes it."""
    keys = [play(tmp_path, make)]
    load_saved = rows._load_saved

    def late(db: sqlite3.Connection, *given: Any) -> Any:
        with closing(sqlite3.connect(tmp_path / FILE)) as other, other:
            other.execute("UPDATE session SET revision = revision + 1")
            other.execute("UPDATE saved SET interval = 2 * interval")
        return load_saved(db, *given)

    async def scene(sessions: Sessions) -> None:
        plain = await sessions._store.load(keys[0])
        monkeypatch.setattr(rows, "_load_saved", late)
        found = await sessions._store.load(keys[0])
        assert plain
        assert found
        assert found.place.revision == plain.place.revision
        assert found.saved.interval == plain.saved.interval

    play(tmp_path, scene)


def test_what_fails_in_looking_after_the_store_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(sessions: Sessions) -> None:
        again = asyncio.Event()
        failures = [RuntimeError("the disk could not be read")]

        async def follow() -> None:
            raise failures[0]

        async def expire() -> None:
            again.set()

        monkeypatch.setattr("app.sessions.sessions._EXPIRE_SECONDS", 0)
        monkeypatch.setattr(sessions, "_follow_clock", follow)
        monkeypatch.setattr(sessions, "expire", expire)
        sweeping = asyncio.create_task(sessions._sweep())
        await again.wait()
        sweeping.cancel()

    play(tmp_path, scene)
    assert [record.message for record in caplog.records] == ["the store could not be looked after"]


def test_a_stop_waits_for_a_run_that_is_on_its_way_to_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    async def scene(sessions: Sessions) -> None:
        key = await make(sessions)
        session, may = sessions._seats[key].session, asyncio.Event()
        leave, close = session.leave, sessions._store.close

        async def slow() -> None:
            await may.wait()
            await leave()
            done.append("stored")

        async def closed() -> None:
            done.append("closed")
            await close()

        monkeypatch.setattr(session, "leave", slow)
        monkeypatch.setattr(sessions._store, "close", closed)
        leaving = asyncio.create_task(sessions._leave(key))
        await asyncio.sleep(0)
        closing = asyncio.create_task(sessions.close())
        for _ in range(9):
            await asyncio.sleep(0)
        may.set()
        await asyncio.gather(leaving, closing)
        monkeypatch.setattr(sessions, "close", lambda: asyncio.sleep(0))

    play(tmp_path, scene)
    assert done == ["stored", "closed"]


def test_weeks_without_a_server_make_no_run_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(monkeypatch)
    keys: list[str] = [play(tmp_path, make)]
    world.day = 60

    async def back(sessions: Sessions) -> None:
        await sessions.expire()
        keys.append(await make(sessions))
        await sessions.expire()
        assert [key for key in keys if await sessions.exists(key)] == keys

    play(tmp_path, back)
    assert [record.message for record in caplog.records] == [
        f"the clock leapt: {60 * DAYS} s that make no run older"
    ]


def test_a_run_that_nobody_opens_expires_however_often_the_server_is_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts as a time without a server begins when one was last there, not with a use."""
    world = World(monkeypatch)
    key: str = play(tmp_path, make)

    async def a_week(sessions: Sessions) -> bool:
        for _ in range(14):
            world.day += 0.5
            await sessions.expire()
        return await sessions.exists(key)

    weeks = []
    for _ in range(5):
        weeks.append(play(tmp_path, a_week))
        world.day += 100  # without a server: they make no run older
    assert weeks == [True, True, True, True, False]


def test_nothing_is_deleted_at_the_start(tmp_path: Path, old: list[str]) -> None:
    """But its clock is looked at before anybody can use a run."""

    async def scene(sessions: Sessions) -> None:
        looked, gone = asyncio.Event(), []

        async def look_at_the_clock() -> int:
            looked.set()
            return 0

        async def never(in_use: set[str]) -> list[Idle]:
            gone.append(in_use)
            return []

        sessions._store.follow_clock = look_at_the_clock  # type: ignore[method-assign]
        sessions._store.expired = never  # type: ignore[method-assign]
        sessions.start()
        await looked.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        assert gone == []

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
    monkeypatch.delattr(store_module, "load")
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


def test_a_session_that_cannot_be_saved_keeps_no_other_from_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys: list[str] = []

    async def scene(sessions: Sessions) -> None:
        for _ in range(3):
            keys.append(await make(sessions))
            await seek(sessions, keys[-1], 300, "a")

        async def broken() -> None:
            raise ZeroDivisionError

        sessions._seats[keys[0]].session.leave = broken  # type: ignore[method-assign]

    play(tmp_path, scene)
    assert [record.message for record in caplog.records] == ["a session could not be saved"]

    async def after(sessions: Sessions) -> list[int]:
        found = [await sessions._store.load(key) for key in keys]
        return [max(one.saved.steps) for one in found if one and one.saved]

    assert play(tmp_path, after) == [0, 301, 301]


class Gate:
    """Lets so many slices of computing through, and the others once it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, slices: int) -> None:
        self._open, self._left = threading.Event(), slices
        self.reached = threading.Event()  # one is held up
        advance = Timeline.advance
        monkeypatch.setattr(
            Timeline, "advance", lambda *arguments: self._wait() or advance(*arguments)
        )

    def _wait(self) -> None:
        self._left -= 1
        if self._left < 0:
            self.reached.set()
            assert self._open.wait(60)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def unsaved(tmp_path: Path) -> str:
    """A run at step 30,000 of which a kill left no checkpoint."""

    async def main() -> str:
        sessions = Sessions(tmp_path, Limits())
        key = await make(sessions)
        async with sessions.use(key) as access:
            access.session.keeping.enough = math.inf
            await access.session.seek(30_000, 0, None, Asked())
        await kill(sessions)
        return key

    return asyncio.run(main())


def test_a_run_that_takes_long_to_open_says_how_far_it_has_come(
    tmp_path: Path, unsaved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_module, "_PATIENCE", 0.1)
    gate, address = Gate(monkeypatch, 3), f"/api/sessions/{unsaved}"
    with client_of(Settings(data_dir=tmp_path)) as client:
        for path in (address, f"{address}/history", f"{address}/steps/3"):
            answer = client.get(path)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["target"]) == (
                503,
                "computing",
                30_000,
            )
            assert answer.headers["retry-after"]
        assert 0 < error["step"] < 30_000
        with client.websocket_connect(f"{address}/live") as socket:
            told = socket.receive_json()
            assert told == {
                "type": "progress",
                "step": error["step"],
                "target": 30_000,
                "done": False,
            }
            gate.open()
            while told["type"] == "progress":
                told = socket.receive_json()
        assert told["type"] == "hello"
        assert told["session"]["cursor"]["step"] == 30_000
        assert client.get(address).status_code == 200


@pytest.mark.parametrize("awaited", [True, False])
def test_a_run_stays_for_those_who_were_told_that_it_is_on_its_way(
    tmp_path: Path, unsaved: str, monkeypatch: pytest.MonkeyPatch, awaited: bool
) -> None:
    gate = Gate(monkeypatch, 3)
    if not awaited:  # it has been there for so long that nobody will come
        monkeypatch.setattr(sessions_module, "_AWAITED_SECONDS", 0.0)

    async def ask(sessions: Sessions) -> None:
        async with sessions.use(unsaved, 0.0):
            pass

    async def scene(sessions: Sessions) -> None:
        other, load = await make(sessions), AsyncMock(wraps=sessions._store.load)
        monkeypatch.setattr(sessions._store, "load", load)
        for _ in range(3):
            with pytest.raises(Busy):
                await ask(sessions)
        assert load.call_count == 1
        gate.open()
        await sessions._openings.under_way[unsaved].task
        async with sessions.use(other):
            pass  # there is room for one only
        await sessions.made_room()
        assert list(sessions._seats) == [unsaved if awaited else other]
        if awaited:
            await ask(sessions)
        await make(sessions)
        assert unsaved not in sessions._seats  # it was asked for, and may go like any other

    play(tmp_path, scene, resident_sessions=1)


def test_to_stop_while_a_run_is_opened_waits_for_nothing_and_keeps_what_was_computed(
    tmp_path: Path, unsaved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, 5)

    async def stopped(sessions: Sessions) -> None:
        with pytest.raises(Busy):
            async with sessions.use(unsaved, 0.0):
                pass
        await asyncio.to_thread(gate.reached.wait)
        closing = asyncio.create_task(sessions.close())
        await asyncio.sleep(0)
        gate.open()
        await closing

    async def main() -> None:
        await stopped(Sessions(tmp_path, Limits()))
        store = Store(tmp_path, Limits())
        stored = await store.load(unsaved)
        assert stored
        assert stored.saved
        assert 32 < max(stored.saved.steps) < 30_000
        assert stored.place.step == 30_000
        await store.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE run SET spec = '{broken'",
        "UPDATE run SET spec = '[]'",
        "UPDATE edits SET edits = '7'",
        "UPDATE saved SET history = x'00'",
        "UPDATE saved SET history = zeroblob(40) || substr(history, 41)",
        "UPDATE saved SET history = substr(history, 1, 88)",
        "UPDATE saved SET interval = 0",
        "UPDATE checkpoint SET state = substr(state, 1, 10)",
        "UPDATE checkpoint SET state = substr(state, 1, 16) WHERE step > 0",
        "DELETE FROM checkpoint WHERE step = 0",
        "UPDATE session SET step = -5",
        "UPDATE session SET step = 'x'",
        "UPDATE session SET phase = 99",
        "UPDATE session SET changes = 'x'",
        "UPDATE session SET furthest = x'00'",
        "UPDATE run SET spec = CAST(x'ff' AS TEXT)",
        "UPDATE edits SET edits = CAST(x'ff' AS TEXT)",
        "UPDATE saved SET recorders = CAST(x'ff' AS TEXT)",
        "UPDATE checkpoint SET machine = CAST(x'ff' AS TEXT)",
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
        name = "id" if "UPDATE session" in damage else "session_id"
        assert db.execute(f"{damage} {joint} {name} = ?", (broken,)).rowcount
    with client_of(Settings(data_dir=tmp_path)) as client:
        for address in (f"/api/sessions/{broken}", f"/api/sessions/{broken}/steps/2"):
            answer = client.get(address)
            assert (answer.status_code, answer.json()["error"]["code"]) == (500, "damaged")
            assert "this run is damaged" in answer.json()["error"]["message"]
        with client.websocket_connect(f"/api/sessions/{broken}/live") as live:
            assert live.receive()["code"] == 4410
        assert client.get(f"/api/sessions/{whole}").status_code == 200


@pytest.mark.parametrize(
    "body", ["'{broken'", "'7'", "'{}'", """'{"offset": null}'""", "x'00'", "CAST(x'ff' AS TEXT)"]
)
def test_changes_that_cannot_be_read_are_told_anew(tmp_path: Path, body: str) -> None:
    """The run is as it was: who missed the change is told everything, and commands go on."""

    async def before(sessions: Sessions) -> str:
        key = await make(sessions)
        for step in (3, 4, 5):
            await seek(sessions, key, step, f"to {step}")
        return key

    key: str = play(tmp_path, before)
    with closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        assert db.execute(f"UPDATE change SET body = {body} WHERE number = 2").rowcount
    with client_of(Settings(data_dir=tmp_path)) as client:
        live = f"/api/sessions/{key}/live"
        for since, greeting in ((1, "hello"), (2, "resumed")):
            with client.websocket_connect(f"{live}?since={since}") as socket:
                assert socket.receive_json()["type"] == greeting
        again = {"do": "seek", "step": 4, "id": "to 4"}
        answer = client.post(f"/api/sessions/{key}/commands", json=again)
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "damaged")
        give(client, key, 6)


def test_a_time_of_use_that_is_none_neither_opens_nor_deletes_anything_wrongly(
    tmp_path: Path, old: list[str]
) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        assert db.execute("UPDATE session SET used_at = 'x' WHERE id = ?", old[:1]).rowcount

    async def scene(sessions: Sessions) -> None:
        await sessions.expire()
        assert [key for key in old if await sessions.exists(key)] == old[:1]
        await look(sessions, old[0])

    play(tmp_path, scene)


def test_a_store_that_is_damaged_while_it_is_used_says_so_everywhere(tmp_path: Path) -> None:
    """Every page but the first is garbage: what is asked for is told, and the operator as well."""

    async def before(sessions: Sessions) -> list[str]:
        return [await make(sessions) for _ in range(30)]

    keys: list[str] = play(tmp_path, before)
    file = tmp_path / FILE
    with client_of(Settings(data_dir=tmp_path)) as client:
        assert client.get("/readyz").status_code == 200
        file.write_bytes(file.read_bytes()[:4096] + b"\xa5" * (file.stat().st_size - 4096))
        address = f"/api/sessions/{keys[7]}"
        answer = client.get(address)
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "damaged")
        with client.websocket_connect(f"{address}/live") as live:
            assert live.receive()["code"] == 4410
        for _ in range(2):
            answer = client.get("/readyz")
            assert (answer.status_code, answer.json()["reason"]) == (503, DAMAGE)
        answer = client.post("/api/sessions", json=SMALL)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_stored")
        assert DAMAGE in answer.json()["error"]["message"]


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


async def far(sessions: Sessions, key: str, how: str) -> asyncio.Task[Any]:
    """Ask for a step that takes long, wait for nothing, and return what computes it."""
    async with sessions.use(key) as access:
        session = access.session
        asked = session.wish = Asked()
        with pytest.raises(Busy):
            await (
                session.seek(900_000, 0, 0.0, asked) if how == "move" else access.record(900_000, 0)
            )
        reaching = session.reaching if how == "move" else session.reads._reaching
        assert reaching._search
        return reaching._search[1]


def gate(patch: pytest.MonkeyPatch) -> asyncio.Event:
    """Return what every session waits for that leaves memory."""
    leave, opened = Session.leave, asyncio.Event()

    async def wait(session: Session) -> None:
        await opened.wait()
        await leave(session)

    patch.setattr(Session, "leave", wait)
    return opened


@pytest.mark.parametrize("how", ["move", "read"])
def test_nobodys_answer_waits_until_others_have_left_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """What idle runs still compute is given up: it would keep threads from those that leave."""

    async def scene(sessions: Sessions) -> None:
        keys = [await make(sessions) for _ in range(3)]
        searches = [await far(sessions, key, how) for key in keys[:2]]
        may_leave = gate(monkeypatch)
        sessions.limits = Limits(resident_sessions=1)
        async with asyncio.timeout(60), sessions.use(keys[2]):
            pass
        await asyncio.wait(searches)
        assert all(search.cancelled() for search in searches)
        assert sessions._leaving
        may_leave.set()
        await sessions.made_room()
        assert list(sessions._seats) == keys[2:]

    play(tmp_path, scene)


def test_a_run_comes_into_memory_once_others_have_left_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else more would come than leave, and memory would have no end."""
    monkeypatch.setattr(sessions_module, "_PATIENCE", 60.0)

    async def scene(sessions: Sessions) -> None:
        keys = [await make(sessions) for _ in range(3)]
        may_leave = gate(monkeypatch)
        await look(sessions, keys[0])  # now the last one has to leave
        load = AsyncMock(wraps=sessions._store.load)
        monkeypatch.setattr(sessions._store, "load", load)
        late = asyncio.create_task(look(sessions, keys[1]))
        for _ in range(99):
            await asyncio.sleep(0)
        assert load.call_count == 0
        may_leave.set()
        await late
        assert load.call_count == 1

    play(tmp_path, scene, resident_sessions=1)


def test_who_goes_just_as_the_last_has_left_leaves_memory_too(tmp_path: Path) -> None:
    async def scene(sessions: Sessions) -> None:
        first, *others = [await make(sessions) for _ in range(3)]
        sessions.limits = Limits(resident_sessions=1)
        held = asyncio.Event()

        async def use() -> None:
            async with sessions.use(others[0]), sessions.use(others[1]):
                held.set()
                while first not in sessions._leaving:
                    await asyncio.sleep(0)
                await sessions._leaving[first].wait()

        using = asyncio.create_task(use())
        await held.wait()
        sessions._make_room()
        await using
        await sessions.made_room()
        assert sessions.resident == 1

    play(tmp_path, scene)


@pytest.mark.parametrize("how", ["move", "read"])
def test_at_a_stop_no_run_waits_for_what_another_one_still_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    leave, searches = Session.leave, list[asyncio.Task[Any]]()

    async def see(session: Session) -> None:
        await asyncio.wait(searches)
        await leave(session)

    monkeypatch.setattr(Session, "leave", see)

    async def scene(sessions: Sessions) -> None:
        for _ in range(3):
            searches.append(await far(sessions, await make(sessions), how))

    play(tmp_path, scene)
    assert all(search.cancelled() for search in searches)
