"""Request bodies: read as a stream with a running count, so a huge one costs no memory."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from app.refusal import Refused
from app.wire.commands import read_json


async def json_body(request: Request) -> Any:
    """Return the JSON of the body; Refused where it is too large or not JSON."""
    most: int = request.app.state.settings.body_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise Refused(
                "body_too_large", "body", f"more than {most:,} bytes", f"at most {most:,}"
            )
    return read_json(bytes(body), "body")
