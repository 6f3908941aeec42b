"""Reads the arithmetic of rendered MathML as a person with a calculator would: only what is shown.

It knows nothing of the program that wrote the markup. A side of an equation with a letter, a word
or "…" in it is no arithmetic and is passed over.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

ROWS = {"math", "mrow", "mstyle", "mpadded", "mtd", "mtr", "mtable"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
OPERATORS = {"+": "+", "−": "-", "-": "-", "·": "*", "⋅": "*", "×": "*", "/": "/", "÷": "/"}
OPERATORS |= {"(": "(", "[": "(", ")": ")", "]": ")", ",": ",", "\u2061": "", "\u2062": ""}
FUNCTIONS: dict[str, Callable[..., float]] = {
    "exp": math.exp,
    "identity": lambda z: z,
    "ln": math.log,
    "max": max,
    "relu": lambda z: max(0.0, z),
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "sqrt": math.sqrt,
    "tanh": math.tanh,
}
RELATIONS = {"=", "≈"}
NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?(e[+-]?\d+)?")
PRINTED = re.compile(r"(?<![\w.])(?:\d+)(?:\.(?P<decimals>\d+))?(?:e(?P<power>[+-]?\d+))?")


@dataclass
class Node:
    tag: str
    children: list[Node | str] = field(default_factory=list)

    @property
    def elements(self) -> list[Node]:
        return [child for child in self.children if isinstance(child, Node)]

    @property
    def text(self) -> str:
        return "".join(c if isinstance(c, str) else c.text for c in self.children).strip()


class _Tree(HTMLParser):
    """HTML and MathML as they are served; what is not in a <math> is parsed and not looked at."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self._open = [Node("")]
        self.found: list[Node] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        node = Node(tag.rpartition(":")[2])
        self._open[-1].children.append(node)
        if tag not in VOID:
            self._open.append(node)
        if node.tag == "math":
            self.found.append(node)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self._open[-1].children.append(Node(tag.rpartition(":")[2]))

    def handle_endtag(self, tag: str) -> None:
        if any(node.tag == tag.rpartition(":")[2] for node in self._open[1:]):
            while self._open.pop().tag != tag.rpartition(":")[2]:
                pass

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


class Symbolic(Exception):
    """A part that is no arithmetic."""


def equations(markup: str) -> list[tuple[str, float, float]]:
    """Return (arithmetic, its value, the value of the result shown) for each side with numbers.

    The result is the last numeric side of its chain of equals signs; an equation with only one
    states nothing that can be checked. The arithmetic is in ASCII, as Python reads it. ValueError
    for what looks like arithmetic and is none.
    """
    return [(side, value(side), value(result)) for side, result in _pairs(markup)]


def contradictions(markup: str) -> list[str]:
    """Say which sides, as they are written, are not what is written of their result when rounded."""
    found = []
    for side, result in _pairs(markup):
        off = abs(value(side) - value(result))
        # Floats have a last digit of their own.
        allowed = rounding(result) * (1 + 1e-9) + 1e-12 * abs(value(result)) + 1e-15
        if off > allowed:
            found.append(f"{side} = {value(side)}, shown as {result}; off by {off}, over {allowed}")
    return found


def value(arithmetic: str) -> float:
    """Return what comes out; the text was put together from known signs and names only."""
    try:
        return float(eval(arithmetic, {"__builtins__": {}}, FUNCTIONS))
    except (SyntaxError, TypeError, NameError) as error:
        raise ValueError(f"{arithmetic} is no arithmetic: {error}") from error


def rounding(arithmetic: str) -> float:
    """Return how far off the value can be because each decimal shown may be half a digit off.

    To first order: the sum of what each number alone can do. Whole numbers are taken as exact.
    """
    exact = value(arithmetic)
    total = 0.0
    for shown in PRINTED.finditer(arithmetic):
        if shown["decimals"] is None:
            continue
        half = 0.5 * 10.0 ** (int(shown["power"] or 0) - len(shown["decimals"]))
        start, end = shown.span()
        moved = (
            value(f"{arithmetic[:start]}({shown[0]}{sign}{half!r}){arithmetic[end:]}")
            for sign in "+-"
        )
        total += max(abs(one - exact) for one in moved)
    return total


