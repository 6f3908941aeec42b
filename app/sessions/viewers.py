"""The viewers of a run, and what still has to be sent to each. Messages queue, frames do not.

A message (a reply, an edit) reaches every viewer in order; of frames only the newest matters, so a
viewer holds a flag, and the frame is made at the moment it can be sent.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

from app.limits import DEFAULT_LIMITS


class Viewer:
    """`example` is the position in the batch that it looks at; `most` messages may wait for it."""

    def __init__(self, most: int = DEFAULT_LIMITS.messages_waiting, may_write: bool = True) -> None:
        self.example, self.may_write, self._most = 0, may_write, most
        self.too_slow = False
        self._messages: deque[dict[str, Any]] = deque()
        self._stale = True
        self._since: float | None = None
        self.dropped = 0  # states that a newer one made needless
        self._something = asyncio.Event()
        self._something.set()

    def tell(self, message: dict[str, Any]) -> None:
        if len(self._messages) >= self._most:
            self.too_slow = True
        else:
            if not self._messages:
                self._since = time.monotonic()
            self._messages.append(message)
        self._something.set()

    def refresh(self) -> None:
        """Note that the newest frame is not the one this viewer has."""
        self.dropped += self._stale
        self._stale = True
        self._something.set()

    @property
    def age(self) -> float:
        """Return how many seconds the oldest message has waited."""
        return time.monotonic() - self._since if self._since is not None else 0.0

    async def wait(self) -> None:
        await self._something.wait()

    def take(self) -> tuple[list[dict[str, Any]], bool]:
        """Return the waiting messages and whether a frame is due, and forget both."""
        messages, stale = list(self._messages), self._stale
        self._messages.clear()
        self._since = None
        self._stale = False
        self._something.clear()
        return messages, stale


class Viewers(set[Viewer]):
    """All who watch one run; it knows nothing of the run, so whoever tells them need not either."""

    def tell(self, message: dict[str, Any]) -> None:
        for viewer in self:
            viewer.tell(message)

    def refresh(self) -> None:
        for viewer in self:
            viewer.refresh()
