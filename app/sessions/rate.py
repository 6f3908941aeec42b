"""How often somebody may ask: a bucket that fills at a steady rate and holds a burst."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from app.limits import Limits, over


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

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now


class Allowance:
    """How many commands `whose` may still give, as the limits say."""

    def __init__(
        self, limits: Limits, whose: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._whose = limits.commands_per_second, whose
        self._bucket = Bucket(limits.commands_per_second, limits.command_burst, clock)

    def spend(self) -> None:
        """Count a command; Refused `too_many_commands` where they come too fast."""
        wait = self._bucket.take()
        if wait:
            most = f"at most {self._most:,} commands a second for {self._whose}"
            refusal = over("commands_per_second", most, None, None, "too_many_commands")
            refusal.retry_after = math.ceil(wait)
            raise refusal
