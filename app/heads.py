"""A request's head, its first line and its headers, held to a size: before it is whole, no
application can see it, and the parser keeps as much as comes.

h11, which serves where httptools is not installed, has such a limit of its own.
"""

from __future__ import annotations

from typing import Any

HEAD_BYTES = 65_536


def protocol() -> Any:
    """Return what uvicorn's `http` setting takes."""
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return "h11"

    class Bounded(HttpToolsProtocol):
        """Answers 400 and closes where a head does not end within HEAD_BYTES."""

        _in_head, _taken = False, 0

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._in_head:
                self._taken += len(data)
                if self._taken > HEAD_BYTES and not self.transport.is_closing():
                    self.send_400_response(f"a request's head may take {HEAD_BYTES:,} bytes")

        def on_message_begin(self) -> None:
            self._in_head, self._taken = True, 0
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._in_head = False
            super().on_headers_complete()

    return Bounded
