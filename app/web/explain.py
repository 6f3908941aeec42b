"""The JSON API that explains a step: chain, slice, surface, check; see docs/protocol.md."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from app.refusal import Refused
from app.sessions.session import Session
from app.timeline.run import StepRecord
from app.web import charts
from app.web.api import PATIENCE, SessionId, StepNumber, sessions_of, whole
from app.web.replies import Json
from app.wire.explain import chain_json, check_json
from app.wire.landscape import slice_json, surface_json

router = APIRouter(prefix="/api/sessions/{session_id}")
MOST_CHECKED = 500
Parameter = Annotated[str, Query(description="a weight or bias: w1.2.3, b1.3")]


@router.get("/steps/{step}/chain")
async def read_chain(
    request: Request,
    session_id: SessionId,
    step: StepNumber,
    parameter: Parameter,
    example: str = "0",
) -> Json:
    """One parameter's derivative as its factors and paths, with a central difference beside it."""
    position = whole(example, "example")
    async with sessions_of(request).use(session_id) as seat:
        session, record = seat.session, await _record(seat.session, step)
        network = session.timeline.network
        return Json(await session.compute(chain_json, record, network, parameter, position))


@router.get("/steps/{step}/slice")
async def read_slice(
    request: Request, session_id: SessionId, step: StepNumber, parameter: Parameter
) -> Json:
    """The batch's loss as a function of one parameter, from real forward passes in float64."""
    async with sessions_of(request).use(session_id) as seat:
        session, record = seat.session, await _record(seat.session, step)
        return Json(await session.compute(slice_json, record, session.timeline.network, parameter))


@router.get("/steps/{step}/surface")
async def read_surface(
    request: Request, session_id: SessionId, step: StepNumber, x: Parameter, y: Parameter
) -> Json:
    """The batch's loss over two parameters, and the run's way to this step."""
    async with sessions_of(request).use(session_id) as seat:
        return Json(await _surface(seat.session, step, (x, y)))


@router.get("/steps/{step}/check")
async def read_check(
    request: Request,
    session_id: SessionId,
    step: StepNumber,
    first: str = "0",
    count: str = str(MOST_CHECKED),
) -> Json:
    """Check the derivatives of up to 500 parameters, from `first` on, by central differences."""
    start, most = whole(first, "first"), whole(count, "count")
    if not 1 <= most <= MOST_CHECKED:
        raise Refused("out_of_range", "count", most, f"a whole number from 1 to {MOST_CHECKED}")
    async with sessions_of(request).use(session_id) as seat:
        session, record = seat.session, await _record(seat.session, step)
        network, precision = session.timeline.network, session.timeline.spec.precision
        return Json(await session.compute(check_json, record, network, precision, start, most))


@router.get("/figures/surface")
async def surface_figure(
    request: Request,
    session_id: SessionId,
    step: Annotated[str, Query()],
    x: Parameter,
    y: Parameter,
    theme: str = "light",
) -> Json:
    """The loss over two parameters as a Plotly figure."""
    async with sessions_of(request).use(session_id) as seat:
        return Json(charts.surface_figure(await _surface(seat.session, step, (x, y)), theme))


async def _record(session: Session, step: str) -> StepRecord:
    return await session.record(whole(step, "step"), PATIENCE)


async def _surface(session: Session, step: str, names: tuple[str, str]) -> dict[str, object]:
    record = await _record(session, step)
    network, trail = session.timeline.network, await session.trail(record.step)
    return await session.compute(surface_json, record, network, names, trail)
