"""A session, a step and the history, as they are answered."""

from __future__ import annotations

from typing import Any

from app.limits import Limits
from app.maths.activations import ACTIVATIONS
from app.maths.losses import LOSSES
from app.timeline.history import MAX_ROWS
from app.timeline.phases import phases_of
from app.timeline.spec import DEFAULTS, PRECISIONS
from app.wire.schemas.words import (
    COUNT,
    COUNTS,
    MAYBE,
    MAYBES,
    NAMES,
    NUMBER,
    NUMBERS,
    PAIR,
    TEXT,
    TRUTH,
    Schema,
    an_object,
    list_of,
    named,
    one_of,
    or_null,
    said,
    whole,
)

MATRIX = said("[from][to]", list_of(NUMBERS))


def run_schemas(limits: Limits) -> dict[str, Schema]:
    """Return by name the schemas of what a run answers."""
    return {
        "Session": _session(limits),
        "Layout": _layout(),
        "Step": _step(),
        "StepLayer": _step_layer(),
        "History": _history(),
        "Presets": list_of(an_object(name=TEXT, title=TEXT, summary=TEXT, spec=named("Spec"))),
        "Figure": said("for Plotly", an_object(**_figure())),
        "GradientFigure": an_object(**_figure(), shown=COUNT, of=COUNT),
        "SurfaceFigure": an_object(**_figure(), gradient=PAIR, update=_update_seen()),
    }


def _session(limits: Limits) -> Schema:
    keys = {
        "id": said("the key that was asked with", TEXT),
        "spec": {"allOf": [named("Spec")], "required": list(DEFAULTS)},
        "cursor": named("Cursor"),
        "edits": list_of(named("Edit"), limits.max_edits),
        "layout": named("Layout"),
        "parameters": said("how many", whole(1)),
        "revision": said("rises with each edit and undo", COUNT),
        "can_undo": TRUTH,
        "furthest": said("the furthest step computed", COUNT),
        "read_id": said("opens the run without any way to change it", TEXT),
        "may_write": said("whether the id that was asked with may change the run", TRUTH),
        "offset": said("how many changes there were", COUNT),
        "machine": said("what computes here, in words", TEXT),
        "recorded_on": said("other machines that computed steps first", list_of(TEXT)),
    }
    return an_object(**keys)


def _layout() -> Schema:
    slot = an_object(
        name=TEXT, kind=one_of(("weights", "biases")), layer=whole(1), offset=COUNT, shape=COUNTS
    )
    column = an_object(name=TEXT, label=TEXT, unit=TEXT)
    scale = an_object(mean=NUMBER, scale=NUMBER)
    kinds = one_of(dict.fromkeys(phase.kind for phase in phases_of(1)))
    phase = an_object(kind=kinds, layer={"type": ["integer", "null"]})
    keys: dict[str, Any] = {
        "sizes": said("units from inputs to outputs", list_of(whole(1), least=2)),
        "activations": list_of(one_of(ACTIVATIONS), least=1),
        "loss": one_of(LOSSES),
        "precision": one_of(PRECISIONS),
        "count": said("numbers in the flat vector", whole(1)),
        "parameters": said("the matrices and vectors in the flat vector", list_of(slot)),
        "inputs": list_of(column),
        "targets": list_of(column),
        "input_scale": said("own unit = number * scale + mean", list_of(scale)),
        "target_scale": list_of(scale),
        "row_noun": TEXT,
        "phases": list_of(phase),
        "steps_per_epoch": whole(1),
        "training_rows": whole(1),
        "held_out_rows": COUNT,
    }
    return an_object(**keys)


def _step() -> Schema:
    keys: dict[str, Any] = {
        "step": COUNT,
        "epoch": COUNT,
        "rows": said("the data set's rows in this batch", list_of(COUNT, least=1)),
        "example": said("a position in rows; what follows is of this one", COUNT),
        "learning_rate": NUMBER,
        "inputs": NUMBERS,
        "targets": NUMBERS,
        "prediction": NUMBERS,
        "loss": said("of the batch, before the update", NUMBER),
        "test_loss": MAYBE,
        "layers": list_of(named("StepLayer"), least=1),
        "units": said("the same in their own units; null where they overflow", _own_units()),
        "exact": said("false where another machine computed the step first", TRUTH),
    }
    return an_object(**keys)


def _own_units() -> Schema:
    numbers = dict.fromkeys(("inputs", "prediction", "targets"), MAYBES)
    words = ("input_names", "input_units", "target_names", "target_units")
    return an_object(**numbers, **dict.fromkeys(words, NAMES))


def _step_layer() -> Schema:
    own = dict.fromkeys(("z", "a"), NUMBERS)
    delta = said("the derivative of this example's own loss by z", NUMBERS)
    matrices = dict.fromkeys(("weights", "weight_gradients", "new_weights"), MATRIX)
    vectors = dict.fromkeys(("biases", "bias_gradients", "new_biases"), NUMBERS)
    return an_object(**own, delta=delta, **matrices, **vectors)


def _history() -> Schema:
    epoch = an_object(epoch=COUNT, train=MAYBE, test=MAYBE)
    return an_object(
        steps=said("the first step of each bucket", list_of(COUNT, MAX_ROWS)),
        loss_min=list_of(NUMBER, MAX_ROWS),
        loss_max=list_of(NUMBER, MAX_ROWS),
        epochs=list_of(epoch, MAX_ROWS),
    )


def _update_seen() -> Schema:
    words = "of the update: its arrow, a way too short for one, or one that leaves the picture"
    return said(words, or_null(one_of(("whole", "short", "cut"))))


def _figure() -> dict[str, Schema]:
    return {"data": list_of({"type": "object"}), "layout": {"type": "object"}}
