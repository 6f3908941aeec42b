"""What the routes that explain a step answer, for OpenAPI; docs/protocol.md says what it means."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def _object(**keys: Schema) -> Schema:
    return {"type": "object", "properties": keys, "required": list(keys)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


TEXT, WHOLE, TRUTH, NUMBER = ({"type": name} for name in ("string", "integer", "boolean", "number"))
MAYBE = {"type": ["number", "null"]}  # null where it overflows, or where it would mean nothing
NAMES, NUMBERS, MAYBES = _list(TEXT), _list(NUMBER), _list(MAYBE)
FACTOR = _object(kind=TEXT, symbol=TEXT, formula=TEXT, value=NUMBER, at=TEXT)
TERM = _object(factors=_list(FACTOR), product=MAYBE)
REST = _object(count=WHOLE, sum=MAYBE)
# Where it is folded a path has terms too.
PATH = {**TERM, "properties": {**TERM["properties"], "terms": _list(TERM), "rest": REST}}
DIFFERENCE = _object(
    h=MAYBE,
    above=MAYBE,
    below=MAYBE,
    loss_above=MAYBE,
    loss_below=MAYBE,
    agrees={"type": ["boolean", "null"]},
    rounding=TRUTH,
)
# What each answer holds; docs/protocol.md says what it means.
ANSWERS: dict[str, Schema] = {
    "chain": _object(
        parameter=TEXT,
        example=WHOLE,
        value=NUMBER,
        derivative=MAYBE,
        batch_derivative=NUMBER,
        paths=_list(PATH),
        path_count=WHOLE,
        rows=_list(WHOLE),
        examples=MAYBES,
        numeric=MAYBE,
        relative_gap=MAYBE,
        kink=TRUTH,
        difference=DIFFERENCE,
        batch_numeric=MAYBE,
        batch_relative_gap=MAYBE,
        batch_kink=TRUTH,
        batch_difference=DIFFERENCE,
        gradient=_object(
            length=MAYBE, share=NUMBER, rank=WHOLE, largest=TEXT, largest_value=NUMBER
        ),
        update=_object(learning_rate=NUMBER, delta=NUMBER, new_value=NUMBER, trained=TRUTH),
    ),
    "slice": _object(
        parameter=TEXT,
        values=NUMBERS,
        losses=MAYBES,
        at=NUMBER,
        loss=MAYBE,
        slope=NUMBER,
        next=NUMBER,
        landings=_list(_object(multiple=NUMBER, value=MAYBE, loss=MAYBE)),
        wiggle=_list(_object(h=NUMBER, quotient=MAYBE)),
        cut=NAMES,
        kink=TRUTH,
    ),
    "surface": _object(
        x=TEXT,
        y=TEXT,
        x_values=NUMBERS,
        y_values=NUMBERS,
        losses=_list(MAYBES),
        at=NUMBERS,
        gradient=NUMBERS,
        next=NUMBERS,
        trail=_list(NUMBERS),
    ),
    "check": _object(
        parameters=WHOLE,
        first=WHOLE,
        next={"type": ["integer", "null"]},
        checked=WHOLE,
        agree=WHOLE,
        different=NAMES,
        kinks=NAMES,
        overflows=NAMES,
        rounding=NAMES,
        worst=_object(parameter={"type": ["string", "null"]}, relative_gap=NUMBER),
        tolerance=NUMBER,
        noise=MAYBE,
    ),
}
FRAME: Schema = {"type": "string", "format": "binary"}
ERROR = _object(error=_object(code=TEXT, message=TEXT, field={"type": ["string", "null"]}))
ERRORS = {
    404: "unknown_session: no session has this id",
    409: "diverged: the step is beyond the last one whose numbers are finite; or cancelled",
    422: "what was asked is wrong: `field` says where, `value` what came, `expected` what would do",
    503: "computing: the step is not there yet; ask again after Retry-After, it will be further",
}


def replies(name: str) -> dict[int | str, Schema]:
    """Return for OpenAPI what a route answers, its errors included."""
    kind = "application/json" if name in ANSWERS else "application/octet-stream"
    said = (f"{name}, as docs/protocol.md has it", kind, ANSWERS.get(name, FRAME))
    errors = {status: (text, "application/json", ERROR) for status, text in ERRORS.items()}
    return {
        status: {"description": text, "content": {kind: {"schema": schema}}}
        for status, (text, kind, schema) in {200: said, **errors}.items()
    }
