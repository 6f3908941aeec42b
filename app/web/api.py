"""The JSON API: sessions, steps, history, commands, figures. docs/protocol.md describes it."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from app.json_text import written
from app.refusal import Refused
from app.sessions.sessions import Sessions
from app.timeline.presets import PRESETS
from app.web import charts
from app.web.answers import OF_COMMAND, OF_CREATION, OF_SESSION, OF_STEP, answers, body
from app.web.body import body_of, command_of
from app.web.carry_out import asked_of, carry_out
from app.web.queries import only_known
from app.web.quotas import address_of
from app.web.replies import Json, JsonText
from app.wire.commands import OVER_HTTP, read_command
from app.wire.schemas.parameters import FAR
from app.wire.steps import step_json

router = APIRouter(prefix="/api")
PATIENCE = 2.0
_SPEC_EXAMPLE = {"dataset": {"inputs": [[2, 1]], "targets": [[1]]}, "learning_rate": 0.05}
_COMMAND_EXAMPLE = {"do": "step", "unit": "phase", "by": 1}
SessionId = Annotated[str, Path(alias="session_id")]
StepNumber = Annotated[str, Path(alias="step")]


def sessions_of(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


@router.get("/presets", responses=answers("Presets", ()))
async def presets() -> Json:
    """The runs that the page offers."""
    return Json(list(PRESETS))


@router.post(
    "/sessions",
    status_code=201,
    responses=answers("Session", OF_CREATION, 201),
    openapi_extra=body("Spec", _SPEC_EXAMPLE),
)
async def create(request: Request) -> JsonText:
    """Make a session of a spec; every key is optional, `{}` is the houses of Ames."""
    spec = await body_of(request)
    address = address_of(request.scope)
    with request.app.state.quotas.session(address):
        session = await sessions_of(request).create(spec, address)
    return JsonText(session.to_text(), 201)


@router.get("/sessions/{session_id}", responses=answers("Session", OF_SESSION))
async def read(request: Request, session_id: SessionId) -> JsonText:
    """The session: its spec, where it stands, and how to read its frames."""
    async with sessions_of(request).use(session_id) as access:
        return JsonText(access.session.to_text(access.may_write))


@router.get(
    "/sessions/{session_id}/steps/{step}",
    responses=answers("Step", OF_STEP),
    dependencies=[Depends(only_known)],
)
async def read_step(
    request: Request, session_id: SessionId, step: StepNumber, example: str = "0"
) -> JsonText:
    """The whole step, whatever the cursor; `example` is a position in its rows."""
    number, position = whole(step, "step"), whole(example, "example")
    async with sessions_of(request).use(session_id) as access:
        session = access.session
        record = await access.record(number, PATIENCE)
        timeline = session.timeline
        read = partial(step_json, record, timeline.network, timeline.dataset, position)
        return JsonText(await session.compute(lambda: written(read())))


@router.get("/sessions/{session_id}/history", responses=answers("History", OF_SESSION))
async def read_history(request: Request, session_id: SessionId) -> Json:
    """The loss so far: steps in buckets, and epochs; at most 2,000 rows each."""
    async with sessions_of(request).use(session_id) as access:
        return Json(await access.session.reads.history())


@router.post(
    "/sessions/{session_id}/commands",
    responses=answers("Reply", OF_COMMAND),
    openapi_extra=body("Command", _COMMAND_EXAMPLE),
)
async def command(request: Request, session_id: SessionId) -> Json:
    """Do one command: step, seek, change or undo."""
    async with sessions_of(request).use(session_id) as access:
        seat = access.writing()
        seat.commands.spend()
        identity, what = read_command(await command_of(request), OVER_HTTP)
        asked, metrics = asked_of(identity, what), request.app.state.metrics
        return Json(await carry_out(seat, what, asked, PATIENCE, metrics))


@router.get(
    "/sessions/{session_id}/figures/loss",
    responses=answers("Figure", (*OF_SESSION, 422)),
    dependencies=[Depends(only_known)],
)
async def loss_figure(request: Request, session_id: SessionId, theme: str = "light") -> Json:
    """The loss as a Plotly figure."""
    async with sessions_of(request).use(session_id) as access:
        session, history = access.session, await access.session.reads.history()
        layout, furthest = session.timeline.layout(), session.extent.furthest
        return Json(charts.loss_figure(history, layout, furthest, theme))


@router.get(
    "/sessions/{session_id}/figures/gradient",
    responses=answers("GradientFigure", OF_STEP),
    dependencies=[Depends(only_known)],
)
async def gradient_figure(
    request: Request,
    session_id: SessionId,
    step: Annotated[str, Query()],
    phase: Annotated[str, Query()] = "",
    theme: str = "light",
) -> Json:
    """The gradient of a step as a Plotly figure; with a phase, as far as it is revealed there."""
    async with sessions_of(request).use(session_id) as access:
        session = access.session
        record = await access.record(whole(step, "step"), PATIENCE)
        at = whole(phase, "phase") if phase else session.timeline.phase_count - 1
        return Json(charts.gradient_figure(record, session.timeline.network, at, theme))


def whole(text: str, field: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise Refused("invalid", field, text, "a whole number from 0")
    if len(text) > len(str(FAR)):
        raise Refused(
            "invalid", field, text, f"a whole number from 0 to {FAR:,}, in nine digits at most"
        )
    return int(text)
