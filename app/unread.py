"""What was sent and not taken: it lies in this process, however slowly its client reads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from socket import IPPROTO_TCP, SO_SNDBUF, SOL_SOCKET

from app.limits import Limits

if sys.platform == "linux":
    from socket import TCP_USER_TIMEOUT

_log = logging.getLogger("retrace")
_KERNEL_BYTES = 1 << 20  # of a connection, which the system may keep besides; it would take 4 MB


class Unread:
    """Of all connections together; beyond `unread_bytes` those are cut that have kept it longest,
    and any that takes nothing for `body_seconds`.

    Only connections count that are told to pause, those with more than a few kilobytes.
    """

    def __init__(self, limits: Limits) -> None:
        self._most = limits.unread_bytes
        self._silent_ms = min(limits.body_seconds * 1000, 2**31 - 1)
        self._paused: dict[asyncio.WriteTransport, None] = {}  # the longest first

    def begun(self, transport: asyncio.BaseTransport) -> None:
        """Note a new connection. How long it takes nothing, only the system knows."""
        connection = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # it may be gone already
            connection.setsockopt(SOL_SOCKET, SO_SNDBUF, _KERNEL_BYTES)
            if sys.platform == "linux":
                connection.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, self._silent_ms)

    def paused(self, transport: asyncio.WriteTransport) -> None:
        """Note that a client leaves bytes unread, and cut as many as it takes."""
        self._paused[transport] = None
        left = {each: each.get_write_buffer_size() for each in self._paused}
        over = sum(left.values()) - self._most
        for each, size in left.items():
            if over <= 0:
                return
            over -= size
            self.ended(each)
            _log.warning("cut a connection that left too much unread")
            each.abort()

    def ended(self, transport: asyncio.WriteTransport) -> None:
        """Note that a client has read on, or is gone."""
        self._paused.pop(transport, None)
