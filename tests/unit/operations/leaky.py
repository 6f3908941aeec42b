"""A server made only for tests, which fails where ours does not: `python leaky.py`.

Every failure carries text that came from outside, as a careless one would.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import warnings
from typing import Any

from fastapi import FastAPI, Request, WebSocket

from app import logs, server
from app.main import create_app
from app.settings import Settings, settings_from


def leaky_app(settings: Settings) -> FastAPI:
    app = create_app(settings)

    @app.post("/leak/{key}")
    async def leak(request: Request, key: str) -> None:
        body = (await request.body()).decode()
        warnings.warn(body, RuntimeWarning, stacklevel=1)
        logging.getLogger("retrace").error("a careless line about %s, 7 of %d", body, 9)
        logging.getLogger("foreign").error(f"another about {body}")
        asyncio.get_running_loop().call_exception_handler({"message": body})
        thread = threading.Thread(target=_fail, args=(body,))
        thread.start()
        thread.join()
        app.state.forgotten = asyncio.create_task(_late(body))
        del app.state.forgotten
        try:
            _fail(key)
        except ValueError as failure:
            raise ExceptionGroup(body, [LookupError(body)]) from failure

    @app.websocket("/leak/{key}")
    async def leak_live(socket: WebSocket, key: str) -> None:
        await socket.accept()
        _fail(await socket.receive_text())

    return app


def _fail(said: Any) -> None:
    raise ValueError(said)


async def _late(said: str) -> None:
    raise ValueError(said)


if __name__ == "__main__":
    settings = settings_from()
    logs.configure(settings.log_level, settings.log_format)
    server.create_app = leaky_app
    server.serve(settings)
