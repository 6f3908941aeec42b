"""A server on one core of its own, and clients for it on the others."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

ROOT = Path(__file__).parents[1]
SERVER_CORE = 0
# A thousand clients come from one address here, and no two of them are people.
ROOMY = {
    "RETRACE_SOCKETS_PER_ADDRESS": "100000",
    "RETRACE_SESSIONS_PER_HOUR": "1000000",
    "RETRACE_RESIDENT_SESSIONS": "2000",
    "RETRACE_LOG_LEVEL": "warning",
}
_PAGE = os.sysconf("SC_PAGE_SIZE")


class OneCore:
    """`python -m app` on SERVER_CORE; who enters moves to the other cores, where there are any."""

    def __init__(self, folder: Path, **settings: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address, self.url = f"127.0.0.1:{port}", f"http://127.0.0.1:{port}"
        place = {"RETRACE_PORT": str(port), "RETRACE_DATA_DIR": str(folder)}
        self._settings = {**ROOMY, **place, "RETRACE_HOST": "127.0.0.1", **settings}

    def __enter__(self) -> Self:
        _raise_open_files()
        self._cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self._cores - {SERVER_CORE} or self._cores)
        self.start()
        self.answers()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        os.sched_setaffinity(0, self._cores)

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "app"], cwd=ROOT, env={**os.environ, **self._settings}
        )
        os.sched_setaffinity(self._process.pid, {SERVER_CORE})

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def answers(self) -> None:
        """Return once the server answers."""
        with httpx.Client(base_url=self.url) as client:
            while True:
                try:
                    client.get("/healthz")
                    return
                except httpx.TransportError:
                    time.sleep(0.02)

    @property
    def resident_bytes(self) -> int:
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * _PAGE

    @property
    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))

    @property
    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _raise_open_files() -> None:
    """Allow as many open files as the system does; the server inherits it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
