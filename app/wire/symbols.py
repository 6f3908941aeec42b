"""Symbols of parameters and units as people write them: w¹₂₃, b²₁, x₁, h₂, ŷ, δ²₁.

Beside them, the formula by which a factor of the chain is found.
"""

from __future__ import annotations

from app.maths.activations import ACTIVATIONS
from app.maths.chain import Factor
from app.maths.losses import LOSSES
from app.maths.network import Network

_UP = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_DOWN = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_FORMULAS = {"weight": "w", "input": "a", "one": "1"}


def parameter_symbol(name: str) -> str:
    """w1.2.3 -> w¹₂₃, with a comma where an index has two digits."""
    layer, *units = name[1:].split(".")
    comma = "," if max(map(len, units)) > 1 else ""
    return name[0] + layer.translate(_UP) + comma.join(units).translate(_DOWN)


def unit_letters(network: Network, layer: int, unit: int) -> tuple[str, str, str]:
    """Return the letter of a unit's activation, what stands below it and what above, as in the
    diagram: x₂ of an input, h₁ of a hidden unit (h²₁ where there are several hidden layers), ŷ of
    an output (ŷ₁ where there are several).
    """
    last = network.layer_count
    if layer == 0:
        return "x", str(unit), ""
    if layer == last:
        return "ŷ", str(unit) if network.sizes[last] > 1 else "", ""
    return "h", str(unit), str(layer) if last > 2 else ""


def unit_symbol(network: Network, at: str) -> str:
    """2.1 -> h²₁; see `unit_letters`."""
    layer, unit = map(int, at.split("."))
    letter, below, above = unit_letters(network, layer, unit)
    return letter + above.translate(_UP) + below.translate(_DOWN)


def factor_symbol(network: Network, factor: Factor) -> str:
    if factor.kind == "weight":
        return parameter_symbol(factor.at)
    if factor.kind == "one":
        return "1"
    layer, unit = factor.at.split(".")
    place = layer.translate(_UP) + unit.translate(_DOWN)
    if factor.kind == "delta":
        return "δ" + place
    own = unit_symbol(network, factor.at)
    return {"error": f"∂E/∂{own}", "slope": f"∂{own}/∂z{place}", "input": own}[factor.kind]


def factor_formula(network: Network, factor: Factor) -> str:
    """error -> ŷ − y, slope -> 1 − a², delta -> f′(z) Σ w δ, weight -> w, input -> a, one -> 1."""
    if factor.kind in _FORMULAS:
        return _FORMULAS[factor.kind]
    layer = int(factor.at.split(".")[0])
    if factor.kind == "slope":
        return ACTIVATIONS[network.activations[layer - 1]].slope
    if factor.kind == "delta" and layer < network.layer_count:
        return "f′(z) Σ w δ"
    return LOSSES[network.loss].formula  # the slope of the loss, by ŷ or by z
