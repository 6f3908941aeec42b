"""Playing keeps up with the store: what is shown is stored within a second, and at a pause at once."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from app.refusal import Refused
from app.sessions import player as player_module
from app.sessions.asking import Asked
from app.sessions.reaching import Cancelled
from app.sessions.sessions import Access, Sessions
from app.sessions.writer import NotStored
from app.timeline.phases import Cursor
from app.timeline.run import StepRecord
from app.web.carry_out import asked_of, carry_out
from app.wire.commands import Change, Command, Seek, Undo
from tests.unit.sessions.test_session import play


class Clock:
    """A clock that only goes on where somebody sleeps."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now, sleep = 0.0, asyncio.sleep

        async def pass_by(seconds: float) -> None:
            self.now += seconds
            await sleep(0)

        patch.setattr(player_module, "time", SimpleNamespace(monotonic=lambda: self.now))
        known = {**vars(asyncio), "sleep": pass_by}
        patch.setattr(player_module, "asyncio", SimpleNamespace(**known))


class FullDisk:
    """A store that writes nothing while it is `full`."""

    def __init__(self, sessions: Sessions, patch: pytest.MonkeyPatch) -> None:
        self.full, put = False, sessions._store.writer.put

        async def refuse(*given: Any) -> None:
            if self.full:
                raise NotStored("the disk is full")
            await put(*given)

        patch.setattr(sessions._store.writer, "put", refuse)


async def _stored(sessions: Sessions, access: Access) -> Cursor:
    stored = await sessions._store.load(access.session.id)
    assert stored
    return Cursor(stored.place.step, stored.place.phase)


@pytest.mark.parametrize("per_second", [0.3, 0.9, 1.05, 1.4, 1.9, 3, 20, 59])
def test_what_is_shown_is_stored_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, per_second: float
) -> None:
    clock = Clock(monkeypatch)
    shown: list[tuple[float, Cursor]] = []
    stored: list[tuple[float, Cursor]] = []

    async def scene(sessions: Sessions, access: Access) -> None:
        session, enough = access.session, asyncio.Event()
        show, store = session.show, session.store_cursor

        async def note_shown(cursor: Cursor, *more: Any) -> None:
            shown.append((clock.now, cursor))
            await show(cursor, *more)
            if clock.now > 12:
                enough.set()

        async def note_stored() -> None:
            stored.append((clock.now, session.cursor))
            await store()

        monkeypatch.setattr(session, "show", note_shown)
        monkeypatch.setattr(session, "store_cursor", note_stored)
        await access.seat.player.play("step", per_second)
        await enough.wait()
        await access.seat.player.pause()
        assert await _stored(sessions, access) == session.cursor == stored[-1][1]

    play(tmp_path, scene)
    assert len(shown) >= 3
    for moment, cursor in shown:
        assert any(cursor <= kept and at <= moment + 1 for at, kept in stored)
    longest = max(later - earlier for (earlier, _), (later, _) in pairwise(stored))
    assert longest <= max(1, 1 / per_second) + 1e-6


@pytest.mark.parametrize(
    ("unit", "per_second"), [("step", 0), ("step", 20), ("phase", 50), ("epoch", 7)]
)
def test_a_step_may_be_seen_says_the_store_before_it_is_and_at_the_pause_which_ones_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: str, per_second: float
) -> None:
    Clock(monkeypatch)
    shown: list[tuple[int, int]] = []
    notes = 0

    async def scene(sessions: Sessions, access: Access) -> None:
        session, disk = access.session, sqlite3.connect(tmp_path / "retrace.sqlite3")
        refresh, note = session.viewers.refresh, sessions._store.note_seen

        def furthest() -> int:
            return int(disk.execute("SELECT furthest FROM session").fetchone()[0])

        def look() -> None:
            shown.append((session.cursor.step, furthest()))
            refresh()

        async def count(*given: Any) -> None:
            nonlocal notes
            notes += 1
            await note(*given)

        monkeypatch.setattr(session.viewers, "refresh", look)
        monkeypatch.setattr(sessions._store, "note_seen", count)
        await access.seat.player.play(unit, per_second)
        while session.cursor.step < 75:  # between two whole seconds, when it is stored
            await asyncio.sleep(0)
        ahead = furthest()
        await access.seat.player.pause()
        assert session.cursor.step <= furthest() <= session.timeline.furthest
        # As fast as possible, what nobody was shown may have been computed beyond that.
        assert furthest() < ahead or not per_second
        disk.close()

    play(tmp_path, scene)
    assert all(step <= known for step, known in shown)
    assert notes <= max(3, len(shown) / 5)


