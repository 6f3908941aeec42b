"""A server process as the tests see it: start it, kill it, start it again at the same address."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

ROOT = Path(__file__).parents[2]
# The harness hurries: what protects a public server from such clients is out of its way.
HASTE = {
    "RETRACE_COMMANDS_PER_SECOND": "1000000",
    "RETRACE_COMMAND_BURST": "1000000",
    "RETRACE_FRAMES_PER_SECOND": "1000000",
    "RETRACE_FRAME_BURST": "1000000",
    "RETRACE_SESSIONS_PER_HOUR": "1000000",
    "RETRACE_SOCKETS_PER_ADDRESS": "100000",
    "RETRACE_LOG_LEVEL": "error",
}
_LINE_SECONDS = 60


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Server:
    """One address and one folder; behind them one server process after the other."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port, self.folder = free_port(), folder
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        place = {"RETRACE_PORT": str(self.port), "RETRACE_DATA_DIR": str(folder)}
        self._settings = {**HASTE, **place, **settings}
        self.pid = 0
        self.running = False

    async def __aenter__(self) -> Self:
        self._starter = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.server"),
            cwd=ROOT,
            env={**os.environ, "RETRACE_HOST": "127.0.0.1"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.running:
            self.kill()
            await self.ended()
        assert self._starter.stdin
        self._starter.stdin.close()
        await self._starter.wait()

    async def start(
        self,
        failpoint: tuple[str, int] | None = None,
        read_only: str | None = None,
        **settings: str,
    ) -> None:
        """Start a server; it may die at the n-th time of a failpoint, or find its folder read-only."""
        start = {
            "settings": {**self._settings, **settings},
            "failpoint": failpoint,
            "read_only": read_only,
        }
        assert self._starter.stdin
        self._starter.stdin.write(json.dumps(start).encode() + b"\n")
        self.pid = int(await self._line(_LINE_SECONDS))
        self.running = True

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # its failpoint was quicker
            os.kill(self.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """End it in good order."""
        os.kill(self.pid, signal.SIGTERM)
        assert await self.ended() == 0

    async def ended(self, seconds: float = _LINE_SECONDS) -> int:
        """Return how the process ended, once it has: a signal is negative."""
        code = int(await self._line(seconds))
        self.running = False
        return code

    async def answers(self) -> None:
        """Return once the server answers."""
        async with httpx.AsyncClient() as client, asyncio.timeout(_LINE_SECONDS):
            while True:
                try:
                    await client.get(f"{self.url}/healthz")
                    return
                except httpx.TransportError:
                    await asyncio.sleep(0.01)

    async def _line(self, seconds: float) -> bytes:
        assert self._starter.stdout
        async with asyncio.timeout(seconds):
            line = await self._starter.stdout.readline()
        assert line, "the process that starts servers has ended"
        return line
