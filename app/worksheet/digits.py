"""How a number is printed on paper: rounded from the run's own number, with digits that hold.

A result is printed with RESULT digits. Where it is used again it is CARRIED with three more, so
that what a person works out from the printed numbers of a line rounds to the printed result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import floor, log10

RESULT, CARRIED, SCALED, FULL = 6, 9, 10, 19  # FULL is more than any float has
MINUS = "−"
_SMALLEST, _LARGEST = -4, 15  # powers of ten outside of which a number is written with one


@dataclass(frozen=True)
class Printed:
    """A number as it stands on paper: `mantissa`, and a power of ten where there is one."""

    mantissa: str
    power: int | None = None

    @property
    def number(self) -> Decimal:
        """Exactly what is printed."""
        return Decimal(self.mantissa).scaleb(self.power or 0)

    @property
    def text(self) -> str:
        times = "" if self.power is None else f" × 10^{self.power}"
        return (self.mantissa + times).replace("-", MINUS)


def decimals_of(value: float, digits: int) -> int:
    """Return `digits` decimals, more for a small number and fewer for a large one.

    A small number keeps `digits` - 2 significant digits; no number has more than 17.
    """
    power = _power(value)
    return min(max(digits, digits - 3 - power), 16 - power)


def fewer_decimals(value: float, digits: int, least: int) -> Iterator[int]:
    """Count down from `decimals_of` to where `least` significant digits are left.

    Below 0 decimals are the tens, hundreds and so on that a large number is rounded to. With none
    left a number below 1 is 0.000000, in `digits` decimals or as many as it takes to vanish.
    """
    most, power = decimals_of(value, digits), _power(value)
    yield from range(most, min(most, max(least, 1) - 1 - power) - 1, -1)
    if least == 0 and power < 0:
        yield min(digits, -1 - power)


def printed(value: float, decimals: int) -> Printed:
    """Round `value`; what has no more decimals than that, up to float noise, is printed exactly.

    With as many decimals as `decimals_of(value, FULL)` the digits are the float's own.
    """
    value += 0.0  # no sign before a zero
    all_digits = decimals >= decimals_of(value, FULL)
    exact = Decimal(repr(value) if all_digits else f"{value:.15g}").normalize()
    places = -int(exact.as_tuple().exponent)
    number = (exact, places) if places <= decimals or all_digits else (Decimal(value), decimals)
    # Zeros before the point would pass for digits where tens or hundreds are rounded to.
    return _written(*number, _power(value), plainly=decimals >= 0)


def _written(number: Decimal, decimals: int, power: int, plainly: bool) -> Printed:
    vanished = decimals + power < 0
    if vanished or (plainly and _SMALLEST <= power < _LARGEST):
        plain = f"{number:.{max(decimals, 0)}f}"
        return Printed(plain if Decimal(plain) else plain.removeprefix("-"))
    mantissa, exponent = f"{number:.{decimals + power}e}".split("e")
    return Printed(mantissa, int(exponent))


def _power(value: float) -> int:
    """Return the power of ten of the first significant digit; 0 for zero."""
    return floor(log10(abs(value))) if value else 0
