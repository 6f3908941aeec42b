"""One person's run as others see it: a cursor, edits, viewers, and the work under way.

The timeline is used by one thread at a time, under `computing`; commands take their turn under
`turn`. What viewers are shown (`shown`) is a frozen record, so a frame can be made at any moment.
A command is shown and answered once it is in the store, never before.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from app.limits import over
from app.metrics import Metrics
from app.refusal import Refused
from app.sessions.asking import Asked, told
from app.sessions.keeping import Keeping
from app.sessions.reaching import Busy, Reaching
from app.sessions.reads import Reads
from app.sessions.rows import KEPT_CHANGES, Place, Stored
from app.sessions.store import Damaged, Store
from app.sessions.viewers import Viewers
from app.sessions.workers import P, T, Workers
from app.sessions.writer import Conflict, NotStored
from app.timeline.edits import Edit, parse_change
from app.timeline.phases import Cursor, last_cursor
from app.timeline.run import StepRecord
from app.timeline.timeline import Extent, Timeline

R = TypeVar("R")
Body = dict[str, Any]


def _counting(session: weakref.ref[Session], metrics: Metrics) -> Callable[[int], None]:
    """Return what is told how many steps were computed, without a circle that holds a session."""

    def count(steps: int) -> None:
        metrics.steps_computed(steps)
        if (found := session()) is not None:
            found.keeping.begin()

    return count


class Session:
    """A timeline with a cursor; made by `Sessions`."""

    def __init__(
        self,
        timeline: Timeline,
        stored: Stored,
        commands: list[str],
        workers: Workers,
        store: Store,
        metrics: Metrics,
    ) -> None:
        self.id, self.read_id, self.timeline = stored.id, stored.read_id, timeline
        self.cursor = Cursor(stored.place.step, stored.place.phase)
        self.revision, self.changes = stored.place.revision, stored.place.changes
        self.viewers = Viewers()
        self.playing: dict[str, Any] | None = None
        self.shown: StepRecord  # from `show_stored` on
        self.computing = asyncio.Lock()
        steps, lane = _counting(weakref.ref(self), metrics), workers.for_steps(timeline.work)
        self._workers, self._readers = lane, workers.for_reads(timeline.work)
        tell = self.viewers.tell
        self.reaching = Reaching(timeline, lane, self.computing, tell, steps, insists=True)
        self.reads = Reads(stored.id, timeline, lane, store, self.computing, steps)
        # Of another machine the store must be told anew: what is read here has digits of its own.
        self.reads.seen = -1 if timeline.took_over else stored.place.furthest
        self._held = timeline.held  # edits and what can be undone, as they are in the store
        self._extent: Extent | None = None  # as it is there, while an edit is under way
        self.turn = asyncio.Lock()
        here = weakref.WeakMethod(self.here)  # no circle that would hold a session
        self.keeping = Keeping(stored.id, timeline, lane, store, self.turn, self.computing, here)
        self._store = store
        self._spec = stored.text
        self.running: set[asyncio.Task[Body]] = set()  # commands under way
        self._commands = dict.fromkeys(commands)  # ids that are kept, the oldest first
        self.wish: Asked | None = None  # the latest asked for: an older move that waits gives up
        self.used_at = stored.used_at  # as it is in the store, or an hour older at most
        self.users = 0  # requests and sockets that hold this session in memory

    @property
    def is_used(self) -> bool:
        return self.users > 0 or bool(self.running)

    async def show_stored(self) -> None:
        """Stand where the store says that the session stood."""
        try:
            self.shown = await self.reaching.record(self.cursor.step, patience=None)
        except Refused:  # near its divergence a run may overflow earlier on another machine
            last = self.timeline.last_step or 0
            self.cursor = self._last_cursor(last)
            self.shown = await self.reaching.record(last, patience=None)
        if self.timeline.took_over:  # from now on it counts which machine computed what
            with contextlib.suppress(NotStored):
                await self.keeping.store()

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits in force, as they are in the store."""
        return self._held.in_force

    @property
    def extent(self) -> Extent:
        """How far the run goes, by what is in the store."""
        return self._extent or self.timeline.extent

    @property
    def kept_bytes(self) -> int:
        """Return the memory that it takes."""
        return self.timeline.kept_bytes + len(self._spec)

    def to_json(self, may_write: bool = True) -> dict[str, Any]:
        """Return the session as `docs/protocol.md` has it; a reader is not told the writing key."""
        found: dict[str, Any] = json.loads(self.to_text(may_write))
        return found

    def to_text(self, may_write: bool = True) -> str:
        """Return its JSON, with the spec's as it is kept: to write megabytes stops everybody."""
        head = {
            "id": self.id if may_write else self.read_id,
            "read_id": self.read_id,
            "may_write": may_write,
        }
        return f'{_text(head)[:-1]},"spec":{self._spec},{_text(self._state())[1:]}'

    def _state(self) -> dict[str, Any]:
        timeline = self.timeline
        return {
            "cursor": self.cursor.to_json(),
            "edits": [edit.to_json() for edit in self.edits],
            "layout": timeline.layout(),
            "parameters": timeline.network.parameter_count,
            "revision": self.revision,
            "offset": self.changes,
            "can_undo": bool(self._held.undo_stack),
            "furthest": self.extent.furthest,
            **self.machines(),
        }

    def machines(self) -> dict[str, Any]:
        """Return what computes now, and what else computed steps of this run first."""
        return {"machine": self.timeline.machine, "recorded_on": self.extent.other_machines}

    async def move(self, unit: str, by: int, patience: float | None, asked: Asked) -> Body:
        async def go() -> Body:
            return await self._go(self.timeline.move(self.cursor, unit, by), patience, asked)

        return await self._in_turn(asked, go)

    async def seek(self, step: int, phase: int, patience: float | None, asked: Asked) -> Body:
        async def go() -> Body:
            self.timeline.check(step, phase)
            return await self._go(Cursor(step, phase), patience, asked)

        return await self._in_turn(asked, go)

    async def change(self, given: dict[str, Any], asked: Asked) -> Body:
        async def edit() -> Body:
            wanted = parse_change(given, self._edit_step())
            return await self._edit(asked, lambda: self.timeline.change(wanted))

        self.interrupt_player()
        return await self._in_turn(asked, edit)

    async def undo(self, asked: Asked) -> Body:
        """Take the last edit back. The cursor stays, unless its step would take long to compute
        anew: then it goes to where the edit held.
        """

        async def undo() -> Body:
            return await self._edit(asked, self.timeline.undo)

        self.interrupt_player()
        return await self._in_turn(asked, undo)

    async def _compute_alone(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what uses the timeline in a thread."""
        async with self.computing:
            return await self._workers.compute(call, *args, **kwargs)

    async def compute(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what only reads frozen records in a thread, beside whatever the timeline does.

        Refused `too_many_reads` where too many of this run wait for their turn.
        """
        return await self._readers.read(self.id, call, *args, **kwargs)

    async def changes_since(self, number: int) -> list[Body] | None:
        """Return what came after the change of this number; None where that is not kept, or where
        there is too much of it: every edit lists all of them.
        """
        if not self.changes - KEPT_CHANGES <= number <= self.changes:
            return None
        try:
            most = self.timeline.limits.resume_bytes
            found = await self._store.bodies_since(self.id, number, most)
        except Damaged:
            return None  # a viewer is told everything instead; the run itself was read
        if found is None:
            return None
        complete = [body["offset"] for body in found] == list(range(number + 1, self.changes + 1))
        return list(map(told, found)) if complete else None

    async def known(self, asked: Asked) -> Body | None:
        """Return what became of a command before, and tell the one who asks again; Refused
        `id_taken` where its id is known as another command's.
        """
        return await self._known(asked) if asked.id in self._commands else None

    def set_playing(self, playing: dict[str, Any] | None, reason: str | None = None) -> None:
        self.playing = playing
        self.viewers.tell({"type": "playing", "playing": playing, "reason": reason})
        self.viewers.refresh()

    async def show(self, cursor: Cursor, record: StepRecord, until: int) -> None:
        """Stand at `cursor` without storing it: the player stores once a second, and before that
        only that steps up to `until` may be seen. NotStored where not even that can be.
        """
        await self.reads.note_seen(cursor.step, until)
        self.cursor, self.shown = cursor, record
        self.viewers.refresh()

    async def store_cursor(self) -> None:
        """Store where the session stands and how far it was seen, and what was computed if that was
        much.
        """
        async with self.turn:  # a command under way stores a newer place
            await self.keeping.store_if_much()
            await self.store_place()

    async def store_place(self) -> None:
        """Store where the session stands, and that nothing further was seen. Whoever asks holds the
        turn.
        """
        place = self.here()
        self.reads.seen = min(self.reads.seen, place.furthest)
        await self._store.stand(self.id, place)
        self.reads.seen = max(self.reads.seen, place.furthest)

    def cancel(self) -> None:
        """Give up the move under way. An edit goes on: it is short, and may be somebody else's."""
        self.wish = None
        if not self.reads.are_held:
            self.reaching.cancel()

    def give_up(self) -> None:
        """Give up what is computed for nobody: moves and reads."""
        self.cancel()
        self.reads.cancel()

    async def leave(self) -> None:
        """Finish what is under way, and store all that it would take to compute it again."""
        while self.running:
            await asyncio.wait(self.running)
        await self.reaching.close()
        await self.reads.close()
        await self.keeping.end()
        async with self.turn:
            with contextlib.suppress(NotStored):  # the place takes a few bytes, and may find room
                await self.keeping.store()
            await self.store_place()

    def here(self) -> Place:
        """Return where the session stands, as it is stored."""
        return self._place(self.cursor, self.revision, self.changes)

    def _place(self, cursor: Cursor, revision: int, changes: int) -> Place:
        return Place(cursor.step, cursor.phase, revision, changes, *self.timeline.shown)

    def interrupt_player(self) -> None:
        """End the move of the player that is under way: somebody waits for its turn."""
        if self.playing and not self.running:  # else what is under way has done so
            self.reaching.cancel()

    async def _is_near(self, step: int) -> bool:
        return self.reaching.is_near(await self._workers.compute(self.timeline.cost_to, step))

    async def _in_turn(self, asked: Asked, call: Callable[[], Coroutine[Any, Any, Body]]) -> Body:
        """Carry a command out to its end, even if the one who asked goes away meanwhile."""
        task = asyncio.create_task(self._carry_out(asked, call))
        self.running.add(task)
        task.add_done_callback(self._ended)
        try:
            return await asyncio.shield(task)
        finally:
            del task  # its failure leads here, and from here to it: a circle would keep the session

    def _ended(self, task: asyncio.Task[Body]) -> None:
        self.running.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that nobody is warned about one that nobody awaits

    async def _carry_out(self, asked: Asked, call: Callable[[], Coroutine[Any, Any, Body]]) -> Body:
        """Do a command, once; a known one is answered as it was the first time."""
        async with self.turn:
            known = await self.known(asked)
            if known is not None:
                return known
            try:
                return await call()
            except Conflict:  # the store may know an id that is forgotten here
                known = await self._known(asked)
                if known is None:
                    raise
                return known

    async def _known(self, asked: Asked) -> Body | None:
        """Return what the store knows to have become of a command."""
        kept = None if asked.id is None else await self._store.body_of(self.id, asked.id)
        if kept is None:
            return None
        known = asked.answer(kept)
        if asked.viewer:
            asked.viewer.tell({"type": "reply", **known})
        return known

    async def _go(self, wanted: Cursor, patience: float | None, asked: Asked) -> Body:
        """Move to `wanted`, or to the last finite step where the run diverges before it."""
        extra: Body = {}
        try:
            record = await self.reaching.record(wanted.step, patience)
        except Refused as refused:
            last = self.timeline.last_step
            if refused.code != "diverged" or last is None:
                raise
            extra["diverged"] = {"step": last}
            wanted = last_cursor(last, self.timeline.phase_count)
            record = await self.reaching.record(last, patience)
        except Busy:
            if self.wish is not asked:  # something newer was asked for while this had its turn
                self.reaching.cancel()
            raise
        body = self._body(asked, wanted, self.revision, extra)
        place = self._place(wanted, self.revision, body["offset"])
        await self._store.move(self.id, place, asked.kept(body))
        self.reads.seen = max(self.reads.seen, place.furthest)
        self._stand(asked, body, wanted, record)
        await self.keeping.store_if_much()
        return body

    def _edit_step(self) -> int:
        """Return the step from which an edit made here holds."""
        step = self.cursor.step + (self.cursor.phase == self.timeline.phase_count - 1)
        last = self.timeline.limits.max_steps
        if step > last:
            allowed = f"an edit at or before {last:,}"
            raise over("max_steps", allowed, "step", step, "out_of_range")
        return step

    async def _edit(self, asked: Asked, call: Callable[[], Any]) -> Body:
        """Let an edit or an undo hold; where it cannot be stored, all is as it was before."""
        async with self.reads.held():
            self.reaching.cancel()
            self._extent = self.timeline.extent
            try:
                return await self._try_edit(asked, call)
            finally:
                self._extent = None

    async def _try_edit(self, asked: Asked, call: Callable[[], Any]) -> Body:
        timeline = self.timeline
        before, done = await self._compute_alone(lambda: (timeline.memory(), call()))
        try:
            return await self._store_edit(asked, done)
        except BaseException:
            await self._compute_alone(timeline.put_back, before)
            raise

    async def _store_edit(self, asked: Asked, done: Edit | tuple[Edit, ...]) -> Body:
        cursor, extra = self.cursor, {}
        if isinstance(done, Edit):
            async with self.computing:
                near = await self._is_near(cursor.step)
            cursor = cursor if near else Cursor(done.step, cursor.phase)
        try:
            record = await self.reaching.record(cursor.step, patience=None)
        except Refused:  # the step under the cursor may be one that now diverges
            last = self.timeline.last_step or 0
            cursor, extra["diverged"] = self._last_cursor(last), {"step": last}
            record = await self.reaching.record(last, patience=None)
        body = self._body(asked, cursor, self.revision + 1, {**self._edit_words(done), **extra})
        await self._write_edit(asked.kept(body), cursor)
        self._stand(asked, body, cursor, record)
        return body

    def _edit_words(self, done: Edit | tuple[Edit, ...]) -> Body:
        """Return what everybody must know after an edit or an undo: `done` is what it returned."""
        timeline = self.timeline
        words: Body = {"edits": [edit.to_json() for edit in timeline.edits]}
        if not isinstance(done, Edit):
            words["dropped"] = [old.to_json() for old in done]
        return {**words, "can_undo": bool(timeline.held.undo_stack), "furthest": timeline.furthest}

    async def _write_edit(self, body: Body, cursor: Cursor) -> None:
        timeline = self.timeline
        async with self.computing:
            saved = await self._workers.compute(timeline.saving)
            place = self._place(cursor, body["revision"], body["offset"])
            undo_stack = list(timeline.held.undo_stack)
            await self._store.edit(self.id, place, body, body["edits"], undo_stack, saved)
            timeline.note_stored(saved)
            self.keeping.note_stored()
            self.reads.seen = place.furthest

    def _last_cursor(self, step: int) -> Cursor:
        return last_cursor(step, self.timeline.phase_count)

    def _body(self, asked: Asked, cursor: Cursor, revision: int, extra: Body) -> Body:
        place = {"cursor": cursor.to_json(), "revision": revision, "offset": self.changes + 1}
        return {"id": asked.id, **place, **extra}

    def _stand(self, asked: Asked, body: Body, cursor: Cursor, record: StepRecord) -> None:
        """Show what is in the store now, and tell every viewer: all in the same order."""
        self._held = self.timeline.held
        self.cursor, self.shown = cursor, record
        self.revision, self.changes = body["revision"], body["offset"]
        if body["id"] is not None:
            self._commands[body["id"]] = None
            if len(self._commands) > KEPT_CHANGES:
                del self._commands[next(iter(self._commands))]
        for viewer in self.viewers:
            viewer.tell({"type": "reply" if viewer is asked.viewer else "change", **body})
        self.viewers.refresh()


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))
