"""What those who run the server ask: whether it is ready, and what it counts.

/healthz, in pages.py, tells that the process lives; /readyz that it does its work. /metrics holds
counts and no keys, but whoever reads it knows how busy the server is: a proxy keeps it inside.
"""

from __future__ import annotations

from typing import Protocol

from fastapi import APIRouter, Request, Response

from app.metrics import Metrics
from app.web.replies import Json
from app.web.stopping import Stopping

router = APIRouter(include_in_schema=False)
_FRESH = {"Cache-Control": "no-store"}


class Kept(Protocol):
    """What keeps the sessions, as far as readiness is concerned."""

    async def problem(self) -> str | None:
        """Return why nothing can be kept right now, in words for the operator, or None."""


@router.api_route("/readyz", methods=["GET", "HEAD"])
async def ready(request: Request) -> Response:
    """200 where requests are served, 503 with the reason where they should go elsewhere."""
    stopping: Stopping = request.app.state.stopping
    sessions: Kept = request.app.state.sessions
    reason = stopping.reason or await sessions.problem()
    if reason:
        return Json({"status": "unavailable", "reason": reason}, 503, _FRESH)
    return Json({"status": "ready"}, headers=_FRESH)


@router.get("/metrics")
async def read_metrics(request: Request) -> Response:
    metrics: Metrics = request.app.state.metrics
    body, media_type = metrics.exposition()
    return Response(body, headers={**_FRESH, "Content-Type": media_type})
