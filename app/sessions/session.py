"""One person's run as others see it: a cursor, edits, viewers, and the work under way.

The timeline is used by one thread at a time, under `computing`; commands take their turn under
`turn`. What viewers are shown (`shown`) is a frozen record, so a frame can be made at any moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from app.limits import over
from app.refusal import Refused
from app.sessions.reaching import Reaching
from app.sessions.store import Store, Stored
from app.sessions.viewers import Viewer
from app.sessions.workers import P, T, Workers
from app.timeline.edits import Edit, parse_change
from app.timeline.phases import Cursor, last_cursor
from app.timeline.run import StepRecord
from app.timeline.timeline import Timeline

Reply = dict[str, Any]


class Session:
    """A timeline with a cursor; made by `Sessions`."""

    def __init__(
        self, identity: str, timeline: Timeline, stored: Stored, workers: Workers, store: Store
    ) -> None:
        self.id, self.timeline = identity, timeline
        self.cursor = Cursor(stored.step, stored.phase)
        self.revision = stored.revision
        self.viewers: set[Viewer] = set()
        self.playing: dict[str, Any] | None = None
        self.shown: StepRecord = timeline.record(0)
        self.computing = asyncio.Lock()
        self.reaching = Reaching(timeline, workers, self.computing, self.tell)
        self.turn = asyncio.Lock()
        self._workers, self._store = workers, store
        self.wish: object = None  # the latest move asked for: an older one that waits gives up
        self.users = 0  # requests and sockets that hold this session in memory

    async def show_stored(self) -> None:
        """Stand where the store says that the session stood."""
        self.shown = await self.reaching.record(self.cursor.step, patience=None)

    def to_json(self) -> dict[str, Any]:
        timeline = self.timeline
        return {
            "id": self.id,
            "spec": timeline.spec.to_json(),
            "cursor": self.cursor.to_json(),
            "edits": [edit.to_json() for edit in timeline.edits],
            "layout": timeline.layout(),
            "parameters": timeline.network.parameter_count,
            "revision": self.revision,
            "can_undo": bool(timeline.undo_stack),
            "furthest": timeline.furthest,
        }

    async def move(self, unit: str, by: int, patience: float | None, command: str | None) -> Reply:
        async with self.turn:
            if (known := await self._known(command)) is not None:
                return known
            timeline = self.timeline
            wanted = timeline.move(self.cursor, unit, by)
            return await self._go(wanted, patience, command)

    async def seek(
        self, step: int, phase: int, patience: float | None, command: str | None
    ) -> Reply:
        async with self.turn:
            if (known := await self._known(command)) is not None:
                return known
            if phase >= self.timeline.phase_count:
                expected = f"a phase from 0 to {self.timeline.phase_count - 1}"
                raise Refused("out_of_range", "phase", phase, expected)
            return await self._go(Cursor(step, phase), patience, command)

    async def change(self, given: dict[str, Any], command: str | None) -> Reply:
        self._interrupt_player()
        async with self.turn:
            if (known := await self._known(command)) is not None:
                return known
            revealed = self.cursor.phase == self.timeline.phase_count - 1
            step = self.cursor.step + revealed
            last = self.timeline.limits.max_steps
            if step > last:
                raise over(
                    "max_steps", f"an edit at or before {last:,}", "step", step, "out_of_range"
                )
            edit = parse_change(given, step)
            dropped = await self._edit(self.timeline.change, edit)
            return await self._edited(command, {"dropped": [old.to_json() for old in dropped]})

    async def undo(self, command: str | None) -> Reply:
        """Take the last edit back. The cursor stays, unless its step would take long to compute
        anew: then it goes to where the edit held.
        """
        self._interrupt_player()
        async with self.turn:
            if (known := await self._known(command)) is not None:
                return known
            edit = await self._edit(self.timeline.undo)
            async with self.computing:
                near = await self._is_near(self.cursor.step)
            if not near:
                self.cursor = Cursor(edit.step, self.cursor.phase)
            return await self._edited(command, {})

    async def record(self, step: int, patience: float) -> StepRecord:
        """Return the numbers of any step without moving, and without stopping a search."""
        async with self.computing:
            if await self._is_near(step):
                return await self._workers.compute(self.timeline.record, step)
        return await self.reaching.record(step, patience)

    async def trail(self, step: int) -> list[tuple[int, Any]]:
        async with self.computing:
            return await self._workers.compute(self.timeline.trail, step)

    async def compute(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what only reads frozen records in a thread, beside whatever the timeline does."""
        return await self._workers.compute(call, *args, **kwargs)

    async def history(self) -> dict[str, Any]:
        async with self.computing:
            return await self._workers.compute(self.timeline.history)

    def tell(self, message: dict[str, Any]) -> None:
        for viewer in self.viewers:
            viewer.tell(message)

    def refresh(self) -> None:
        for viewer in self.viewers:
            viewer.refresh()

    def set_playing(self, playing: dict[str, Any] | None, reason: str | None = None) -> None:
        self.playing = playing
        self.tell({"type": "playing", "playing": playing, "reason": reason})
        self.refresh()

    async def show(self, cursor: Cursor, record: StepRecord) -> None:
        """Stand at `cursor` without storing it: the player stores once a second."""
        self.cursor, self.shown = cursor, record
        self.refresh()

    async def store_cursor(self) -> None:
        await self._workers.store(self._store.update, self.stored())

    async def store_checkpoints(self) -> None:
        async with self.computing:
            saved = await self._workers.compute(self.timeline.save)
        await self._workers.store(self._store.save, self.id, saved)

    def stored(self) -> Stored:
        timeline, cursor = self.timeline, self.cursor
        edits = [edit.to_json() for edit in timeline.edits]
        spec, undo_stack = timeline.spec.to_json(), list(timeline.undo_stack)
        return Stored(self.id, spec, edits, undo_stack, cursor.step, cursor.phase, self.revision)

    def _interrupt_player(self) -> None:
        if self.playing:
            self.reaching.cancel()

    async def _is_near(self, step: int) -> bool:
        return self.reaching.is_near(await self._workers.compute(self.timeline.cost_to, step))

    async def _known(self, command: str | None) -> Reply | None:
        if command is None:
            return None
        reply: Reply | None = await self._workers.store(self._store.reply, self.id, command)
        return reply

    async def _go(self, wanted: Cursor, patience: float | None, command: str | None) -> Reply:
        """Move to `wanted`, or to the last finite step where the run diverges before it."""
        extra: Reply = {}
        try:
            record = await self.reaching.record(wanted.step, patience)
        except Refused as refused:
            last = self.timeline.last_step
            if refused.code != "diverged" or last is None:
                raise
            extra["diverged"] = {"step": last}
            wanted = last_cursor(last, self.timeline.phase_count)
            record = await self.reaching.record(last, patience)
        self.cursor, self.shown = wanted, record
        return await self._answer(command, extra)

    async def _edit(self, call: Any, *args: Edit) -> Any:
        self.reaching.cancel()
        async with self.computing:
            return await self._workers.compute(call, *args)

    async def _edited(self, command: str | None, extra: Reply) -> Reply:
        """Answer an edit or an undo; the step under the cursor may be one that now diverges."""
        self.revision += 1
        try:
            self.shown = await self.reaching.record(self.cursor.step, patience=None)
        except Refused:
            last = self.timeline.last_step or 0
            extra = {**extra, "diverged": {"step": last}}
            self.cursor = last_cursor(last, self.timeline.phase_count)
            self.shown = await self.reaching.record(last, patience=None)
        edits = [edit.to_json() for edit in self.timeline.edits]
        reply = await self._answer(command, {**extra, "edits": edits})
        can_undo = bool(self.timeline.undo_stack)
        message = {"type": "session", "revision": self.revision, "edits": edits}
        self.tell({**message, "can_undo": can_undo, "furthest": self.timeline.furthest})
        return reply

    async def _answer(self, command: str | None, extra: Reply) -> Reply:
        reply = {"id": command, "cursor": self.cursor.to_json(), **extra}
        await self._workers.store(self._store.update, self.stored(), command, reply)
        self.refresh()
        return reply