def test_a_move_stops_a_player_that_is_just_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins with a write, and from another tab comes a move meanwhile."""

    async def scene(sessions: Sessions, access: Access) -> None:
        session, player = access.session, access.seat.player
        asked, may, store_cursor = asyncio.Event(), asyncio.Event(), session.store_cursor

        async def slow() -> None:
            asked.set()
            await may.wait()
            await store_cursor()

        monkeypatch.setattr(session, "store_cursor", slow)
        plays = asyncio.create_task(player.play("step", 1))
        await asked.wait()
        stops = asyncio.create_task(player.stop("moved"))
        for _ in range(9):
            await asyncio.sleep(0)
        may.set()
        await asyncio.gather(plays, stops)
        assert (session.playing, player.is_behind) == (None, False)

    play(tmp_path, scene)


def test_to_play_again_waits_for_no_long_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a pause that comes meanwhile, from another viewer."""

    async def scene(sessions: Sessions, access: Access) -> None:
        session, player = access.session, access.seat.player
        record, given_up = session.reaching.record, asyncio.Event()

        async def long(step: int, patience: float | None) -> StepRecord:
            session.reaching.cancel = given_up.set  # type: ignore[method-assign]
            await given_up.wait()
            raise Cancelled

        with monkeypatch.context() as patch:
            patch.setattr(session.reaching, "record", long)
            await player.play("step", 0)
            while "cancel" not in vars(session.reaching):
                await asyncio.sleep(0)
            asked = asyncio.gather(player.play("step", 0), player.pause())
            for _ in range(9):
                await asyncio.sleep(0)
            waits = not given_up.is_set()
            given_up.set()
            await asked
            assert (waits, session.playing) == (False, None)
        del session.reaching.cancel
        assert (await record(session.cursor.step, 9)).step == session.cursor.step

    play(tmp_path, scene)


def test_playing_lets_a_command_go_first_that_waits_behind_it(tmp_path: Path) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        session, player = access.session, access.seat.player
        await player.play("step", 0)
        async with session.turn:  # as while another command is under way
            for _ in range(9):
                await asyncio.sleep(0)
            stood = session.cursor
            edit = asyncio.create_task(session.change({"learning_rate": 0.25}, Asked()))
            for _ in range(9):
                await asyncio.sleep(0)
        assert (await edit)["cursor"] == stood.to_json()
        while session.cursor == stood:
            await asyncio.sleep(0)
        await player.pause()

    play(tmp_path, scene)


def test_what_is_about_to_be_seen_is_as_much_as_can_be_computed_and_no_jump_is_left_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    shown: list[tuple[int, int]] = []

    async def scene(sessions: Sessions, access: Access) -> None:
        session, player = access.session, access.seat.player
        record, show = session.reaching.record, session.show

        async def note(cursor: Cursor, found: StepRecord, until: int) -> None:
            shown.append((cursor.step, until))
            await show(cursor, found, until)

        async def slow(step: int, patience: float | None) -> StepRecord:
            clock.now += (step - session.cursor.step) / 5  # five steps a second
            return await record(step, patience)

        monkeypatch.setattr(session, "show", note)
        await player.play("step", 1)
        while len(shown) < 20:
            await asyncio.sleep(0)
        await player.pause()
        assert all(until - step <= 2 for step, until in shown)
        for per_second in (0, 1000):
            shown.clear()
            before = session.cursor.step
            with monkeypatch.context() as patch:
                patch.setattr(session.reaching, "record", slow)
                await player.play("step", per_second)
                while len(shown) < 5:
                    await asyncio.sleep(0)
                await player.pause()
            assert shown[0][0] - before == 1  # no jump is left over from before
            assert shown[-1][0] - before == 5  # each step that can be computed is shown
            assert all(until - step <= 11 for step, until in shown)

    play(tmp_path, scene)


