"""A client on a bad wire: it comes back where it left off, and repeats what was not answered."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.live import BROKEN, Live, Lost

Json = dict[str, Any]
_WINDOW = 4
_PATIENCE, _MORE = 0.35, 1.3  # seconds without an answer; longer each time
_LATER = ("computing", "cancelled", "not_stored")  # refusals that say to ask again


class Again(Exception):
    """The server asks to be asked again."""


@dataclass
class Heard:
    """The changes that one viewer was told of, by their offsets, over all of its connections."""

    bodies: dict[int, Json] = field(default_factory=dict)
    at: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def note(self, message: Json) -> int:
        """Take a change in; one that is told again must be told in the same words."""
        body = {key: value for key, value in message.items() if key != "type"}
        known = self.bodies.setdefault(body["offset"], body)
        if known != body:
            raise Lost(f"told {known}, then {body}")
        self.at = max(self.at, body["offset"])
        return int(body["offset"])


class Line:
    """One connection of a viewer. Changes come to it one after the other, none left out."""

    def __init__(self, live: Live, heard: Heard) -> None:
        self.live, self._heard = live, heard
        greeting = live.greeting
        if greeting["type"] == "hello":  # what happened just then was not to be had in full
            heard.counts["hello"] += 1
            self._at = heard.at = greeting["session"]["offset"]
            return
        heard.counts["resumed"] += 1
        self._at = greeting["offset"] - len(greeting["changes"])
        for change in greeting["changes"]:
            self._next(change)

    async def receive(self, patience: float) -> Json | None:
        """Return the next message that is about a command; None for any other."""
        found = await self.live.receive(patience)
        if isinstance(found, bytes) or found["type"] not in ("reply", "change", "error"):
            return None
        if found["type"] != "error":
            self._next(found)
        return found

    def _next(self, message: Json) -> None:
        """Check the order; only the reply to a command that is sent again comes a second time."""
        offset = self._heard.note(message)
        if offset > self._at + 1:
            raise Lost(f"after change {self._at} came {offset}")
        if offset <= self._at and message.get("type") == "change":
            raise Lost(f"change {offset} came again")
        self._at = max(self._at, offset)


class Viewer:
    """Watches a session from the first change up to the one of number `last`."""

    def __init__(self, address: str, session: str, seed: int, last: int) -> None:
        self.address, self.session, self._last = address, session, last
        self.rng, self.heard, self.patience = random.Random(seed), Heard(), _PATIENCE

    @property
    def done(self) -> bool:
        return self.heard.at >= self._last

    async def run(self) -> None:
        """Come back until all is done."""
        while not self.done:
            try:
                await self.connected()
            except (TimeoutError, Again, *BROKEN):
                self.heard.counts["broken"] += 1
                self.patience *= _MORE
                await asyncio.sleep(self.rng.uniform(0, 0.03))

    async def connected(self) -> None:
        line = await self.open()
        try:
            while not self.done:
                await line.receive(self.patience)
        finally:
            line.live.abort()

    async def open(self) -> Line:
        live = await Live.open(self.address, self.session, self.heard.at, self.patience)
        try:
            return Line(live, self.heard)
        except BaseException:
            live.abort()
            raise


class Writer(Viewer):
    """Gives `commands` in their order, some over HTTP, sometimes over two connections at once."""

    def __init__(self, address: str, session: str, seed: int, commands: list[Json]) -> None:
        super().__init__(address, session, seed, len(commands))
        self._commands = commands
        self.answers: dict[str, Json] = {}

    @property
    def done(self) -> bool:
        return len(self.answers) == len(self._commands)

    async def connected(self) -> None:
        """Talk over one connection, or over two that know nothing of each other."""
        lines: list[Line] = []
        talks: list[asyncio.Task[None]] = []
        try:
            for _ in range(1 + (self.rng.random() < 0.3)):
                lines.append(await self.open())
            self.heard.counts["twice"] += len(lines) > 1
            talks += [asyncio.create_task(self._talk(line, len(lines) == 1)) for line in lines]
            await asyncio.gather(*talks)
        finally:
            for talk in talks:
                talk.cancel()
            await asyncio.gather(*talks, return_exceptions=True)
            for line in lines:
                line.live.abort()

    async def _talk(self, line: Line, alone: bool) -> None:
        """Send what is not answered, in order; a move is answered before the next one is sent."""
        todo = [each for each in self._commands if each["id"] not in self.answers]
        sent: list[Json] = []
        while not self.done:
            open_ = [each for each in sent if each["id"] not in self.answers]
            if todo and not any(map(_is_move, open_)) and len(open_) < _WINDOW:
                command = todo.pop(0)
                if alone and not open_ and self.rng.random() < 0.2:
                    await self._post(command)
                else:
                    await line.live.send(command)
                    sent.append(command)
            else:
                self._hear(await line.receive(self.patience))

    def _hear(self, message: Json | None) -> None:
        """Take an answer; that somebody was told of a change is none."""
        if message is None or message["type"] == "change":
            return
        if message["type"] == "error" and message["error"]["code"] in _LATER:
            raise Again
        self._answer(message["id"], message)

    async def _post(self, command: Json) -> None:
        """Give a command over HTTP: a connection of its own, which may fail as any other."""
        url = f"http://{self.address}/api/sessions/{self.session}/commands"
        async with httpx.AsyncClient(timeout=self.patience, verify=False) as http:
            answer = (await http.post(url, json=command)).json()
        self.heard.counts["over HTTP"] += 1
        if "error" in answer and answer["error"]["code"] in _LATER:
            raise Again
        if "error" not in answer:
            self.heard.note(answer)
        self._answer(command["id"], answer)

    def _answer(self, identity: str, answer: Json) -> None:
        self.answers[identity] = {k: v for k, v in answer.items() if k not in ("type", "id")}


def _is_move(command: Json) -> bool:
    return command["do"] in ("step", "seek")
