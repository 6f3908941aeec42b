"""/openapi.json as tests use it: a validator of any schema in it by name."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs


def validator(document: dict[str, Any], name: str) -> Any:
    """Return what says whether a value fits the schema of this name."""
    return _validator(json.dumps(document["components"], sort_keys=True), name)


@cache
def _validator(components: str, name: str) -> Any:
    schema = {"$ref": f"#/components/schemas/{name}", "components": json.loads(components)}
    return jsonschema_rs.Draft202012Validator(schema)


def misfits(document: dict[str, Any], name: str, value: Any) -> list[str]:
    """Return in words what does not fit."""
    return [str(error) for error in validator(document, name).iter_errors(value)]
