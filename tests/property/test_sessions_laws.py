"""Any sequence of commands, evictions, restarts and crashes ends where a simple model ends.

The model knows a cursor, a list of edits and a stack of what undo brings back; the bytes it wants
are those of a fresh timeline of the same spec and edits.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.limits import Limits
from app.refusal import Refused
from app.sessions.asking import Asked
from app.sessions.sessions import Sessions
from app.timeline import checkpoints, storing, trainer
from app.timeline import timeline as timeline_module
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
from tests.nets import SMALL

SEQUENCES = int(os.environ.get("RETRACE_TEST_SEQUENCES", "500"))
Edit = tuple[tuple[str, Any], ...]
VALUES = st.floats(-2, 2, allow_nan=False).map(lambda x: round(x, 3))
CHANGES = st.one_of(
    st.floats(0.001, 0.2).map(lambda x: {"learning_rate": x}),
    st.sampled_from(["w1.1.1", "w1.2.2", "b1.1", "w2.2.1"]).flatmap(
        lambda name: VALUES.map(lambda value: {"parameter": name, "value": value})
    ),
)


@lru_cache(maxsize=4096)
def bytes_at(edits: str, step: int) -> bytes:
    """Return the numbers of a step as a fresh timeline computes them; `edits` are JSON.

    As a text, since -0.0 and 0.0 are the same key and not the same bytes.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "first_interval", FIRST_INTERVAL)
        return numbers(Timeline(parse_spec(SMALL), json.loads(edits)).record(step))


def numbers(record: Any) -> bytes:
    parts = (record.parameters, record.gradient, record.new_parameters, *record.z, *record.delta)
    return b"".join(part.tobytes() for part in parts)


PHASES = Timeline(parse_spec(SMALL)).phase_count
PER_EPOCH = Timeline(parse_spec(SMALL)).steps_per_epoch
LAST = 150
PATIENCE = 600.0  # seconds: how busy the machine is, is no matter of these laws
BESIDE = (15, 70)  # steps that are read wherever the cursor is
FIRST_INTERVAL = trainer.first_interval
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # thousands of commits


