"""The outermost layer: who may come in, how much, and what every answer carries.

Whatever the application does, an answer has the headers, and a failure says nothing of its inside.
"""

from __future__ import annotations

import contextlib

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from app.refusal import Refused
from app.settings import Settings
from app.web import errors
from app.web.door import Door
from app.web.exchange import Exchange, Handshake
from app.web.uploads import Uploads

_INTERNAL = 1011


class Guard:
    """Lets in what `settings` allow."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._door, self._limits = app, Door(settings), settings.limits
        self._uploads = Uploads(settings.limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            exchange = Exchange(scope, receive, send, self._limits, self._uploads)
            try:
                await self._request(scope, exchange)
            finally:
                exchange.end()
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, Handshake(scope, receive, send))
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, exchange: Exchange) -> None:
        try:
            self._door.check(scope)
            exchange.check_length()
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except Exception as failure:
            if exchange.started:
                raise  # the server cuts the answer, so that half of it is not taken for whole
            answer = errors.answer(Request(scope), failure)
            await answer(scope, exchange.receive, exchange.send)

    async def _socket(self, scope: Scope, receive: Receive, handshake: Handshake) -> None:
        try:
            self._door.check(scope)
        except Refused as refusal:
            await handshake.turn_down(errors.status_of(refusal), errors.counted(scope, refusal))
            return
        try:
            await self._app(scope, receive, handshake.send)
        except WebSocketDisconnect:
            return
        except Exception as failure:
            errors.report(scope, failure)
            if not handshake.answered:
                await handshake.turn_down(500, errors.counted(scope, failure))
                return
            with contextlib.suppress(OSError, RuntimeError):  # it may be closed already
                await handshake.send({"type": "websocket.close", "code": _INTERNAL})
