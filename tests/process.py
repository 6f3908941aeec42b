"""`python -m app` in a process of its own, for what only a whole process shows: signals and logs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What is set where the tests run, for them or for another server, is not meant for those in them.
SURROUNDINGS = {name: text for name, text in os.environ.items() if not name.startswith("RETRACE_")}


class Process:
    """A server on a free port that keeps its store in a folder; what it writes goes to a file."""

    def __init__(self, folder: Path, *command: str, **settings: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.written = folder.with_name(f"{folder.name}.log")
        given = {"RETRACE_PORT": str(self.port), "RETRACE_DATA_DIR": str(folder), **settings}
        with self.written.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *(command or ("-m", "app"))],
                cwd=ROOT,
                env={**SURROUNDINGS, "RETRACE_HOST": "127.0.0.1", "PYTHONPATH": str(ROOT), **given},
                stdout=log,
                stderr=log,
            )
        self._wait_for_an_answer()

    def _wait_for_an_answer(self) -> None:
        while True:
            assert self.process.poll() is None, self.written.read_text("utf-8")
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=30).close()
                return
            except (urllib.error.URLError, OSError):
                continue

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code; negative where a signal ended the process."""
        self.process.send_signal(by)
        return self.process.wait()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