class Commands(RuleBasedStateMachine):
    """Room for one session in memory only, so that another one drives it out.

    A checkpoint every 4 steps, and 8 at most: all that happens to them happens within LAST steps.
    They are stored three at a time, and a crash may come in between.
    What would be lost by a crash is kept every 40 steps, as of a network whose steps take long.
    """

    @initialize()
    def start(self) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(trainer, "first_interval", lambda *_: 4)
        self.patch.setattr(checkpoints, "memory_cap", lambda _: 0)
        self.patch.setattr(storing, "AT_ONCE", 0)
        self.patch.setattr(timeline_module, "work_of_step", lambda *_: 32_500.0)  # microseconds
        self.folder = Path(tempfile.mkdtemp(dir=IN_MEMORY))
        self.loop = asyncio.new_event_loop()
        self.step = self.phase = self.revision = self.offset = 0
        self.edits: list[Edit] = []
        self.stack: list[list[Edit]] = []
        self.last: tuple[str, Any, Any] | None = None
        self.open()
        self.key = self.do(self.sessions.create(SMALL)).id
        self.other = self.do(self.sessions.create(SMALL)).id

    def open(self) -> None:
        async def opened() -> Sessions:
            return Sessions(self.folder, Limits(resident_sessions=1))

        self.sessions = self.do(opened())

    def do(self, call: Any) -> Any:
        return self.loop.run_until_complete(call)

    def command(self, name: str, *arguments: Any) -> dict[str, Any]:
        """Carry a command out with an id of its own, and remember it for a repeat."""
        asked = Asked(f"command {self.offset + 1}")

        async def use() -> dict[str, Any]:
            async with self.sessions.use(self.key, PATIENCE) as access:
                return dict(await getattr(access.session, name)(*arguments, asked))

        body = self.do(use())
        self.offset += 1
        self.last = (name, arguments, body)
        assert (body["id"], body["offset"]) == (asked.id, self.offset)
        return body

    def stand(self, place: int) -> None:
        self.step, self.phase = divmod(max(place, 0), PHASES)

    @rule(by=st.integers(-30, 40))
    def by_phases(self, by: int) -> None:
        self.stand(self.step * PHASES + self.phase + by)
        self.command("move", "phase", by, None)

    @rule(by=st.integers(-5, 30))
    def by_steps(self, by: int) -> None:
        self.step, self.phase = (self.step + by, self.phase) if self.step + by >= 0 else (0, 0)
        self.command("move", "step", by, None)

    @rule(by=st.integers(-2, 3))
    def by_epochs(self, by: int) -> None:
        self.step, self.phase = max(self.step // PER_EPOCH + by, 0) * PER_EPOCH, 0
        self.command("move", "epoch", by, None)

    @rule(step=st.integers(0, LAST), phase=st.integers(0, PHASES - 1))
    def seek(self, step: int, phase: int) -> None:
        self.step, self.phase = step, phase
        self.command("seek", step, phase, None)

    @rule(change=CHANGES)
    def change(self, change: dict[str, Any]) -> None:
        at = self.step + (self.phase == PHASES - 1)
        self.stack.append(list(self.edits))
        subject = change.get("parameter", "learning_rate")
        kept = [e for e in self.edits if not replaced(dict(e), at, subject)]
        self.edits = [*kept, tuple({"step": at, **change}.items())]
        self.revision += 1
        self.command("change", change)

    @rule()
    def undo(self) -> None:
        if self.stack:
            self.edits = self.stack.pop()
            self.revision += 1
            self.command("undo")
            return
        with pytest.raises(Refused, match="an edit to take back"):
            self.command("undo")

    @rule(change=CHANGES, far=st.integers(LAST // 2, LAST))
    def edit_go_far_and_undo(self, change: dict[str, Any], far: int) -> None:
        """What chance seldom brings together: between them all leaves memory and comes back."""
        self.change(change)
        self.seek(far, 0)
        self.evict()
        self.undo()
        self.evict()

    @rule()
    def repeat(self) -> None:
        """The last command again, with its id: answered as before, not done again."""
        if self.last is None:
            return
        name, arguments, body = self.last
        asked = Asked(body["id"])

        async def use() -> dict[str, Any]:
            async with self.sessions.use(self.key, PATIENCE) as access:
                return dict(await getattr(access.session, name)(*arguments, asked))

        assert self.do(use()) == body

    @rule()
    def evict(self) -> None:
        """Open the other session: there is room for one, and this one was used before it."""

        async def use() -> None:
            async with self.sessions.use(self.other, PATIENCE):
                pass
            await self.sessions.made_room()

        self.do(use())
        assert self.sessions.resident == 1

    @rule()
    def restart(self) -> None:
        self.do(self.sessions.close())
        self.open()

    @rule()
    def crash(self) -> None:
        """End as a kill does: what is in memory only is gone."""
        self.do(self.sessions._store.close())
        self.sessions._workers.close()
        self.open()

    @invariant()
    def stands_where_the_model_stands(self) -> None:
        if not hasattr(self, "key"):
            return

        async def look() -> tuple[dict[str, Any], bytes, list[bytes]]:
            async with self.sessions.use(self.key, PATIENCE) as access:
                session = access.session
                beside = [numbers(await session.reads.record(step, PATIENCE)) for step in BESIDE]
                return session.to_json(), numbers(session.shown), beside

        state, found, beside = self.do(look())
        assert state["cursor"] == {"step": self.step, "phase": self.phase}
        assert (state["revision"], state["offset"]) == (self.revision, self.offset)
        assert state["can_undo"] == bool(self.stack)
        assert sorted(map(str, state["edits"])) == sorted(str(dict(e)) for e in self.edits)
        ordered = sorted(map(dict, self.edits), key=lambda edit: edit["step"])
        assert found == bytes_at(json.dumps(ordered), self.step)
        assert beside == [bytes_at(json.dumps(ordered), step) for step in BESIDE]

    def teardown(self) -> None:
        if hasattr(self, "sessions"):
            self.do(self.sessions.close())
            self.loop.close()
            self.patch.undo()
            shutil.rmtree(self.folder)


def replaced(old: dict[str, Any], at: int, subject: str) -> bool:
    same = old.get("parameter", "learning_rate") == subject
    return old["step"] > at or (old["step"] == at and same)


Commands.TestCase.settings = settings(
    max_examples=SEQUENCES,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestCommands = Commands.TestCase
