"""The access log and the metrics of requests: what was asked by its route's pattern, never its key.

Pure ASGI, so that streams and sockets pass through untouched.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.metrics import METHODS, OTHER, Metrics

QUIET = ("/healthz", "/readyz", "/metrics")  # asked every few seconds by machines
UNKNOWN_ROUTE = "none"
_FAILED = 500  # where nothing is answered here, the last resort outside answers this
_GONE = 499  # nginx's word for a client that went before it was answered; nobody is sent it
_ABNORMAL = 1006  # what a socket that ended without a word is said to have ended with
_log = logging.getLogger("retrace")


class AccessLog:
    """Logs and counts each HTTP answer, and logs each socket that ends."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, unanswered, size = time.perf_counter(), _FAILED, 0
        status: int | None = None

        async def heard() -> Message:
            nonlocal unanswered
            message = await receive()
            if message["type"] == "http.disconnect":
                unanswered = _GONE
            return message

        async def note(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, heard, note)
        finally:
            seconds = time.perf_counter() - started
            route, code = pattern(scope), status or unanswered
            self._metrics.request(scope["method"], route, code, seconds)
            level = logging.DEBUG if route in QUIET else logging.INFO
            _say(level, "request", scope, started, status=code, bytes=size)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, code = time.perf_counter(), _ABNORMAL

        async def heard() -> Message:
            nonlocal code
            message = await receive()
            code = message.get("code") or code
            return message

        async def said(message: Message) -> None:
            nonlocal code
            if message["type"] == "websocket.close":
                code = message.get("code", 1000)
            await send(message)

        try:
            await self._app(scope, heard, said)
        finally:
            _say(logging.INFO, "socket closed", scope, started, code=code)


def pattern(scope: Scope) -> str:
    """Return the route's pattern, as /s/{session_id}; UNKNOWN_ROUTE where no route was found."""
    path = getattr(scope.get("route"), "path", None)
    if path is None and scope["path"].startswith("/static/"):
        path = "/static"
    return str(path) if path is not None else UNKNOWN_ROUTE


def _say(level: int, event: str, scope: Scope, started: float, **more: Any) -> None:
    took = round((time.perf_counter() - started) * 1000, 1)
    method = scope.get("method", "GET")
    asked = {"method": method if method in METHODS else OTHER, "route": pattern(scope)}
    _log.log(level, event, extra={"fields": {**asked, "ms": took, **more}})
