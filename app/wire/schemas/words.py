"""The words that the schemas are made of: plain JSON Schema, as OpenAPI 3.1 takes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]


def named(name: str) -> Schema:
    """Return the reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def an_object(**keys: Schema) -> Schema:
    """Return an object that holds every one of `keys`, and nothing else."""
    return some_object(keys, keys)


def some_object(required: Iterable[str], keys: dict[str, Schema]) -> Schema:
    """Return an object of `keys`, of which the `required` ones must be there."""
    found: Schema = {"type": "object", "properties": keys, "additionalProperties": False}
    wanted = list(required)
    return {**found, "required": wanted} if wanted else found


def list_of(items: Schema, most: int | None = None, least: int = 0) -> Schema:
    found: Schema = {"type": "array", "items": items}
    if least:
        found["minItems"] = least
    return found if most is None else {**found, "maxItems": most}


def one_of(names: Iterable[str]) -> Schema:
    return {"type": "string", "enum": list(names)}


def text(most: int) -> Schema:
    return {"type": "string", "maxLength": most}


def whole(least: int = 0, most: int | None = None) -> Schema:
    found: Schema = {"type": "integer", "minimum": least}
    return found if most is None else {**found, "maximum": most}


def or_null(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def said(description: str, schema: Schema) -> Schema:
    """Return `schema` with words for people."""
    return {**schema, "description": description}


TEXT, WHOLE, TRUTH, NUMBER = ({"type": name} for name in ("string", "integer", "boolean", "number"))
COUNT = whole()
MAYBE: Schema = {"type": ["number", "null"]}  # null where it overflows, or would mean nothing
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
NAMES, NUMBERS, MAYBES, COUNTS = map(list_of, (TEXT, NUMBER, MAYBE, COUNT))
PAIR: Schema = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
PARAMETER_PATTERN = r"^(w[1-9][0-9]{0,5}\.[1-9][0-9]{0,5}|b[1-9][0-9]{0,5})\.[1-9][0-9]{0,5}$"
PARAMETER: Schema = {"type": "string", "pattern": PARAMETER_PATTERN}
