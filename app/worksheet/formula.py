"""A formula as a tree that is written twice, as symbols and as numbers, and evaluated as printed.

The leaves know symbol and number, so what is read, what is put in and what is checked are the same.
Evaluation takes the printed digits, in decimal arithmetic, as a person with paper would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from app.worksheet.digits import MINUS, decimals_of, printed
from app.worksheet.mathml import (
    Markup,
    as_markup,
    blank_line,
    box,
    bracketed,
    letter,
    number,
    operator,
    row,
)


@dataclass(frozen=True)
class Quantity:
    """A number of the run. What is not `given` is a line to write on in a blank sheet."""

    symbol: Markup
    value: float
    given: bool = False


@dataclass(frozen=True)
class Constant:
    value: int


@dataclass(frozen=True)
class Sum:
    """Terms with their signs, "+" or MINUS."""

    terms: tuple[tuple[str, Formula], ...]


@dataclass(frozen=True)
class Product:
    factors: tuple[Formula, ...]


@dataclass(frozen=True)
class Ratio:
    top: Formula
    bottom: Formula


@dataclass(frozen=True)
class Square:
    base: Formula


@dataclass(frozen=True)
class Exp:
    exponent: Formula


@dataclass(frozen=True)
class Call:
    """A function by name, as it is written and as it is evaluated: see FUNCTIONS."""

    name: str
    arguments: tuple[Formula, ...]


Formula = Quantity | Constant | Sum | Product | Ratio | Square | Exp | Call
ONE = Constant(1)


def plus(terms: Iterable[Formula]) -> Sum:
    return Sum(tuple(("+", term) for term in terms))


def minus(one: Formula, other: Formula) -> Sum:
    return Sum((("+", one), (MINUS, other)))


def negative(formula: Formula) -> Sum:
    return Sum(((MINUS, formula),))


def times(*factors: Formula) -> Product:
    return Product(factors)


def over(count: int, formula: Formula, top: int = 1) -> Formula:
    """Return `formula` times top / count, without the fraction where there is nothing to divide."""
    if count > 1:
        return times(Ratio(Constant(top), Constant(count)), formula)
    return formula if top == 1 else times(Constant(top), formula)


def _tanh(x: Decimal) -> Decimal:
    power = (-2 * abs(x)).exp()  # never one that grows beyond all bounds
    return ((1 - power) / (1 + power)).copy_sign(x)


FUNCTIONS: dict[str, Callable[..., Decimal]] = {"ln": Decimal.ln, "tanh": _tanh, "max": max}


def evaluated(formula: Formula, digits: int) -> Decimal:
    """Return what comes out with every number printed with `digits`; ArithmeticError if nothing."""
    match formula:
        case Quantity(value=value):
            return printed(value, decimals_of(value, digits)).number
        case Constant(value):
            return Decimal(value)
        case Sum(terms):
            found = ((sign, evaluated(term, digits)) for sign, term in terms)
            return sum((-value if sign == MINUS else value for sign, value in found), Decimal(0))
        case Product(factors):
            product = Decimal(1)
            for factor in factors:
                product *= evaluated(factor, digits)
            return product
        case Ratio(top, bottom):
            return evaluated(top, digits) / evaluated(bottom, digits)
        case Square(base):
            return evaluated(base, digits) ** 2
        case Exp(exponent):
            return evaluated(exponent, digits).exp()
        case Call(name, arguments):
            return FUNCTIONS[name](*(evaluated(one, digits) for one in arguments))


Leaf = Callable[[Quantity], list[Markup]]


def written(formula: Formula, leaf: Leaf) -> list[Markup]:
    """Return the elements of a row, with `leaf` deciding how a quantity is written."""
    match formula:
        case Quantity():
            return leaf(formula)
        case Constant(value):
            return [number(str(value))]
        case Sum(terms):
            return _sum(terms, leaf)
        case Product(factors):
            return _product(factors, leaf)
        case Ratio(top, bottom):
            return [box("mfrac", row(written(top, leaf)), row(written(bottom, leaf)))]
        case Square(base):
            inner = written(base, leaf)
            bare = isinstance(base, Quantity) and (len(inner) > 1 or inner[0].tag == "mn")
            return [box("msup", row(inner if bare else bracketed(inner)), number("2"))]
        case Exp(exponent):
            return [box("msup", letter("e"), row(written(exponent, leaf)))]
        case Call(name, arguments):
            inner = written(arguments[0], leaf)
            for argument in arguments[1:]:
                inner += [operator(","), *written(argument, leaf)]
            has_brackets = isinstance(arguments[0], Quantity) and inner[0].text == "("
            return [letter(name), *(inner if has_brackets else bracketed(inner))]


def _sum(terms: tuple[tuple[str, Formula], ...], leaf: Leaf) -> list[Markup]:
    # 1 − a is short and stays together.
    breaks = not isinstance(terms[0][1], Constant)
    found: list[Markup] = []
    for k, (sign, term) in enumerate(terms):
        if k or sign == MINUS:
            found.append(operator(sign, breaks=breaks and k > 0, prefix=k == 0))
        found += written(term, leaf)
    return found


def _product(factors: tuple[Formula, ...], leaf: Leaf) -> list[Markup]:
    found: list[Markup] = []
    for k, factor in enumerate(factors):
        inner = written(factor, leaf)
        if k:
            found.append(operator("·", breaks=isinstance(factor, Sum | Call)))
        found += bracketed(inner) if _is_sum(factor) else inner
    return found


def _is_sum(formula: Formula) -> bool:
    """Tell whether it needs brackets in a product: a sum of one term with a plus does not."""
    return isinstance(formula, Sum) and (len(formula.terms) > 1 or formula.terms[0][0] == MINUS)


def in_numbers(digits: int, blank: bool) -> Leaf:
    """Write a quantity as its number, a negative one in brackets; or as a line to write on."""

    def leaf(quantity: Quantity) -> list[Markup]:
        if blank and not quantity.given:
            return [blank_line()]
        shown = printed(quantity.value, decimals_of(quantity.value, digits))
        inner = as_markup(shown)
        return bracketed(inner) if quantity.value < 0 or len(inner) > 1 else inner

    return leaf


def in_symbols(quantity: Quantity) -> list[Markup]:
    return [quantity.symbol]
