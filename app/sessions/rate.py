"""How often somebody may ask, and the refusal of whoever asks more often."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from app.bucket import Bucket
from app.limits import Limits, over, setting_of
from app.refusal import Refused


class Allowance:
    """How many commands `whose` may still give, as the limits say."""

    def __init__(
        self, limits: Limits, whose: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits, self._whose = limits, whose
        self._bucket = Bucket(limits.commands_per_second, limits.command_burst, clock)

    def spend(self) -> None:
        """Count a command; Refused `too_many_commands` where they come too fast."""
        wait = self._bucket.take()
        if wait:
            refusal = self._too_many()
            refusal.retry_after = math.ceil(wait)
            raise refusal

    def _too_many(self) -> Refused:
        once, most = self._limits.command_burst, self._limits.commands_per_second
        burst = f"at most {once:,} commands at once ({setting_of('command_burst')})"
        allowed = f"{burst} and {most:,} a second for {self._whose}"
        return over("commands_per_second", allowed, None, None, "too_many_commands")
