"""The API that explains a step: chain, slice, surface, check, trial; see docs/protocol.md."""

from __future__ import annotations

import math
import re
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.maths.network import Network
from app.refusal import Refused
from app.sessions.sessions import Access
from app.timeline.phases import Cursor
from app.timeline.run import StepRecord
from app.timeline.trial import optimizer_at, trial
from app.web import contours
from app.web.answers import OF_STEP, answers
from app.web.api import PATIENCE, SessionId, StepNumber, sessions_of, whole
from app.web.queries import only_known
from app.web.replies import Json
from app.wire.check import check_json
from app.wire.explain import chain_text, position_in
from app.wire.frames import View, encode_frame
from app.wire.landscape import slice_json, surface_json
from app.wire.schemas.parameters import MOST_CHECKED, MOST_REACH

router = APIRouter(prefix="/api/sessions/{session_id}", dependencies=[Depends(only_known)])
# What JSON calls a number and a little more: Python's float() would take "1_0" and " 1 " as well.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LONGEST_NUMBER = 400
CHECK_SECONDS = 0.012  # of computing, after which a part of a check ends and is answered
CHECK_BEGINNINGS = 4  # or so many times what it took to begin, where that was more
Parameter = Annotated[str, Query()]


@router.get("/steps/{step}/chain", responses=answers("Chain", OF_STEP))
async def read_chain(
    request: Request,
    session_id: SessionId,
    step: StepNumber,
    parameter: Parameter,
    example: str = "0",
) -> Response:
    """One parameter's derivative as its factors and paths, with a central difference beside it."""
    position = whole(example, "example")
    async with sessions_of(request).use(session_id) as access:
        session, record = access.session, await _record(access, step)
        network, precision = session.timeline.network, session.timeline.spec.precision
        text = await session.compute(chain_text, record, network, precision, parameter, position)
        return Response(text, media_type=Json.media_type)


@router.get("/steps/{step}/slice", responses=answers("Slice", OF_STEP))
async def read_slice(
    request: Request,
    session_id: SessionId,
    step: StepNumber,
    parameter: Parameter,
    reach: str = "",
) -> Json:
    """The batch's loss as a function of one parameter, from real forward passes in float64."""
    far = _reach(reach) if reach else None
    async with sessions_of(request).use(session_id) as access:
        session, record = access.session, await _record(access, step)
        network = session.timeline.network
        return Json(await session.compute(slice_json, record, network, parameter, far))


@router.get("/steps/{step}/surface", responses=answers("Surface", OF_STEP))
async def read_surface(
    request: Request, session_id: SessionId, step: StepNumber, x: Parameter, y: Parameter
) -> Json:
    """The batch's loss over two parameters, and the run's way to this step."""
    async with sessions_of(request).use(session_id) as access:
        return Json(await _surface(access, step, (x, y)))


@router.get("/steps/{step}/check", responses=answers("Check", OF_STEP))
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
    async with sessions_of(request).use(session_id) as access:
        session, record = access.session, await _record(access, step)
        network, precision = session.timeline.network, session.timeline.spec.precision
        asked = record, network, precision, start, most
        return Json(await session.compute(_check, *asked))


@router.get("/steps/{step}/trial", response_class=Response, responses=answers("Frame", OF_STEP))
async def read_trial(
    request: Request,
    session_id: SessionId,
    step: StepNumber,
    parameter: Parameter,
    value: Annotated[str, Query()],
    example: str = "0",
    phase: str = "",
) -> Response:
    """The step with one parameter set to another value, as one frame; the run stays as it is."""
    number, wanted = _number(value, "value"), whole(example, "example")
    async with sessions_of(request).use(session_id) as access:
        session, record = access.session, await _record(access, step)
        timeline = session.timeline
        at = _phase(phase, timeline.phase_count)
        position = position_in(record, wanted)
        view = View(session.revision, Cursor(record.step, at), position, session.extent.furthest)
        optimizer = optimizer_at(timeline.spec.optimizer["name"], session.edits, record.step)
        tried = await session.compute(trial, record, timeline.network, optimizer, parameter, number)
        frame = await session.compute(encode_frame, tried, timeline.dataset, view)
        # Squeezing megabytes of floats would hold the event loop for a third of a second.
        plain = {"Content-Encoding": "identity"}
        return Response(frame, media_type="application/octet-stream", headers=plain)


@router.get("/figures/surface", responses=answers("SurfaceFigure", OF_STEP))
async def surface_figure(
    request: Request,
    session_id: SessionId,
    step: Annotated[str, Query()],
    x: Parameter,
    y: Parameter,
    theme: str = "light",
) -> Json:
    """The loss over two parameters as a Plotly figure."""
    async with sessions_of(request).use(session_id) as access:
        return Json(contours.surface_figure(await _surface(access, step, (x, y)), theme))


def _check(
    record: StepRecord, network: Network, precision: str, first: int, count: int
) -> dict[str, Any]:
    """Check as many derivatives as an answer that comes at once has time for; where to begin takes
    long more, since else most of the time would be spent on beginning.
    """
    began, until = time.thread_time(), 0.0

    def goes_on() -> bool:
        nonlocal until
        now = time.thread_time()
        until = until or now + max(CHECK_SECONDS, CHECK_BEGINNINGS * (now - began))
        return now < until

    return check_json(record, network, precision, first, count, goes_on)


async def _record(access: Access, step: str) -> StepRecord:
    return await access.record(whole(step, "step"), PATIENCE)


def _number(text: str, field: str) -> float:
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        code = (
            "not_finite" if text.lower().lstrip("+-") in ("nan", "inf", "infinity") else "invalid"
        )
        raise Refused(code, field, text, "a finite number")
    number = float(text)
    if not math.isfinite(number):
        raise Refused("not_finite", field, text, "a finite number")
    return number


def _reach(text: str) -> float:
    reach = _number(text, "reach")
    if not 0 < reach <= MOST_REACH:
        raise Refused("out_of_range", "reach", reach, f"a number above 0, up to {MOST_REACH:g}")
    return reach


def _phase(text: str, count: int) -> int:
    phase = whole(text, "phase") if text else count - 1
    if phase >= count:
        raise Refused("out_of_range", "phase", phase, f"a phase from 0 to {count - 1}")
    return phase


async def _surface(access: Access, step: str, names: tuple[str, str]) -> dict[str, object]:
    session, record = access.session, await _record(access, step)
    network, trail = session.timeline.network, await session.reads.trail(record.step)
    return await session.compute(surface_json, record, network, names, trail)