def test_what_is_shown_while_a_step_takes_long_is_stored_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)

    async def scene(sessions: Sessions, access: Access) -> None:
        session, may = access.session, asyncio.Event()
        record, wait = session.reaching.record, asyncio.wait

        async def slow(step: int, patience: float | None) -> StepRecord:
            if step:
                await may.wait()
            return await record(step, patience)

        async def impatient(tasks: Any, timeout: float | None = None) -> Any:
            return await wait(tasks, timeout=timeout and 0)

        monkeypatch.setattr(player_module.asyncio, "wait", impatient)
        monkeypatch.setattr(session.reaching, "record", slow)
        await access.seat.player.play("phase", 10)
        while await _stored(sessions, access) < Cursor(0, 6):  # the last phase of step 0
            await asyncio.sleep(0)
        assert session.playing
        may.set()
        while session.cursor.step == 0:
            await asyncio.sleep(0)
        await access.seat.player.pause()
        assert await _stored(sessions, access) == session.cursor

    play(tmp_path, scene)


@pytest.mark.parametrize(("per_second", "seconds"), [(30, 0.02), (20, 0.04), (50, 0.001), (9, 0.1)])
def test_it_plays_as_fast_as_was_asked_where_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, per_second: float, seconds: float
) -> None:
    clock = Clock(monkeypatch)

    async def scene(sessions: Sessions, access: Access) -> None:
        session, player = access.session, access.seat.player
        record = session.reaching.record

        async def slow(step: int, patience: float | None) -> StepRecord:
            clock.now += seconds
            return await record(step, patience)

        monkeypatch.setattr(session.reaching, "record", slow)
        await player.play("step", per_second)
        while session.cursor.step < 60:
            await asyncio.sleep(0)
        taken = clock.now
        await player.pause()
        assert 60 / per_second <= taken <= 61 / per_second + seconds

    play(tmp_path, scene)


def test_no_beat_is_lost_to_an_edit_that_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)

    async def scene(sessions: Sessions, access: Access) -> None:
        session, player = access.session, access.seat.player
        store, may, beats = session._store_edit, asyncio.Event(), []
        show = session.show

        async def slow(*given: Any) -> dict[str, Any]:
            await may.wait()
            return await store(*given)

        async def note(*given: Any) -> None:
            beats.append(clock.now)
            await show(*given)

        monkeypatch.setattr(session, "_store_edit", slow)
        monkeypatch.setattr(session, "show", note)
        session.keeping.enough = 100
        edit = asyncio.create_task(session.change({"learning_rate": 0.25}, Asked()))
        player._task = asyncio.create_task(player._play("step"))
        player._per_second = 0.1
        session.set_playing({"unit": "step", "per_second": 0.1})
        for _ in range(9):
            await asyncio.sleep(0)
        assert clock.now == 10
        may.set()
        await edit
        assert session.keeping.enough < 10  # after an edit there is as little to lose as ever
        while not beats:
            await asyncio.sleep(0)
        await player.pause()
        assert beats[0] == 10

    play(tmp_path, scene)


def test_a_run_that_stops_is_left_as_far_as_it_was_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)

    async def scene(sessions: Sessions, access: Access) -> None:
        session, player = access.session, access.seat.player
        disk = FullDisk(sessions, monkeypatch)
        await player.play("step", 30)
        while session.cursor.step < 9:
            await asyncio.sleep(0)
        disk.full = True
        await player.close()
        disk.full = False
        stored = await sessions._store.load(session.id)
        assert stored
        assert stored.place.furthest > session.timeline.furthest
        await session.leave()
        stored = await sessions._store.load(session.id)
        assert stored
        assert stored.place.furthest == session.timeline.furthest

    play(tmp_path, scene)


def test_a_pause_that_cannot_be_stored_is_refused_and_tried_again_until_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)

    async def scene(sessions: Sessions, access: Access) -> None:
        session, player = access.session, access.seat.player
        disk = FullDisk(sessions, monkeypatch)
        await player.play("step", 0)
        while session.cursor.step < 9:
            await asyncio.sleep(0)
        disk.full = True
        for _ in range(3):  # a second one is promised no more than the first
            with pytest.raises(NotStored, match="playing stopped, but the step is not stored yet"):
                await player.pause()
            assert session.playing is None
        assert await _stored(sessions, access) < session.cursor
        disk.full = False
        while await _stored(sessions, access) != session.cursor:
            await asyncio.sleep(0)
        await player.pause()

    play(tmp_path, scene)


