"""How a connection ends on whose other side somebody still sends: what comes is read, and dropped.

Closed at once it would be reset, and who sends would see that and not the answer. So no more than
a socket is held, and that not for long (RFC 9112, 9.6).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

SECONDS = 2.0


class Line:
    """A connection's transport, but for its end: while its other side `sends`, `close` lingers for
    SECONDS and `most` bytes; to close once more is to close at once.

    It knows no protocol: the two would be a circle, and every connection stay until that is looked
    for.
    """

    def __init__(self, transport: asyncio.Transport, most: int) -> None:
        self._transport, self._most = transport, most
        self.sends = self._ends = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        return self._ends or self._transport.is_closing()

    def write(self, data: bytes) -> None:
        if not self._ends:
            self._transport.write(data)

    def close(self) -> None:
        if self.is_closing() or not self.sends:
            self._transport.close()
            return
        self._ends = True
        told = self._transport.get_protocol()
        self._transport.set_protocol(_End(self._transport, told, self._most))
        with contextlib.suppress(OSError):  # the other side may be gone: reading will tell
            self._transport.write_eof()
        self._transport.resume_reading()


class _End(asyncio.Protocol):
    """Drops what comes, and closes once it is too much, too late or all; `told` learns the rest."""

    def __init__(self, transport: asyncio.Transport, told: Any, most: int) -> None:
        self._transport, self._told, self._left = transport, told, most
        self._timer = asyncio.get_running_loop().call_later(SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            self._transport.close()

    def pause_writing(self) -> None:
        self._told.pause_writing()

    def resume_writing(self) -> None:
        self._told.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._told.connection_lost(exc)
