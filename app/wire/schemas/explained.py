"""What the routes that explain a step answer; docs/protocol.md says what it means."""

from __future__ import annotations

from app.wire.schemas.words import (
    COUNT,
    COUNTS,
    MAYBE,
    MAYBE_TEXT,
    MAYBES,
    NAMES,
    NUMBER,
    NUMBERS,
    PARAMETER,
    TEXT,
    TRUTH,
    Schema,
    an_object,
    list_of,
    named,
    one_of,
    some_object,
    whole,
)

KINDS = ("error", "delta", "slope", "weight", "input", "one")
PLACE: Schema = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
TERM = {"factors": list_of(named("Factor"), least=1), "product": MAYBE}
FOLDED = {"terms": list_of(an_object(**TERM)), "rest": an_object(count=COUNT, sum=MAYBE)}
EXPLAINED: dict[str, Schema] = {
    "Factor": an_object(kind=one_of(KINDS), symbol=TEXT, formula=TEXT, value=NUMBER, at=TEXT),
    # Where it is folded a path has terms too.
    "ChainPath": some_object(TERM, {**TERM, **FOLDED}),
    "Difference": an_object(
        h=MAYBE,
        above=MAYBE,
        below=MAYBE,
        loss_above=MAYBE,
        loss_below=MAYBE,
        agrees={"type": ["boolean", "null"]},
        rounding=TRUTH,
    ),
    "Chain": an_object(
        parameter=PARAMETER,
        example=COUNT,
        value=NUMBER,
        derivative=MAYBE,
        batch_derivative=NUMBER,
        paths=list_of(named("ChainPath"), least=1),
        path_count=whole(1),
        rows=COUNTS,
        examples=MAYBES,
        numeric=MAYBE,
        relative_gap=MAYBE,
        kink=TRUTH,
        difference=named("Difference"),
        batch_numeric=MAYBE,
        batch_relative_gap=MAYBE,
        batch_kink=TRUTH,
        batch_difference=named("Difference"),
        gradient=an_object(
            length=MAYBE, share=NUMBER, rank=whole(1), largest=PARAMETER, largest_value=NUMBER
        ),
        update=an_object(learning_rate=NUMBER, delta=NUMBER, new_value=NUMBER, trained=TRUTH),
    ),
    "Slice": an_object(
        parameter=PARAMETER,
        values=NUMBERS,
        losses=MAYBES,
        at=NUMBER,
        loss=MAYBE,
        slope=NUMBER,
        next=NUMBER,
        landings=list_of(an_object(multiple=NUMBER, value=MAYBE, loss=MAYBE)),
        wiggle=list_of(an_object(h=NUMBER, quotient=MAYBE)),
        cut=list_of(one_of(("below", "above"))),
        kink=TRUTH,
    ),
    "Surface": an_object(
        x=PARAMETER,
        y=PARAMETER,
        x_values=NUMBERS,
        y_values=NUMBERS,
        losses=list_of(MAYBES),
        at=PLACE,
        gradient=PLACE,
        next=PLACE,
        trail=list_of({"type": "array", "items": NUMBER, "minItems": 3, "maxItems": 3}),
    ),
    "Check": an_object(
        parameters=whole(1),
        first=COUNT,
        next={"type": ["integer", "null"]},
        checked=whole(1),
        agree=COUNT,
        different=NAMES,
        kinks=NAMES,
        overflows=NAMES,
        rounding=NAMES,
        worst=an_object(parameter=MAYBE_TEXT, relative_gap=NUMBER),
        tolerance=NUMBER,
        noise=MAYBE,
    ),
}
