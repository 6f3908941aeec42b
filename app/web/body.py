"""Request bodies as JSON; Guard counts them as they stream, so a huge one costs no memory."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from app.wire.commands import read_json


async def json_body(request: Request) -> Any:
    """Return the JSON of the body; Refused where it is too large or not JSON."""
    body = bytearray()  # and not request.body(), which keeps an object for each byte that drips in
    async for chunk in request.stream():
        body += chunk
    return read_json(bytes(body), "body")
