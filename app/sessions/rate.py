"""How often somebody may ask: a bucket that fills at a steady rate and holds a burst."""

from __future__ import annotations

import time
from collections.abc import Callable


class TooMany(Exception):
    """Too many of something; `retry_after` is in how many seconds the next one is allowed."""

    def __init__(self, code: str, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.code, self.retry_after = code, retry_after


class Bucket:
    """Holds up to `burst` tokens and gains `per_second` of them; `clock` tells seconds."""

    def __init__(
        self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = per_second, burst, clock
        self._tokens, self._at = float(burst), clock()

    def take(self) -> float:
        """Take a token and return 0, or return how many seconds there is none yet."""
        self._fill()
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate

    @property
    def is_full(self) -> bool:
        """Tell whether nothing was taken for long: then it need not be remembered."""
        self._fill()
        return self._tokens >= self._burst

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
