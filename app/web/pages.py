"""The pages, the static files, and what a browser is allowed to do with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import plotly
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

from app.refusal import Refused
from app.web.contexts import ChartsPage, MainPage
from app.web.replies import ROOT, Json, page

router = APIRouter(include_in_schema=False)
_PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
_PLOTLY_URL = f"/plotly.min.js?v={plotly.__version__}"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# Plotly puts styles into its page; only the charts' frame, which shows nothing else, allows that.
CHARTS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
CHARTS = {"loss": "Loss", "gradient": "Gradient", "surface": "Two weights"}
_ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@router.get("/")
async def start(request: Request) -> Response:
    return page(request, "index.html", MainPage(""))


@router.get("/s/{session_id}")
async def session(request: Request, session_id: str) -> Response:
    if not await request.app.state.sessions.exists(session_id):
        raise Refused("unknown_session", "session", session_id, "a session kept on this server")
    return page(request, "index.html", MainPage(session_id))


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


@router.get("/healthz")
async def health() -> Response:
    return Json({"status": "ok"})


def install(app: FastAPI) -> None:
    """Serve static files, and put the policy on every answer."""
    app.mount("/static", StaticFiles(directory=ROOT / "static"), name="static")

    @app.middleware("http")
    async def protect(
        request: Request, answer: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await answer(request)
        for name, value in _ALWAYS.items():
            response.headers.setdefault(name, value)
        if request.url.path.startswith("/static/"):
            response.headers["Cache-Control"] = "no-cache"
        return response
