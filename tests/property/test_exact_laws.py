"""Whatever machines take turns at a run: no step is called exact whose digits are not the first.

A machine is told from another here by its name and by a factor that its gradients carry, larger
than what real ones differ by, so that no difference is lost.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.limits import Limits
from app.maths.passes import Passes
from app.sessions import store as store_module
from app.sessions.asking import Asked
from app.sessions.rows import write_change
from app.sessions.sessions import Access, Sessions
from app.sessions.writer import NotStored
from app.timeline import checkpoints, storing, trainer
from app.timeline import timeline as timeline_module
from app.timeline.phases import Cursor
from app.timeline.run import StepRecord
from tests.nets import SMALL

SEQUENCES = (
    int(os.environ.get("RETRACE_TEST_SEQUENCES", "500")) // 2
)  # each visits a store more often
FACTORS = {"one": 1.0, "two": 1.0 + 1e-9, "three": 1.0 + 2e-9}
MACHINES = st.sampled_from(list(FACTORS))
PATIENCE = 600.0
LAST = 60
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # thousands of commits
_step = Passes.step


class Machines(RuleBasedStateMachine):
    """Small intervals, as in test_sessions_laws.py. An edit is told from others by its number, so
    that a run of the same edits, made once more, is a run of its own.
    """

    @initialize(machine=MACHINES)
    def start(self, machine: str) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(trainer, "first_interval", lambda *_: 4)
        self.patch.setattr(checkpoints, "memory_cap", lambda _: 0)
        self.patch.setattr(storing, "AT_ONCE", 0)
        self.patch.setattr(timeline_module, "work_of_step", lambda *_: 100_000.0)  # microseconds
        self.patch.setattr(timeline_module, "_MOST_RECORDS", 1)  # what is seen again is replayed
        self.patch.setattr(timeline_module, "fingerprint", lambda _: self.machine)
        self.patch.setattr(store_module, "has_checkpoints_room", lambda *_: self.has_room)
        self.patch.setattr(store_module, "write_change", self.write_change)
        self.patch.setattr(Passes, "step", lambda *given: self.step_here(*given))
        self.folder = Path(tempfile.mkdtemp(dir=IN_MEMORY))
        self.loop = asyncio.new_event_loop()
        self.machine, self.has_room, self.fails = machine, True, False
        self.used = {machine}
        self.cursor = self.number = 0
        self.edits: list[tuple[int, int]] = []  # step and number of each in force
        self.stack: list[list[tuple[int, int]]] = []
        self.first: dict[Any, bytes] = {}  # what was called exact first, by edits and step
        self.open()
        self.key = self.do(self.sessions.create(SMALL)).id

    def step_here(self, passes: Passes, *given: Any) -> float:
        loss = _step(passes, *given)
        passes.gradient *= FACTORS[self.machine]
        return loss

    def write_change(self, *given: Any) -> None:
        if self.fails:
            raise NotStored("the disk is full")
        write_change(*given)

    def open(self) -> None:
        async def opened() -> Sessions:
            return Sessions(self.folder, Limits())

        self.sessions = self.do(opened())

    def do(self, call: Any) -> Any:
        return self.loop.run_until_complete(call)

    def command(self, name: str, *arguments: Any) -> None:
        async def use() -> None:
            async with self.sessions.use(self.key, PATIENCE) as access:
                await getattr(access.session, name)(*arguments, Asked())

        self.do(use())

    @rule(step=st.integers(0, LAST))
    def seek(self, step: int) -> None:
        self.command("seek", step, 0, None)
        self.cursor = step

    @rule(by=st.integers(-6, 6))
    def seek_near(self, by: int) -> None:
        self.seek(min(max(self.cursor + by, 0), LAST))

    @rule(rate=st.floats(0.001, 0.2))
    def change(self, rate: float) -> None:
        self.number += 1
        self.command("change", {"learning_rate": rate})
        self.stack.append(self.edits)
        kept = [edit for edit in self.edits if edit[0] < self.cursor]
        self.edits = [*kept, (self.cursor, self.number)]

    @rule()
    def undo(self) -> None:
        if self.stack:
            self.command("undo")
            self.edits = self.stack.pop()

    @rule(rate=st.floats(0.001, 0.2), undoes=st.booleans())
    def fail(self, rate: float, undoes: bool) -> None:
        """An edit or an undo that cannot be stored."""
        change = ("change", {"learning_rate": rate})
        call: tuple[Any, ...] = ("undo",) if undoes and self.stack else change
        self.fails = True
        with pytest.raises(NotStored):
            self.command(*call)
        self.fails = False

    @rule()
    def fill(self) -> None:
        """The disk has room for commands only from now on, or for checkpoints again."""
        self.has_room = not self.has_room

    @rule(step=st.integers(0, LAST))
    def look_at(self, step: int) -> None:
        self.look(step)

    @rule(machine=MACHINES)
    def restart(self, machine: str) -> None:
        self.do(self.sessions.close())
        self.start_on(machine)

    @rule(machine=MACHINES)
    def crash(self, machine: str) -> None:
        self.do(self.sessions._store.close())
        self.sessions._workers.close()
        self.start_on(machine)

    @rule(machine=MACHINES)
    def crash_while_full(self, machine: str) -> None:
        """Whoever comes next cannot store that it took over, and has been there for a moment."""
        self.crash(machine)
        self.fails = True
        self.look(self.cursor)
        self.fails = False

    @rule(by=st.integers(1, 12), kills_on=st.none() | MACHINES)
    def play(self, by: int, kills_on: str | None) -> None:
        """Play a few steps, then pause or be killed before they are stored."""

        async def use() -> None:
            async with self.sessions.use(self.key, PATIENCE) as access:
                await self.play_on(access, min(self.cursor + by, LAST), kills_on is None)

        self.do(use())
        if kills_on:
            self.crash(kills_on)

    async def play_on(self, access: Access, last: int, pauses: bool) -> None:
        session, player = access.session, access.seat.player
        show = session.show

        async def note(cursor: Cursor, record: StepRecord, until: int) -> None:
            await show(cursor, record, until)
            self.note(record)

        session.show = note  # type: ignore[method-assign]
        await player.play("step", 0)
        while session.cursor.step < last and session.playing:
            await asyncio.sleep(0)
        if pauses:
            await player.pause()
            self.cursor = session.cursor.step
        elif player._task:
            player._task.cancel()
            await asyncio.wait({player._task})
        session.show = show  # type: ignore[method-assign]

    def start_on(self, machine: str) -> None:
        self.machine = machine
        self.used.add(machine)
        self.open()

    @invariant()
    def what_is_called_exact_is_what_was_shown_first(self) -> None:
        if hasattr(self, "key"):
            for step in (self.cursor, max(self.cursor - 1, 0), self.cursor // 2):
                self.look(step)

    def look(self, step: int) -> StepRecord:
        async def use() -> Any:
            async with self.sessions.use(self.key, PATIENCE) as access:
                return await access.record(step, PATIENCE)

        record: StepRecord = self.do(use())
        self.note(record)
        return record

    def note(self, record: StepRecord) -> None:
        step = record.step
        found = record.parameters.tobytes() + record.gradient.tobytes()
        before = tuple(edit for edit in self.edits if edit[0] <= step)
        if record.exact:
            first = self.first.setdefault((before, step), found)
            assert found == first, f"step {step} on {self.machine} differs and does not say so"
        else:
            assert len(self.used) > 1, f"step {step} was only ever computed by one machine"

    def teardown(self) -> None:
        if hasattr(self, "sessions"):
            self.do(self.sessions.close())
            self.loop.close()
            self.patch.undo()
            shutil.rmtree(self.folder)


Machines.TestCase.settings = settings(
    max_examples=SEQUENCES,
    stateful_step_count=16,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestMachines = Machines.TestCase


def test_who_could_not_store_that_it_took_over_stores_that_a_step_was_read() -> None:
    """Steps that were about to be played when the first machine was killed, and never computed."""
    run = Machines()
    run.start("one")

    async def play() -> None:
        async with run.sessions.use(run.key, PATIENCE) as access:
            await run.play_on(access, 3, pauses=False)

    run.do(play())
    run.crash("two")
    run.fails = True
    assert not run.look(20).exact
    run.crash("one")
    run.fails = False
    assert not run.look(20).exact
    run.teardown()
