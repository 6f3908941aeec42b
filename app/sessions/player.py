"""Playing: moves a session on at its speed, or as fast as it computes, until somebody stops it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from app.refusal import Refused
from app.sessions.reaching import SLICE_SECONDS, Cancelled
from app.sessions.session import Session
from app.sessions.writer import NotStored
from app.timeline.phases import last_cursor

_TICK = 1 / 60
_STORE_SECONDS = 1.0
_log = logging.getLogger("retrace")


class Player:
    """Plays one session; one at a time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._task: asyncio.Task[None] | None = None
        self._jump = 1

    def play(self, unit: str, per_second: float) -> None:
        self._stop()
        self._session.reaching.cancel()
        self._session.set_playing({"unit": unit, "per_second": per_second})
        self._task = asyncio.create_task(self._play(unit, per_second))

    async def pause(self, reason: str | None = None) -> None:
        """Stop at the step that is shown, and keep it."""
        task = self._task
        if task is None or task.done():
            return
        self._stop()
        await asyncio.wait({task})
        if self._task is not task:
            return  # another one paused it too, or plays again
        self._task = None
        self._session.set_playing(None, reason)
        with contextlib.suppress(NotStored):  # nobody was promised the step that is shown
            await self._session.store_cursor()

    def _stop(self) -> None:
        if self._task:
            self._task.cancel()

    async def _play(self, unit: str, per_second: float) -> None:
        try:
            reason = await self._play_on(unit, per_second)
        except Exception as failure:  # whatever it was: no run may look as if it still played
            _log.error("the player failed", exc_info=failure)
            reason = "failed"
        self._session.set_playing(None, reason)

    async def _play_on(self, unit: str, per_second: float) -> str:
        """Play until there is a reason to stop, and return it."""
        reason = None
        stored = started = time.monotonic()
        moved = 0
        while reason is None:
            if per_second:
                due = started + (moved + 1) / per_second
                await asyncio.sleep(max(due - time.monotonic(), _TICK))
                by = max(1, int((time.monotonic() - started) * per_second) - moved)
            else:
                await asyncio.sleep(0)
                by = self._jump
            moved += by
            reason = await self._move(unit, by)
            if reason or time.monotonic() - stored > _STORE_SECONDS:
                stored = time.monotonic()
                reason = await self._store() or reason
        return reason

    async def _store(self) -> str | None:
        """Store the cursor; return why playing ends here where that cannot be."""
        try:
            await self._session.store_cursor()
        except NotStored:
            return "not stored"
        return None

    async def _move(self, unit: str, by: int) -> str | None:
        """Move by so many units; return why playing ends here, or None."""
        async with self._session.turn:
            return await self._move_now(unit, by)

    async def _move_now(self, unit: str, by: int) -> str | None:
        session, timeline = self._session, self._session.timeline
        wanted = timeline.move(session.cursor, unit, by)
        began = time.monotonic()
        try:
            record = await session.reaching.record(wanted.step, None)
        except Cancelled:
            return None
        except Refused:
            last = timeline.last_step or 0
            at = last_cursor(last, timeline.phase_count)
            await session.show(at, await session.reaching.record(last, None))
            return "diverged"
        self._adapt(time.monotonic() - began)
        await session.show(wanted, record)
        last = timeline.limits.max_steps
        at_end = wanted == last_cursor(last, timeline.phase_count)
        return "end" if at_end or (unit != "phase" and wanted.step == last) else None

    def _adapt(self, took: float) -> None:
        """Choose how far to move at once, so that about 60 states a second are shown."""
        if took < SLICE_SECONDS:
            self._jump = min(self._jump * 2, 1 << 16)
        elif took > 2 * SLICE_SECONDS:
            self._jump = max(self._jump // 2, 1)
