"""A client in full flow: it gives commands without pause and believes nothing that it can check.

It holds the state that the answered commands lead to, and compares the server's every answer with
it: replies, sessions, frames. When the server dies it comes back, looks whether the one command
that was not answered is there wholly or not at all, and sends that again with the same id.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx

from app.timeline.phases import Cursor
from app.wire.steps import step_json
from tests.chaos.live import BROKEN, Live, Lost
from tests.chaos.model import (
    Outcome,
    State,
    after,
    digest_of,
    header_of,
    reply_of,
    timeline_of,
    told_by,
)
from tests.chaos.runs import make_spec, next_command

Json = dict[str, Any]
_RETRY_SECONDS = 0.01


@dataclass
class Pending:
    """A command that is on its way; `there` once the server was seen to have done it."""

    command: Json
    outcome: Outcome
    there: bool = False


class Driver:
    """The only client of one session. `counts` says what it has seen; `answered` is called too."""

    def __init__(
        self, address: str, http: httpx.AsyncClient, seed: int, answered: Callable[[], None]
    ) -> None:
        self._address, self._http, self._answered = address, http, answered
        self._rng = random.Random(seed)
        self._spec, self._name = make_spec(seed), f"c{seed}"
        self.state = State(json.dumps(self._spec))
        self.counts: Counter[str] = Counter()
        self._pending: Pending | None = None
        self._playing = False
        self.stopping = False
        self._given = 0

    async def create(self) -> None:
        reply = await self._http.post("/api/sessions", json=self._spec)
        assert reply.status_code == 201, reply.text
        self._id = reply.json()["id"]
        self._url = f"/api/sessions/{self._id}"

    async def run(self) -> None:
        """Work until told to stop; then end with nothing on its way."""
        while not (self.stopping and self._pending is None and not self._playing):
            try:
                await self._connected()
            except TimeoutError as silence:  # an OSError, but not what a killed server does
                raise Lost(f"{self._name}: no answer to {self._pending}") from silence
            except BROKEN:
                self.counts["broken"] += 1
                await asyncio.sleep(_RETRY_SECONDS)

    async def check(self) -> None:
        """Compare all that the server has with what it must have."""
        assert told_by(await self._session()) == self.state.told()
        live = await Live.open(self._address, self._id)
        await self._compare_frame(live)
        await live.close()

    async def _connected(self) -> None:
        since = self.state.offset if self._rng.random() < 0.7 else None
        live = await Live.open(self._address, self._id, since)
        try:
            before = self.state
            self._compare_session(await self._session())
            self._compare_greeting(live.greeting, before)
            await self._compare_frame(live)
            self.counts["connected"] += 1
            if self._pending:
                await self._send(live, self._pending)
            while not self.stopping:
                await self._next(live)
        finally:
            live.abort()

    async def _next(self, live: Live) -> None:
        chance = self._rng.random()
        if chance < 0.04:
            await self._play(live)
            return
        if chance < 0.10:
            await self._read()
        self._given += 1
        command = next_command(self._rng, self.state.cursor.step)
        command["id"] = f"{self._name}-{self._given}"
        self._pending = Pending(command, after(self.state, command))
        await self._send(live, self._pending)

    async def _send(self, live: Live, pending: Pending) -> None:
        """Give a command through one of the two doors and compare all that comes of it."""
        over_http = self._rng.random() < 0.3
        answer = await (self._ask_http if over_http else self._ask_socket)(live, pending.command)
        self._compare_answer(answer, pending)
        self._pending = None
        self._answered()
        self.counts["answered"] += 1
        self.counts["answered over HTTP"] += over_http
        if pending.outcome.refused or pending.there:
            return
        self.state = pending.outcome.state
        if over_http:
            change = await live.message(type="change", id=pending.command["id"])
            self._compare_answer(change, pending)
        await self._compare_frame(live)

    async def _ask_socket(self, live: Live, command: Json) -> Json:
        await live.send(command)
        while True:
            found = await live.message(id=command["id"])
            if found["type"] in ("reply", "error"):
                return found

    async def _ask_http(self, live: Live, command: Json) -> Json:
        while True:
            reply = await self._http.post(f"{self._url}/commands", json=command)
            body: Json = reply.json()
            if "error" not in body or body["error"]["code"] != "computing":
                return body

    async def _play(self, live: Live) -> None:
        """Play for a moment; where it stops is the server's to say, and then holds."""
        self._playing = True
        await self._ask_socket(live, {"do": "play", "per_second": 150, "id": f"{self._name}-play"})
        await asyncio.sleep(self._rng.uniform(0.02, 0.12))
        reply = await self._ask_socket(live, {"do": "pause", "id": f"{self._name}-pause"})
        self._adopt(reply["cursor"])
        self.counts["played"] += 1
        await self._compare_frame(live)

    def _adopt(self, cursor: Json) -> None:
        """Take over where playing has led: further on, at the same phase."""
        new, old = Cursor(**cursor), self.state.cursor
        if new.step < old.step or new.phase != old.phase:
            raise Lost(f"playing led from {old} to {new}")
        self.state, self._playing = replace(self.state, cursor=new), False

    async def _session(self) -> Json:
        reply = await self._http.get(self._url)
        if reply.status_code != 200:
            raise Lost(f"{self._name}: {reply.status_code} {reply.text}")
        return dict(reply.json())

    async def _read(self) -> None:
        """Read all numbers of a step on the way here, and compare them."""
        step = self._rng.randrange(self.state.cursor.step + 1)
        reply = await self._http.get(f"{self._url}/steps/{step}")
        timeline = timeline_of(self.state)
        record = timeline.record(step)
        assert reply.json() == step_json(record, timeline.network, timeline.dataset, 0)
        self.counts["steps read"] += 1

    def _compare_session(self, session: Json) -> None:
        """Find the command that was not answered there wholly or not at all, and all else there."""
        told, pending = told_by(session), self._pending
        if self._playing:
            moved = {**self.state.told(), "cursor": told["cursor"]}
            if told != moved:
                raise Lost(f"{self._name}: played from {self.state.told()}, found {told}")
            self._adopt(told["cursor"])
        elif pending and not pending.outcome.refused and not pending.there:
            if told == pending.outcome.state.told():
                self.state, pending.there = pending.outcome.state, True
                self.counts["unanswered, done"] += 1
                return
            self.counts["unanswered, not done"] += 1
        if told != self.state.told():
            raise Lost(f"{self._name}: {pending}: expected {self.state.told()}, found {told}")

    def _compare_greeting(self, greeting: Json, before: State) -> None:
        """Compare the first message; what was missed can only be the command not answered."""
        if greeting["type"] == "hello":
            assert told_by(greeting["session"]) == self.state.told()
            return
        self.counts["resumed"] += 1
        missed = [change["id"] for change in greeting["changes"]]
        new = self.state.offset > before.offset
        assert self._pending or not new
        assert missed == ([self._pending.command["id"]] if self._pending and new else [])
        if self._pending and new:
            self._compare_answer(greeting["changes"][0], self._pending)
        assert greeting["offset"] == self.state.offset
        assert greeting["cursor"] == self.state.cursor.to_json()

    def _compare_answer(self, answer: Json, pending: Pending) -> None:
        outcome = pending.outcome
        if "error" in answer:
            code = answer["error"]["code"]
            assert code == outcome.refused, f"{self._name}: {pending.command}: {answer}"
        else:
            assert reply_of(answer) == outcome.reply, f"{self._name}: {pending.command}"

    async def _compare_frame(self, live: Live) -> None:
        """Wait for the frame of this place and compare all its numbers."""
        cursor = self.state.cursor
        frame = await live.frame(self.state.revision, cursor.step, cursor.phase)
        if digest_of(frame) != self.state.digest():
            raise Lost(f"{self._name}: other numbers at {self.state.told()}: {header_of(frame)}")
        self.counts["frames compared"] += 1
