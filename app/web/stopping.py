"""Stopping without breaking off: no new work, what is under way is finished, sockets are told why.

A command that is being carried out is stored and answered before its socket is closed; one that
waits behind it is not begun, and the page sends it again, with the same id, to the next server.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.inbox import Inbox
from app.web.replies import Json

RESTART = 1012  # "service restart" in the registry of RFC 6455
FAREWELL = "the server restarts; your run is kept"
STILL_ASKED = ("/healthz", "/readyz", "/metrics")
# Frames go out 60 times a second: a reply made just before the stop is out after this long.
_LAST_WORDS_SECONDS = 0.1


class Stopping:
    """Whether the server stops, and the sockets to be closed then; one an application."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._sockets: set[_Socket] = set()

    @property
    def sockets(self) -> int:
        """How many sockets are open."""
        return len(self._sockets)

    async def begin(self, patience: float, last_words: float = _LAST_WORDS_SECONDS) -> None:
        """Refuse new work and, after `last_words` seconds, close every socket; a client that hangs
        is left after another `patience`.
        """
        self.reason = "the server stops"
        await asyncio.sleep(last_words)
        closing = [asyncio.create_task(socket.close()) for socket in self._sockets]
        if closing:
            ended, hanging = await asyncio.wait(closing, timeout=patience)
            for task in hanging:
                task.cancel()
            for task in ended:
                task.exception()  # looked at: a client that vanished meanwhile is no error

    def opened(self, socket: _Socket) -> None:
        self._sockets.add(socket)

    def closed(self, socket: _Socket) -> None:
        self._sockets.discard(socket)


class Gate:
    """Lets requests and sockets in until the server stops. Pure ASGI."""

    def __init__(self, app: ASGIApp, stopping: Stopping) -> None:
        self._app, self._stopping = app, stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif self._refuses(scope):
            await _refuse(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in; one that outlasts the stop, half an upload say, is told so like those
        that come too late, and is no error of ours.
        """
        started = False

        async def note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, note)
        except asyncio.CancelledError:
            if started or not self._stopping.reason:
                raise
            await _refuse(scope, receive, send)

    def _refuses(self, scope: Scope) -> bool:
        stops = scope["type"] == "http" and self._stopping.reason is not None
        return stops and scope["path"] not in STILL_ASKED

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._stopping.reason:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": RESTART, "reason": FAREWELL})
            return
        socket = _Socket(self._stopping, receive, send)
        reading = asyncio.create_task(socket.read_ahead())
        try:
            await self._app(scope, socket.receive, socket.send)
        finally:
            reading.cancel()
            self._stopping.closed(socket)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    error = {"code": "stopping", "message": FAREWELL, "field": None}
    headers = {"Retry-After": "1", "Connection": "close"}
    await Json({"error": error}, 503, headers)(scope, receive, send)


class _Socket:
    """One socket's messages, which can be ended from outside once its command is done."""

    def __init__(self, stopping: Stopping, receive: Receive, send: Send) -> None:
        self._stopping, self._receive, self._send = stopping, receive, send
        self._inbox = Inbox()
        self._idle = asyncio.Event()  # set while the application waits for the next message
        self._closed = False

    async def read_ahead(self) -> None:
        """Read ahead of the application: who sends much is seen to be alive meanwhile."""
        message = None
        while message is None or message["type"] != "websocket.disconnect":
            message = await self._receive()
            await self._inbox.put(message)

    async def receive(self) -> Message:
        self._idle.set()
        try:
            message = await self._inbox.take()
            while self._stopping.reason and message["type"] == "websocket.receive":
                message = await self._inbox.take()
            return message
        finally:
            self._idle.clear()

    async def send(self, message: Message) -> None:
        if self._closed:
            return  # the application learns of the end when it reads
        if message["type"] == "websocket.accept":
            self._stopping.opened(self)
        self._closed = message["type"] == "websocket.close"
        await self._send(message)

    async def close(self) -> None:
        """Say farewell as soon as no command is being carried out; the application then reads
        the end.
        """
        await self._idle.wait()
        await self.send({"type": "websocket.close", "code": RESTART, "reason": FAREWELL})
