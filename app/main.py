"""The one place that wires the rooms together."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from app.metrics import Metrics
from app.sessions.sessions import Sessions
from app.settings import Settings
from app.web import api, errors, explain, openapi, operations, pages, socket, worksheet
from app.web.access import AccessLog
from app.web.framing import Framing
from app.web.guard import Guard
from app.web.quotas import Quotas
from app.web.stopping import Gate, Stopping

_log = logging.getLogger("retrace")


def create_app(settings: Settings) -> FastAPI:
    """Return the application; the store is opened when it starts and closed when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.sessions = sessions = _started(settings, metrics)
        try:
            yield
        finally:
            await sessions.close()

    app = FastAPI(
        title="Retrace", version="0.1.0", lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.settings = settings
    app.state.quotas = Quotas(settings.limits, time.monotonic)
    app.state.metrics = metrics = Metrics()
    app.state.framing = Framing(settings.limits)
    app.state.stopping = stopping = Stopping()
    metrics.watch(sockets=lambda: stopping.sockets)
    app.include_router(api.router)
    app.include_router(explain.router)
    app.include_router(socket.router)
    app.include_router(operations.router)
    app.include_router(pages.router)
    app.include_router(worksheet.router)
    pages.install(app)
    errors.install(app)
    openapi.install(app, settings.limits)
    app.add_middleware(GZipMiddleware, minimum_size=2_000, compresslevel=5)
    app.add_middleware(Gate, stopping=stopping)
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(AccessLog, metrics=metrics)  # the last one added is outermost
    return app


def _started(settings: Settings, metrics: Metrics) -> Sessions:
    try:
        sessions = Sessions(settings.data_dir, settings.limits, metrics)
        sessions.start()
    except Exception as failure:
        # Nobody has sent anything yet, and the operator needs to know: here the reason is told.
        fields = {"folder": str(settings.data_dir), "reason": str(failure)}
        _log.error("the store cannot be opened", exc_info=failure, extra={"fields": fields})
        raise
    metrics.watch(
        sessions=lambda: sessions.resident,
        store_bytes=lambda: sessions.store_bytes,
        writer_age=lambda: sessions.writer_age,
        viewer_age=lambda: sessions.viewer_age,
    )
    return sessions
