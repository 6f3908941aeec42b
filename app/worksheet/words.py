"""The sentences of a worksheet: what the conventions are, and what each phase does."""

from __future__ import annotations

import math

from app.data.datasets import Column, Dataset
from app.maths.network import Network
from app.worksheet.digits import MINUS

Words = tuple[str, ...]
_DOWN = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LEAST_DOLLARS = 1e-4  # below, an amount is written with a power, as others are
_FUNCTIONS = {
    "identity": "identity: a = z",
    "sigmoid": "sigmoid: a = 1 / (1 + e⁻ᶻ)",
    "tanh": "tanh: a = tanh(z)",
    "relu": "relu: a = z where z is above 0, else 0",
    "softmax": "softmax: each unit’s eᶻ as a share of their sum S",
}
_SLOPES = {
    "identity": "f′(z) = 1, since a = z",
    "sigmoid": "f′(z) = a · (1 − a) of the sigmoid",
    "tanh": "f′(z) = 1 − a² of tanh",
    "relu": "f′(z) of relu: 1 where z is above 0, else 0",
}
# How it is written with one output, with several, and what it is called.
_LOSSES = {
    "half_squared_error": (
        "½ (ŷ − y)²",
        "½ Σ (ŷ − y)²",
        "half the squared error",
    ),
    "mean_squared_error": (
        "(ŷ − y)²",
        "Σ (ŷ − y)² / J, a mean over the J outputs",
        "the squared error",
    ),
    "binary_cross_entropy": (
        "−(y ln ŷ + (1 − y) ln(1 − ŷ))",
        "−Σ (y ln ŷ + (1 − y) ln(1 − ŷ)) / J, a mean over the J outputs",
        "binary cross entropy, with the natural logarithm",
    ),
    "categorical_cross_entropy": (
        "−y ln ŷ",
        "−Σ y ln ŷ",
        "categorical cross entropy, with the natural logarithm",
    ),
}
GIVEN_SLOPE = "f′(z) is the run’s own: a is so near to 1 that its digits do not tell it"
SIGMOID_BELOW = "the same fraction, above and below times eᶻ, which is not too large to work out"
IN_Z = "the logarithms are written in z: the digits of ŷ do not tell them"
NO_TERMS = "every y is 0, and so is every term"


def anew(machines: list[str]) -> str:
    """Say of a step that `machines`, as far as they are known, computed first what the page says of
    it (static/js/core/words.js).
    """
    where = f" (on {'; '.join(machines)})" if machines else ""
    return (
        "Computed anew on this machine: the last digits of this step may differ from those first "
        f"recorded{where}."
    )


def below(number: int) -> str:
    return str(number).translate(_DOWN)


def own(value: float, unit: str) -> str:
    """$150,000; 1,656 sq ft; 1960."""
    sign, size = MINUS if value < 0 else "", abs(value)
    if unit == "$" and (size.is_integer() or size >= _LEAST_DOLLARS):
        return f"{sign}${size:,.{0 if size.is_integer() else _decimals(size)}f}"
    grouped = f"{size:,.10g}" if unit else f"{size:.10g}"
    return f"{sign}${grouped}" if unit == "$" else f"{sign}{grouped}{' ' + unit if unit else ''}"


def missed_by(error: float, unit: str) -> str:
    if error == 0:
        return "exactly right"
    size = round(abs(error), _decimals(abs(error)))
    return f"too {'high' if error > 0 else 'low'} by {own(size, unit)}"


def _decimals(size: float) -> int:
    """Return with how many decimals, two or more, two digits of a size above 0 are seen."""
    return max(2, 1 - math.floor(math.log10(size)))


def column(what: Column, symbol: str, value: float, scaled: bool) -> str:
    """living area: 1,656 sq ft; the name alone where the value is what the network sees.

    Nothing where the name says no more than the symbol.
    """
    if scaled or what.unit:
        return f"{what.label}: {own(value, what.unit)}"
    return "" if what.label == symbol else what.label


