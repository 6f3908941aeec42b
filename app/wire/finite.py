"""Numbers that JSON cannot hold: NaN and infinity become null."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray


def finite(value: float) -> float | None:
    """Return `value`, or None where JSON cannot hold it."""
    return value if math.isfinite(value) else None


def finite_list(numbers: NDArray[Any]) -> list[float | None]:
    return [finite(number) for number in numbers.tolist()]
