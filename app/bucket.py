"""How often something may happen: a bucket that fills at a steady rate and holds a burst."""

from __future__ import annotations

import time
from collections.abc import Callable


class Bucket:
    """Holds up to `burst` tokens and gains `per_second` of them; `clock` tells seconds."""

    def __init__(
        self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = per_second, burst, clock
        self._tokens, self._at = float(burst), clock()

    def take(self, count: float = 1) -> float:
        """Take so many tokens, or all where it holds no more, and return 0; or return how many
        seconds they are not there yet.
        """
        self._fill()
        count = min(count, self._burst)
        if self._tokens >= count:
            self._tokens -= count
            return 0.0
        return (count - self._tokens) / self._rate

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
