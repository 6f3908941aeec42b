"""The one place that wires the rooms together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from app.sessions.sessions import Sessions
from app.settings import Settings
from app.web import api, errors, explain, openapi, pages, socket, worksheet


def create_app(settings: Settings) -> FastAPI:
    """Return the application; the store is opened when it starts and closed when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.sessions = Sessions(settings.data_dir, settings.limits)
        yield
        await app.state.sessions.close()

    app = FastAPI(
        title="Retrace", version="0.1.0", lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.settings = settings
    app.include_router(api.router)
    app.include_router(explain.router)
    app.include_router(socket.router)
    app.include_router(pages.router)
    app.include_router(worksheet.router)
    pages.install(app)
    errors.install(app)
    openapi.install(app, settings.limits)
    app.add_middleware(GZipMiddleware, minimum_size=2_000, compresslevel=5)
    return app
