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
    """A connection; `greeting` is `hello` or `resumed`, the first message but for `progress`."""

    def __init__(self, socket: ClientConnection, greeting: Json) -> None:
        self._socket, self.greeting = socket, greeting
        self._frame: bytes | None = None  # the newest

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
                greeting = json.loads(await socket.recv())
                while greeting["type"] == "progress":
                    greeting = json.loads(await socket.recv())
                return cls(socket, greeting)
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
            if closed.rcvd and closed.rcvd.code >= 4000:
                raise Lost(f"the server sent us away: {closed.rcvd}") from None
            raise
        if isinstance(found, bytes):
            self._frame = found
            return found
        return dict(json.loads(found))

    async def message(self, **wanted: Any) -> Json:
        """Return the next message that has these values; what comes before it is passed over."""
        while True:
            found = await self.receive()
            if isinstance(found, dict) and all(found.get(k) == v for k, v in wanted.items()):
                return found

    async def frame(self, revision: int, step: int, phase: int) -> bytes:
        """Return the frame of this place: the newest, which may have come before a reply did."""
        while self._frame is None or _place(self._frame) != (revision, step, phase):
            await self.receive()
        return self._frame

    async def close(self) -> None:
        await self._socket.close()

    def abort(self) -> None:
        """Let go without a word, as a client does whose machine sleeps."""
        self._socket.transport.abort()


def _place(frame: bytes) -> tuple[int, int, int]:
    header = header_of(frame)
    return header["revision"], header["step"], header["phase"]
