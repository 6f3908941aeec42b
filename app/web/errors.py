"""Every failure becomes one shape: {"error": {"code", "message", "field", "value", "expected"}}."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from app.refusal import Refused, as_json
from app.sessions.reaching import Busy, Cancelled
from app.sessions.store import Damaged
from app.sessions.writer import NotStored
from app.web.access import pattern
from app.web.contexts import ErrorPage
from app.web.replies import Json, page

STATUS = {
    "unknown_session": 404,
    "read_only": 403,
    "diverged": 409,
    "nothing_to_undo": 409,
    "id_taken": 409,
    "body_too_slow": 408,
    "body_too_large": 413,
    "host_not_allowed": 400,
    "origin_not_allowed": 403,
    "too_many_sessions": 429,
    "too_many_commands": 429,
    "too_many_sockets": 429,
    "too_many_reads": 429,
    "too_many_uploads": 503,
}
_NAME = "a parameter's name, like w1.2.3 or b1.3"
MISSING = {
    "parameter": _NAME,
    "x": _NAME,
    "y": _NAME,
    "step": "a whole number from 0",
    "value": "a finite number",
}
log = logging.getLogger("retrace")


def error_of(failure: Exception) -> dict[str, Any]:
    """Return the body of an error; what is not the caller's fault says nothing of its inside."""
    if isinstance(failure, Refused):
        body = {"code": failure.code, "message": str(failure), "field": failure.field}
        body |= {"value": as_json(failure.value), "expected": failure.expected}
        return body if failure.retry_after is None else {**body, "retry_after": failure.retry_after}
    if isinstance(failure, Busy):
        progress = {"step": failure.step, "target": failure.target}
        return {"code": "computing", "message": str(failure), "field": None, **progress}
    if isinstance(failure, Cancelled):
        message = "another move took the place of this one"
        return {"code": "cancelled", "message": message, "field": None}
    if isinstance(failure, NotStored):
        return {"code": "not_stored", "message": str(failure), "field": None}
    if isinstance(failure, Damaged):
        return {"code": "damaged", "message": str(failure), "field": None}
    return {"code": "internal", "message": "something went wrong on the server", "field": None}


def install(app: FastAPI) -> None:
    """Let `app` answer every failure in this shape, and pages with a page."""

    @app.exception_handler(Refused)
    async def refused(request: Request, failure: Refused) -> Response:
        return answer(request, failure)

    @app.exception_handler(Busy)
    async def busy(request: Request, failure: Busy) -> Response:
        return Json({"error": counted(request.scope, failure)}, 503, {"Retry-After": "1"})

    @app.exception_handler(NotStored)
    async def not_stored(request: Request, failure: NotStored) -> Response:
        return Json({"error": counted(request.scope, failure)}, 503, {"Retry-After": "10"})

    @app.exception_handler(Cancelled)
    async def cancelled(request: Request, failure: Cancelled) -> Response:
        return Json({"error": counted(request.scope, failure)}, 409)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, failure: RequestValidationError) -> Response:
        first = failure.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        wrong = Refused("invalid", field, first.get("input"), MISSING.get(field, first["msg"]))
        return _answer(request, 422, counted(request.scope, wrong))

    @app.exception_handler(HTTPException)
    async def http(request: Request, failure: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(failure.status_code, "http")
        error = {"code": code, "message": str(failure.detail), "field": None}
        answer = _answer(request, failure.status_code, error)
        answer.headers.update(failure.headers or {})
        return answer


def status_of(refusal: Refused) -> int:
    """Return the HTTP status of a refusal."""
    return STATUS.get(refusal.code, 422)


def answer(request: Request, failure: Exception) -> Response:
    """Return the answer to a refusal, or to what no handler knew; that is reported."""
    if not isinstance(failure, Refused):
        report(request.scope, failure)
        return _answer(request, 500, counted(request.scope, failure))
    found = _answer(request, status_of(failure), counted(request.scope, failure))
    found.headers.update(when_to_come_back(failure))
    return found


def when_to_come_back(refusal: Refused) -> dict[str, str]:
    """Return the header that says so, where waiting helps."""
    return {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}


def report(scope: Scope, failure: Exception) -> None:
    """Log a failure by its route's pattern: a session's key stands in the path."""
    fields = {"method": scope.get("method", "WebSocket"), "route": pattern(scope)}
    log.error("unexpected failure", exc_info=failure, extra={"fields": fields})


def counted(scope: Scope, failure: Exception) -> dict[str, Any]:
    """Return what is told of a failure, and count it."""
    error = error_of(failure)
    scope["app"].state.metrics.refused(error["code"])
    return error


def _answer(request: Request, status: int, error: dict[str, Any]) -> Response:
    if request.url.path.startswith("/api/") or request.method != "GET":
        return Json({"error": error}, status)
    session_id = "" if status == 404 else request.path_params.get("session_id", "")
    context = ErrorPage(status, str(error["message"]), session_id)
    return page(request, "error.html", context, status)
