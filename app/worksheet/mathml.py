"""MathML as a tree of elements, which the template writes out: no text of it is markup."""

from __future__ import annotations

from dataclasses import dataclass

from app.worksheet.digits import MINUS, Printed


@dataclass(frozen=True)
class Markup:
    """An element of MathML: a text or children. `breaks`: a line may be broken before it."""

    tag: str
    text: str = ""
    children: tuple[Markup, ...] = ()
    kind: str = ""
    breaks: bool = False


def as_markup(shown: Printed) -> list[Markup]:
    mantissa = number(shown.mantissa.replace("-", MINUS))
    if shown.power is None:
        return [mantissa]
    power = number(str(shown.power).replace("-", MINUS))
    return [mantissa, operator("×"), box("msup", number("10"), power)]


def pieces(line: list[Markup]) -> tuple[Markup, ...]:
    """Cut a row where it may be broken, since MathML is not broken by browsers."""
    found: list[list[Markup]] = [[]]
    for element in line:
        if element.breaks and found[-1]:
            found.append([])
        found[-1].append(element)
    return tuple(row(part) for part in found if part)


def letter(text: str) -> Markup:
    return Markup("mi", text)


def number(text: str) -> Markup:
    return Markup("mn", text)


def words(text: str) -> Markup:
    return Markup("mtext", text)


def blank_line(kind: str = "blank") -> Markup:
    return Markup("mspace", kind=kind)


def operator(text: str, breaks: bool = False, prefix: bool = False) -> Markup:
    return Markup("mo", text, kind="prefix" if prefix else "infix", breaks=breaks)


def bracketed(inner: list[Markup]) -> list[Markup]:
    return [Markup("mo", "(", kind="prefix"), *inner, Markup("mo", ")", kind="postfix")]


def row(inner: list[Markup]) -> Markup:
    return inner[0] if len(inner) == 1 else Markup("mrow", children=tuple(inner))


def indexed(base: str, below: str = "", above: str = "") -> Markup:
    """Return a letter with what stands below and above it, where there is something."""
    if above:
        return box("msubsup", letter(base), number(below), number(above))
    return box("msub", letter(base), number(below)) if below else letter(base)


def partial(loss: Markup, by: Markup) -> Markup:
    """Return ∂E/∂w for the loss E and the parameter w."""
    return row([letter("∂"), loss, words("/"), letter("∂"), by])


def box(tag: str, *children: Markup) -> Markup:
    return Markup(tag, children=children)
