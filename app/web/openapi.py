"""The document at /openapi.json: the routes, with the schemas and limits of this server."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.limits import Limits
from app.wire.schemas import schemas
from app.wire.schemas.parameters import parameters

_WORDS = (
    "Watch backpropagation happen in a real network. docs/protocol.md says what everything means. "
    "Whole numbers are written without a point: 4.0 is refused where 4 is meant."
)
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_FOREIGN = "Validation Error"  # FastAPI adds it where a path has parameters; ours are plain text


def install(app: FastAPI, limits: Limits) -> None:
    """Let `app` describe itself; the document is made when it is first asked for."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, limits)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _document(app: FastAPI, limits: Limits) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, routes=app.routes)
    known = parameters(limits)
    for operation in _operations(found):
        for parameter in operation.get("parameters", ()):
            parameter.update(_described(known[parameter["name"]]))
        if operation["responses"].get("422", {}).get("description") == _FOREIGN:
            del operation["responses"]["422"]
    found["info"]["description"] = _WORDS
    found["components"] = {"schemas": schemas(limits)}
    return found


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    paths = document["paths"].values()
    return [path[method] for path in paths for method in _METHODS if method in path]


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter's schema; the routes take text and read it in our own words."""
    bare = {key: value for key, value in schema.items() if key != "description"}
    return {"schema": bare, "description": schema["description"]}
