"""How often somebody may ask, and the refusal of whoever asks more often."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from app.bucket import Bucket
from app.limits import Limits, over


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
