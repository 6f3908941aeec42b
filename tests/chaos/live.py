"""One WebSocket to a session, as a client has it: messages in order, and the frames between them."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.chaos.model import header_of

Json = dict[str, Any]
HANG_SECONDS = 30  # a server that is silent for so long hangs: that is a failure, not a fault
# What a dying server or a bad wire does to a client.
BROKEN = (OSError, WebSocketException, httpx.TransportError, EOFError)


class Lost(AssertionError):
    """A server answered something and later knew otherwise."""


class Live:
    """A connection; `greeting` is the first message, `hello` or `resumed`."""

    def __init__(self, socket: ClientConnection, greeting: Json) -> None:
        self._socket, self.greeting = socket, greeting

    @classmethod
    async def open(
        cls, address: str, session: str, since: int | None = None, patience: float = HANG_SECONDS
    ) -> Self:
        """Connect; with `since` the server goes on behind that offset."""
        query = "" if since is None else f"?since={since}"
        url = f"ws://{address}/api/sessions/{session}/live{query}"
        socket = await connect(
            *(url,), compression=None, proxy=None, open_timeout=patience, ping_interval=None
        )
        try:
            async with asyncio.timeout(patience):
                return cls(socket, json.loads(await socket.recv()))
        except BaseException:
            socket.transport.abort()
            raise

    async def send(self, command: Json) -> None:
        await self._socket.send(json.dumps(command))

    async def receive(self, patience: float = HANG_SECONDS) -> Json | bytes:
        """Return the next message or frame; TimeoutError where none comes."""
        try:
            async with asyncio.timeout(patience):
                found = await self._socket.recv()
        except ConnectionClosed as closed:
            if closed.rcvd and 4000 <= closed.rcvd.code:
                raise Lost(f"the server sent us away: {closed.rcvd}") from None
            raise
        return found if isinstance(found, bytes) else dict(json.loads(found))

    async def message(self, **wanted: Any) -> Json:
        """Return the next message that has these values; what comes before it is passed over."""
        while True:
            found = await self.receive()
            if isinstance(found, dict) and all(found.get(k) == v for k, v in wanted.items()):
                return found

    async def frame(self, revision: int, step: int, phase: int) -> bytes:
        """Return the next frame of this place."""
        while True:
            found = await self.receive()
            if isinstance(found, dict):
                continue
            header = header_of(found)
            if (header["revision"], header["step"], header["phase"]) == (revision, step, phase):
                return found

    async def close(self) -> None:
        await self._socket.close()

    def abort(self) -> None:
        """Let go without a word, as a client does whose machine sleeps."""
        self._socket.transport.abort()
