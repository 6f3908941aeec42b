"""A wire that fails: between a client and a real server, each connection with a fault of its own.

What a connection will suffer is drawn when it is accepted, from a seed. After `faulty` connections
the wire is sound, so that every scenario ends.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_CHUNK = 4_096


@dataclass(frozen=True)
class Fault:
    """`kind` at the byte `at` of one direction; up to there every chunk is late by `delay`."""

    kind: str
    at: int = 0
    upstream: bool = False
    delay: float = 0.0


def _sound(rng: random.Random) -> Fault:
    return Fault("sound")


def _slow(rng: random.Random) -> Fault:
    return Fault("slow", delay=rng.uniform(0.001, 0.02))


def _cut(rng: random.Random) -> Fault:
    """Both ends hear of it, one of them after half a message."""
    return Fault("cut", *_place(rng), rng.choice((0.0, 0.003)))


def _half_open(rng: random.Random) -> Fault:
    """One direction swallows all that comes; nobody is told."""
    return Fault("half-open", *_place(rng))


def _place(rng: random.Random) -> tuple[int, bool]:
    """Return a byte and a direction, behind the handshake more often than within it."""
    upstream = rng.random() < 0.5
    return rng.randrange(rng.choice((300, 1_200) if upstream else (600, 8_000))), upstream


FAULTS = {"slow": _slow, "cut": _cut, "half-open": _half_open}


class Proxy:
    """Listens on `address` and passes on to `server`; `seen` counts the faults that happened."""

    def __init__(self, server: str, seed: int, faulty: int) -> None:
        self._server, self._rng, self._faulty = server, random.Random(seed), faulty
        self.seen: Counter[str] = Counter()
        self._wires: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._end = asyncio.get_running_loop().create_future()
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        host, port = self._listener.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()
        self._end.set_result(None)
        await asyncio.gather(*self._wires)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fault = self._draw()
        wire = asyncio.current_task()
        assert wire
        self._wires.add(wire)
        try:
            await self._join(reader, writer, fault)
        finally:
            self._wires.discard(wire)

    def _draw(self) -> Fault:
        if self._faulty <= 0:
            return _sound(self._rng)
        self._faulty -= 1
        return FAULTS[self._rng.choice(tuple(FAULTS))](self._rng)

    async def _join(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault
    ) -> None:
        """Carry bytes both ways until one end closes or the fault cuts them."""
        host, port = self._server.split(":")
        there_reader, there_writer = await asyncio.open_connection(host, int(port))
        up = asyncio.create_task(self._carry(reader, there_writer, fault, fault.upstream))
        down = asyncio.create_task(self._carry(there_reader, writer, fault, not fault.upstream))
        try:
            await asyncio.wait({up, down, self._end}, return_when=asyncio.FIRST_COMPLETED)
            if fault.kind == "half-open":
                await self._end  # nobody tells the server that its client has left
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            for end in (writer, there_writer):
                end.transport.abort()
        if fault.kind == "slow":
            self.seen["slow"] += 1

    async def _carry(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, fault: Fault, struck: bool
    ) -> None:
        """Carry one direction; `struck` is the one that the fault is in."""
        passed = 0
        while chunk := await source.read(_CHUNK):
            if fault.delay:
                await asyncio.sleep(fault.delay)
            if struck and fault.kind in ("cut", "half-open") and passed + len(chunk) > fault.at:
                to.write(chunk[: max(fault.at - passed, 0)])
                await to.drain()
                self.seen[fault.kind] += 1
                if fault.kind == "cut":
                    return
                await _swallow(source)
                return
            to.write(chunk)
            await to.drain()
            passed += len(chunk)


async def _swallow(source: asyncio.StreamReader) -> None:
    while await source.read(_CHUNK):
        pass
