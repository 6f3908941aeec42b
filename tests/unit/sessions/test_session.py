"""What a session promises: stored before shown, all or nothing, one order, whoever goes away."""

from __future__ import annotations

import asyncio
import gc
import json
import math
import threading
import weakref
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from app.limits import Limits
from app.refusal import Refused
from app.sessions.asking import Asked
from app.sessions.reaching import Busy
from app.sessions.rows import Place, Stored
from app.sessions.session import Session
from app.sessions.sessions import Access, Sessions
from app.sessions.viewers import Viewer
from app.sessions.writer import NotStored
from app.timeline import checkpoints, trainer
from app.timeline import timeline as timeline_module
from app.timeline.run import Run
from app.timeline.saved import Saved
from app.web.framing import Framing
from tests.nets import SMALL

Scene = Callable[[Sessions, Access], Awaitable[None]]


def play(folder: Path, scene: Scene, **limits: int) -> None:
    """Run a scene with one fresh session."""

    async def main() -> None:
        sessions = Sessions(folder, Limits(**limits))
        key = (await sessions.create(SMALL)).id
        async with sessions.use(key) as access:
            await scene(sessions, access)
        await sessions.close()

    asyncio.run(main())


async def seek(session: Session, step: int, command: str | None = None) -> dict[str, Any]:
    return await session.seek(step, 0, None, Asked(command))


def seen(session: Session) -> tuple[Any, ...]:
    state = session.to_json()
    return (
        *(state[key] for key in ("cursor", "edits", "revision", "offset", "can_undo")),
        session.shown.parameters.tobytes(),
        session.shown.learning_rate,
    )


def test_what_cannot_be_stored_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise NotStored("the disk is full")

    async def scene(sessions: Sessions, access: Access) -> None:
        session = access.session
        await session.change({"learning_rate": 0.01}, Asked())
        await seek(session, 40)
        before, bits = seen(session), (await session.reads.record(45, 9)).parameters.tobytes()
        with monkeypatch.context() as patch:
            patch.setattr(sessions._store.writer, "put", refuse)
            for call in (
                lambda: seek(session, 10),
                lambda: session.move("step", 3, None, Asked()),
                lambda: session.change({"learning_rate": 0.1}, Asked("a")),
                lambda: session.change({"parameter": "w1.1.1", "value": 2.0}, Asked("b")),
                lambda: session.undo(Asked("c")),
            ):
                with pytest.raises(NotStored, match="nothing was changed, since the disk is full"):
                    await call()
                assert seen(session) == before
            assert (await session.reads.record(45, 9)).parameters.tobytes() == bits
        assert (await session.change({"learning_rate": 0.1}, Asked("a")))["revision"] == 2
        assert session.shown.learning_rate == 0.1

    play(tmp_path, scene)


def test_a_command_is_shown_to_nobody_before_it_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        session, viewer = access.session, Viewer()
        session.viewers.add(viewer)
        viewer.take()
        before, asked, may = seen(session), asyncio.Event(), asyncio.Event()
        put = sessions._store.writer.put

        async def slow(write: Any, *_: Any) -> None:
            asked.set()
            await may.wait()
            await put(write)

        monkeypatch.setattr(sessions._store.writer, "put", slow)
        task = asyncio.create_task(seek(session, 7))
        await asked.wait()
        assert (seen(session), viewer.take()) == (before, ([], False))
        may.set()
        await task
        messages, is_stale = viewer.take()
        assert (messages[0]["cursor"]["step"], is_stale) == (7, True)
        session.viewers.clear()

    play(tmp_path, scene)


