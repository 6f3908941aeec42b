"""Formulas in other notations, and the arithmetic of those on the page, by an independent reader."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.browser.test_journeys import NON_SQUARE
from tests.mathml import contradictions, equations, rounding

Tree = list[Any]

WRITE = """async (trees) => {
  const { toLatex, toText } = await import('/static/js/core/notation.js');
  return trees.map((tree) => [toLatex(tree), toText(tree)]);
}"""
SCRAPE = """async () => {
  const { toLatex, toText } = await import('/static/js/core/notation.js');
  const treeOf = (node) => node.nodeType === Node.TEXT_NODE ? node.data
    : [node.localName, Object.fromEntries([...node.attributes].map((a) => [a.name, a.value])), ...[...node.childNodes].map(treeOf)];
  return [...document.querySelectorAll('#panel math')].map((math) => {
    const tree = treeOf(math);
    return { markup: math.outerHTML, rows: math.querySelectorAll('mtr').length, latex: toLatex(tree), text: toText(tree) };
  });
}"""
SLOPES = """async (cases) => {
  const { activationSlope, i, math, n, o } = await import('/static/js/views/mathml.js');
  const { fixed } = await import('/static/js/core/format.js');
  return cases.map(([name, a, slope, digits]) =>
    math(...activationSlope(name, i('h'), 1, a).numbers(digits), o('='), n(fixed(slope, digits))));
}"""


def i(text: str) -> Tree:
    return ["mi", {}, text]


def o(text: str) -> Tree:
    return ["mo", {}, text]


def n(text: str) -> Tree:
    return ["mn", {}, text]


def words(text: str) -> Tree:
    return ["mtext", {}, text]


def row(*parts: Tree) -> Tree:
    return ["mrow", {}, *parts]


def inside(*parts: Tree) -> Tree:
    return row(o("("), *parts, o(")"))


def over(top: Tree, bottom: Tree) -> Tree:
    return ["mfrac", {}, top, bottom]


def both(base: str, below: str, above: str) -> Tree:
    return ["msubsup", {}, i(base), n(below), n(above)]


def power(base: Tree, above: Tree) -> Tree:
    return ["msup", {}, base, above]


def table(*rows: tuple[Tree | None, str, Tree]) -> Tree:
    def cells(left: Tree | None, sign: str, right: Tree) -> Tree:
        middle = o(sign) if sign else row()
        return ["mtr", {}, *(["mtd", {}, part] for part in (left or row(), middle, right))]

    return ["math", {"display": "block"}, ["mtable", {}, *(cells(*one) for one in rows)]]


W = both("w", "31", "1")
SLOPE = over(row(i("∂"), i("E")), row(i("∂"), W))
SUM = row(["munder", {}, o("∑"), i("i")], both("w", "i1", "2"), o("·"), both("h", "i", "1"))
DIFFERENCE = inside(i("ŷ"), o("−"), i("y"))
# tree, its LaTeX, its text
CASES: dict[str, tuple[Tree, str, str]] = {
    "a derivative": (SLOPE, r"\frac{\partial E}{\partial w_{31}^{1}}", "∂E/∂w¹₃₁"),
    "a chain": (
        row(SLOPE, o("="), i("δ"), o("·"), ["msub", {}, i("x"), n("3")]),
        r"\frac{\partial E}{\partial w_{31}^{1}} = \delta \cdot x_{3}",
        "∂E/∂w¹₃₁ = δ · x₃",
    ),
    "half a square": (
        row(over(n("1"), n("2")), power(DIFFERENCE, n("2"))),
        r"\frac{1}{2}(\hat{y} - y)^{2}",
        "½(ŷ − y)²",
    ),
    "a fraction before a bracket": (
        row(over(n("2"), n("3")), DIFFERENCE),
        r"\frac{2}{3}(\hat{y} - y)",
        "(2/3)(ŷ − y)",
    ),
    "a sum over a product": (
        over(row(i("a"), o("+"), i("b")), row(n("2"), o("·"), i("σ"))),
        r"\frac{a + b}{2 \cdot \sigma}",
        "(a + b)/(2 · σ)",
    ),
    "a hat of two characters": (row(i("y\u0302")), r"\hat{y}", "ŷ"),
    "a hat on another letter": (row(i("z\u0302")), r"\hat{z}", "ẑ"),
    "a hat that no letter has": (row(i("δ\u0302")), r"\hat{\delta}", "δ\u0302"),
    "a sign in front": (row(o("−"), i("α"), o("·"), i("δ")), r"-\alpha \cdot \delta", "−α · δ"),
    "brackets around a fraction": (
        inside(over(i("a"), i("b"))),
        r"\left(\frac{a}{b}\right)",
        "(a/b)",
    ),
    "a prime": (row(power(i("f"), o("′")), inside(i("z"))), "f'(z)", "f′(z)"),
    "a prime beside": (row(i("f"), o("′"), inside(i("z"))), "f'(z)", "f′(z)"),
    "a square of a weight": (power(W, n("2")), "(w_{31}^{1})^{2}", "(w¹₃₁)²"),
    "a tiny number": (n("−1.2e−5"), r"-1.2 \times 10^{-5}", "−1.2e−5"),
    "a tiny number squared": (
        power(n("1.2e−5"), n("2")),
        r"(1.2 \times 10^{-5})^{2}",
        "(1.2e−5)²",
    ),
    "a huge number": (n("1.2e+21"), r"1.2 \times 10^{21}", "1.2e+21"),
    "thousands": (n("42,300"), "42{,}300", "42,300"),
    "indices of two digits": (both("w", "10,3", "1"), "w_{10,3}^{1}", "w¹₁₀,₃"),
    "a power of e": (
        over(power(i("e"), both("z", "1", "2")), SUM),
        r"\frac{e^{z_{1}^{2}}}{\sum_{i} w_{i1}^{2} \cdot h_{i}^{1}}",
        "e^(z²₁)/(∑ᵢ w²ᵢ₁ · h¹ᵢ)",
    ),
    "a letter with no small form": (["msub", {}, i("x"), i("β")], r"x_{\beta}", "x_β"),
    "a function that LaTeX knows": (
        row(words("max"), inside(n("0"), o(","), n("−0.3"))),
        r"\max(0, -0.3)",
        "max(0, −0.3)",
    ),
    "a function that it does not": (
        row(words("sigmoid"), inside(i("z"))),
        r"\operatorname{sigmoid}(z)",
        "sigmoid(z)",
    ),
    "a word beside a symbol": (
        row(i("new"), ["mspace", {"width": "0.3em"}], W),
        r"\mathrm{new} \; w_{31}^{1}",
        "new w¹₃₁",
    ),
    "a limited sum": (
        ["munderover", {}, o("∑"), row(i("i"), o("="), n("1")), n("3")],
        r"\sum_{i = 1}^{3}",
        "∑ᵢ₌₁³",
    ),
    "an accent": (["mover", {}, i("y"), o("^")], r"\hat{y}", "ŷ"),
    "a root": (["msqrt", {}, i("a"), o("+"), i("b")], r"\sqrt{a + b}", "√(a + b)"),
    "a name that is markup": (
        words(r"lot_area 50% & $ # {a} ~ ^ \ w¹₃₁ of ŷ"),
        r"\text{lot\_area 50\% \& \$ \# \{a\} $\sim$ $\wedge$ $\backslash$ w$^{1}_{31}$ of $\hat{y}$}",
        r"lot_area 50% & $ # {a} ~ ^ \ w¹₃₁ of ŷ",
    ),
    "badges and HTML": (
        row(["mtext", {"class": "badge"}, "①"], i("a"), ["span", {}, "hint"]),
        "a",
        "a",
    ),
    "transparent elements": (
        ["mstyle", {}, ["mpadded", {}, n("2"), o("≈"), row(o("−"), n("3"))]],
        r"2 \approx -3",
        "2 ≈ −3",
    ),
    "rows": (
        table(
            (["msub", {}, i("z"), n("1")], "=", SUM),
            (None, "=", row(n("0.5000"), o("·"), inside(n("−0.2000")))),
            (None, "", row(o("+"), n("0.1000"), o("·"), n("0.3000"), o("+"), o("…"))),
            (None, "=", n("−0.0700")),
        ),
        "\\begin{aligned}\n"
        r"z_{1} &= \sum_{i} w_{i1}^{2} \cdot h_{i}^{1} \\" + "\n"
        r"&= 0.5000 \cdot (-0.2000) \\" + "\n"
        r"&\quad + 0.1000 \cdot 0.3000 + \dots \\" + "\n"
        "&= -0.0700\n\\end{aligned}",
        "z₁ = ∑ᵢ w²ᵢ₁ · h¹ᵢ\n   = 0.5000 · (−0.2000)\n     + 0.1000 · 0.3000 + …\n   = −0.0700",
    ),
}


SQUARES = """async () => {
  const { square, unitSymbol } = await import('/static/js/views/mathml.js');
  const units = [[[2, 2, 1], 1, 1], [[2, 2, 2, 1], 1, 1], [[2, 2], 1, 2], [[2, 1], 1, 1]];
  return units.map(([sizes, layer, unit]) => square(unitSymbol({ sizes }, layer, unit)));
}"""


def test_formulas_are_written_as_latex_and_as_text(visit: Visit) -> None:
    page = visit.open().page
    found = page.evaluate(WRITE, [tree for tree, _, _ in CASES.values()])
    expected = {name: [latex, text] for name, (_, latex, text) in CASES.items()}
    assert dict(zip(CASES, found, strict=True)) == expected
    # The 2 of a square is not read as a layer's number: h²₁ is a unit of the second layer.
    squares = page.evaluate(SQUARES)
    written = [text for _, text in page.evaluate(WRITE, squares)]
    assert written == ["(h₁)²", "(h¹₁)²", "(ŷ₂)²", "ŷ²"]
    assert [base[0] for _, _, base, _ in squares] == ["mrow", "mrow", "mrow", "mi"]


def _spec(activations: tuple[str, str], targets: list[list[float]], **more: Any) -> dict[str, Any]:
    """Three inputs, two hidden units, as many outputs as targets."""
    inputs = [[0.4, -1.3, 2.1], [1.1, 0.2, -0.7], [-0.6, 0.9, 0.3]][: len(targets)]
    units = (2, len(targets[0]))
    layers = [{"units": u, "activation": a} for u, a in zip(units, activations, strict=True)]
    return {"dataset": {"inputs": inputs, "targets": targets}, "layers": layers, **more}


# spec and its number of layers
PAGES: dict[str, tuple[dict[str, Any] | None, int]] = {
    "ames": (None, 2),
    "non-square, a batch of three": (NON_SQUARE, 3),
    "relu and softmax": (
        _spec(("relu", "softmax"), [[1, 0, 0], [0, 0, 1]], loss="categorical_cross_entropy"),
        2,
    ),
    "two sigmoids with cross entropy": (
        _spec(("sigmoid", "sigmoid"), [[1, 0], [0, 1]], loss="binary_cross_entropy", batch_size=2),
        2,
    ),
    "tanh at the output": (
        _spec(("tanh", "tanh"), [[0.5, -0.2], [0.1, 0.9]], loss="mean_squared_error"),
        2,
    ),
    "one sigmoid, half the square": (_spec(("sigmoid", "sigmoid"), [[0.3], [0.8]]), 2),
    "one output, the square": (
        _spec(("relu", "identity"), [[-2.5], [0.8]], loss="mean_squared_error"),
        2,
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_every_formula_on_the_page_adds_up_and_can_be_copied(visit: Visit, name: str) -> None:
    spec, layers = PAGES[name]
    page = visit.open(spec).page
    for phase in range(2 * layers + 3):
        visit.at(0, phase)
        found = page.evaluate(SCRAPE)
        for formula in found:
            _check_latex(formula["latex"], formula["rows"])
            _check_text(formula["text"], formula["rows"])
            assert contradictions(formula["markup"]) == [], (phase, formula["text"])
        checked = [side for formula in found for side in equations(formula["markup"])]
        # Data that is used as given is not scaled, and then the first phase has no formula.
        assert checked or (phase == 0 and spec), "a phase without arithmetic"
        visit.click("Next phase")


def test_the_slope_of_a_saturated_unit_comes_out_of_the_value_that_is_written(page: Page) -> None:
    places = [*np.linspace(-18, 18, 145).tolist(), 0.5 * math.log(999), -4.14, 3.2]
    cases: list[tuple[str, float, float, int]] = []
    for digits in (2, 4):
        for z in places:
            tanh, sigmoid = math.tanh(z), 1 / (1 + math.exp(-z))
            cases.append(("tanh", tanh, 1 - tanh**2, digits))
            cases.append(("sigmoid", sigmoid, sigmoid * (1 - sigmoid), digits))
    for case, tree in zip(cases, page.evaluate(SLOPES, cases), strict=True):
        [(side, value, shown)] = equations(_html(tree))
        half = rounding(tree[-1][2].replace("−", "-"))
        assert abs(value - shown) <= 1.0001 * half + 1e-17, (case, side, shown)
    assert "0.9975" in _html(page.evaluate(SLOPES, [["sigmoid", 0.9975, 0.0025, 2]])[0])
    assert "0.46<" in _html(page.evaluate(SLOPES, [["tanh", 0.46, 0.7884, 2]])[0])


def _is_off(sides: list[tuple[str, float, float]]) -> bool:
    """Whether a formula of all digits does not come out of its own numbers, as float64 has it."""
    return any(abs(value - shown) > 1e-11 * max(1, abs(shown)) for _, value, shown in sides)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", ["non-square, a batch of three", "tanh at the output"])
def test_with_all_digits_what_the_run_has_rounded_is_not_called_equal(
    visit: Visit, name: str, precision: str
) -> None:
    spec, layers = PAGES[name]
    page = visit.open({**(spec or {}), "precision": precision}).page
    page.get_by_label("Digits").select_option("all")
    off = 0
    for phase in range(2 * layers + 3):
        visit.at(0, phase)
        for formula in page.evaluate(SCRAPE):
            if _is_off(equations(formula["markup"])):
                off += 1
                assert "≈" in formula["text"], (phase, formula["text"])
            assert precision == "float32" or "≈" not in formula["text"]
        visit.click("Next phase")
    assert (off > 4) == (precision == "float32")


def _check_latex(latex: str, rows: int) -> None:
    assert latex.isascii(), latex
    bare = re.sub(r"\\[{}\\]", "", latex)
    depth = 0
    for one in bare:
        depth += {"{": 1, "}": -1}.get(one, 0)
        assert depth >= 0, latex
    assert depth == 0, latex
    assert re.findall(r"\\begin{(\w+)}", latex) == re.findall(r"\\end{(\w+)}", latex)
    assert latex.count(r"\left(") == latex.count(r"\right)")
    if rows:
        body = latex.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
        assert [line.count("&") for line in body.split("\\\\\n")] == [1] * rows


def _check_text(text: str, rows: int) -> None:
    assert not re.search(r"[<>\\{}]|undefined|null|\[object", text), text
    assert text.count("\n") == max(rows, 1) - 1
    assert text.count("(") == text.count(")")
    for line in text.split("\n"):
        assert line == line.rstrip()
        assert "  " not in line.strip(), line


def _html(tree: Tree | str) -> str:
    if isinstance(tree, str):
        return tree
    tag, _, *children = tree
    return f"<{tag}>{''.join(map(_html, children))}</{tag}>"


READ: dict[str, tuple[Tree, list[tuple[str, float, float]]]] = {
    "a sum over rows": (
        table(
            (i("z"), "=", SUM),
            (None, "=", row(n("0.5"), o("·"), inside(n("−0.2")), o("+"), n("42,300"))),
            (None, "", row(o("+"), n("1.2e−5"), o("·"), n("2"))),
            (None, "=", n("42,299.900024")),
        ),
        [("0.5*(-0.2)+42300+1.2e-5*2", 42299.900024, 42299.900024)],
    ),
    "three sides": (
        row(over(row(n("3"), o("−"), n("1")), n("4")), o("="), n("0.5"), o("="), n("0.6")),
        [("((3-1)/(4))", 0.5, 0.6), ("0.5", 0.5, 0.6)],
    ),
    "equations of their own": (
        table(
            (i("a"), "=", row(n("1"), o("−"), n("3"), o("="), n("−2"))),
            (i("b"), "=", row(n("2"), inside(n("4"), o("+"), n("1")), o("="), n("10"))),
        ),
        [("1-3", -2, -2), ("2*(4+1)", 10, 10)],
    ),
    "a bracket over rows": (
        table(
            (None, "=", row(inside(n("1")), o("·"), o("("), n("2"))),
            (None, "", row(o("+"), n("3"), o(")"))),
            (None, "=", n("5")),
        ),
        [("(1)*(2+3)", 5, 5)],
    ),
    "powers": (
        row(power(inside(n("−3")), n("2")), o("="), n("9"), o("="), power(n("−3"), n("2"))),
        [("((-3)**(2))", 9, -9), ("9", 9, -9)],
    ),
    "functions": (
        row(words("tanh"), inside(n("0")), o("+"), ["msqrt", {}, n("4")], o("="), n("2")),
        [("tanh(0)+sqrt(4)", 2, 2)],
    ),
    "a power of ten": (
        row(n("3"), o("·"), n("1.5"), o("×"), power(n("10"), n("−2")), o("="), n("0.045")),
        [("3*1.5*(10**(-2))", 0.045, 0.045)],
    ),
    "e": (row(power(i("e"), n("0")), o("="), n("1")), [("exp(0)", 1, 1)]),
    "terms left out": (row(n("1"), o("+"), o("…"), o("="), n("3")), []),
    "a lone result": (table((i("E"), "=", n("0.5"))), []),
    "symbols": (row(i("a"), o("="), row(i("b"), o("·"), n("2"))), []),
}


@pytest.mark.parametrize("name", READ)
def test_arithmetic_is_read_from_markup(name: str) -> None:
    tree, expected = READ[name]
    markup = _html(tree if tree[0] == "math" else ["math", {}, tree])
    found = equations(f"<p>of 3 = 4<br>{markup}</p>")
    assert [side for side, _, _ in found] == [side for side, _, _ in expected]
    assert [one for _, *one in found] == [pytest.approx(one) for _, *one in expected]


def test_a_result_is_wrong_beyond_the_rounding_of_its_digits() -> None:
    def of(result: str) -> list[str]:
        return contradictions(
            f"<math>{_html(row(n('0.50'), o('·'), n('3'), o('='), n(result)))}</math>"
        )

    # Half a hundredth, three times: but what is written is not off by that, only its result is rounded.
    assert rounding("0.50*3") == pytest.approx(0.015)
    assert of("1.500") == of("1.5") == []
    assert "0.50*3 = 1.5, shown as 1.501" in of("1.501")[0]
    assert of("−1.500") != []


def test_numbers_side_by_side_are_no_arithmetic() -> None:
    with pytest.raises(ValueError, match="two numbers side by side: 1 2"):
        equations("<math><mn>1</mn><mn>2</mn><mo>=</mo><mn>2</mn></math>")
