"""Request bodies, as they stream: one that becomes too large is read no further."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from app.json_text import read_json
from app.limits import over


async def command_of(request: Request) -> Any:
    """Return the JSON of a command; Refused where it is none, or larger than a message may be.

    It is read at once: megabytes of lists would stop everybody for seconds.
    """
    return read_json(await body_of(request, "message_bytes"), "body")


async def body_of(request: Request, limit: str = "body_bytes") -> bytes:
    """Return the body as it came; Refused where it is larger than this limit."""
    most: int = getattr(request.app.state.settings.limits, limit)
    body = bytearray()  # and not request.body(), which keeps an object for each byte that drips in
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            found = f"more than {most:,} bytes"
            raise over(limit, f"at most {most:,}", "body", found, "body_too_large")
    return bytes(body)