def test_a_command_goes_on_when_the_one_who_asked_goes_away(tmp_path: Path) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        session = access.session
        task = asyncio.create_task(session.change({"learning_rate": 0.25}, Asked("gone")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        known = await session.change({"learning_rate": 0.25}, Asked("gone"))
        assert (known["offset"], session.revision, session.changes) == (1, 1, 1)
        assert session.shown.learning_rate == 0.25

    play(tmp_path, scene)


def test_a_cursor_that_is_kept_while_playing_never_hides_a_newer_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The player keeps the cursor just when an edit is on its way to the store."""

    async def scene(sessions: Sessions, access: Access) -> None:
        session = access.session
        edit, kept = sessions._store.edit, []

        async def meanwhile(*arguments: Any) -> None:
            await edit(*arguments)
            kept.append(asyncio.create_task(session.store_cursor()))
            await asyncio.sleep(0)

        monkeypatch.setattr(sessions._store, "edit", meanwhile)
        await session.change({"learning_rate": 0.2}, Asked())
        await kept[0]
        stored = await sessions._store.load(session.id)
        assert stored
        assert (stored.place.revision, stored.place.changes) == (1, 1)

    play(tmp_path, scene)


def test_every_viewer_hears_of_every_change_in_one_order(tmp_path: Path) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        session, viewers = access.session, [Viewer(), Viewer()]
        session.viewers.update(viewers)
        await asyncio.gather(
            *(
                session.seek(k, 0, None, Asked(f"{k}", viewers[k % 2]))
                if k % 3
                else session.change({"learning_rate": k / 50 + 0.01}, Asked(f"{k}", viewers[k % 2]))
                for k in range(12)
            )
        )
        told = [viewer.take()[0] for viewer in viewers]
        plain = [[{**m, "type": ""} for m in messages if "offset" in m] for messages in told]
        assert plain[0] == plain[1]
        assert [m["offset"] for m in plain[0]] == list(range(1, 13))
        for number, messages in enumerate(told):
            own = {m["id"] for m in messages if m["type"] == "reply"}
            assert own == {str(k) for k in range(12) if k % 2 == number}
        session.viewers.clear()

    play(tmp_path, scene)


def test_what_was_missed_is_told_as_far_as_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        session = access.session
        bodies = [await seek(session, k, f"c{k}") for k in range(1, 8)]
        assert await session.changes_since(0) == bodies
        assert await session.changes_since(5) == bodies[5:]
        assert await session.changes_since(7) == []
        assert await session.changes_since(8) is None, "this server knows of no such change"
        monkeypatch.setattr("app.sessions.session.KEPT_CHANGES", 3)
        assert await session.changes_since(4) == bodies[4:]
        assert await session.changes_since(3) is None

    play(tmp_path, scene)


def test_what_was_missed_is_told_as_far_as_it_is_small(tmp_path: Path) -> None:
    """Each edit lists all of them: 1,000 edits of a run come to 65 MB."""

    async def scene(_: Sessions, access: Access) -> None:
        session = access.session
        bodies = [
            await session.change({"learning_rate": 1 / k}, Asked(f"c{k}")) for k in range(1, 9)
        ]
        sizes = [len(json.dumps(body, separators=(",", ":"))) for body in bodies]
        fit = next(k for k in range(9) if sum(sizes[k:]) <= 1_000)
        assert 1 < fit < 8, "some of them"
        assert await session.changes_since(fit) == bodies[fit:]
        assert await session.changes_since(fit - 1) is None
        assert await session.changes_since(0) is None

    play(tmp_path, scene, resume_bytes=1_000)


def test_a_session_that_is_leaving_is_not_opened_beside_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        sessions = Sessions(tmp_path, Limits(resident_sessions=1))
        first = (await sessions.create(SMALL)).id
        read_id = (await sessions._store.load(first)).read_id  # type: ignore[union-attr]
        saving, may, save = asyncio.Event(), asyncio.Event(), sessions._store.save

        async def slow(*arguments: Any) -> None:
            saving.set()
            await may.wait()
            await save(*arguments)

        monkeypatch.setattr(sessions._store, "save", slow)
        load, loads = sessions._store.load, list[str]()

        async def noted(key: str) -> Stored | None:
            loads.append(key)
            return await load(key)

        monkeypatch.setattr(sessions._store, "load", noted)
        leaving = asyncio.create_task(sessions.create(SMALL))  # there is room for one
        await saving.wait()

        async def step() -> None:
            async with sessions.use(first) as access:
                await seek(access.session, 9)

        async def read() -> int:
            async with sessions.use(read_id) as access:
                return access.session.changes

        steps, reads = asyncio.create_task(step()), asyncio.create_task(read())
        for _ in range(9):
            await asyncio.sleep(0)
        assert (steps.done(), reads.done(), loads) == (False, False, [])
        may.set()
        await asyncio.gather(leaving, steps, reads)
        stored = await sessions._store.load(first)
        assert stored
        assert (stored.place.step, stored.place.changes) == (9, 1)
        await sessions.close()

    asyncio.run(main())


def test_a_reading_key_opens_the_run_and_changes_nothing(tmp_path: Path) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        session = access.session
        await seek(session, 5)
        assert access.may_write
        async with sessions.use(session.read_id) as reader:
            assert reader.session is session
            with pytest.raises(Refused) as refused:
                reader.writing()
            assert refused.value.code == "read_only"
            state = session.to_json(reader.may_write)
            assert session.id not in str(state)
            assert (state["id"], state["may_write"]) == (session.read_id, False)
            assert (await reader.record(5, 9)).step == 5
            with pytest.raises(Refused, match="furthest computed"):
                await reader.record(6, 9)
        assert session.timeline.furthest == 5

    play(tmp_path, scene)


def test_the_keys_are_128_random_bits_each(tmp_path: Path) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        keys = {access.session.id, access.session.read_id}
        for _ in range(20):
            made = await sessions.create(SMALL)
            keys |= {made.id, made.read_id}
        assert len(keys) == 42
        assert all(len(key) == 22 for key in keys)

    play(tmp_path, scene)


def test_commands_that_come_too_fast_are_told_when_to_come_again(tmp_path: Path) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        seat = access.writing()
        for _ in range(4):
            seat.commands.spend()
        with pytest.raises(Exception, match="RETRACE_COMMANDS_PER_SECOND") as refused:
            seat.commands.spend()
        assert 0 < refused.value.retry_after <= 1  # type: ignore[attr-defined]

    play(tmp_path, scene, commands_per_second=1, command_burst=4)


def test_a_player_that_fails_is_not_left_playing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(step: int, patience: float | None) -> None:
        raise ZeroDivisionError

    async def scene(sessions: Sessions, access: Access) -> None:
        session, player, viewer = access.session, access.seat.player, Viewer()
        session.viewers.add(viewer)
        with monkeypatch.context() as patch:
            patch.setattr(session.reaching, "record", broken)
            await player.play("step", 0)
            await asyncio.wait({player._task})  # type: ignore[type-var]
        told = [message for message in viewer.take()[0] if message["type"] == "playing"]
        assert told[-1] == {"type": "playing", "playing": None, "reason": "failed"}
        assert session.playing is None
        await player.pause()
        await player.play("step", 0)
        await player.pause()
        assert session.playing is None
        session.viewers.clear()

    play(tmp_path, scene)
    assert [record.message for record in caplog.records] == ["the player failed"]


def test_a_read_never_ends_a_move_nor_keeps_it_from_its_goal(tmp_path: Path) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        session = access.session
        move = asyncio.create_task(seek(session, 60_000))
        reads = 0
        while not move.done():
            found = await session.reads.record(40_000 - 7 * reads, 60)
            assert found.step == 40_000 - 7 * reads
            reads += 1
        assert reads > 1
        assert (await move)["cursor"]["step"] == 60_000

    play(tmp_path, scene)


def test_that_a_step_was_read_is_in_the_store_before_it_is_answered(tmp_path: Path) -> None:
    """And once: what was seen before, by a read, a move or in the history, costs no write."""

    async def scene(sessions: Sessions, access: Access) -> None:
        session, noted = access.session, []
        note_seen = sessions._store.note_seen

        async def note(*arguments: Any) -> None:
            noted.append(arguments[1])
            await note_seen(*arguments)

        sessions._store.note_seen = note  # type: ignore[method-assign]
        assert (await session.reads.record(500, 9)).exact
        stored = await sessions._store.load(session.id)
        assert stored
        assert (stored.place.furthest, stored.place.step) == (500, 0)
        await session.reads.record(499, 9)
        await seek(session, 600)
        await session.reads.record(600, 9)
        await session.reads.history()
        assert noted == [500]
        await session.change({"learning_rate": 0.01}, Asked())
        await session.reads.record(700, 9)
        assert noted == [500, 700]

    play(tmp_path, scene)


def test_a_step_whose_reading_cannot_be_stored_promises_no_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise NotStored("the disk is full")

    async def scene(sessions: Sessions, access: Access) -> None:
        session = access.session
        await seek(session, 50)
        with monkeypatch.context() as patch:
            patch.setattr(sessions._store.writer, "put", refuse)
            assert not (await session.reads.record(60, 9)).exact
            assert (await session.reads.record(50, 9)).exact
        assert (await session.reads.record(60, 9)).exact

    play(tmp_path, scene)


def test_an_edit_that_is_not_stored_is_read_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        session = access.session
        bits = (await session.reads.record(20, 9)).parameters.tobytes()
        before, frame = session.to_json(), Framing(Limits()).frame(session, 0)
        put, asked, may = sessions._store.writer.put, asyncio.Event(), asyncio.Event()

        async def slow(write: Any, *_: Any) -> None:
            asked.set()
            await may.wait()
            raise NotStored("the disk is full")

        monkeypatch.setattr(sessions._store.writer, "put", slow)
        edit = asyncio.create_task(session.change({"learning_rate": 0.5}, Asked()))
        await asked.wait()
        assert (session.to_json(), session.timeline.furthest) == (before, 0)
        assert Framing(Limits()).frame(session, 0) == frame
        async with sessions.use(session.read_id) as reader:
            with pytest.raises(Refused, match="a step from 0 to 20,"):
                await reader.record(21, 9)
        reads = [asyncio.create_task(session.reads.record(step, 9)) for step in (20, 21)]
        for _ in range(20):
            await asyncio.sleep(0)
        assert not any(read.done() for read in reads)
        may.set()
        with pytest.raises(NotStored):
            await edit
        assert (await reads[0]).parameters.tobytes() == bits
        assert (await reads[1]).learning_rate == before["spec"]["learning_rate"]
        monkeypatch.setattr(sessions._store.writer, "put", put)

    play(tmp_path, scene)


def test_beyond_so_many_bytes_the_idle_ones_leave_memory(tmp_path: Path) -> None:
    async def main() -> None:
        sessions = Sessions(tmp_path, Limits(resident_bytes=16_000))
        for count in (1, 2, 3):
            key = (await sessions.create(SMALL)).id
            async with sessions.use(key) as access:
                await seek(access.session, 50_000)
                assert 5_400 < access.session.timeline.kept_bytes < 7_900
            await sessions.made_room()
            assert sessions.resident == min(count, 2)
        await sessions.close()

    asyncio.run(main())


def test_nothing_is_computed_where_everybody_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of a large batch takes seconds: while a run is made or opened others are served."""
    compute, where = Run.compute, list[bool]()
    monkeypatch.setattr(timeline_module, "work_of_step", lambda *_: 50_000.0)  # microseconds

    def noted(run: Run) -> float:
        where.append(threading.current_thread() is threading.main_thread())
        return compute(run)

    async def main() -> None:
        for key in ("", (await visit("")).id):
            monkeypatch.setattr(Run, "compute", noted)
            await visit(key)

    async def visit(key: str) -> Session:
        sessions = Sessions(tmp_path, Limits())
        key = key or (await sessions.create(SMALL)).id
        async with sessions.use(key) as access:
            assert access.session.shown.step == 0
        await sessions.close()
        return access.session

    asyncio.run(main())
    assert where
    assert not any(where)


def test_a_run_that_went_further_than_is_allowed_now_can_be_opened(tmp_path: Path) -> None:
    async def visit(sessions: Sessions, key: str, step: int) -> dict[str, Any]:
        async with sessions.use(key) as access:
            return await access.session.move("step", step, None, Asked())

    async def main() -> None:
        sessions = Sessions(tmp_path, Limits())
        key = (await sessions.create(SMALL)).id
        await visit(sessions, key, 500)
        await sessions.close()
        sessions = Sessions(tmp_path, Limits(max_steps=100, max_batch_numbers=1))
        assert (await visit(sessions, key, -100))["cursor"]["step"] == 400
        assert (await visit(sessions, key, 900))["cursor"]["step"] == 500
        await sessions.close()

    asyncio.run(main())


@pytest.fixture
def few_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a large network: so few are kept that they never add up to much."""
    monkeypatch.setattr(trainer, "first_interval", lambda *_: 4)
    monkeypatch.setattr(timeline_module, "work_of_step", lambda *_: 20_000.0)  # microseconds
    monkeypatch.setattr(checkpoints, "memory_cap", lambda _: 0)


async def kill(sessions: Sessions) -> None:
    """End as a kill does: what is in memory only is gone."""
    sessions._workers.close()
    await sessions._store.close()


async def computed_to_open(folder: Path, key: str) -> int:
    """Return how many steps were computed until a run stood where it stood, and kill it."""
    sessions = Sessions(folder, Limits())
    steps: list[int] = []
    sessions.metrics.steps_computed = steps.append  # type: ignore[method-assign]
    async with sessions.use(key) as access:
        assert access.session.shown.step == access.session.cursor.step
    await kill(sessions)
    return sum(steps)


def test_a_kill_costs_about_a_second_of_computing_however_few_checkpoints_there_are(
    tmp_path: Path, few_checkpoints: None
) -> None:
    """Steps that take 20 ms each, as the timeline has it: a second is 50 of them."""

    async def main() -> None:
        sessions = Sessions(tmp_path, Limits())
        key = (await sessions.create(SMALL)).id
        async with sessions.use(key) as access:
            await seek(access.session, 1500)
            await seek(access.session, 1540)
        await kill(sessions)
        assert await computed_to_open(tmp_path, key) <= 64

    asyncio.run(main())


def test_the_furthest_step_is_stored_with_what_it_takes_to_show_it(
    tmp_path: Path, few_checkpoints: None
) -> None:
    """The nearest checkpoint before it is 220 steps away."""

    async def main() -> None:
        sessions = Sessions(tmp_path, Limits())
        key = (await sessions.create(SMALL)).id
        async with sessions.use(key) as access:
            await seek(access.session, 1500)
        await sessions.close()
        assert await computed_to_open(tmp_path, key) == 1, "the one shown"

    asyncio.run(main())


def test_what_is_computed_in_the_background_is_kept_before_anybody_comes_back(
    tmp_path: Path, few_checkpoints: None
) -> None:
    """Nobody waits for the move any more; killed on the way, most of it is there."""

    async def main() -> None:
        sessions = Sessions(tmp_path, Limits())
        saved, save = asyncio.Event(), sessions._store.save

        async def note(*arguments: Any) -> bool:
            found = await save(*arguments)
            if arguments[2].checkpoints[-1].step > 2_000:
                saved.set()
            return found

        sessions._store.save = note  # type: ignore[method-assign]
        key = (await sessions.create(SMALL)).id
        async with sessions.use(key) as access:
            asked = access.session.wish = Asked()
            with pytest.raises(Busy):
                await access.session.seek(900_000, 0, 0.0, asked)
            await asyncio.wait_for(saved.wait(), 60)
            access.session.reaching.cancel()
            await access.session.reaching.close()
        await kill(sessions)
        sessions = Sessions(tmp_path, Limits())
        async with sessions.use(key) as access:
            assert access.session.timeline.furthest >= 2_000
            assert access.session.cursor.step == 0, "nothing was answered"
        await sessions.close()

    asyncio.run(main())


def test_what_a_load_had_to_compute_is_kept(tmp_path: Path, few_checkpoints: None) -> None:
    """It was killed before anything was stored; the next kill must not cost the same again."""

    async def main() -> None:
        sessions = Sessions(tmp_path, Limits())
        key = (await sessions.create(SMALL)).id
        async with sessions.use(key) as access:
            access.session.keeping.enough = math.inf
            await seek(access.session, 1500)
        await kill(sessions)
        sessions = Sessions(tmp_path, Limits())
        async with sessions.use(key) as access:
            while access.session.keeping.task:
                await access.session.keeping.task
        await kill(sessions)
        assert await computed_to_open(tmp_path, key) <= 64

    asyncio.run(main())


def test_where_work_cannot_be_kept_it_is_tried_again_after_as_much_again(
    tmp_path: Path, few_checkpoints: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    async def scene(sessions: Sessions, access: Access) -> None:
        async def no_room(session_id: str, place: Place, saved: Saved) -> bool:
            tries.append(max(saved.steps))
            raise NotStored("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(sessions._store, "save", no_room)
            for step in range(10, 401, 10):
                await seek(access.session, step)
            assert access.session.keeping.task is None
        assert all(later - earlier > 64 for earlier, later in pairwise(tries))
        assert len(tries) == 400 // 70

    play(tmp_path, scene)


def test_what_leaves_memory_is_free_at_once(tmp_path: Path) -> None:
    """Nothing of a session holds it in a circle: looking for such garbage would stop everybody."""
    alive: list[weakref.ref[Any]] = []

    async def visit(sessions: Sessions, key: str) -> None:
        async with sessions.use(key) as access:
            session, viewer = access.session, Viewer()
            session.viewers.add(viewer)
            await seek(session, 70_000)  # far enough for progress to be told
            await session.change({"learning_rate": 0.01}, Asked())
            await session.undo(Asked())
            with pytest.raises(Refused):
                await session.undo(Asked())
            await access.seat.player.play("step", 0)
            await viewer.wait()
            await access.seat.player.pause()
            with pytest.raises(Busy):
                await session.seek(900_000, 0, 0.01, Asked())
            session.reaching.cancel()
            await session.reads.record(90, 9)
            session.viewers.clear()
            alive.extend(map(weakref.ref, (session, session.timeline, access.seat.player)))

    async def scene(sessions: Sessions, access: Access) -> None:
        for _ in range(2):
            await visit(sessions, (await sessions.create(SMALL)).id)

    gc.collect()
    gc.disable()
    try:
        play(tmp_path, scene, resident_sessions=1)
        assert len(alive) == 6
        assert [reference() for reference in alive] == [None] * 6
    finally:
        gc.enable()


def test_an_edit_while_another_is_under_way_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        session, ended, asked, may = access.session, 0, asyncio.Event(), asyncio.Event()
        store, cancel = session._store_edit, session.reaching.cancel

        async def slow(*given: Any) -> dict[str, Any]:
            asked.set()
            await may.wait()
            return await store(*given)

        def count() -> None:
            nonlocal ended
            ended += 1
            cancel()

        monkeypatch.setattr(session, "_store_edit", slow)
        monkeypatch.setattr(session.reaching, "cancel", count)
        session.playing = {"unit": "step", "per_second": 0}
        first = asyncio.create_task(session.change({"learning_rate": 0.5}, Asked()))
        await asked.wait()
        before = ended
        second = asyncio.create_task(session.change({"learning_rate": 0.6}, Asked()))
        for _ in range(9):
            await asyncio.sleep(0)
        session.cancel()  # is for moves
        assert ended == before > 0
        may.set()
        assert [(await edit)["revision"] for edit in (first, second)] == [1, 2]
        session.playing = None
        session.cancel()
        assert ended > before

    play(tmp_path, scene)


def test_a_run_that_overflows_before_the_step_it_stood_at_opens_at_its_last(tmp_path: Path) -> None:
    """As on another machine, whose digits lead there a step sooner."""

    async def stand_behind() -> str:
        sessions = Sessions(tmp_path, Limits())
        key = (await sessions.create({**SMALL, "learning_rate": 1e9})).id
        place = Place(40, 2, 0, 0, 40, "another machine")
        await sessions._store.move(key, place, None)
        await sessions._store.close()
        sessions._workers.close()
        return key

    async def opened(key: str) -> None:
        sessions = Sessions(tmp_path, Limits())
        async with sessions.use(key) as access:
            session = access.session
            assert session.shown.step == session.cursor.step == session.timeline.last_step
            assert 0 < session.cursor.step < 40
        await sessions.close()

    asyncio.run(opened(asyncio.run(stand_behind())))


def test_a_reader_who_asks_while_an_edit_is_stored_has_nothing_computed(tmp_path: Path) -> None:
    async def scene(sessions: Sessions, access: Access) -> None:
        session = access.session
        await session.seek(900, 0, None, Asked())
        await session.seek(10, 0, None, Asked())
        async with sessions.use(session.read_id) as reader:
            edit = asyncio.create_task(session.change({"learning_rate": 0.01}, Asked()))
            while not session.reads.are_held:
                await asyncio.sleep(0)
            read = asyncio.create_task(reader.record(900, 9))
            furthest = (await edit)["furthest"]
            with pytest.raises(Refused, match="the furthest computed"):
                await read
        assert session.extent.furthest == furthest == 10

    play(tmp_path, scene)
