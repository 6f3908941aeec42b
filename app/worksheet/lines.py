"""A line of a worksheet: symbols, numbers put in, and a result that comes out of what is printed.

A result is the run's own number, rounded to the most digits, up to six decimals, that a person gets
from the numbers printed in its line.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.worksheet.digits import (
    CARRIED,
    FULL,
    RESULT,
    SCALED,
    Printed,
    decimals_of,
    fewer_decimals,
    printed,
)
from app.worksheet.formula import Formula, Quantity, evaluated, in_numbers, in_symbols, written
from app.worksheet.mathml import Markup, as_markup, blank_line, operator, pieces, row


@dataclass(frozen=True)
class Line:
    """name = symbols = numbers = result; each part in pieces between which a line may break.

    `key` says what it is for, as "z2.1" or "new w1.2.3"; `note` is said beside it. `holds` is False
    where the result does not come out of the printed numbers in any number of digits.
    """

    key: str
    name: Markup
    symbols: tuple[Markup, ...]
    numbers: tuple[Markup, ...]
    result: Markup
    note: str = ""
    holds: bool = True


@dataclass(frozen=True)
class Group:
    """Lines that belong together; `compact` ones stand beside each other."""

    title: str
    words: tuple[str, ...]
    lines: tuple[Line, ...]
    compact: bool = False


@dataclass(frozen=True)
class Section:
    """A phase, or the layers of one."""

    title: str
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Pen:
    """Writes lines, filled in or blank."""

    blank: bool

    def line(
        self, key: str, result: Quantity, *forms: Formula, note: str = "", digits: int = RESULT
    ) -> Line:
        """Write how `result` comes about, in one or more forms; the first stands in symbols too."""
        carried = SCALED if digits == CARRIED else CARRIED
        carried, shown, holds = settle(forms, result.value, digits, carried)
        leaf = in_numbers(carried, self.blank)
        put_in = [form for form in forms if not isinstance(form, Quantity)]
        hidden = self.blank and not result.given
        end = blank_line("blank result") if hidden else row(as_markup(shown))
        return Line(
            key=key,
            name=result.symbol,
            symbols=pieces([_equals(), *written(forms[0], in_symbols)]) if forms else (),
            numbers=tuple(p for f in put_in for p in pieces([_equals(), *written(f, leaf)])),
            result=row([_equals(), end]),
            note=note,
            holds=holds,
        )


def settle(
    forms: tuple[Formula, ...], value: float, digits: int, carried: int
) -> tuple[int, Printed, bool]:
    """Return the digits for the numbers put in, the printed result, and whether it comes out.

    It does if every form gives it to half a unit of its last digit. Where fewer than four digits
    would be left (a small difference of near numbers), the numbers are put in with all they have;
    and where the run's own rounding leaves none of a small number, it is 0.000000 to six decimals.
    """
    wanted = 4 if digits < CARRIED else FULL  # what is carried has all its digits
    for put_in, least in ((carried, wanted), (FULL, 0)):
        found = _all_evaluated(forms, put_in)
        for decimals in fewer_decimals(value, digits, least):
            shown, half = printed(value, decimals), Decimal(1).scaleb(-decimals) / 2
            if found is not None and all(abs(one - shown.number) <= half for one in found):
                return put_in, shown, True
    return FULL, printed(value, decimals_of(value, digits)), False


def _all_evaluated(forms: tuple[Formula, ...], digits: int) -> list[Decimal] | None:
    try:
        return [evaluated(form, digits) for form in forms]
    except ArithmeticError:  # ln 0, or a power beyond all bounds
        return None


def _equals() -> Markup:
    return operator("=")
