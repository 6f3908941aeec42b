"""The page with one step on paper: the whole step as a sheet to print, filled in or blank."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from app.refusal import Refused
from app.sessions.reaching import Busy
from app.sessions.sessions import Access
from app.web.api import PATIENCE, SessionId, sessions_of, whole
from app.web.contexts import ErrorPage, Link, WorksheetPage
from app.web.queries import only_known
from app.web.replies import page
from app.worksheet import words
from app.worksheet.sheet import Sheet, why_not, worksheet

router = APIRouter(include_in_schema=False)


@router.get("/s/{session_id}/worksheet", dependencies=[Depends(only_known)])
async def read_worksheet(
    request: Request, session_id: SessionId, step: str = "", example: str = "0", blank: str = "0"
) -> Response:
    """The step under the cursor if none is asked for; `example` is a position in its rows."""
    position, is_blank = whole(example, "example"), _flag(blank)
    number = whole(step, "step") if step else None
    async with sessions_of(request).use(session_id) as access:
        try:
            at = access.session.cursor.step if number is None else number
            return await _answer(request, access, at, position, is_blank)
        except Busy as busy:
            # Elsewhere JSON says so, for programs; here a person waits for a page.
            message = f"{busy}; reload this page to see whether it is there"
            return page(request, "error.html", ErrorPage(503, message, session_id), 503)


async def _answer(
    request: Request, access: Access, step: int, example: int, blank: bool
) -> Response:
    timeline = access.session.timeline
    reason = why_not(timeline.network.parameter_count, 1)
    if reason:  # before a step of a large network is computed for nothing
        return _refusal(request, access, reason)
    record = await access.record(step, PATIENCE)
    if reason := why_not(timeline.network.parameter_count, len(record.rows)):
        return _refusal(request, access, reason)
    sheet = await access.session.compute(
        worksheet, record, timeline.network, timeline.dataset, example, blank
    )
    links = tuple(_links(access, sheet))
    anew = "" if record.exact else words.anew(access.session.extent.other_machines)
    return page(request, "worksheet.html", WorksheetPage(access.key, sheet, "", links, anew))


def _refusal(request: Request, access: Access, reason: str) -> Response:
    """Say why there is no sheet: with 422, so that a program does not take the page for one."""
    return page(request, "worksheet.html", WorksheetPage(access.key, None, reason, ()), 422)


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise Refused("invalid", "blank", text, "0 (filled in) or 1 (blank)")
    return text == "1"


def _links(access: Access, sheet: Sheet) -> list[Link]:
    """Return the ways to the neighbours of a sheet, those that exist."""
    timeline = access.session.timeline
    last = access.session.extent.last_step
    furthest = timeline.limits.max_steps if last is None else last
    here = {"step": sheet.step, "example": sheet.example, "blank": int(sheet.blank)}

    def to(text: str, **changed: int) -> Link:
        return Link(text, f"/s/{access.key}/worksheet?{urlencode({**here, **changed})}")

    found = [to("Filled in", blank=0) if sheet.blank else to("Blank", blank=1)]
    if sheet.step > 0:
        found.append(to("Previous step", step=sheet.step - 1, example=0))
    if sheet.step < furthest:
        found.append(to("Next step", step=sheet.step + 1, example=0))
    if sheet.example > 0:
        found.append(to("Previous example", example=sheet.example - 1))
    if sheet.example < sheet.examples - 1:
        found.append(to("Next example", example=sheet.example + 1))
    return found
