"""The two kinds of answer: strict JSON, and a page under the content security policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).parents[2]
_templates = Environment(
    loader=FileSystemLoader(ROOT / "templates"), autoescape=True, undefined=StrictUndefined
)
_LARGE = 262_144  # characters


class Json(JSONResponse):
    """JSON in which NaN and infinity cannot occur: browsers refuse them."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


class JsonText(Response):
    """JSON that is written already; a large one is sent as it lies: to squeeze it stops all."""

    media_type = "application/json"

    def __init__(self, text: str, status: int = 200) -> None:
        plain = {"Content-Encoding": "identity"} if len(text) > _LARGE else None
        super().__init__(text, status, plain)


def page(request: Request, template: str, context: Any, status: int = 200) -> HTMLResponse:
    """Return `template` filled from the fields of `context`."""
    return HTMLResponse(_templates.get_template(template).render(vars(context)), status)
