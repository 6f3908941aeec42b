"""Gradients against three oracles that share no code with ours: central differences of a plain
forward pass, HIPS autograd, and figures from PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from app.maths.around import LossAround, directional_difference
from app.maths.checks import relative_gap
from app.maths.losses import LOSSES
from app.maths.network import Network
from app.maths.passes import _MANY_PARAMETERS, Passes, with_ones
from tests.nets import Case, all_cases, make_case, plain_loss

CASES = all_cases()
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "gradients.json").read_text("utf-8"))


def _gradient(case: Case, dtype: type = np.float64) -> tuple[float, np.ndarray]:
    passes = Passes(case.network, len(case.inputs), dtype)
    batch = (with_ones(case.inputs.astype(dtype)), case.targets.astype(dtype))
    loss = passes.step(case.parameters.astype(dtype), *batch)
    return loss, passes.gradient.copy()


def _nearest_kink(case: Case) -> float:
    """The smallest |z| of a ReLU unit: nearer than the difference's step, it has no meaning."""
    passes = Passes(case.network, len(case.inputs), np.float64)
    passes.step(case.parameters, with_ones(case.inputs), case.targets)
    names = case.network.activations
    kinks = [np.abs(z).min() for z, name in zip(passes.z, names, strict=True) if name == "relu"]
    return min(kinks, default=1.0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_agrees_with_autograd(case: Case) -> None:
    loss, gradient = _gradient(case)
    expected = autograd.grad(lambda p: plain_loss(anp, case, p))(case.parameters)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(loss, plain_loss(np, case, case.parameters), rtol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_agrees_with_differences_in_random_directions(case: Case) -> None:
    _, gradient = _gradient(case)
    rng = np.random.default_rng(11)
    assert _nearest_kink(case) > 1e-4, "choose another seed: a ReLU stands at its kink"
    for _ in range(3):
        direction = rng.normal(size=len(gradient))
        direction /= np.linalg.norm(direction)
        h = 1e-5
        above = plain_loss(np, case, case.parameters + h * direction)
        below = plain_loss(np, case, case.parameters - h * direction)
        difference = (above - below) / (2 * h)
        assert relative_gap(float(gradient @ direction), float(difference)) < 1e-6


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_single_precision_agrees_with_double(case: Case) -> None:
    loss, gradient = _gradient(case, np.float32)
    expected_loss, expected = _gradient(case)
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, expected, rtol=2e-4, atol=1e-5)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)


@pytest.mark.parametrize("rows", [1, 7])
def test_a_large_network_agrees_with_autograd(rows: int) -> None:
    case = make_case((60, 64, 8), "tanh", "sigmoid", "mean_squared_error", rows)
    assert case.network.parameter_count > _MANY_PARAMETERS, "the other way to take the mean"
    expected = autograd.grad(lambda p: plain_loss(anp, case, p))(case.parameters)
    np.testing.assert_allclose(_gradient(case)[1], expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden["name"])
def test_agrees_with_pytorch(golden: dict) -> None:
    network = Network(tuple(golden["sizes"]), tuple(golden["activations"]), golden["loss"])
    parameters, inputs, targets = (
        np.array(golden[key]) for key in ("parameters", "inputs", "targets")
    )
    passes = Passes(network, len(inputs), np.float64)
    loss = passes.step(parameters, with_ones(inputs), targets)
    np.testing.assert_allclose(loss, golden["value"], rtol=1e-12)
    np.testing.assert_allclose(passes.gradient, golden["gradient"], rtol=1e-10, atol=1e-14)


def test_golden_figures_cover_every_pair_of_activation_and_loss() -> None:
    covered = {(golden["activations"][-1], golden["loss"]) for golden in GOLDEN}
    wanted = {(case.network.activations[-1], case.network.loss) for case in CASES}
    assert covered == wanted


def test_central_difference_of_one_parameter_agrees_with_autograd() -> None:
    case = make_case((2, 4, 3), "tanh", "identity", "half_squared_error", 5)
    expected = autograd.grad(lambda p: plain_loss(anp, case, p))(case.parameters)
    around = LossAround(case.network, case.parameters, case.inputs, case.targets)
    for index in range(case.network.parameter_count):
        found = around.central_difference(index)
        assert relative_gap(found, expected[index]) < 1e-6


def test_directional_difference_is_linear_in_the_direction() -> None:
    case = make_case((3, 2), "identity", "identity", "mean_squared_error", 5)
    direction = np.ones(case.network.parameter_count)
    expected = autograd.grad(lambda p: plain_loss(anp, case, p))(case.parameters).sum()
    found = directional_difference(
        case.network, case.parameters, case.inputs, case.targets, direction
    )
    assert relative_gap(found, expected) < 1e-8


def test_delta_belongs_to_each_example_and_not_to_the_batch() -> None:
    case = make_case((2, 4, 3), "sigmoid", "tanh", "half_squared_error", 5)
    passes = Passes(case.network, 5, np.float64)
    passes.step(case.parameters, with_ones(case.inputs), case.targets)
    together = [delta.copy() for delta in passes.delta]
    for k in range(5):
        one = slice(k, k + 1)
        passes.step(case.parameters, with_ones(case.inputs[one]), case.targets[one])
        for layer, delta in enumerate(passes.delta):
            np.testing.assert_allclose(delta[0], together[layer][k], rtol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_losses_of_examples_have_the_batch_loss_as_their_mean(case: Case) -> None:
    """In two copies at once, of which the second has its examples in the opposite order."""
    passes, loss = Passes(case.network, len(case.inputs), np.float64), LOSSES[case.network.loss]
    expected = passes.loss(case.parameters, with_ones(case.inputs), case.targets)
    z, a, y = (np.stack([m, m[::-1]]) for m in (passes.z[-1], passes.a[-1], case.targets))
    found = loss.each(z, a, y)
    np.testing.assert_allclose(found.mean(axis=1), [expected, expected], rtol=1e-13)
    np.testing.assert_array_equal(found[0], found[1][::-1])
    for k, one in enumerate(found[0]):
        single = Passes(case.network, 1, np.float64)
        row = slice(k, k + 1)
        expected = single.loss(case.parameters, with_ones(case.inputs[row]), case.targets[row])
        np.testing.assert_allclose(one, expected, rtol=1e-12)


def test_biases_that_are_not_trained_have_no_gradient() -> None:
    network = Network((2, 3, 1), ("tanh", "identity"), "half_squared_error", train_biases=False)
    rng = np.random.default_rng(3)
    passes = Passes(network, 4, np.float64)
    inputs = with_ones(rng.normal(size=(4, 2)))
    passes.step(rng.normal(size=13), inputs, rng.normal(size=(4, 1)))
    assert not network.biases(passes.gradient, 1).any()
    assert not network.biases(passes.gradient, 2).any()
    assert network.weights(passes.gradient, 1).all()


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "categorical_cross_entropy"])
def test_cross_entropies_stay_exact_where_the_output_saturates(loss: str) -> None:
    output = "sigmoid" if loss.startswith("binary") else "softmax"
    network = Network((1, 2), (output,), loss)
    passes = Passes(network, 1, np.float64)
    parameters = np.array([1000.0, -1000.0, 0.0, 0.0])
    with np.errstate(over="ignore"):
        value = passes.step(parameters, np.array([[1.0, 1.0]]), np.array([[0.0, 1.0]]))
    assert value == (1000.0 if output == "sigmoid" else 2000.0)
    assert LOSSES[loss].each(passes.z[-1], passes.a[-1], np.array([[0.0, 1.0]])) == [value]
    assert np.isfinite(passes.gradient).all()
