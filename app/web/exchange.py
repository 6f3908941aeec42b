"""One request and its answer as they pass: what comes in is counted, what goes out completed."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from app.limits import Limits, over
from app.refusal import Refused
from app.web.headers import completed, values_of
from app.web.replies import Json
from app.web.uploads import Uploads

_CLOSE = (b"connection", b"close")
_TURNED_DOWN = {"code": "not_found", "message": "no socket is served here", "field": None}


class Exchange:
    """An HTTP request. Its body is counted as it streams, whoever reads it, and never kept here.

    `started` tells whether an answer is on its way. The body counts among `uploads` until then, or
    until `end` is called.
    """

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, limits: Limits, uploads: Uploads
    ) -> None:
        self._receive, self._send, self._limits = receive, send, limits
        self._uploads, self._counted = uploads, 0
        self._until = asyncio.get_running_loop().time() + limits.body_seconds
        self._lengths = values_of(scope["headers"], b"content-length")
        self._unread = self._lengths not in ([], [b"0"]) or bool(
            values_of(scope["headers"], b"transfer-encoding")
        )
        self._came = 0
        self.started = False

    def check_length(self) -> None:
        """Refuse by Content-Length, before a byte is read, what would be refused while reading."""
        for length in self._lengths:
            digits = length.lstrip(b"0")
            if digits.isdigit() and (len(digits) > 15 or int(digits) > self._limits.body_bytes):
                raise self._too_large()

    async def receive(self) -> Message:
        """Return the next part; Refused where the body has become too large, alone or together
        with the others that come in, or takes too long.
        """
        message = await (self._in_time() if self._unread else self._receive())
        if message["type"] == "http.request":
            self._came += len(message.get("body", b""))
            self._unread = message.get("more_body", False)
            if self._came > self._limits.body_bytes:
                raise self._too_large()
            self._counted = self._uploads.grown(self._counted, self._came)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.end()
            headers = completed(message.get("headers", ()))
            # Whoever is answered before the body's end must not go on sending it.
            message = {**message, "headers": [*headers, _CLOSE] if self._unread else headers}
        await self._send(message)

    def end(self) -> None:
        """Count the body no longer: it was read, or nobody will."""
        self._uploads.ended(self._counted)
        self._counted = 0

    async def _in_time(self) -> Message:
        try:
            async with asyncio.timeout_at(self._until):
                return await self._receive()
        except TimeoutError:
            raise self._too_slow() from None

    def _too_slow(self) -> Refused:
        allowed = f"all of it within {self._limits.body_seconds} s"
        return over("body_seconds", allowed, "body", f"{self._came:,} bytes", "body_too_slow")

    def _too_large(self) -> Refused:
        most = f"{self._limits.body_bytes:,}"
        found = f"more than {most} bytes"
        return over("body_bytes", f"at most {most}", "body", found, "body_too_large")


class Handshake:
    """A socket on its way in: where it is turned down, it gets an HTTP answer with a body."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._can_answer = "websocket.http.response" in scope.get("extensions", {})
        self.answered = False

    async def send(self, message: Message) -> None:
        if message["type"] == "websocket.close" and not self.answered:
            await self.turn_down(404, _TURNED_DOWN)
            return
        if message["type"] == "websocket.http.response.start":
            message = {**message, "headers": completed(message.get("headers", ()))}
        self.answered = True
        await self._send(message)

    async def turn_down(
        self, status: int, error: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        """Answer with an error instead of a socket; a server that cannot, answers with 403."""
        if self._can_answer:
            answer = Json({"error": error}, status, headers)
            await answer(self._scope, self._receive, self.send)
        else:
            self.answered = True
            await self._send({"type": "websocket.close", "code": 1008})
