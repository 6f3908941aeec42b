"""A server in a process of its own whose log is kept: `python -m app` on a free port."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from app.limits import setting_of
from tests.fuzz.sessions import NO_RATES
from tests.process import SURROUNDINGS

ROOT = Path(__file__).parents[2]
_FINE = ("debug", "info")  # all else that a server logs is a complaint


@contextmanager
def server() -> Iterator[str]:
    """Serve, and give the address; fail in the end where the server complained or fell."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w") as lines:
            port = _free_port()
            process = _started(port, folder, lines.fileno())
            try:
                _wait_for(f"http://localhost:{port}/healthz", process)
                yield f"localhost:{port}"
                assert process.poll() is None, log.read_text()[-5_000:]
            finally:
                process.terminate()
                process.wait(timeout=60)
        found = complaints(log.read_text("utf-8"))
        assert not found, "\n".join(found)[-5_000:]


def complaints(log: str) -> list[str]:
    """Return the lines of a server's log that should not be there, as `app/logs.py` writes them.

    What is no such line came past it, from the interpreter for one: that is a complaint as well.
    """
    return [line for line in log.splitlines() if _level(line) not in _FINE]


def _level(line: str) -> str | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told.get("level") if isinstance(told, dict) else None


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _started(port: int, folder: str, log: int) -> subprocess.Popen[bytes]:
    limits = {setting_of(name): str(value) for name, value in NO_RATES.items()}
    place = {"RETRACE_PORT": str(port), "RETRACE_HOST": "127.0.0.1", "RETRACE_DATA_DIR": folder}
    environment = {**SURROUNDINGS, **limits, **place}
    command = [sys.executable, "-m", "app"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100_000):
        assert process.poll() is None, "the server ended before it answered"
        try:
            httpx.get(url, timeout=5)
            return
        except httpx.TransportError:
            continue
    raise AssertionError("the server never answered")