def test_a_run_whose_last_step_is_not_stored_yet_stays_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)

    async def scene(sessions: Sessions, access: Access) -> None:
        seat, key = access.seat, access.session.id
        disk = FullDisk(sessions, monkeypatch)
        await seat.player.play("step", 30)
        await asyncio.sleep(0)
        disk.full = True
        with pytest.raises(NotStored):
            await seat.player.pause()
        monkeypatch.setattr(sessions, "limits", replace(sessions.limits, resident_sessions=0))
        seat.session.users -= 1  # whoever paused has gone
        sessions._make_room()
        await sessions.made_room()
        assert list(sessions._seats) == [key]
        disk.full = False
        while await _stored(sessions, access) != seat.session.cursor:
            await asyncio.sleep(0)
        await asyncio.wait({seat.player._task})
        sessions._make_room()
        await sessions.made_room()
        assert list(sessions._seats) == []
        seat.session.users += 1

    play(tmp_path, scene)


def test_what_stopped_since_it_could_not_be_stored_is_no_place_to_pause_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)

    async def scene(sessions: Sessions, access: Access) -> None:
        session, player = access.session, access.seat.player
        disk = FullDisk(sessions, monkeypatch)
        await player.play("step", 30)
        disk.full = True
        while session.playing:
            await asyncio.sleep(0)
        with pytest.raises(NotStored):
            await player.pause()
        with pytest.raises(NotStored, match="nothing was changed"):
            await player.play("step", 30)
        assert session.playing is None
        disk.full = False
        await player.pause()
        assert await _stored(sessions, access) == session.cursor

    play(tmp_path, scene)


def test_who_pauses_too_is_answered_no_sooner_and_who_gives_up_stops_it_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        session, player, may = access.session, access.seat.player, asyncio.Event()
        await player.play("step", 0)
        store = session.store_cursor

        async def slow() -> None:
            await may.wait()
            await store()

        monkeypatch.setattr(session, "store_cursor", slow)
        one, other = (asyncio.create_task(player.pause()) for _ in range(2))
        while session.playing:
            await asyncio.sleep(0)
        one.cancel()
        await asyncio.wait({one})
        assert (one.cancelled(), other.done(), session.playing) == (True, False, None)
        may.set()
        await other
        assert await _stored(sessions, access) == session.cursor

    play(tmp_path, scene)


def test_what_comes_in_between_while_a_diverged_run_looks_for_its_end_stops_no_player(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An edit that takes the divergence away cancels the search for the last finite step."""

    async def scene(sessions: Sessions, access: Access) -> None:
        session, player = access.session, access.seat.player
        record = session.reaching.record
        failures: list[Exception] = [Refused("diverged", "step", 1, "less"), Cancelled()]

        async def failing(step: int, patience: float | None) -> StepRecord:
            if failures:
                raise failures.pop(0)
            return await record(step, patience)

        monkeypatch.setattr(session.reaching, "record", failing)
        await player.play("step", 0)
        while session.playing and session.cursor.step < 9:
            await asyncio.sleep(0)
        assert session.playing
        await player.pause()

    play(tmp_path, scene)
    assert caplog.records == []


def test_where_only_what_is_large_has_no_room_the_cursor_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        session = access.session
        monkeypatch.setattr(sessions._store, "save", AsyncMock(side_effect=NotStored("it is full")))
        await access.seat.player.play("step", 0)
        while session.cursor.step < 9:
            await asyncio.sleep(0)
        session.keeping.enough = 0.0  # what was computed is worth storing
        await access.seat.player.pause()
        assert await _stored(sessions, access) == session.cursor
        monkeypatch.undo()

    play(tmp_path, scene)


@pytest.mark.parametrize(
    "wrong", [Seek(5, 999), Seek(10**9, 0), Change({"learning_rate": -1}), Undo()]
)
def test_a_command_that_is_refused_takes_nobodys_place(tmp_path: Path, wrong: Command) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        await access.seat.player.play("step", 0.01)
        before = access.session.wish = Asked("a far move")
        with pytest.raises(Refused):
            await carry_out(access.seat, wrong, asked_of("a", wrong), None, sessions.metrics)
        assert access.session.playing
        assert access.session.wish is before

    play(tmp_path, scene)
