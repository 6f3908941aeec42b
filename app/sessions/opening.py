"""Sessions on their way from the store into memory; whoever asks meanwhile shares one opening."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from app.limits import UNLIMITED, Limits
from app.maths.optimizers import OPTIMIZERS
from app.metrics import Metrics
from app.sessions.reaching import Busy, Cancelled
from app.sessions.rows import Stored
from app.sessions.session import Session
from app.sessions.store import UNREADABLE, Damaged, Store
from app.sessions.workers import Workers
from app.timeline.saved import Saved
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline


@dataclass
class Opening:
    """One on its way; `session` is there once it computes what it shows, at step `target`."""

    target: int
    session: Session | None = None
    task: asyncio.Task[None] = field(init=False)


class Openings:
    """All on their way. `arrived` is given each that came, `ended` those also that did not."""

    def __init__(
        self,
        limits: Limits,
        workers: Workers,
        store: Store,
        metrics: Metrics,
        arrived: Callable[[Session], None],
        ended: Callable[[Stored], None],
    ) -> None:
        self._limits, self._workers, self._store, self._metrics = limits, workers, store, metrics
        self._arrived, self._ended = arrived, ended
        self.under_way: dict[str, Opening] = {}
        self._closing = False

    def begin(self, stored: Stored) -> None:
        opening = self.under_way[stored.id] = Opening(stored.place.step)
        opening.task = asyncio.create_task(self._load(stored, opening))
        opening.task.add_done_callback(functools.partial(self._note_end, stored))

    async def wait(self, identity: str, patience: float) -> None:
        """Return once it is there; Busy where it is not after `patience` seconds, or what kept it
        from being opened.
        """
        opening = self.under_way[identity]
        done, _ = await asyncio.wait({opening.task}, timeout=patience)
        if not done:
            session = opening.session
            raise Busy(session.reaching.reached if session else 0, opening.target)
        opening.task.result()

    async def end(self) -> None:
        """Give up what is still to be computed, and wait until that is stored."""
        self._closing = True
        openings = list(self.under_way.values())
        for opening in openings:
            if opening.session:
                opening.session.reaching.cancel()
        if openings:
            await asyncio.wait([opening.task for opening in openings])

    def _note_end(self, stored: Stored, task: asyncio.Task[None]) -> None:
        del self.under_way[stored.id]
        self._ended(stored)
        if not task.cancelled():
            task.exception()  # looked at: whoever waited for it may have gone

    async def _load(self, stored: Stored, opening: Opening) -> None:
        lane = self._workers.for_specs(len(stored.text))
        timeline = await lane.compute(_timeline_of, stored, self._limits)
        commands = await self._store.commands(stored.id)
        session = Session(timeline, stored, commands, self._workers, self._store, self._metrics)
        opening.session = session
        try:
            if self._closing:
                raise Cancelled
            await session.show_stored()
            self._arrived(session)
        except Cancelled:  # the server stops: what was computed so far need not be again
            await session.leave()
            raise


def _timeline_of(stored: Stored, limits: Limits) -> Timeline:
    """Return the run as it was stored; Damaged where that is none."""
    place, saved = stored.place, stored.saved
    shown = (place.furthest, place.machine)
    # What was granted once stays.
    most = max(limits.max_steps, place.step, place.furthest)
    limits = replace(limits, max_steps=most, max_batch_numbers=UNLIMITED.max_batch_numbers)
    try:
        spec = parse_spec(stored.spec, UNLIMITED)
        found = Timeline(spec, stored.edits, stored.undo_stack, saved, limits, shown)
        is_there = place.phase < found.phase_count
        if is_there and (saved is None or _is_whole(found, saved)):
            return found
    except UNREADABLE as failure:
        raise Damaged from failure
    raise Damaged


def _is_whole(timeline: Timeline, saved: Saved) -> bool:
    """Tell whether the first checkpoint is there, and each is as long as a state of this run."""
    if saved.interval < 1:
        return False
    count = timeline.network.parameter_count
    sizes = {count + optimizer.state_size(count) for optimizer in OPTIMIZERS.values()}
    return 0 in saved.steps and all(kept.state.size in sizes for kept in saved.checkpoints)
