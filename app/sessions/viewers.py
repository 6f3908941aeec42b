"""One viewer: what still has to be sent to one socket. Messages queue, frames do not.

A message (a reply, an edit) reaches every viewer in order; of frames only the newest matters, so a
viewer holds a flag, and the frame is made at the moment it can be sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

_MOST_WAITING = 1_000


class Viewer:
    """`example` is the position in the batch that this viewer looks at."""

    def __init__(self) -> None:
        self.example = 0
        self.too_slow = False
        self._messages: deque[dict[str, Any]] = deque()
        self._stale = True
        self._something = asyncio.Event()
        self._something.set()

    def tell(self, message: dict[str, Any]) -> None:
        if len(self._messages) >= _MOST_WAITING:
            self.too_slow = True
        else:
            self._messages.append(message)
        self._something.set()

    def refresh(self) -> None:
        """Note that the newest frame is not the one this viewer has."""
        self._stale = True
        self._something.set()

    async def wait(self) -> None:
        await self._something.wait()

    def take(self) -> tuple[list[dict[str, Any]], bool]:
        """Return the waiting messages and whether a frame is due, and forget both."""
        messages, stale = list(self._messages), self._stale
        self._messages.clear()
        self._stale = False
        self._something.clear()
        return messages, stale
