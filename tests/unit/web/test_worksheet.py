"""A worksheet redone from what is printed on it: every number comes from the page as it was sent.

The reader below knows MathML and decimal arithmetic and nothing of the application.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from app.maths.activations import ACTIVATIONS
from app.maths.losses import LOSSES
from app.timeline.presets import HOUSE
from app.worksheet.digits import CARRIED, FULL, decimals_of, printed
from app.worksheet.losses import LOSS_FORMULAS
from app.worksheet.phases import FUNCTIONS, OUTPUT_DELTAS, SLOPES
from app.worksheet.words import missed_by
from tests.unit.web.test_worked_examples import MAZUR

INPUTS = [[0.1, -0.2], [0.4, 0.3], [0.7, -0.5]]


def _spec(targets: list[list[float]], hidden: str, output: str, loss: str, **more: Any) -> Any:
    layers = [
        {"units": 2, "activation": hidden},
        {"units": len(targets[0]), "activation": output},
    ]
    return {
        "dataset": {"inputs": INPUTS, "targets": targets},
        "layers": layers,
        "loss": loss,
        **more,
    }


PAIRS = [[0.2, 0.9], [0.7, 0.1], [0.4, 0.4]]
SPECS: dict[str, Any] = {
    "house": HOUSE,
    "ames": {},
    "mazur": MAZUR,
    "sigmoid batch of 3": _spec(PAIRS, "sigmoid", "sigmoid", "half_squared_error", batch_size=3),
    "relu, two outputs": _spec(PAIRS, "relu", "identity", "mean_squared_error", batch_size=2),
    "tanh squared": _spec(PAIRS, "tanh", "tanh", "mean_squared_error"),
    "yes or no": _spec([[1], [0], [0.3]], "tanh", "sigmoid", "binary_cross_entropy"),
    "two yes or no": _spec(PAIRS, "relu", "sigmoid", "binary_cross_entropy", batch_size=3),
    "classes": _spec(
        [[1, 0, 0], [0, 0.3, 0.7], [0, 0, 1]],
        "tanh",
        "softmax",
        "categorical_cross_entropy",
        batch_size=3,
    ),
    "shares not of 1": _spec(
        [[0.5, 0.2], [0, 0], [1, 1]], "tanh", "softmax", "categorical_cross_entropy"
    ),
    "biases not trained": {"train_biases": False},
    "float32": {"precision": "float32"},
}


@dataclass(frozen=True)
class Read:
    """A line of the page: each form of numbers put in, and the result, as arithmetic."""

    symbols: str
    forms: tuple[str, ...]
    result: str
    words: str

    @property
    def half_unit(self) -> Decimal:
        exponent = Decimal(_plain(self.result)).as_tuple().exponent
        return Decimal(1).scaleb(int(exponent)) / 2


def _plain(result: str) -> str:
    """0.5 -> 0.5; (-1.2*(10)**(-5)) -> -1.2E-5."""
    return result.replace("*(10)**(", "E").replace("(", "").replace(")", "")


def _arithmetic(element: ElementTree.Element) -> str:
    """Presentation MathML as an expression of Python, by the rules of reading mathematics."""
    inside = [_arithmetic(child) for child in element]
    if element.tag == "mfrac":
        return f"(({inside[0]})/({inside[1]}))"
    if element.tag == "msup":
        return f"exp({inside[1]})" if inside[0] == "e" else f"({inside[0]})**({inside[1]})"
    if element.tag == "mspace":
        return "___"
    text = element.text or ""
    if element.tag == "mn":
        return re.sub(r"−?([\d.]+)", lambda m: f"{'-' * (m[0][0] == '−')}D('{m[1]}')", text)
    return {"·": "*", "×": "*", "−": "-"}.get(text, text) + "".join(inside)


def _reading(line: ElementTree.Element, part: str) -> str:
    return "".join(_arithmetic(math) for math in line.findall(f".//math[@data-part='{part}']"))


def _read(page: str) -> dict[str, Read]:
    found = {}
    for text in re.findall(r"<li data-line=.*?</li>", page, re.S):
        line = ElementTree.fromstring(text)
        words = " ".join(span.text or "" for span in line.findall(".//span[@class='beside']"))
        numbers = _reading(line, "numbers")
        found[line.attrib["data-line"]] = Read(
            _bare(_reading(line, "symbols")),
            tuple(form for form in numbers.split("=") if form),
            _bare(_reading(line, "result").removeprefix("=")),
            words,
        )
    assert len(found) == page.count("data-line=")
    return found


def _bare(expression: str) -> str:
    return re.sub(r"D\('(.*?)'\)", r"\1", expression)


def _evaluated(expression: str) -> Decimal:
    names = {
        "D": Decimal,
        "exp": lambda x: Decimal(x).exp(),
        "ln": lambda x: Decimal(x).ln(),
        "tanh": lambda x: (2 / ((-2 * abs(Decimal(x))).exp() + 1) - 1).copy_sign(x),
        "max": max,
    }
    return Decimal(eval(expression, {"__builtins__": {}}, names))


def _session(client: TestClient, spec: dict[str, Any]) -> str:
    reply = client.post("/api/sessions", json=spec)
    assert reply.status_code == 201, reply.text
    return str(reply.json()["id"])


def _page(client: TestClient, identity: str, **query: Any) -> str:
    reply = client.get(f"/s/{identity}/worksheet", params=query)
    assert reply.status_code == 200, reply.text
    return reply.text


def _sheet(client: TestClient, identity: str, **query: Any) -> dict[str, Read]:
    return _read(_page(client, identity, **query))


@pytest.mark.parametrize("step", [0, 2, 37])
@pytest.mark.parametrize("name", SPECS)
def test_every_result_comes_out_of_the_printed_numbers(
    client: TestClient, name: str, step: int
) -> None:
    identity = _session(client, SPECS[name])
    rows = client.get(f"/api/sessions/{identity}/steps/{step}").json()["rows"]
    for example in range(len(rows)):
        checked = 0
        for key, line in _sheet(client, identity, step=step, example=example).items():
            assert "does not come out" not in line.words, key
            for form in line.forms:
                gap = abs(_evaluated(form) - Decimal(_plain(line.result)))
                assert gap <= line.half_unit, (key, form, line.result)
                checked += 1
        assert checked >= 12


@pytest.mark.parametrize("name", [name for name in SPECS if name != "float32"])
def test_results_are_the_runs_numbers_rounded(client: TestClient, name: str) -> None:
    identity = _session(client, SPECS[name])
    rows = client.get(f"/api/sessions/{identity}/steps/1").json()["rows"]
    for example in range(len(rows)):
        step = client.get(f"/api/sessions/{identity}/steps/1?example={example}").json()
        sheet = _sheet(client, identity, step=1, example=example)
        for layer, numbers in enumerate(step["layers"], start=1):
            for unit in range(1, len(numbers["z"]) + 1):
                for what in ("z", "a", "delta"):
                    _same(sheet[f"{what}{layer}.{unit}"], numbers[what][unit - 1])
                for source in range(1, len(numbers["weights"]) + 1):
                    place = f"w{layer}.{source}.{unit}"
                    slope = numbers["weight_gradients"][source - 1][unit - 1]
                    which = "mean" if len(step["rows"]) > 1 else "derivative"
                    _same(sheet[f"{which} {place}"], slope)
                    _same(sheet[f"new {place}"], numbers["new_weights"][source - 1][unit - 1])
                _same(sheet[f"new b{layer}.{unit}"], numbers["new_biases"][unit - 1])
        _same(sheet["batch loss" if len(step["rows"]) > 1 else "loss"], step["loss"])


def _same(line: Read, number: float) -> None:
    gap = abs(Decimal(_plain(line.result)) - Decimal(number))
    assert gap <= line.half_unit, line
    assert gap < 1e-14 or line.half_unit <= Decimal("5e-7"), "six decimals, or exact"


@pytest.mark.parametrize(
    ("error", "unit", "words"),
    [
        (0.0006000000000000003, "kg", "too high by 0.0006 kg"),
        (-0.0012345, "$", "too low by $0.0012"),
        (-1.4551915228e-11, "$", "too low by $1.5e-11"),
        (12.3456, "$", "too high by $12.35"),
        (-0.5, "", "too low by 0.5"),
        (0.0, "kg", "exactly right"),
    ],
)
def test_a_small_miss_is_not_rounded_to_nothing(error: float, unit: str, words: str) -> None:
    assert missed_by(error, unit) == words


def test_the_house_is_exact(client: TestClient) -> None:
    sheet = _sheet(client, _session(client, HOUSE))
    results = {key: line.result for key, line in sheet.items()}
    assert results["x2"] == "1"
    assert _bare(sheet["x2"].forms[0]) == "((1000)/(1000))"
    assert results["a1.1"] == "0.75"
    assert results["a2.1"] == "1.5"
    assert results["e1"] == "0.5"
    assert results["loss"] == "0.125"
    assert results["own a1"] == "150000"
    assert results["own e1"] == "50000"
    assert sheet["own e1"].words == "too high by $50,000"
    assert results["delta1.1"] == "1"
    assert results["derivative w2.1.1"] == "0.375"
    assert results["new w2.1.1"] == "1.98125"
    assert [results[f"new w1.{k}.1"] for k in (1, 2)] == ["0.15", "0.2"]
    for line in sheet.values():
        for form in line.forms:
            assert eval(form, {"D": Fraction}) == Fraction(_plain(line.result)), form


@pytest.mark.parametrize(
    ("name", "loss", "delta"),
    [
        ("relu, two outputs", "E₂ = Σ (ŷ − y)²", "δ = ∂E₂/∂z = ∂E₂/∂ŷ · f′(z)"),
        ("classes", "E₂ = −Σ y ln ŷ", "δ = ∂E₂/∂z. Softmax"),
        ("tanh squared", "E = Σ (ŷ − y)²", "δ = ∂E/∂z = ∂E/∂ŷ · f′(z)"),
    ],
)
def test_a_loss_and_a_delta_are_of_the_example_that_the_sheet_follows(
    client: TestClient, name: str, loss: str, delta: str
) -> None:
    example = int("₂" in loss)
    text = html.unescape(_page(client, _session(client, SPECS[name]), example=example))
    assert loss in text
    assert delta in text


def test_both_ways_to_say_the_update_are_there(client: TestClient) -> None:
    line = _sheet(client, _session(client, HOUSE))["new w2.1.1"]
    assert line.symbols == "=w112-α*∂E/∂w112"  # read below, then above: w²₁₁
    assert [_bare(form) for form in line.forms] == ["2-0.05*0.375", "2+(-0.01875)"]


def test_a_square_does_not_look_like_a_number_of_a_layer(client: TestClient) -> None:
    line = _sheet(client, _session(client, {}))["delta1.1"]
    assert "(1-((h1))**(2))" in line.symbols  # brackets of the page around h1, and the reader's own


def test_mazurs_figures_stand_on_his_sheet(client: TestClient) -> None:
    page = _page(client, _session(client, MAZUR))
    for figure in ("0.298371109", "0.082167041", "0.149780716", "0.358916480", "0.561370121"):
        assert f">{figure}<" in page or f": {figure}<" in page, figure
    assert _read(page)["new b1.1"].words == "not trained"
    assert "derivative b1.1" not in page


def test_a_blank_sheet_prints_what_is_given_and_no_result(client: TestClient) -> None:
    identity = _session(client, SPECS["classes"])
    filled = _sheet(client, identity, example=1)
    page = _page(client, identity, example=1, blank=1)
    blank = _read(page)
    assert list(blank) == list(filled)
    given = {"rate", "x1", "x2", "y1", "y2", "y3"}
    for key, line in blank.items():
        is_given = key in given or (key[0] in "wb" and key != "batch loss")
        assert line.result == (filled[key].result if is_given else "___"), key
        assert line.symbols == filled[key].symbols
    assert blank["z1.1"].forms == filled["z1.1"].forms
    assert blank["e2"].forms == ("___-D('0.3')",)
    mean = _bare(blank["mean w2.1.1"].forms[0])
    assert re.fullmatch(r"\(\(1\)/\(3\)\)\*\(\(?-?0\.\d+\)?\+___\+\(?-?0\.\d+\)?\)", mean)
    assert "Check values" not in page
    secrets = {f"{line.result}<" for key, line in filled.items() if key.startswith("new w")}
    assert not [secret for secret in secrets if secret.replace("-", "−") in page]
    houses = _sheet(client, _session(client, HOUSE), blank=1)
    assert houses["own e1"].result == "___"
    assert houses["own e1"].words == "", "it would tell the result"


def test_signs_are_true_minus_signs_and_negative_factors_stand_in_brackets(
    client: TestClient,
) -> None:
    page = _page(client, _session(client, {}))
    assert not re.search(r"<m[on][^>]*>-", page)
    for line in _read(page).values():
        for form in line.forms:
            assert not re.search(r"[*+]-|--", form), form


def test_the_cursors_step_is_the_default(client: TestClient) -> None:
    identity = _session(client, HOUSE)
    client.post(f"/api/sessions/{identity}/commands", json={"do": "seek", "step": 3, "phase": 0})
    assert "<h1>Step 3 on paper</h1>" in _page(client, identity)
    assert "<h1>Step 1 on paper</h1>" in _page(client, identity, step=1)


def test_links_lead_to_the_neighbours_that_exist(client: TestClient) -> None:
    identity = _session(client, SPECS["classes"])

    def links(**query: Any) -> dict[str, str]:
        page = _page(client, identity, **query)
        return {text: html.unescape(to) for to, text in re.findall(r'<a href="(.*?)">(.*?)</a>', page)}  # fmt: skip

    base = f"/s/{identity}/worksheet"
    assert links() == {
        "Back to the run": f"/s/{identity}",
        "Blank": f"{base}?step=0&example=0&blank=1",
        "Next step": f"{base}?step=1&example=0&blank=0",
        "Next example": f"{base}?step=0&example=1&blank=0",
    }
    assert "Previous example" not in links(step=1)
    last = links(step=4, example=2, blank=1)
    assert last["Filled in"] == f"{base}?step=4&example=2&blank=0"
    assert last["Previous step"] == f"{base}?step=3&example=0&blank=1"
    assert last["Previous example"] == f"{base}?step=4&example=1&blank=1"
    assert "Next example" not in last
    for link in last.values():
        assert client.get(link).status_code == 200


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"step": "x"}, "step: expected a whole number from 0, got &#39;x&#39;"),
        ({"step": "1000001"}, "step: expected a step from 0 to 1,000,000"),
        ({"example": "3"}, "example: expected a position in rows, 0 to 2, got 3"),
        ({"blank": "yes"}, "blank: expected 0 (filled in) or 1 (blank), got &#39;yes&#39;"),
    ],
)
def test_a_wrong_question_is_refused_on_a_page(client: TestClient, query: Any, words: str) -> None:
    identity = _session(client, SPECS["classes"])
    reply = client.get(f"/s/{identity}/worksheet", params=query)
    assert reply.status_code == 422
    assert words in reply.text
    assert "text/html" in reply.headers["content-type"]
    assert f'<a href="/s/{identity}">Back to the run</a>' in reply.text


def test_an_unknown_session_has_no_worksheet(client: TestClient) -> None:
    reply = client.get("/s/nobody/worksheet")
    assert reply.status_code == 404
    assert "Back to the run" not in reply.text


def test_a_key_that_is_none_stands_in_no_page_as_it_was_sent(client: TestClient) -> None:
    text = client.get("/s/%22%3E%3Cscript%3E/worksheet?step=-1").text
    assert '<a href="/s/%22%3E%3Cscript%3E">Back to the run</a>' in text
    assert "<script" not in text


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            {"layers": [{"units": 6}, {"units": 1, "activation": "identity"}]},
            "31 parameters; a worksheet holds 30, since",
        ),
        ({"batch_size": 9}, "batch has 9 examples; a worksheet holds 8, since"),
    ],
)
def test_what_is_too_large_says_why_and_what_to_do(
    client: TestClient, spec: Any, words: str
) -> None:
    identity = _session(client, spec)
    reply = client.get(f"/s/{identity}/worksheet")
    assert reply.status_code == 422
    assert "No worksheet for this run" in reply.text
    assert words in reply.text
    assert "Choose a" in reply.text
    assert f'href="/s/{identity}"' in reply.text


def test_the_largest_that_fit_have_a_sheet(client: TestClient) -> None:
    inputs = [[0.1 * k, -0.1, 0.2] for k in range(8)]
    spec = {
        "dataset": {"inputs": inputs, "targets": [[1, 0]] * 8},
        "layers": [{"units": 4}, {"units": 2}],
        "batch_size": 8,
    }
    sheet = _sheet(client, _session(client, spec), example=7)
    assert len([key for key in sheet if key.startswith("mean")]) == 26


def test_names_are_text_and_not_markup(client: TestClient) -> None:
    names = {"input_names": ["<b>a</b>", "x"], "target_names": ["</li><script>"]}
    units = {"target_units": [{"unit": "<i>", "per": 10}]}
    data = {"inputs": [[1, 2]], "targets": [[1]], **names, **units}
    page = _page(client, _session(client, {"dataset": data}))
    assert re.findall("<script[^>]*>", page) == [  # its own, without a word in it
        '<script type="module" src="/static/js/effects/print.js">'
    ]
    assert "<b>" not in page
    assert "<i>" not in page
    assert "&lt;b&gt;a&lt;/b&gt;" in page


def test_tiny_errors_keep_their_digits(client: TestClient) -> None:
    identity = _session(client, {**HOUSE, "learning_rate": 0.04})
    step = client.get(f"/api/sessions/{identity}/steps/18").json()
    error = step["prediction"][0] - 1
    assert 0 < abs(error) < 1e-12
    line = _sheet(client, identity, step=18)["e1"]
    assert float(_plain(line.result)) == pytest.approx(error, rel=0.2)
    assert abs(_evaluated(line.forms[0]) - Decimal(_plain(line.result))) <= line.half_unit


def test_what_no_digits_can_give_is_said(client: TestClient) -> None:
    n = (
        2**33 + 12345
    )  # n n - (n - 1)(n + 1) is 1; but either product takes more digits than a float has
    data = {"inputs": [[n, n + 1]], "targets": [[0]]}
    initial = {"weights": [[[n], [1 - n]]]}
    layers = [{"units": 1, "activation": "identity"}]
    spec = {"dataset": data, "layers": layers, "initial": initial, "learning_rate": 1e-30}
    identity = _session(client, spec)
    z = client.get(f"/api/sessions/{identity}/steps/0").json()["layers"][0]["z"][0]
    line = _sheet(client, identity)["z1.1"]
    assert z != 1
    assert float(_plain(line.result)) == z  # the run's own
    assert "does not come out of the printed digits" in line.words
    assert "does not come out of any digits" in _sheet(client, identity, blank=1)["z1.1"].words


def _one_layer(
    x: float, weights: list[float], targets: list[float], output: str, loss: str, **more: Any
) -> Any:
    return {
        "dataset": {"inputs": [[x]], "targets": [targets]},
        "layers": [{"units": len(targets), "activation": output}],
        "loss": loss,
        "initial": {"weights": [[weights]]},
        "learning_rate": 1e-6,
        **more,
    }


YES = ("sigmoid", "binary_cross_entropy")
SHARES = ("softmax", "categorical_cross_entropy")
SATURATED: dict[str, Any] = {
    f"{loss}, z {z:g}, y {y}": _one_layer(z, [1], [y], output, loss)
    for output, loss in (YES, ("sigmoid", "half_squared_error"), ("tanh", "half_squared_error"))
    for z in (-1e12, -3e6, -750, -40, 16.5, 30, 33, 40, 750, 3e6)
    for y in (0, 0.3, 1)
} | {
    f"softmax, z {x * a:g} and {x * b:g}, y {y}": _one_layer(x, [a, b], y, *SHARES)
    for x in (10, 40, 735, 800, 1e6)
    for a, b in ((20, -1), (1, 0.1), (-1, -1))
    for y in ([0, 0], [1, 0], [0.3, 0.7])
}


def test_the_digits_that_a_blank_sheet_asks_for_are_enough(client: TestClient) -> None:
    """Of 2e-9 nine decimals would be one digit, and of its loss none would be left."""
    identity = _session(client, _one_layer(40, [-0.5], [0], *YES))
    page = _page(client, identity, blank=1)
    assert "nine decimals, of small numbers nine digits after the zeros, and of a differe" in page
    printed_loss = _sheet(client, identity)["loss"].result
    a = Decimal(f"{1 / (1 + Decimal(20).exp()):.8e}")
    own = -(1 - a).ln()
    places = int(Decimal(_plain(printed_loss)).as_tuple().exponent)
    assert round(own, -places) == Decimal(_plain(printed_loss))
    assert round(-(1 - round(a, 9)).ln(), -places) != Decimal(_plain(printed_loss))


def _comes_out(client: TestClient, spec: Any, **query: Any) -> dict[str, Read]:
    identity = _session(client, spec)
    sheet = _sheet(client, identity, **query)
    for key, line in sheet.items():
        assert "does not come out" not in line.words, key
        for form in line.forms:
            gap = abs(_evaluated(form) - Decimal(_plain(line.result)))
            assert gap <= line.half_unit, (key, form, line.result)
    return sheet


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", SATURATED)
def test_where_units_saturate_lines_still_come_out(
    client: TestClient, name: str, precision: str
) -> None:
    sheet = _comes_out(client, {**SATURATED[name], "precision": precision})
    assert not re.search(r"ln\((D\('0'\)|D\('1'\)-D\('1'\))\)", "".join(sheet["loss"].forms))


def test_a_loss_is_written_in_z_where_the_digits_of_the_prediction_do_not_tell_it(
    client: TestClient,
) -> None:
    def loss(*what: Any) -> Read:
        return _sheet(client, _session(client, _one_layer(*what)))["loss"]

    no = loss(40, [1], [0], *YES)
    assert [_bare(form) for form in no.forms] == ["(ln(1+exp(-40))+(1-0)*40)"]
    assert (no.result, no.symbols) == ("40", "=(ln(1+exp(-z11))+(1-y)*z11)")
    assert "in z" in no.words
    yes = loss(40, [1], [1], *YES)
    assert ([_bare(form) for form in yes.forms], yes.result) == (["ln(1+exp(-40))"], "0")
    (far,) = loss(800, [1, -0.1], [0, 1], *SHARES).forms
    assert _bare(far) == "1*(ln(1)-(-80)+800)"
    none = loss(800, [1, -0.1], [0, 0], *SHARES)
    assert (none.forms, none.result) == ((), "0")
    assert "every y is 0" in none.words


def test_a_slope_that_the_digits_of_a_do_not_tell_is_given(client: TestClient) -> None:
    spec = {
        "dataset": {"inputs": [[1]], "targets": [[0.2]]},
        "layers": [{"units": 1, "activation": "tanh"}, {"units": 1, "activation": "identity"}],
        "initial": {"weights": [[[17.5]], [[3e12]]]},
        "learning_rate": 1e-30,
    }
    line = _comes_out(client, spec)["delta1.1"]
    assert len(line.result.replace(".", "")) >= 7
    assert "f′(z) is the run’s own" in line.words
    blank = _sheet(client, _session(client, spec), blank=1)["delta1.1"]
    assert blank.forms[0].startswith("(D('")


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_lines_of_a_run_on_its_way_out_come_out(client: TestClient, precision: str) -> None:
    for step in (4, 5, 7) if precision == "float64" else (4, 5):
        _comes_out(client, {**HOUSE, "learning_rate": 0.3, "precision": precision}, step=step)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.75, 6, "0.75"),
        (0.1 + 0.2, 6, "0.3"),
        (0.1 + 0.2, FULL, "0.30000000000000004"),
        (1 / 3, 6, "0.333333"),
        (-2 / 3, CARRIED, "−0.666666667"),
        (0.0021234567, 6, "0.002123"),
        (0.00012345678, 6, "0.0001235"),
        (0.000012345678, 6, "1.235 × 10^−5"),
        (-0.0, 6, "0"),
        (123456.789, 2, "123456.79"),
        (2e20, 6, "2 × 10^20"),
        (123_456_789.0, -3, "1.23457 × 10^8"),
        (94_742_240.0, -1, "9.474224 × 10^7"),
        (-5.184705528587072e21, -18, "−5.185 × 10^21"),
    ],
)
def test_how_a_number_is_printed(value: float, digits: int, text: str) -> None:
    decimals = decimals_of(value, digits) if digits > 0 else digits
    assert printed(value, decimals).text == text


def test_every_activation_and_loss_has_its_formulas() -> None:
    unit_by_unit = {entry.name for entry in ACTIVATIONS.values() if not entry.only_output}
    assert set(FUNCTIONS) == set(SLOPES) == unit_by_unit
    assert set(LOSS_FORMULAS) == set(OUTPUT_DELTAS) == set(LOSSES)


@pytest.mark.parametrize("weights", [[[1, 0], [0, 0]], [[-1, -1], [0, 0]], [[1, 1], [0, 0.01]]])
def test_shares_of_powers_out_of_range_come_out_of_what_is_printed(
    client: TestClient, weights: list[list[float]]
) -> None:
    spec = {
        "dataset": {"inputs": [[800, 1]], "targets": [[1, 0]]},
        "layers": [{"units": 2, "activation": "softmax"}],
        "loss": "categorical_cross_entropy",
        "initial": {"weights": [weights], "biases": [[0, 0]]},
    }
    identity = _session(client, spec)
    assert client.get(f"/s/{identity}/worksheet", params={"blank": 1}).status_code == 200
    lines = _sheet(client, identity)
    for key in ("S", "a1.1", "a1.2"):
        for form in lines[key].forms:
            gap = abs(_evaluated(form) - Decimal(_plain(lines[key].result)))
            assert gap <= lines[key].half_unit
    assert "largest z" in lines["S"].words


def test_a_line_and_the_check_values_have_one_figure_for_one_derivative(client: TestClient) -> None:
    spec = {
        "dataset": {"inputs": [[1.3, 0.7, -0.4]], "targets": [[10, -20]]},
        "layers": [{"units": units, "activation": "identity"} for units in (1, 2)],
        "initial": {"weights": [[[3.1], [2.3], [1.7]], [[5.7, -3.3]]]},
        "precision": "float32",
    }
    page = _page(client, _session(client, spec))
    line = _read(page)["derivative w2.1.1"]
    (checked,) = re.findall(r"<tr><th scope=\"row\">w²₁₁</th><td>.*?</td><td>(.*?)</td>", page)
    assert abs(Decimal(line.result) - Decimal(checked)) <= line.half_unit
    assert "does not come out" not in line.words
