"""A socket's protocol where the library speaks for itself: its refusals and its reason to close.

Whoever sends a handshake that is none never gets as far as the application.
"""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import ProtocolError
from websockets.frames import CloseCode, Frame
from websockets.http11 import Response
from websockets.server import ServerProtocol

from app.bucket import Bucket
from app.limits import Limits, setting_of
from app.refusal import short
from app.unread import Unread

Headers = list[tuple[bytes, bytes]]


class Conversation(ServerProtocol):
    """What is said on a socket; `headers` go with a handshake that is turned down here."""

    def __init__(self, limits: Limits, headers: Headers) -> None:
        super().__init__(max_size=limits.message_bytes, logger=logging.getLogger("uvicorn.error"))
        self._limits, self._headers = limits, headers
        self._frames = Bucket(limits.frames_per_second, limits.frame_burst)

    def recv_frame(self, frame: Frame) -> None:
        """Take a frame; whatever it is, pings and empty parts of messages included, it counts: once
        for each kilobyte, since what is long takes long to read.
        """
        if self._frames.take(1 + len(frame.data) // 1024):
            self.fail(CloseCode.POLICY_VIOLATION, _too_many(self._limits))
            raise ProtocolError("too many frames")  # this stops the parser
        super().recv_frame(frame)

    def reject(self, status: HTTPStatus | int, text: str) -> Response:
        """Return an answer in the shape of all errors, with the first line of `text`."""
        status = HTTPStatus(status)
        response = super().reject(status, error_body(status, short(text.partition("\n")[0])))
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        for name, value in self._headers:
            response.headers[name.decode()] = value.decode()
        return response

    def fail(self, code: CloseCode | int, reason: str = "") -> None:
        if code == CloseCode.MESSAGE_TOO_BIG:
            most, setting = self._limits.message_bytes, setting_of("message_bytes")
            reason = f"a message may take {most:,} bytes ({setting})"
        super().fail(code, reason)


def _too_many(limits: Limits) -> str:
    """Return the reason to close whoever floods: 123 bytes are what a farewell may have."""
    once = f"{limits.frame_burst:,} frames at once ({setting_of('frame_burst')})"
    most = f"{limits.frames_per_second:,} a second ({setting_of('frames_per_second')})"
    return f"more than {once} and {most}"


def error_body(status: HTTPStatus, message: str) -> str:
    """Return the JSON of an error whose code is the status in words, as bad_request."""
    code = "_".join(status.phrase.lower().split())
    return json.dumps({"error": {"code": code, "message": message, "field": None}})


class Bounded(WebSocketsSansIOProtocol):
    """One socket. `limits`, `headers` and `unread`, those of all of them, come with the class."""

    limits: Limits
    headers: Headers
    unread: Unread

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.conn, self._pong = Conversation(self.limits, self.headers), list[bytes]()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc and not self.handshake_initiated:
            self._turned_down()

    def handle_ping(self) -> None:
        """Answer; while the client does not read, only the latest answer waits."""
        self._pong = self.conn.data_to_send() or self._pong
        if self.writable.is_set():
            self._send_pong()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.unread.paused(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.unread.ended(self.transport)
        super().connection_lost(exc)

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._end_at_last()

    def resume_writing(self) -> None:
        self.unread.ended(self.transport)
        super().resume_writing()
        self._send_pong()

    def _send_pong(self) -> None:
        if self._pong and not self.transport.is_closing():
            self.transport.write(b"".join(self._pong))
        self._pong = []

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._end_at_last()

    def keepalive_timeout(self) -> None:
        """Give a silent client up; but where it is not read, its answer may wait here."""
        if self.read_paused:
            self.pong_timer = self.loop.call_later(self.close_timeout, self.keepalive_timeout)
            return
        super().keepalive_timeout()
        self._end_at_last()

    def _end_at_last(self) -> None:
        """Cut what closes: it stays open for as long as the client leaves something unread."""
        self.loop.call_later(self.close_timeout, self.transport.abort)

    def _turned_down(self) -> None:
        """Send what is said of a head that cannot be read: uvicorn leaves that unsent."""
        self.handshake_complete = self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            # uvicorn would log an error after every handshake that is answered, not accepted.
            self.handshake_complete = not message.get("more_body", False)


def protocol(limits: Limits, headers: Headers, unread: Unread) -> type[WebSocketsSansIOProtocol]:
    """Return the class of which uvicorn makes one for each socket."""
    given = {"limits": limits, "headers": headers, "unread": unread}
    return type(Bounded.__name__, (Bounded,), given)
