"""What a route answers, for OpenAPI: its own schema, and the one shape of every error."""

from __future__ import annotations

from typing import Any

from app.wire.schemas.errors import RETRY, RETRY_AFTER, STATUSES
from app.wire.schemas.words import Schema, named

Answers = dict[int | str, dict[str, Any]]
OF_SESSION = (404, 503)
OF_STEP = (403, 404, 409, 422, 429, 503)
OF_COMMAND = (403, 404, 408, 409, 413, 422, 429, 503)
OF_CREATION = (403, 408, 413, 422, 429, 503)
FRAME: Schema = {"type": "string", "format": "binary"}


def answers(name: str, errors: tuple[int, ...], status: int = 200) -> Answers:
    """Return for OpenAPI what a route answers; `name` is that of a schema, or Frame."""
    found = _binary() if name == "Frame" else _json(f"{name}, see docs/protocol.md", named(name))
    return {status: found, **{code: _error(code) for code in (400, *errors)}}


def body(name: str, example: dict[str, Any]) -> dict[str, Any]:
    """Return for OpenAPI the JSON that a route takes."""
    content = {"application/json": {"schema": named(name), "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def _json(text: str, schema: Schema) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _binary() -> dict[str, Any]:
    text = "one frame of the step, see Frames in docs/protocol.md"
    return {"description": text, "content": {"application/octet-stream": {"schema": FRAME}}}


def _error(status: int) -> dict[str, Any]:
    said = _json(STATUSES[status], named("Error"))
    if status not in RETRY:
        return said
    description = RETRY_AFTER["description"]
    return {
        **said,
        "headers": {
            "Retry-After": {"required": True, "description": description, "schema": RETRY_AFTER}
        },
    }
