"""The chain rule's factors and paths against the engine, autograd and real forward passes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.maths import around as around_module
from app.maths import chain as chain_module
from app.maths import checks
from app.maths.activations import ACTIVATIONS
from app.maths.around import LossAround
from app.maths.chain import Example, Factor, chain, derivative, path_count
from app.maths.checks import relative_gap
from app.maths.losses import LOSSES
from app.maths.network import Network
from app.maths.passes import Passes, with_ones
from app.timeline.run import StepRecord
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
from app.wire.check import check_json
from app.wire.explain import batch_derivative, chain_text
from app.wire.landscape import slice_json, surface_json
from app.wire.symbols import factor_symbol
from tests.nets import HIDDEN, PAIRS, Case, all_cases, make_case, plain_loss

CASES = all_cases()
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "gradients.json").read_text("utf-8"))


def chain_json(*asked: Any) -> dict[str, Any]:
    """What is sent, as a strict reader reads it."""
    return dict(json.loads(chain_text(*asked), parse_constant=pytest.fail))


def _examples(case: Case, dtype: type = np.float64) -> list[Example]:
    passes = Passes(case.network, len(case.inputs), dtype)
    numbers = (case.parameters, with_ones(case.inputs), case.targets)
    parameters, inputs, targets = (part.astype(dtype) for part in numbers)
    passes.step(parameters, inputs, targets)
    parts = (passes.z, passes.a, passes.delta)
    return [
        Example(
            parameters,
            inputs[k, :-1],
            targets[k],
            *(tuple(p[k] for p in q) for q in parts),
        )
        for k in range(len(case.inputs))
    ]


def _names(case: Case) -> list[str]:
    return [case.network.parameter_name(k) for k in range(case.network.parameter_count)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_paths_sum_to_autograds_derivative(case: Case) -> None:
    examples = _examples(case)
    expected = autograd.grad(lambda p: plain_loss(anp, case, p))(case.parameters)
    for index, name in enumerate(_names(case)):
        paths = [chain(case.network, example, name) for example in examples]
        for path in (path for found in paths for path in found):
            assert path.product == math.prod(factor.value for factor in path.factors)
        mean = math.fsum(derivative(found) for found in paths) / len(examples)
        assert mean == pytest.approx(expected[index], rel=1e-9, abs=1e-13)
        layer = int(name[1])
        assert len(paths[0]) == math.prod(case.network.sizes[layer + 1 :])


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden["name"])
def test_the_paths_sum_to_pytorchs_derivative(golden: dict[str, Any]) -> None:
    network = Network(tuple(golden["sizes"]), tuple(golden["activations"]), golden["loss"])
    numbers = (np.array(golden[key]) for key in ("parameters", "inputs", "targets"))
    case = Case(network, *numbers)
    for name, expected in zip(_names(case), golden["gradient"], strict=True):
        found = [derivative(chain(network, example, name)) for example in _examples(case)]
        assert math.fsum(found) / len(found) == pytest.approx(expected, rel=1e-10, abs=1e-14)


@st.composite
def _networks(draw: st.DrawFn) -> Case:
    """Depth 1 to 4, an activation of its own for each layer, every loss, batches of 1 to 4."""
    sizes = tuple(draw(st.lists(st.integers(1, 5), min_size=2, max_size=5)))
    hidden = tuple(draw(st.sampled_from(HIDDEN)) for _ in sizes[2:])
    output, loss = draw(st.sampled_from(PAIRS))
    rows, seed = draw(st.integers(1, 4)), draw(st.integers(0, 2**32 - 1))
    case = make_case(sizes, "tanh", output, loss, rows, seed)
    return replace(case, network=Network(sizes, (*hidden, output), loss))


@settings(max_examples=60, deadline=None)
@given(_networks(), st.sampled_from([np.float64, np.float32]))
def test_random_networks_in_either_precision_agree_with_engine_and_autograd(
    case: Case, dtype: type
) -> None:
    passes = Passes(case.network, len(case.inputs), dtype)
    numbers = (case.parameters, with_ones(case.inputs), case.targets)
    passes.step(*(part.astype(dtype) for part in numbers))
    expected = autograd.grad(lambda p: plain_loss(anp, case, p))(case.parameters)
    near = 1e-11 if dtype is np.float64 else 1e-4
    scale = max(1.0, float(np.abs(expected).max()))
    for index, name in enumerate(_names(case)):
        found = [derivative(chain(case.network, e, name)) for e in _examples(case, dtype)]
        mean = math.fsum(found) / len(found)
        assert mean == pytest.approx(passes.gradient[index], rel=near, abs=near * scale)
        assert mean == pytest.approx(expected[index], rel=near, abs=near * scale)


@pytest.mark.parametrize("case", CASES[::3], ids=lambda case: case.name)
def test_each_factor_is_what_it_says_it_is(case: Case) -> None:
    """Not the product alone: two factors wrong by inverse amounts would pass every sum."""
    network, example = case.network, _examples(case)[0]
    for name in _names(case)[:: max(1, network.parameter_count // 9)]:
        for path in chain(network, example, name):
            for factor in path.factors:
                expected = _factor_by_itself(network, example, factor)
                assert factor.value == pytest.approx(expected, rel=1e-7, abs=1e-9), factor


def _factor_by_itself(network: Network, example: Example, factor: Factor) -> float:
    """Each kind by its definition, derivatives by a central difference of the function itself."""
    if factor.kind in ("weight", "one"):
        at = network.parameter_index(factor.at)
        return float(example.parameters[at]) if factor.kind == "weight" else 1.0
    layer, unit = (int(number) for number in factor.at.split("."))
    h = 1e-6
    if factor.kind == "input":
        return float((example.a[layer - 1] if layer else example.inputs)[unit - 1])
    if factor.kind == "slope":
        ends = np.array([[example.z[layer - 1][unit - 1] + side * h] for side in (1, -1)])
        out = np.empty_like(ends)
        ACTIVATIONS[network.activations[layer - 1]].function(ends, out)
        return float(out[0, 0] - out[1, 0]) / (2 * h)
    around = []
    for side in (1, -1):
        z, a, y = (part[None].copy() for part in (example.z[-1], example.a[-1], example.targets))
        if factor.kind == "error":
            a[0, unit - 1] += side * h
        else:
            z[0, unit - 1] += side * h
            ACTIVATIONS[network.activations[-1]].function(z, a)
        around.append(LOSSES[network.loss].value(z, a, y, np.empty_like(a)))
    return (around[0] - around[1]) / (2 * h)


def test_two_outputs_give_two_paths_through_their_own_weights() -> None:
    case = make_case((2, 3, 2), "tanh", "identity", "half_squared_error", 1)
    one, other = chain(case.network, _examples(case)[0], "w1.2.3")
    places = [[factor.at for factor in path.factors] for path in (one, other)]
    assert places == [
        ["2.1", "2.1", "w2.3.1", "1.3", "0.2"],
        ["2.2", "2.2", "w2.3.2", "1.3", "0.2"],
    ]


def test_what_paths_share_is_worked_out_and_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of 71 parameters has 256 paths of 32 factors: 8,192, and 54 that differ."""
    sizes = (3, *(2,) * 9, *(1,) * 7)
    layers = [{"units": units, "activation": "tanh"} for units in sizes[1:]]
    data = {"inputs": [[0.3, -0.2, 0.5]], "targets": [[0.4]]}
    timeline = Timeline(parse_spec({"dataset": data, "layers": layers}))
    asked = {"slopes": 0, "factors": 0}

    def counting(what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            asked[what] += 1
            return call(*arguments)

        return counted

    monkeypatch.setattr("app.maths.chain.slope", counting("slopes", chain_module.slope))
    monkeypatch.setattr("app.wire.explain.factor_symbol", counting("factors", factor_symbol))
    found = chain_json(timeline.record(0), timeline.network, "float64", "w1.2.1", 0)
    assert len(found["paths"]) == found["path_count"] == 256
    told = [json.dumps(factor) for path in found["paths"] for factor in path["factors"]]
    assert (len(told), len(set(told))) == (256 * 33, asked["factors"])
    assert asked["slopes"] == sum(sizes[2:]) + 1  # one for each unit behind the weight, and its own
    for path in found["paths"]:
        assert path["product"] == math.prod(factor["value"] for factor in path["factors"])


def test_many_paths_are_folded_into_deltas_of_the_next_layer() -> None:
    case = make_case((2, 5, 20, 20, 3), "tanh", "sigmoid", "mean_squared_error", 1)
    example = _examples(case)[0]
    assert path_count(case.network, 1) == 1200
    (path,) = chain(case.network, example, "w1.2.4")
    assert [factor.kind for factor in path.factors] == ["delta", "input"]
    assert math.fsum(term.product for term in path.terms) == pytest.approx(
        path.factors[0].value, rel=1e-12
    )
    expected = autograd.grad(lambda p: plain_loss(anp, case, p))(case.parameters)
    index = case.network.parameter_index("w1.2.4")
    assert derivative((path,)) == pytest.approx(expected[index], rel=1e-10)


@pytest.mark.parametrize(
    ("hidden", "output", "loss"), [("tanh", *PAIRS[0]), ("relu", *PAIRS[5]), ("sigmoid", *PAIRS[6])]
)
def test_folded_deltas_unfold_level_by_level_down_to_the_outputs(
    hidden: str, output: str, loss: str
) -> None:
    """delta of a unit is the derivative of its bias; each term holds a delta of the next layer."""
    case = make_case((2, 3, 6, 7, 8, 6), hidden, output, loss, 1)
    assert [path_count(case.network, layer) for layer in (1, 2, 3)] == [2016, 336, 48]
    example, folded = _examples(case)[0], 0
    for layer in range(1, 6):
        for unit in range(1, case.network.sizes[layer] + 1):
            paths = chain(case.network, example, f"b{layer}.{unit}")
            own = example.delta[layer - 1][unit - 1]
            assert derivative(paths) == pytest.approx(own, rel=1e-10, abs=1e-15)
            for term in paths[0].terms:
                folded += 1
                slope, weight, delta = term.factors
                assert (slope.kind, weight.kind, delta.kind) == ("slope", "weight", "delta")
                below = derivative(chain(case.network, example, f"b{delta.at}"))
                assert delta.value == pytest.approx(below, rel=1e-10, abs=1e-15)
                assert term.product == slope.value * weight.value * delta.value
            if paths[0].terms:
                terms = math.fsum(term.product for term in paths[0].terms)
                assert terms == pytest.approx(own, rel=1e-10, abs=1e-15)
    assert folded == 3 * 6 + 6 * 7


def test_a_network_folded_at_several_layers_agrees_with_autograd() -> None:
    case = make_case((2, 3, 5, 8, 9, 6), "sigmoid", "softmax", "categorical_cross_entropy", 3)
    expected = autograd.grad(lambda p: plain_loss(anp, case, p))(case.parameters)
    examples = _examples(case)
    for layer, folds in ((1, True), (2, True), (3, False), (4, False), (5, False)):
        for name in (f"w{layer}.2.3", f"b{layer}.1"):
            paths = [chain(case.network, example, name) for example in examples]
            assert all(bool(found[0].terms) is folds for found in paths)
            mean = math.fsum(map(derivative, paths)) / 3
            index = case.network.parameter_index(name)
            assert mean == pytest.approx(expected[index], rel=1e-9, abs=1e-14)


def _run(hidden: str, **more: Any) -> Timeline:
    rng = np.random.default_rng(4)
    data = {"inputs": rng.normal(size=(5, 2)).tolist(), "targets": rng.normal(size=(5, 3)).tolist()}
    layers = [
        {"units": 4, "activation": hidden},
        {"units": 3, "activation": "identity"},
    ]
    return Timeline(parse_spec({"dataset": data, "layers": layers, "batch_size": 3, **more}))


@pytest.mark.parametrize("hidden", ["identity", "sigmoid", "tanh"])
def test_every_parameter_of_a_step_is_proved(hidden: str) -> None:
    timeline = _run(hidden)
    record, network = timeline.record(6), timeline.network
    found = check_json(record, network, "float64", 0, 500)
    assert (found["agree"], found["different"]) == (network.parameter_count, [])
    assert found["worst"]["relative_gap"] < 1e-6
    assert found["next"] is None


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_difference_is_two_real_losses_and_its_quotient(precision: str) -> None:
    timeline = _run("tanh", precision=precision)
    record, network = timeline.record(2), timeline.network
    for index, name in enumerate(map(network.parameter_name, range(network.parameter_count))):
        found = chain_json(record, network, precision, name, 1)
        for prefix, rows in (("", slice(1, 2)), ("batch_", slice(None))):
            said, numeric = found[f"{prefix}difference"], found[f"{prefix}numeric"]
            sides = [(said[side], said[f"loss_{side}"]) for side in ("above", "below")]
            for value, loss in sides:
                assert loss == pytest.approx(_loss_with(timeline, 2, index, value, rows), rel=1e-12)
            (above, loss_above), (below, loss_below) = sides
            assert numeric == (loss_above - loss_below) / (above - below)
            assert said["h"] == (above - below) / 2
            assert said["agrees"] is True
            derivative = found[f"{prefix}derivative"]
            assert found[f"{prefix}relative_gap"] == relative_gap(derivative, numeric)


def _loss_with(timeline: Timeline, step: int, index: int, value: float, rows: slice) -> float:
    record, count = timeline.record(step), len(timeline.record(step).rows[rows])
    moved = record.parameters.astype(np.float64)
    moved[index] = value
    passes = Passes(timeline.network, count, np.float64)
    inputs = with_ones(record.inputs[rows].astype(np.float64))
    return passes.loss(moved, inputs, record.targets[rows].astype(np.float64))


def test_chain_and_check_agree_on_what_agrees() -> None:
    """One rule for both: a derivative is moved from its true value by more and more."""
    timeline = _run("tanh")
    network, record = timeline.network, timeline.record(2)
    seen = set()
    for factor in (1, 1 + 1e-8, 1 + 1e-5, 2):
        wrong = replace(record, gradient=record.gradient * factor)
        checked = check_json(wrong, network, "float64", 0, 500)
        for name in map(network.parameter_name, range(network.parameter_count)):
            found = chain_json(wrong, network, "float64", name, 0)
            agrees = found["batch_difference"]["agrees"]
            assert agrees is (name not in checked["different"])
            assert found["difference"]["agrees"] is True
            seen.add((factor, agrees))
        assert checked["agree"] + len(checked["different"]) == checked["checked"]
    assert seen == {(1, True), (1 + 1e-8, True), (1 + 1e-5, False), (2, False)}


def test_a_gap_smaller_than_rounding_agrees_whatever_the_ratio() -> None:
    tolerance = checks.tolerance_of("float64", 50.0)
    assert tolerance.noise == pytest.approx(5e-8)
    difference = checks.Difference(above=1.0, below=0.0, loss_above=4e-8, loss_below=0, kink=False)
    said = [tolerance.judge(found, difference) for found in (0.0, -2e-8, 4.000001e-8)]
    assert [one.said for one in said] == ["agree", "different", "agree"]
    assert [one.is_rounding for one in said] == [True, False, False]
    assert [one.gap for one in said] == pytest.approx([0.0, 1.5, 2.5e-7])
    at_a_kink, too_high = difference._replace(kink=True), difference._replace(loss_above=math.inf)
    assert tolerance.judge(-2e-8, at_a_kink) == checks.Verdict("kinks")
    for found, where in ((math.nan, difference), (math.nan, at_a_kink), (0.0, too_high)):
        assert tolerance.judge(found, where) == checks.Verdict("overflows")


def _one_unit(weight: float, rate: float) -> Timeline:
    data = {"inputs": [[1.0]], "targets": [[0.0]]}
    layers = [{"units": 1, "activation": "identity"}]
    initial = {"weights": [[[weight]]], "biases": [[0.0]]}
    spec = {"dataset": data, "layers": layers, "initial": initial, "learning_rate": rate}
    return Timeline(parse_spec(spec))


def test_where_a_loss_overflows_beside_the_point_nothing_is_proved() -> None:
    """The square of the largest finite loss's root, moved up by h, is infinite."""
    timeline = _one_unit(math.sqrt(np.finfo(float).max) * (1 - 1e-10), 1e-300)
    record, network = timeline.record(0), timeline.network
    found = chain_json(record, network, "float64", "w1.1.1", 0)
    assert (found["numeric"], found["relative_gap"], found["kink"]) == (None, None, False)
    for said in (found["difference"], found["batch_difference"]):
        assert (said["agrees"], said["loss_above"]) == (None, None)
        assert math.isfinite(said["loss_below"])
    checked = check_json(record, network, "float64", 0, 9)
    assert (checked["overflows"], checked["different"], checked["agree"]) == (["w1.1.1"], [], 1)


def _record_of(network: Network, numbers: Callable[..., np.ndarray]) -> StepRecord:
    """A step of three rows made of any numbers, but with an update and an error that are finite."""
    vectors = [numbers(network.parameter_count) for _ in range(3)]
    layers = [tuple(numbers(3, size) for size in network.sizes[1:]) for _ in range(3)]
    batch = numbers(3, network.sizes[0]), numbers(3, network.sizes[-1])
    made = StepRecord(0, 0, np.arange(3), 0.1, 1.0, None, *vectors, *batch, *layers)
    return replace(made, new_parameters=made.parameters * 0.9, targets=made.a[-1] * 0.9)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("least", [-300, 308.2])
def test_json_stays_finite_where_numbers_are_extreme(seed: int, least: float) -> None:
    """json.dumps raises at the first number that is not finite."""
    rng = np.random.default_rng(seed)

    def numbers(*shape: int) -> np.ndarray:
        return rng.choice([-1, 1], shape) * 10.0 ** rng.uniform(least, 308.25, shape)

    network = Network((2, 2, 2), ("identity", "relu"), "mean_squared_error", seed % 2 == 0)
    record = _record_of(network, numbers)
    for name in ("w1.1.2", "b1.1", "w2.2.1", "b2.2"):
        said = [chain_json(record, network, "float64", name, k) for k in range(3)]
        said += [slice_json(record, network, name), check_json(record, network, "float64", 0, 99)]
        trail = [(0, numbers(network.parameter_count))]
        said.append(surface_json(record, network, ("w1.2.1", name), trail))
        for part in said:
            json.dumps(part, allow_nan=False)
        for explained in said[:3]:
            sizes = [_size(path["product"]) for path in explained["paths"]]
            assert sizes == sorted(sizes, reverse=True)


def _size(product: float | None) -> float:
    return math.inf if product is None else abs(product)


def test_the_bias_that_is_not_trained_has_the_mean_also_of_the_largest_numbers() -> None:
    network = Network((2, 2), ("identity",), "half_squared_error", train_biases=False)
    largest = 1.7e308
    record = _record_of(network, lambda *shape: np.full(shape, largest))
    assert batch_derivative(record, network, "b1.1") == pytest.approx(largest)


def test_a_gap_that_only_the_floor_makes_small_proves_nothing() -> None:
    tolerance = checks.tolerance_of("float64", 0.5)
    flat = checks.Difference(above=1.0, below=0.0, loss_above=0.5, loss_below=0.5, kink=False)
    steep = flat._replace(loss_above=0.5 + 2**-40)
    said = [tolerance.judge(*asked) for asked in ((7e-15, flat), (0.0, flat), (2**-40, steep))]
    assert [one.said for one in said] == ["agree"] * 3
    assert [one.is_rounding for one in said] == [True, False, False]


def test_the_relative_gap_of_the_largest_numbers_is_finite() -> None:
    assert relative_gap(1.7e308, -1.7e308) == 2
    assert relative_gap(1.0, 1.1) == pytest.approx(0.1 / 1.1)
    assert relative_gap(1e-9, 3e-9) == pytest.approx(0.2)


def test_the_examples_are_named_by_their_rows_and_the_largest_by_its_name() -> None:
    timeline = _run("tanh")
    record, network = timeline.record(2), timeline.network
    found = chain_json(record, network, "float64", "w2.1.1", 0)
    assert found["rows"] == record.rows.tolist()
    assert len(found["rows"]) == len(found["examples"]) == 3
    largest = int(np.abs(record.gradient).argmax())
    assert found["gradient"]["largest"] == network.parameter_name(largest)
    assert found["gradient"]["largest_value"] == record.gradient[largest]
    own = chain_json(record, network, "float64", found["gradient"]["largest"], 0)
    assert own["gradient"]["rank"] == 1
    contributed = [share * np.sign(record.gradient[largest]) for share in own["examples"]]
    assert own["gradient"]["largest_example"] == int(np.argmax(contributed))


def test_shares_of_the_gradient_sum_to_one_also_where_their_squares_overflow() -> None:
    timeline = _run("tanh", train_biases=False)
    record, network = timeline.record(2), timeline.network
    names = [network.parameter_name(index) for index in range(network.parameter_count)]
    for factor in (1, 1e200, 1e-200):
        scaled = replace(record, gradient=record.gradient * factor)
        parts = [chain_json(scaled, network, "float64", name, 0)["gradient"] for name in names]
        assert math.fsum(part["share"] for part in parts) == pytest.approx(1)
        length = np.linalg.norm(record.gradient) * factor
        assert parts[0]["length"] == pytest.approx(length)
        assert all(p["share"] == 0 for p, n in zip(parts, names, strict=True) if n[0] == "b")


def test_a_wrong_gradient_is_found() -> None:
    timeline = _run("tanh")
    record = timeline.record(2)
    wrong = record.gradient.copy()
    wrong[5] *= 1.001
    found = check_json(
        type(record)(**{**vars(record), "gradient": wrong}), timeline.network, "float64", 0, 500
    )
    assert (
        found["different"] == [timeline.network.parameter_name(5)] == [found["worst"]["parameter"]]
    )


def test_chain_agrees_with_its_proof_for_one_example_and_for_the_batch() -> None:
    timeline = _run("sigmoid")
    record, network = timeline.record(2), timeline.network
    for index in range(network.parameter_count):
        name = network.parameter_name(index)
        for example in range(len(record.rows)):
            found = chain_json(record, network, "float64", name, example)
            assert found["relative_gap"] < 1e-6 or abs(found["derivative"]) < 1e-4
            assert found["examples"][example] == pytest.approx(found["derivative"], rel=1e-12)
        assert found["batch_derivative"] == record.gradient[index]
        assert np.mean(found["examples"]) == pytest.approx(found["batch_derivative"], rel=1e-12)
        change = record.new_parameters[index] - record.parameters[index]
        assert found["update"]["delta"] == change


def test_at_a_kink_no_number_is_given() -> None:
    data = {"inputs": [[1.0]], "targets": [[1.0]]}
    initial = {"weights": [[[0.0]], [[1.0]]], "biases": [[0.0], [0.0]]}
    layers = [{"units": 1, "activation": "relu"}, {"units": 1, "activation": "identity"}]
    timeline = Timeline(parse_spec({"dataset": data, "layers": layers, "initial": initial}))
    found = chain_json(timeline.record(0), timeline.network, "float64", "w1.1.1", 0)
    assert (found["numeric"], found["relative_gap"], found["kink"]) == (None, None, True)
    assert check_json(timeline.record(0), timeline.network, "float64", 0, 9)["kinks"] == [
        "w1.1.1",
        "b1.1",
    ]


@pytest.mark.parametrize("sizes", [(2, 1), (2, 3, 1)])
def test_a_relu_of_which_nothing_depends_makes_no_kink(sizes: tuple[int, ...]) -> None:
    """As where all weights begin at 0: the loss has a slope there, and it is 0."""
    spec = {
        "dataset": {"inputs": [[1, 2], [3, 1]], "targets": [[1], [2]]},
        "layers": [
            *({"units": units, "activation": "relu"} for units in sizes),
            {"units": 1, "activation": "identity"},
        ],
        "initial": {"scheme": "zeros"},
        "batch_size": 2,
    }
    timeline = Timeline(parse_spec(spec))
    record, network = timeline.record(0), timeline.network
    checked = check_json(record, network, "float64", 0, 99)
    assert (checked["kinks"], checked["agree"]) == ([], network.parameter_count)
    found = chain_json(record, network, "float64", "w1.2.1", 0)
    assert (found["numeric"], found["kink"], found["batch_kink"]) == (0.0, False, False)
    curve = slice_json(record, network, "w1.2.1")
    assert (curve["kink"], set(curve["losses"])) == (False, {curve["loss"]})


def test_a_bias_that_is_not_trained_has_a_derivative_and_no_update() -> None:
    timeline = _run("tanh", train_biases=False)
    record, network = timeline.record(1), timeline.network
    found = chain_json(record, network, "float64", "b1.2", 1)
    assert found["relative_gap"] < 1e-6
    assert found["batch_relative_gap"] < 1e-6
    assert (found["update"]["delta"], found["update"]["trained"]) == (0, False)


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_the_slice_is_a_real_forward_pass_with_that_weight_set(
    hidden: str, output: str, loss: str
) -> None:
    """Of every parameter, since how much of the network moves depends on its layer."""
    case = make_case((2, 3, 4, 3), hidden, output, loss, 5)
    around = LossAround(case.network, case.parameters, case.inputs, case.targets)
    passes, values = Passes(case.network, 5, np.float64), np.linspace(-3, 3, 9)
    for index in range(case.network.parameter_count):
        moved = np.tile(case.parameters, (9, 1))
        moved[:, index] = values
        real = [passes.loss(each, with_ones(case.inputs), case.targets) for each in moved]
        np.testing.assert_allclose(around.losses_at(index, values), real, rtol=1e-12)


def test_many_copies_at_a_time_are_the_same_as_few(monkeypatch: pytest.MonkeyPatch) -> None:
    case = make_case((2, 3, 4, 3), "relu", "sigmoid", "mean_squared_error", 5)
    around = LossAround(case.network, case.parameters, case.inputs, case.targets)
    count, values = case.network.parameter_count, np.linspace(-1, 1, 7)
    whole, losses = list(around.differences(0, count)), around.losses_at(3, values)
    monkeypatch.setattr(around_module, "_HELD", 70)
    few = list(around.differences(0, count))
    for found, expected in zip(few, whole, strict=True):
        assert found == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(around.losses_at(3, values), losses, rtol=1e-12)


@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_a_batch_in_blocks_is_the_same_as_at_once(
    monkeypatch: pytest.MonkeyPatch, output: str, loss: str
) -> None:
    """A cache holds no whole batch of 20,000 rows: here it is 23 rows, at most 5 at a time."""
    case = make_case((2, 3, 4, 3), "relu", output, loss, 23)
    numbers = case.network, case.parameters, case.inputs, case.targets
    whole, count = LossAround(*numbers), case.network.parameter_count
    monkeypatch.setattr(around_module, "_HELD", 40)
    parts = LossAround(*numbers)
    assert parts.loss() == pytest.approx(whole.loss(), rel=1e-13)
    values = np.linspace(-1, 1, 7)
    for index in (0, count // 2, count - 1):
        expected = whole.losses_at(index, values)
        np.testing.assert_allclose(parts.losses_at(index, values), expected, rtol=1e-12)
    pairs = zip(parts.differences(0, count), whole.differences(0, count), strict=True)
    for found, expected in pairs:
        assert found == pytest.approx(expected, rel=1e-12)


def test_a_part_of_a_check_ends_when_its_time_is_up_and_the_next_goes_on_there() -> None:
    """Each part of its own asks once; here the clock allows two parts, then none."""
    rng = np.random.default_rng(1)
    rows = 20_000
    data = {"inputs": rng.normal(size=(rows, 2)).tolist(), "targets": [[0.5]] * rows}
    layers = [{"units": 4}, {"units": 5}, {"units": 1, "activation": "identity"}]
    timeline = Timeline(parse_spec({"dataset": data, "layers": layers, "batch_size": rows}))
    record, network = timeline.record(0), timeline.network
    for allowed, at_most in ((2, 6), (0, 3)):
        left = iter([True] * allowed)
        found = check_json(record, network, "float64", 3, 40, lambda left=left: next(left, False))
        assert 1 <= found["checked"] <= at_most
        assert found["next"] == 3 + found["checked"]
        assert found["agree"] == found["checked"]


@pytest.mark.parametrize(
    "case", [c for c in CASES if len(c.network.sizes) > 3], ids=lambda c: c.name
)
def test_differences_are_quotients_of_two_real_forward_passes(case: Case) -> None:
    around = LossAround(case.network, case.parameters, case.inputs, case.targets)
    passes, count = Passes(case.network, len(case.inputs), np.float64), case.network.parameter_count
    for index, found in enumerate(around.differences(0, count)):
        assert found == pytest.approx(around.difference(index), rel=1e-12)
        for value, loss in ((found.above, found.loss_above), (found.below, found.loss_below)):
            moved = case.parameters.copy()
            moved[index] = value
            real = passes.loss(moved, with_ones(case.inputs), case.targets)
            assert loss == pytest.approx(real, rel=1e-12)
        assert found.above - found.h == pytest.approx(case.parameters[index], rel=1e-15)
        assert found.h == pytest.approx(6e-6 * max(1, abs(case.parameters[index])), rel=1e-9)


def test_a_relu_that_turns_on_within_the_width_is_found_in_any_layer() -> None:
    """w3.1.1's own unit stands at 0; each parameter before it reaches it through its layer."""
    network = Network((1, 1, 1, 1, 1), ("identity", "identity", "relu", "identity"), PAIRS[0][1])
    parameters = np.array([1.0, 0.0, 1.0, 0.0, 1.0, -1.0, 1.0, 0.0])
    around = LossAround(network, parameters, np.array([[1.0], [3.0]]), np.array([[5.0], [1.0]]))
    kinks = [difference.kink for difference in around.differences(0, 8)]
    assert kinks == [True] * 6 + [False] * 2


def test_the_slice_holds_the_runs_own_point_and_slope() -> None:
    timeline = _run("tanh")
    record, network = timeline.record(4), timeline.network
    index = network.parameter_index("w1.2.3")
    found = slice_json(record, network, "w1.2.3")
    assert found["slope"] == record.gradient[index]
    assert found["next"] == record.new_parameters[index]
    assert found["loss"] == pytest.approx(record.loss, rel=1e-12)
    for name in ("w1.1.1", "w1.2.3", "w2.4.2"):
        curve = slice_json(record, network, name)
        assert curve["losses"][curve["values"].index(curve["at"])] == curve["loss"]
    landings = {landing["multiple"]: landing["value"] for landing in found["landings"]}
    assert landings[1] == pytest.approx(found["next"], rel=1e-15)
    assert relative_gap(found["wiggle"][6]["quotient"], found["slope"]) < 1e-4
    assert found["cut"] == []


def test_a_slice_that_overflows_is_cut_and_says_so() -> None:
    data = {"inputs": [[1e150]], "targets": [[0.0]]}
    layers = [{"units": 1, "activation": "identity"}, {"units": 1, "activation": "identity"}]
    initial = {"weights": [[[1e-150]], [[1e5]]], "biases": [[0.0], [0.0]]}
    spec = {"dataset": data, "layers": layers, "initial": initial, "learning_rate": 1e-300}
    timeline = Timeline(parse_spec(spec))
    found = slice_json(timeline.record(0), timeline.network, "w1.1.1")
    assert found["cut"] == ["below", "above"]
    assert all(map(math.isfinite, found["losses"]))


def test_the_surface_is_made_of_real_losses_and_the_trail_of_real_steps() -> None:
    timeline = _run("tanh")
    record, network = timeline.record(40), timeline.network
    found = surface_json(record, network, ("w1.1.1", "w2.3.2"), timeline.trail(40))
    x, y = (network.parameter_index(name) for name in ("w1.1.1", "w2.3.2"))
    losses, moved = np.array(found["losses"]), record.parameters.copy()
    assert losses.shape == (len(found["y_values"]), len(found["x_values"]))
    moved[[x, y]] = found["x_values"][30], found["y_values"][7]
    real = Passes(network, 3, np.float64).loss(moved, with_ones(record.inputs), record.targets)
    assert losses[7, 30] == pytest.approx(real, rel=1e-12)
    for step, *place in found["trail"]:
        assert place == timeline.record(step).parameters[[x, y]].tolist()
    assert found["gradient"] == [batch_derivative(record, network, n) for n in ("w1.1.1", "w2.3.2")]


def test_the_trail_of_a_long_run_are_its_checkpoints() -> None:
    timeline = _run("tanh")
    trail = timeline.trail(0)
    timeline.record(50_000)
    trail = timeline.trail(50_000)
    assert 8 <= len(trail) <= 64
    for step, parameters in trail[:3]:
        assert parameters.tobytes() == timeline.record(step).parameters.tobytes()


def test_the_trail_of_a_large_network_is_not_computed_again() -> None:
    rng = np.random.default_rng(0)
    data = {"inputs": rng.normal(size=(8, 30)).tolist(), "targets": [[0.5]] * 8}
    layers = [{"units": 2_000}, {"units": 1, "activation": "identity"}]
    timeline = Timeline(parse_spec({"dataset": data, "layers": layers, "learning_rate": 1e-4}))
    timeline.record(2_000)
    timeline.take_computed()
    trail = timeline.trail(2_000)
    assert timeline.take_computed() == 0
    assert 8 <= len(trail) <= 64
    assert trail[-1][1].tobytes() == timeline.record(trail[-1][0]).parameters.tobytes()


def test_both_axes_of_the_surface_have_one_scale_and_hold_all_that_is_seen() -> None:
    timeline = _run("tanh")
    record = timeline.record(40)
    found = surface_json(record, timeline.network, ("w1.1.1", "w2.3.2"), timeline.trail(40))
    xs, ys = found["x_values"], found["y_values"]
    assert xs[-1] - xs[0] == pytest.approx(ys[-1] - ys[0])
    for x, y in [found["at"], found["next"], *(place[1:] for place in found["trail"])]:
        assert xs[0] < x < xs[-1]
        assert ys[0] < y < ys[-1]


def test_of_very_many_terms_the_largest_are_told_and_the_rest_is_summed() -> None:
    case = make_case((2, 3, 1500, 1), "tanh", "identity", "half_squared_error", 1)
    (path,) = chain(case.network, _examples(case)[0], "w1.2.3")
    assert (len(path.terms), path.rest.count) == (1024, 1500 - 1024)
    whole = math.fsum(term.product for term in path.terms) + path.rest.sum
    assert whole == pytest.approx(path.factors[0].value, rel=1e-10)
    least = min(abs(term.product) for term in path.terms)
    assert abs(path.rest.sum) <= least * path.rest.count
    units = [int(term.factors[-1].at.split(".")[1]) for term in path.terms]
    assert units == sorted(units)


def test_a_kink_of_the_batch_is_told_though_the_example_has_none() -> None:
    data = {"inputs": [[1.0, 1.0], [0.0, 0.0]], "targets": [[1.0], [0.0]]}
    initial = {"weights": [[[0.5], [0.5]], [[1.0]]], "biases": [[0.0], [0.0]]}
    layers = [{"units": 1, "activation": "relu"}, {"units": 1, "activation": "identity"}]
    spec = {"dataset": data, "layers": layers, "initial": initial, "batch_size": 2}
    timeline = Timeline(parse_spec({**spec, "shuffle": False}))
    found = chain_json(timeline.record(0), timeline.network, "float64", "b1.1", 0)
    assert (found["kink"], found["batch_kink"], found["batch_numeric"]) == (False, True, None)


def test_landings_are_not_rounded_to_the_runs_precision() -> None:
    data = {"inputs": [[1.0]], "targets": [[1.0]]}
    layers = [{"units": 1, "activation": "identity"}]
    initial = {"weights": [[[1.0]]], "biases": [[5e-7]]}
    spec = {"dataset": data, "layers": layers, "initial": initial, "precision": "float32"}
    timeline = Timeline(parse_spec({**spec, "learning_rate": 0.05}))
    found = slice_json(timeline.record(0), timeline.network, "w1.1.1")
    for landing in found["landings"]:
        moved = landing["multiple"] * 0.05 * found["slope"]
        assert 1.0 - landing["value"] == pytest.approx(moved, rel=1e-6)


def test_a_curve_cut_short_is_drawn_anew_over_what_is_finite() -> None:
    data = {"inputs": [[1e150]], "targets": [[0.0]]}
    layers = [{"units": 1, "activation": "identity"}, {"units": 1, "activation": "identity"}]
    initial = {"weights": [[[1e-150]], [[1e5]]], "biases": [[0.0], [0.0]]}
    spec = {"dataset": data, "layers": layers, "initial": initial, "learning_rate": 1e-300}
    timeline = Timeline(parse_spec(spec))
    found = slice_json(timeline.record(0), timeline.network, "w1.1.1")
    assert found["cut"] == ["below", "above"]
    assert len(found["values"]) > 80
    assert found["at"] in found["values"]


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
@pytest.mark.parametrize(
    ("inputs", "weights", "bias"),
    [
        ([1656.0, 3.0], [0.0005, 0.1], -0.3),
        ([150_000.0], [0.00001], -0.3),
        ([1.0], [-1000.0], 1000.7),
        ([20_000.0, 0.001], [1e-4, 900.0], -2.0),
    ],
)
def test_right_derivatives_of_unscaled_numbers_are_not_called_different(
    activation: str, inputs: list[float], weights: list[float], bias: float
) -> None:
    data = {"inputs": [inputs], "targets": [[0.9]]}
    initial = {"weights": [[[weight] for weight in weights]], "biases": [[bias]]}
    layers = [{"units": 1, "activation": activation}]
    spec = {"dataset": data, "layers": layers, "initial": initial, "learning_rate": 1e-9}
    timeline = Timeline(parse_spec(spec))
    found = check_json(timeline.record(0), timeline.network, "float64", 0, 9)
    assert (found["different"], found["rounding"]) == ([], [])
    assert found["worst"]["relative_gap"] < 1e-6


def test_what_agrees_only_within_rounding_is_told_apart() -> None:
    data = {"inputs": [[2, 1]], "targets": [[150_000, 1]]}
    layers = [{"units": 2, "activation": "tanh"}, {"units": 2, "activation": "identity"}]
    spec = {"dataset": data, "layers": layers, "seed": 3, "learning_rate": 0.01}
    timeline = Timeline(parse_spec(spec))
    record, network = timeline.record(0), timeline.network
    checked = check_json(record, network, "float64", 0, 99)
    assert "b2.2" in checked["rounding"]
    for index in range(network.parameter_count):
        name = network.parameter_name(index)
        found = chain_json(record, network, "float64", name, 0)
        is_rounding = found["difference"]["rounding"]
        assert is_rounding is (name in checked["rounding"])
        assert is_rounding is (found["relative_gap"] >= checked["tolerance"])


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_of_a_batch_of_one_the_derivative_is_the_runs_own_number(precision: str) -> None:
    data = {"inputs": [[1.3, 0.7, -0.4]], "targets": [[10, -20]]}
    layers = [{"units": units, "activation": "identity"} for units in (1, 2)]
    initial = {"weights": [[[3.1], [2.3], [1.7]], [[5.7, -3.3]]], "biases": [[0], [0, 0]]}
    spec = {"dataset": data, "layers": layers, "initial": initial, "precision": precision}
    timeline = Timeline(parse_spec(spec))
    record, network = timeline.record(0), timeline.network
    for index in range(network.parameter_count):
        found = chain_json(record, network, precision, network.parameter_name(index), 0)
        assert found["derivative"] == found["batch_derivative"] == record.gradient[index]
        assert found["examples"] == [found["derivative"]]
        assert found["relative_gap"] == found["batch_relative_gap"]
        total = math.fsum(path["product"] for path in found["paths"])
        near = 1e-14 if precision == "float64" else 2e-7
        assert total == pytest.approx(found["derivative"], rel=near)
