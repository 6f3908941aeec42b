"""uvicorn as Retrace needs it: how it listens, and how it stops."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import socket
from types import FrameType

import uvicorn

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

from app import heads, sockets
from app.listening import listeners
from app.main import create_app
from app.sessions.lock import held
from app.settings import Settings
from app.unread import Unread
from app.web.headers import completed
from app.web.stopping import Stopping

_CLOSING_SECONDS = 1.0  # for clients to take their sockets' farewell; those that hang are left
_log, _uvicorn_log = logging.getLogger("retrace"), logging.getLogger("uvicorn.error")


def serve(settings: Settings) -> int:
    """Serve until a signal says stop; return the exit code.

    lock.InUse where another one serves; ValueError names the setting by which it cannot listen.
    """
    app, headers = create_app(settings), completed(())
    shared = settings.limits, headers, Unread(settings.limits)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=heads.protocol(*shared),
        ws=sockets.protocol(*shared),
        ws_max_size=settings.limits.message_bytes,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=settings.stop_seconds,
        log_config=None,  # app/logs.py has set up everything
        access_log=False,
        # Whom to believe is a setting, and not uvicorn's own variable.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        server_header=False,
    )
    _collect_rarely()
    _open_many_files()
    with held(settings.data_dir):
        server = Server(config, app.state.stopping)
        with contextlib.suppress(SystemExit):  # by which uvicorn ends a start that fails
            server.run(listeners(settings.host, settings.port))
        return 0 if server.started and not server.lifespan.should_exit else 1


class Server(uvicorn.Server):
    """Stops on the first signal in good order, with exit code 0, and at once on the second."""

    def __init__(self, config: uvicorn.Config, stopping: Stopping) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            os._exit(128 + sig)  # the store survives that: SQLite's log holds whole commits only
        self.should_exit = True  # uvicorn would raise the signal again once it has stopped

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen; what keeps the application from starting it has told itself."""
        _uvicorn_log.disabled = True  # that would be a traceback, of which no line says what failed
        try:
            await super().startup(sockets)
        finally:
            _uvicorn_log.disabled = False
        _log.info("serving", extra={"fields": {"host": self.config.host, "port": self.config.port}})

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close listeners and sockets; uvicorn then waits for answers under way, and cancels what
        outlasts `stop_seconds`; the application's own end, which saves, comes last.
        """
        _log.info("stopping", extra={"fields": {"sockets": self._stopping.sockets}})
        for server in self.servers:
            server.close()
        await self._stopping.begin(_CLOSING_SECONDS)
        await super().shutdown(sockets)
        _log.info("stopped")


def _collect_rarely() -> None:
    """Look for garbage among all objects 10 times more rarely, and never among those of imports.

    Such a look stops everybody, for 0.4 s where 1,000 sessions are open. Reference counts free
    nearly everything before it.
    """
    gc.collect()
    gc.freeze()
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, old * 10)


def _open_many_files() -> None:
    """Let the process have as many sockets and files open as the system allows it, and not only the
    1,024 that programs get which do not ask: four classes of 300 would be refused.
    """
    if resource is None:
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # where it is called endless, and is not: macOS
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
