"""The pages and the static files."""

from __future__ import annotations

from pathlib import Path

import plotly
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.refusal import Refused
from app.web.contexts import ChartsPage, MainPage
from app.web.headers import CHARTS_POLICY
from app.web.replies import ROOT, Json, page

router = APIRouter(include_in_schema=False)
_PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
_PLOTLY_URL = f"/plotly.min.js?v={plotly.__version__}"
CHARTS = {"loss": "Loss", "gradient": "Gradient", "surface": "Two weights"}


@router.get("/")
async def start(request: Request) -> Response:
    return _main(request, "")


@router.get("/s/{session_id}")
async def session(request: Request, session_id: str) -> Response:
    if not await request.app.state.sessions.exists(session_id):
        raise Refused("unknown_session", "session", session_id, "a session kept on this server")
    return _main(request, session_id)


def _main(request: Request, session_id: str) -> Response:
    limits = request.app.state.settings.limits
    return page(request, "index.html", MainPage(session_id, limits.max_steps))


@router.get("/charts")
async def charts(request: Request, show: str = "loss,gradient") -> Response:
    names = show.split(",")
    for k, name in enumerate(names):
        if name not in CHARTS:
            raise Refused("unknown_name", "show", name, f"some of {', '.join(CHARTS)}")
        if name in names[:k]:
            raise Refused("invalid", "show", show, "each chart once")
    shown = tuple((name, CHARTS[name]) for name in names)
    answer = page(request, "charts.html", ChartsPage(_PLOTLY_URL, shown))
    answer.headers["Content-Security-Policy"] = CHARTS_POLICY
    return answer


@router.get("/plotly.min.js")
async def plotly_script() -> Response:
    """The library from the installed package: no copy of it in the project, no foreign host."""
    cached = {"Cache-Control": "public, max-age=31536000, immutable"}
    return FileResponse(_PLOTLY, media_type="text/javascript", headers=cached)


@router.get("/favicon.ico")
async def icon() -> Response:
    return FileResponse(ROOT / "static" / "icon.svg", media_type="image/svg+xml")


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def health() -> Response:
    return Json({"status": "ok"})


class _Static(StaticFiles):
    """Files that a browser asks about each time: a new version of the project shows at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def install(app: FastAPI) -> None:
    """Serve the static files."""
    app.mount("/static", _Static(directory=ROOT / "static"), name="static")
