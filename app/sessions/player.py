"""Playing: moves a session on at its speed, or as fast as it computes, until somebody stops it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from typing import Any

from app.refusal import Refused
from app.sessions.reaching import SLICE_SECONDS, Cancelled
from app.sessions.session import Session
from app.sessions.writer import NotStored
from app.timeline.phases import Cursor, last_cursor
from app.timeline.run import StepRecord

_TICK = 1 / 60
_STORE_SECONDS = 1.0
_AHEAD_SECONDS = 2  # that are stored as seen beforehand, so that few moves wait for the store
_NOT_STORED = "not stored"
_log = logging.getLogger("retrace")


class NotKept(NotStored):
    """Playing ended at a step that is not in the store yet; it is tried again until it is."""

    def __init__(self, reason: str) -> None:
        said = f"playing stopped, but the step is not stored yet, since {reason}; reading goes on"
        Exception.__init__(self, said)
        self.reason = reason


class Player:
    """Plays one session; one at a time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._task: asyncio.Task[None] | None = None  # plays, or stores what was played
        self._changing = asyncio.Lock()
        self._jump, self._per_second = 1, 0.0
        self._stored = 0.0  # when the cursor was stored last

    @property
    def is_behind(self) -> bool:
        """Tell whether the step where playing ended is still to be stored."""
        return self._task is not None and not self._task.done() and not self._session.playing

    async def play(self, unit: str, per_second: float) -> None:
        """Play on from the step that is shown, in the place of a move under way.

        NotStored where what it shows could not be kept.
        """
        self._session.wish = None
        async with self._changing:  # whoever stops it meanwhile stops what begins here
            self._session.interrupt_player()
            await self._session.store_cursor()
            self._cancel()
            self._session.reaching.cancel()
            self._jump, self._per_second = 1, per_second
            self._session.set_playing({"unit": unit, "per_second": per_second})
            self._task = asyncio.create_task(self._play(unit))

    async def pause(self, reason: str | None = None) -> None:
        """Stop at the step that is shown, and store it; NotKept where that cannot be now.

        Whoever gives up meanwhile leaves no run that looks as if it still played.
        """
        pausing = asyncio.create_task(self._pause(reason))
        pausing.add_done_callback(_looked_at)
        try:
            await asyncio.shield(pausing)
        finally:
            del pausing  # its failure leads here, and from here to it: a circle would keep the run

    async def stop(self, reason: str) -> None:
        """Pause; what cannot be stored now is stored as soon as it can be."""
        with contextlib.suppress(NotStored):
            await self.pause(reason)

    async def close(self) -> None:
        """Stop, and try no more: the session leaves memory."""
        await self.stop("closing")
        if self._task:
            self._cancel()
            await asyncio.wait({self._task})

    async def _pause(self, reason: str | None) -> None:
        async with self._changing:  # else another one is told where it stands before that is stored
            task = self._task
            if task is None or task.done():
                return
            self._cancel()
            await asyncio.wait({task})
            self._task = None
            if self._session.playing:
                self._session.set_playing(None, reason)
            try:
                await self._session.store_cursor()
            except NotStored as failure:
                self._task = asyncio.create_task(self._store_at_last())
                raise NotKept(failure.reason) from failure

    def _cancel(self) -> None:
        if self._task:
            self._task.cancel()

    async def _play(self, unit: str) -> None:
        try:
            reason = await self._play_on(unit)
        except Exception as failure:  # whatever it was: no run may look as if it still played
            _log.error("the player failed", exc_info=failure)
            reason = "failed"
        self._session.set_playing(None, reason)
        if reason in ("failed", _NOT_STORED):
            await self._store_at_last()

    async def _play_on(self, unit: str) -> str:
        """Play until there is a reason to stop, and return it."""
        reason, per_second = None, self._per_second
        self._stored = started = time.monotonic()
        moved, began = 0, -math.inf
        while reason is None:
            waited = time.monotonic()
            if per_second:
                due = max(started + (moved + 1) / per_second, began + _TICK)
                await asyncio.sleep(max(due - waited, 0))
                late = max(1, int((time.monotonic() - started) * per_second) - moved)
                by, moved = min(late, self._jump), moved + late  # nothing is made up for
            else:
                await asyncio.sleep(0)
                by = self._jump
            began = time.monotonic()
            reason = await self._move(unit, by)
            now = time.monotonic()
            # The next move may be too late.
            if reason or now - self._stored + (now - waited) > _STORE_SECONDS:
                reason = await self._store() or reason
        return reason

    async def _store(self) -> str | None:
        """Store the cursor; return why playing ends here where that cannot be."""
        self._stored = time.monotonic()
        try:
            await self._session.store_cursor()
        except NotStored:
            return _NOT_STORED
        return None

    async def _store_at_last(self) -> None:
        """Store the cursor, as often as it takes."""
        while await self._store():
            await asyncio.sleep(_STORE_SECONDS)

    async def _move(self, unit: str, by: int) -> str | None:
        """Move by so many units; return why playing ends here, or None.

        Where an edit or another search comes in between, the next move finds how things are then.
        """
        async with self._session.turn:
            # A command that came while another one had its turn is next.
            if any(not task.done() for task in self._session.running):
                return None
            try:
                return await self._move_now(unit, by)
            except Cancelled:
                return None
            except NotStored:
                return _NOT_STORED

    async def _move_now(self, unit: str, by: int) -> str | None:
        session, timeline = self._session, self._session.timeline
        wanted = timeline.move(session.cursor, unit, by)
        began = time.monotonic()
        try:
            record = await self._reach(wanted.step)
        except Refused:
            last = timeline.last_step or 0
            at = last_cursor(last, timeline.phase_count)
            await session.show(at, await session.reaching.record(last, None), last)
            return "diverged"
        took = time.monotonic() - began
        await session.show(wanted, record, self._soon(wanted, unit, by, took))
        self._adapt(by, took)
        last = timeline.limits.max_steps
        at_end = wanted == last_cursor(last, timeline.phase_count)
        return "end" if at_end or (unit != "phase" and wanted.step == last) else None

    async def _reach(self, step: int) -> StepRecord:
        """Return the numbers of a step; where they take long, what is shown meanwhile is stored."""
        search = asyncio.create_task(self._session.reaching.record(step, None))
        search.add_done_callback(_looked_at)
        try:
            left = self._stored + _STORE_SECONDS - time.monotonic()
            if not (await asyncio.wait({search}, timeout=max(left, 0)))[0]:
                self._stored = time.monotonic()
                await self._session.store_place()
            return await search
        finally:
            search.cancel()
            del search  # its failure leads here, and from here to it: a circle would keep the run

    def _soon(self, cursor: Cursor, unit: str, by: int, took: float) -> int:
        """Return the step to which playing will have come a little later, if it moves on as by so
        many units in the seconds that this took.
        """
        pace = min(by / max(took, _TICK), self._per_second or math.inf)
        return self._session.timeline.move(cursor, unit, math.ceil(_AHEAD_SECONDS * pace)).step

    def _adapt(self, by: int, took: float) -> None:
        """Choose how far to move at once at the most, so that about 60 states a second are shown.

        What is too slow for its speed would else compute for ever longer without showing a state.
        """
        if took < SLICE_SECONDS and by == self._jump:
            self._jump = min(self._jump * 2, 1 << 16)
        elif took > 2 * SLICE_SECONDS:
            self._jump = max(self._jump // 2, 1)


def _looked_at(task: asyncio.Task[Any]) -> None:
    """Nobody is warned about a failure whose asker has gone."""
    if not task.cancelled():
        task.exception()
