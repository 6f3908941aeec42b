"""Request bodies: read as a stream with a running count, so a huge one costs no memory."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from app.limits import over
from app.wire.commands import read_json


async def json_body(request: Request) -> Any:
    """Return the JSON of the body; Refused where it is too large or not JSON."""
    most: int = request.app.state.settings.limits.body_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            found = f"more than {most:,} bytes"
            raise over("body_bytes", f"at most {most:,}", "body", found, "body_too_large")
    return read_json(bytes(body), "body")
