"""How near two derivatives of one number are, and what may be said of it: agreement or no proof."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

# The error of a central difference shrinks with h squared and its rounding grows with 1 / h: near
# the cube root of the precision both are least (Nocedal and Wright, section 8.1).
H = 6e-6
PROOFS = {"agree": True, "different": False}  # the verdicts that say something
_RELATIVE = {"float64": 1e-6, "float32": 1e-2}
_NOISE = {"float64": 1e-9, "float32": 1e-5}


class Difference(NamedTuple):
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


class Verdict(NamedTuple):
    """`said`: `agree`, `different`, `kinks` or `overflows`; the last two can prove nothing.

    `is_rounding`: they agree only since rounding could be all that parts them, which is no proof.
    `gap`: their relative gap, 0 where nothing is proved or where it is only rounding.
    """

    said: str
    gap: float = 0.0
    is_rounding: bool = False


@dataclass(frozen=True)
class Tolerance:
    """How near is near enough: a relative gap below `relative`, or a gap below `noise`.

    `noise` is what rounding, in the run's precision, does to a difference of two losses H apart;
    nearer ones it blurs the more.
    """

    relative: float
    noise: float

    def judge(self, found: float, difference: Difference) -> Verdict:
        """Return what the difference quotient says of `found`."""
        numeric = difference.quotient
        gap = relative_gap(found, numeric)  # nan where one of them is not finite
        apart, size = abs(found - numeric), max(abs(found), abs(numeric))
        if gap < self.relative and not difference.kink:
            # Numbers so small that the gap's floor hides what parts them are no proof.
            proves = apart <= self.relative * size
            return Verdict("agree", gap) if proves else Verdict("agree", is_rounding=True)
        if math.isnan(gap):
            return Verdict("overflows")
        if difference.kink:
            return Verdict("kinks")
        blur = max(1.0, H / difference.h)
        if apart < self.noise * blur:
            return Verdict("agree", is_rounding=True)
        return Verdict("different", gap)


def tolerance_of(precision: str, loss: float) -> Tolerance:
    """Return the tolerance for derivatives that a run of `precision` computed at this loss."""
    return Tolerance(_RELATIVE[precision], _NOISE[precision] * max(1.0, abs(loss)))


def relative_gap(a: float, b: float) -> float:
    """Return |a - b| / max(|a|, |b|, 1e-8), finite for all finite a and b."""
    larger = max(abs(a), abs(b), 1e-8)
    return abs(a / larger - b / larger)
