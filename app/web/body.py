"""Request bodies as JSON; Guard counts them as they stream, so a huge one costs no memory."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from app.json_text import read_json


async def json_body(request: Request) -> Any:
    """Return the JSON of the body; Refused where it is too large or not JSON."""
    return read_json(await body_of(request), "body")


async def body_of(request: Request) -> bytes:
    """Return the body as it came; Refused where it is too large."""
    body = bytearray()  # and not request.body(), which keeps an object for each byte that drips in
    async for chunk in request.stream():
        body += chunk
    return bytes(body)