def layer(network: Network, number: int) -> str:
    which = "output" if number == network.layer_count else "hidden"
    return f"Layer {number} ({which}, {network.activations[number - 1]})"


def scaling(dataset: Dataset) -> Words:
    scales = (dataset.input_scaling, dataset.target_scaling)
    if any(scale.mean.any() for scale in scales):
        return (
            "The network sees each value less the mean of the training rows, "
            "over their standard deviation (the spread).",
        )
    if any((scale.scale != 1).any() for scale in scales):
        return ("The network sees each value divided by its unit.",)
    return ("The network sees the values as they are.",)


def names() -> Words:
    return (
        "w¹₂₃ is the weight of layer 1 from unit 2 to unit 3, b¹₃ the bias of unit 3 in layer 1. "
        "All of them are locked until the update.",
    )


def loss_of(example: int, rows: int) -> str:
    """Return what the loss of one example is called: E where the batch has no other."""
    return f"E{below(example + 1)}" if rows > 1 else "E"


def rules(network: Network, rows: int, example: int) -> Words:
    one, several, called = _LOSSES[network.loss]
    own = loss_of(example, rows)
    sentences = [f"The loss is {called}: {own} = {one if network.sizes[-1] == 1 else several}."]
    layers = [f"layer {k + 1} {_FUNCTIONS[name]}" for k, name in enumerate(network.activations)]
    sentences.append(f"The activations: {'; '.join(layers)}.")
    if rows > 1:
        sentences.append(
            f"The batch has {rows} examples; the loss E and every partial derivative are means "
            f"over them. This sheet follows example {example + 1}, whose loss is {own}."
        )
    return tuple(sentences)


def forward(activation: str) -> Words:
    function = _FUNCTIONS[activation]
    return (f"The weighted sum z of what comes in, plus the bias; then {function}.",)


def error() -> Words:
    return ("The error is prediction minus truth: above 0 if the prediction is too high.",)


def own_units(dataset: Dataset) -> Words:
    labels = (f"{c.label}{f' in {c.unit}' if c.unit else ''}" for c in dataset.target_columns)
    return (f"Scaled back: {', '.join(labels)}.",)


def loss(network: Network, rows: int) -> Words:
    sentences = []
    if network.loss == "categorical_cross_entropy" and network.sizes[-1] > 1:
        sentences.append("Terms with y = 0 are 0 and are left out.")
    if network.loss == "binary_cross_entropy":
        sentences.append("Terms with y = 0 or 1 − y = 0 are 0 and are left out.")
    if rows > 1:
        sentences.append("E is the mean over the batch; the other examples’ losses are given.")
    return tuple(sentences)


def backward(network: Network, number: int, example: int, rows: int) -> Words:
    if number < network.layer_count:
        return (
            f"δ = f′(z) · Σ w δ, with the δ of layer {number + 1} and the old weights; "
            f"{_SLOPES[network.activations[number - 1]]}.",
        )
    own = loss_of(example, rows)
    if network.loss.endswith("cross_entropy"):
        return (
            f"δ = ∂{own}/∂z. {network.activations[-1].capitalize()} and its cross entropy belong "
            "together: f′(z) cancels, and δ follows from the error at once.",
        )
    return (f"δ = ∂{own}/∂z = ∂{own}/∂ŷ · f′(z); {_SLOPES[network.activations[-1]]}.",)


def derivatives(network: Network, rows: int) -> Words:
    sentences = ["What came in through the weight, times the δ of the unit it leads to."]
    if network.train_biases:
        sentences.append("What comes in through a bias is 1, so its derivative is δ.")
    else:
        sentences.append("The biases are not trained, so their derivatives are not needed.")
    if rows > 1:
        sentences.append("Then the mean over the batch; the other examples’ numbers are given.")
    return tuple(sentences)


def update(network: Network) -> Words:
    sentences = [
        "All parameters change at once. Subtract α · ∂E/∂w from the old value, or add "
        "−α · ∂E/∂w to it: the same."
    ]
    if not network.train_biases:
        sentences.append("The biases are not trained: they stay as they are.")
    return tuple(sentences)
