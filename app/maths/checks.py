"""How near two derivatives of one number are, and what may be said of it: agreement or no proof."""

from __future__ import annotations

import math
from dataclasses import dataclass

# The error of a central difference shrinks with h squared and its rounding grows with 1 / h: near
# the cube root of the precision both are least (Nocedal and Wright, section 8.1).
H = 6e-6
PROOFS = {"agree": True, "different": False}  # the verdicts that say something
_RELATIVE = {"float64": 1e-6, "float32": 1e-2}
_NOISE = {"float64": 1e-9, "float32": 1e-5}


@dataclass(frozen=True)
class Difference:
    """The loss with one parameter at `above` and at `below`, h to either side of its value.

    `kink`: some ReLU turns on or off between the two, so that the quotient means nothing.
    """

    above: float
    below: float
    loss_above: float
    loss_below: float
    kink: bool

    @property
    def h(self) -> float:
        """Half the width there really is, once h was added and rounded."""
        return (self.above - self.below) / 2

    @property
    def quotient(self) -> float:
        """(E(p + h) - E(p - h)) / 2h; inf or nan where a loss overflows."""
        return (self.loss_above - self.loss_below) / (self.above - self.below)


@dataclass(frozen=True)
class Tolerance:
    """How near is near enough: a relative gap below `relative`, or a gap below `noise`.

    `noise` is what rounding, in the run's precision, does to a difference of two losses H apart;
    nearer ones it blurs the more.
    """

    relative: float
    noise: float

    def verdict(self, found: float, difference: Difference) -> str:
        """Return `agree`, `different`, `kinks` or `overflows`: the last two can prove nothing."""
        numeric = difference.quotient
        if not (math.isfinite(found) and math.isfinite(numeric)):
            return "overflows"
        if difference.kink:
            return "kinks"
        near = relative_gap(found, numeric) < self.relative or self._is_noise(found, difference)
        return "agree" if near else "different"

    def is_rounding(self, found: float, difference: Difference) -> bool:
        """Tell whether they agree only since rounding could be all that parts them: no proof."""
        if self.verdict(found, difference) != "agree":
            return False
        return relative_gap(found, difference.quotient) >= self.relative

    def gap(self, found: float, difference: Difference) -> float:
        """Return the relative gap; 0 where nothing is proved or a large one is only rounding."""
        if self.verdict(found, difference) not in PROOFS:
            return 0.0
        rounding = self.is_rounding(found, difference)
        return 0.0 if rounding else relative_gap(found, difference.quotient)

    def _is_noise(self, found: float, difference: Difference) -> bool:
        blur = max(1.0, H / difference.h)
        return abs(found - difference.quotient) < self.noise * blur


def tolerance_of(precision: str, loss: float) -> Tolerance:
    """Return the tolerance for derivatives that a run of `precision` computed at this loss."""
    return Tolerance(_RELATIVE[precision], _NOISE[precision] * max(1.0, abs(loss)))


def relative_gap(a: float, b: float) -> float:
    """Return |a - b| / max(|a|, |b|, 1e-8), finite for all finite a and b."""
    larger = max(abs(a), abs(b), 1e-8)
    return abs(a / larger - b / larger)
