"""Every derivative of a step checked by forward passes, a part at a time, as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from app.maths.checks import Difference, Tolerance, tolerance_of
from app.maths.network import Network
from app.refusal import Refused
from app.timeline.run import StepRecord
from app.wire.explain import batch_derivatives, loss_around
from app.wire.finite import finite

Items = dict[str, Any]


@np.errstate(all="ignore")
def check_json(
    record: StepRecord,
    network: Network,
    precision: str,
    first: int,
    count: int,
    goes_on: Callable[[], bool] = lambda: True,
) -> Items:
    """Check the derivatives of `count` parameters from `first` on by real forward passes; of fewer,
    but of one at least, where `goes_on` says no.
    """
    total = network.parameter_count
    if not 0 <= first < total:
        raise Refused("out_of_range", "first", first, f"a place among the {total} parameters")
    around = loss_around(record, network)
    tolerance = tolerance_of(precision, around.loss())
    found = batch_derivatives(record, network)[first:].tolist()
    differences = list(around.differences(first, min(first + count, total), goes_on))
    last, pairs = first + len(differences), list(zip(found, differences, strict=False))
    verdicts = [tolerance.verdict(*pair) for pair in pairs]
    named = {
        kind: [network.parameter_name(k) for k, said in enumerate(verdicts, first) if said == kind]
        for kind in ("different", "kinks", "overflows")
    }
    rounding = [k for k, pair in enumerate(pairs, first) if tolerance.is_rounding(*pair)]
    return {
        "parameters": total,
        "first": first,
        "next": last if last < total else None,
        "checked": last - first,
        "agree": verdicts.count("agree"),
        **named,
        "rounding": list(map(network.parameter_name, rounding)),
        "worst": _worst(network, first, pairs, tolerance),
        "tolerance": tolerance.relative,
        "noise": finite(tolerance.noise),
    }


def _worst(
    network: Network, first: int, pairs: list[tuple[float, Difference]], tolerance: Tolerance
) -> Items:
    """Return the largest relative gap, but for those that are rounding."""
    gaps = [tolerance.gap(own, difference) for own, difference in pairs]
    largest = max(gaps)
    name = network.parameter_name(first + gaps.index(largest)) if largest else None
    return {"parameter": name, "relative_gap": largest}
