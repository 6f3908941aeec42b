"""A request's head, its first line and its headers, held to a size and a time: before it is whole,
no application can see it, and the parser keeps as much as comes. So it is with a body's trailers,
and with requests that come before earlier ones are answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sized
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.limits import Limits, setting_of
from app.lingering import Line
from app.sockets import Headers, error_body
from app.unread import Unread


def protocol(limits: Limits, headers: Headers, unread: Unread) -> type[asyncio.Protocol]:
    """Return the class of which uvicorn makes one for each connection."""
    given = {"limits": limits, "answer_headers": headers, "unread": unread}
    return type(Bounded.__name__, (Bounded,), given)


class Flow(FlowControl):
    """Reads no further while a request waits for the answer to an earlier one.

    uvicorn would, after each answer and with each look for a body. Nobody needs it: what waits
    in `pipeline` came after the whole of what is being answered.
    """

    def __init__(self, transport: asyncio.Transport, pipeline: Sized) -> None:
        super().__init__(transport)
        self._pipeline = pipeline

    def resume_reading(self) -> None:
        if not self._pipeline:
            super().resume_reading()


class Bounded(HttpToolsProtocol):
    """Answers and closes where a head is too long, takes too long, or is none.

    What counts is read since the last read in which a head, a part of a body or its end came: the
    parser does not tell where in a read they ended. A connection that is closed before a request
    has come whole lingers, since the rest may be on its way.
    """

    limits: ClassVar[Limits]
    answer_headers: ClassVar[Headers]  # they go with what is answered here
    unread: ClassVar[Unread]
    _in_head, _read, _taken = False, 0, 0  # the last two in bytes: of this read, and what counts
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._line = Line(transport, 2 * self.limits.body_bytes)
        line: Any = self._line
        super().connection_made(line)
        self.flow = Flow(line, self.pipeline)
        self.unread.begun(line)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cease_to_wait()
        self.unread.ended(self.transport)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.unread.paused(self.transport)

    def resume_writing(self) -> None:
        self.unread.ended(self.transport)
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        self._read = len(data)
        super().data_received(data)
        self._taken += len(data)
        if self._taken > self.limits.head_bytes:
            self._end(HTTPStatus.BAD_REQUEST, _too_large(self.limits))
        elif self._is_idle:
            self._await_head()  # empty lines end uvicorn's patience, and begin nothing

    def on_message_begin(self) -> None:
        self._await_head()
        self._in_head = self._line.sends = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; a trailer is none, and would be added to those the application has."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Look at the size once more: a head that came in one piece was never waited for."""
        self._cease_to_wait()
        self._in_head = False
        self._count_anew()
        if _size(self.url, self.headers) > self.limits.head_bytes:
            self._end(HTTPStatus.BAD_REQUEST, _too_large(self.limits))
            raise ValueError("the head is too large")  # this stops the parser
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._count_anew()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._line.sends = False
        self._count_anew()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._end(HTTPStatus.BAD_REQUEST, "expected a request in HTTP")

    def _count_anew(self) -> None:
        self._taken = -self._read

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _is_idle(self) -> bool:
        """Tell whether nothing has begun, and nobody waits; a socket's is not ours any more."""
        waits = self._timer is not None and not self._timer.cancelled()
        begun = self._line.sends or self._is_answering
        return self in self.connections and not waits and not begun

    def _await_head(self) -> None:
        self._cease_to_wait()
        self._timer = self.loop.call_later(self.limits.head_seconds, self._late)

    def _cease_to_wait(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _late(self) -> None:
        if self.flow.read_paused or self._is_answering:
            self._await_head()  # the rest may lie here, and nothing is said amid an answer
        else:
            self._end(HTTPStatus.REQUEST_TIMEOUT, _too_late(self.limits))

    def _end(self, status: HTTPStatus, message: str) -> None:
        if not self.transport.is_closing():
            self.transport.write(_answer(status, message, self.answer_headers))
            self.transport.close()


def _size(url: bytes, headers: Headers) -> int:
    """Return the bytes of a head: `GET URL HTTP/1.1`, a line for each header, and an empty one."""
    lines = (len(name) + len(value) + 4 for name, value in headers)
    return len(b"GET  HTTP/1.1\r\n\r\n") + len(url) + sum(lines)


def _too_large(limits: Limits) -> str:
    most, setting = f"{limits.head_bytes:,}", setting_of("head_bytes")
    return f"a request's head, or its trailers, may take {most} bytes ({setting})"


def _too_late(limits: Limits) -> str:
    return f"a request's head must come in {limits.head_seconds} s ({setting_of('head_seconds')})"


def _answer(status: HTTPStatus, message: str, headers: Headers) -> bytes:
    body = error_body(status, message).encode()
    own = [(b"content-type", b"application/json"), (b"connection", b"close")]
    lines = [b": ".join(pair) for pair in (*own, *headers)]
    first = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: {len(body)}".encode()
    return b"\r\n".join((first, *lines, b"", body))
