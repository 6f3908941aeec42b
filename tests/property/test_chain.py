"""The chain rule's factors and paths against the engine, autograd and real forward passes."""

from __future__ import annotations

import math
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from app.maths.chain import Example, chain, derivative, path_count
from app.maths.checks import LossAround, relative_gap
from app.maths.passes import Passes, with_ones
from app.timeline.spec import parse_spec
from app.timeline.timeline import Timeline
from app.wire.explain import batch_derivative, chain_json, check_json
from app.wire.landscape import slice_json, surface_json
from tests.nets import Case, all_cases, make_case, plain_loss

CASES = all_cases()


def _examples(case: Case) -> list[Example]:
    passes = Passes(case.network, len(case.inputs), np.float64)
    passes.step(case.parameters, with_ones(case.inputs), case.targets)
    parts = (passes.z, passes.a, passes.delta)
    return [
        Example(
            case.parameters,
            case.inputs[k],
            case.targets[k],
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


def test_two_outputs_give_two_paths_through_their_own_weights() -> None:
    case = make_case((2, 3, 2), "tanh", "identity", "half_squared_error", 1)
    one, other = chain(case.network, _examples(case)[0], "w1.2.3")
    places = [[factor.at for factor in path.factors] for path in (one, other)]
    assert places == [
        ["2.1", "2.1", "w2.3.1", "1.3", "0.2"],
        ["2.2", "2.2", "w2.3.2", "1.3", "0.2"],
    ]


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
            found = chain_json(record, network, name, example)
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
    found = chain_json(timeline.record(0), timeline.network, "w1.1.1", 0)
    assert (found["numeric"], found["relative_gap"], found["kink"]) == (None, None, True)
    assert check_json(timeline.record(0), timeline.network, "float64", 0, 9)["kinks"] == [
        "w1.1.1",
        "b1.1",
    ]


def test_a_bias_that_is_not_trained_has_a_derivative_and_no_update() -> None:
    timeline = _run("tanh", train_biases=False)
    record, network = timeline.record(1), timeline.network
    found = chain_json(record, network, "b1.2", 1)
    assert found["relative_gap"] < 1e-6
    assert found["batch_relative_gap"] < 1e-6
    assert (found["update"]["delta"], found["update"]["trained"]) == (0, False)


def test_the_slice_is_a_real_forward_pass_with_that_weight_set() -> None:
    timeline = _run("tanh")
    record, network = timeline.record(4), timeline.network
    index = network.parameter_index("w1.2.3")
    found = slice_json(record, network, "w1.2.3")
    passes = Passes(network, 3, np.float64)
    for value, loss in zip(found["values"][::20], found["losses"][::20], strict=True):
        parameters = record.parameters.copy()
        parameters[index] = value
        assert passes.loss(parameters, with_ones(record.inputs), record.targets) == loss
    assert found["slope"] == record.gradient[index]
    assert found["next"] == record.new_parameters[index]
    assert found["loss"] == pytest.approx(record.loss, rel=1e-12)
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
    around = LossAround(network, record.parameters, record.inputs, record.targets)
    losses = np.array(found["losses"])
    assert losses.shape == (len(found["y_values"]), len(found["x_values"]))
    around._point[y] = found["y_values"][7]
    assert around.loss_at(x, found["x_values"][30]) == losses[7, 30]
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
