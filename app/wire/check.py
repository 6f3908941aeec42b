"""Every derivative of a step checked by forward passes, a part at a time, as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from app.maths.checks import Verdict, tolerance_of
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
    verdicts = list(map(tolerance.judge, found, differences))
    last = first + len(verdicts)

    def named(holds: Callable[[Verdict], bool]) -> list[str]:
        return [network.parameter_name(k) for k, one in enumerate(verdicts, first) if holds(one)]

    return {
        "parameters": total,
        "first": first,
        "next": last if last < total else None,
        "checked": last - first,
        "agree": sum(one.said == "agree" for one in verdicts),
        "different": named(lambda one: one.said == "different"),
        "kinks": named(lambda one: one.said == "kinks"),
        "overflows": named(lambda one: one.said == "overflows"),
        "rounding": named(lambda one: one.is_rounding),
        "worst": _worst(network, first, verdicts),
        "tolerance": tolerance.relative,
        "noise": finite(tolerance.noise),
        "exact": record.exact,
    }


def _worst(network: Network, first: int, verdicts: list[Verdict]) -> Items:
    """Return the largest relative gap, but for those that are rounding."""
    gaps = [one.gap for one in verdicts]
    largest = max(gaps)
    name = network.parameter_name(first + gaps.index(largest)) if largest else None
    return {"parameter": name, "relative_gap": largest}
