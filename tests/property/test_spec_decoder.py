"""The decoder of specs: a good one with something changed is completed or refused, never more."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.maths.activations import ACTIVATIONS
from app.maths.initializers import INITIALIZERS
from app.maths.losses import LOSSES
from app.refusal import Refused
from app.timeline.presets import HOUSE
from app.timeline.spec import DEFAULTS, PRECISIONS, Spec, parse_spec
from tests.described import misfits
from tests.fuzz.messages import HUGE, JUNK
from tests.fuzz.refusals import DOCUMENT, MANY, is_told
from tests.fuzz.sessions import CLASSES
from tests.nets import SMALL

NAMES = (*ACTIVATIONS, *LOSSES, *INITIALIZERS, *PRECISIONS)
SPECS: tuple[dict[str, Any], ...] = (DEFAULTS, HOUSE, SMALL, CLASSES)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to everything in `value`."""
    items: Any = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    return [path, *(p for key, part in items for p in _paths(part, (*path, key)))]


@st.composite
def mutated_specs(draw: st.DrawFn) -> Any:
    """Return a good spec after one or two changes at random places."""
    spec: Any = copy.deepcopy(draw(st.sampled_from(SPECS)))
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(_paths(spec)))
        if not path:
            continue
        at = spec
        for key in path[:-1]:
            at = at[key]
        _mutate(draw, at, path[-1])
    return spec


def _mutate(draw: st.DrawFn, at: Any, key: Any) -> None:
    match draw(
        st.sampled_from(("delete", "replace", "duplicate", "nest", "swap", "nudge", "nudge"))
    ):
        case "delete":
            del at[key]
        case "replace":
            at[key] = draw(JUNK | HUGE)
        case "duplicate" if isinstance(at, list):
            at.insert(key, copy.deepcopy(at[key]))
        case "duplicate":
            at[str(key) + "s"] = copy.deepcopy(at[key])
        case "nest":
            at[key] = draw(st.sampled_from([[at[key]], {str(key): at[key]}, {"name": at[key]}]))
        case "nudge":
            at[key] = _nudged(draw, at[key])
        case "swap":
            other = draw(st.sampled_from(SPECS))
            at[key] = copy.deepcopy(other[draw(st.sampled_from(sorted(other)))])


@settings(MANY)
@given(mutated_specs())
def test_any_spec_is_completed_or_refused(given_spec: Any) -> None:
    try:
        spec = parse_spec(given_spec)
    except Refused as refused:
        is_told(refused)
        return
    assert isinstance(spec, Spec)
    completed = spec.to_json()
    json.dumps(completed, allow_nan=False)
    assert parse_spec(completed) == spec
    assert misfits(DOCUMENT, "Spec", completed) == []
    assert misfits(DOCUMENT, "Spec", given_spec) == []


def _nudged(draw: st.DrawFn, value: Any) -> Any:
    """Return something of the same kind, often one that would do as well."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value * draw(
            st.sampled_from([2, 0.5, -1, 1, 0] if abs(value) < 2**1000 else [2, -1, 1, 0])
        )
    return draw(st.sampled_from(NAMES)) if isinstance(value, str) else value


@pytest.mark.parametrize("spec", SPECS)
def test_what_is_mutated_was_good(spec: dict[str, Any]) -> None:
    assert parse_spec(spec)


def test_changed_specs_are_accepted_and_refused() -> None:
    granted: list[bool] = []

    @settings(MANY, max_examples=200, derandomize=True, database=None)
    @given(mutated_specs())
    def draw(spec: Any) -> None:
        try:
            parse_spec(spec)
        except Refused:
            granted.append(False)
        else:
            granted.append(True)

    draw()
    assert 20 < sum(granted) < len(granted) - 20