def _pairs(markup: str) -> Iterator[tuple[str, str]]:
    for formula in _Tree(markup).found:
        for chain in _chains(formula):
            *sides, result = [side for side in map(_arithmetic, chain) if side] or [""]
            yield from ((side, result) for side in sides)


def _chains(formula: Node) -> Iterator[list[list[Node]]]:
    """Sides of each chain of equals signs."""
    sides: list[list[Node]] = [[]]
    for starts, parts in _rows(formula):
        if starts:
            yield sides
            sides = [[]]
        for part in parts:
            if part.tag == "mo" and part.text in RELATIONS:
                sides.append([])
            else:
                sides[-1].append(part)
    yield sides


def _rows(formula: Node) -> Iterator[tuple[bool, list[Node]]]:
    """Rows, and whether one starts an equation: by its left cell, or by no equals sign in front."""
    tables = [node for node in _flat(formula, ROWS - {"mtable"}) if node.tag == "mtable"]
    if not tables:
        yield True, _flat(formula)
    for row in (row for table in tables for row in table.elements):
        parts = _flat(row)
        cells = row.elements
        if len(cells) == 3:
            yield bool(cells[0].text), parts
        else:
            yield not parts or parts[0].text not in RELATIONS, parts


def _flat(node: Node, rows: set[str] = ROWS) -> list[Node]:
    if node.tag not in rows:
        return [node]
    return [part for child in node.elements for part in _flat(child, rows)]


def _arithmetic(parts: list[Node]) -> str:
    try:
        return _joined(parts)
    except Symbolic:
        return ""


def _joined(parts: list[Node]) -> str:
    text = ""
    for part in parts:
        written = _written(part)
        if _multiplies(text, written):
            text += "*"
        text += written
    return text


def _multiplies(before: str, after: str) -> bool:
    """Two factors side by side without a sign: 2(a) or (a)(b), not 2 3 and not tanh(a)."""
    if not re.search(r"[\d.)]$", before) or not re.match(r"[\d.(a-z]", after):
        return False
    if before[-1] != ")" and after[0].isdigit():
        raise ValueError(f"two numbers side by side: {before} {after}")
    return True


def _written(node: Node) -> str:
    if node.tag in WRITERS:
        return WRITERS[node.tag](node)
    if node.tag == "mspace":
        return ""
    raise Symbolic(node.tag)


def _number(node: Node) -> str:
    text = node.text.replace("−", "-")
    if text == "½":
        return "(1/2)"
    if not NUMBER.fullmatch(text):
        raise Symbolic(text)
    return text.replace(",", "")


def _name(node: Node) -> str:
    if node.text and node.text not in FUNCTIONS:
        raise Symbolic(node.text)
    return node.text


def _operator(node: Node) -> str:
    if node.text not in OPERATORS:
        raise Symbolic(node.text)
    return OPERATORS[node.text]


def _inside(node: Node) -> str:
    return _joined(_flat(node))


def _power(node: Node) -> str:
    base, exponent = node.elements
    if base.text == "e":
        return f"exp({_inside(exponent)})"
    return f"({_inside(base)}**({_inside(exponent)}))"


def _fraction(node: Node) -> str:
    top, bottom = node.elements
    return f"(({_inside(top)})/({_inside(bottom)}))"


WRITERS: dict[str, Callable[[Node], str]] = {
    "mn": _number,
    "mi": _name,
    "mtext": _name,
    "mo": _operator,
    "msup": _power,
    "mfrac": _fraction,
    "msqrt": lambda node: f"sqrt({_joined([p for c in node.elements for p in _flat(c)])})",
}
