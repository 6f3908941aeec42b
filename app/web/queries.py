"""What a query may ask for: a key that its route does not know would be left out of the answer."""

from __future__ import annotations

from fastapi import Request

from app.timeline.reading import an_object


async def only_known(request: Request) -> None:
    """Refuse a query with a key that the route does not read."""
    known = [parameter.alias for parameter in request.scope["route"].dependant.query_params]
    an_object(dict(request.query_params), "", known)
