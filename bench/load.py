"""Load on one core: replies of 1,000 sessions, the way back after a restart, a soak.

Each returns its line of figures, and raises AssertionError with that line where it misses its target.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from bench.one_core import OneCore

Json = dict[str, Any]
STEP = {"do": "step", "unit": "step", "by": 1}
_FIRST_WAIT, _GROWTH, _LONGEST_WAIT = 0.5, 1.5, 10.0  # in seconds


def replies(sessions: int = 1_000, seconds: float = 60.0) -> str:
    """Let each session step once a second; the 95th percentile of the reply stays < 150 ms."""
    with serving() as server:
        before = server.resident_bytes
        took, late, spent, refused = uvloop.run(_step_all(server, sessions, seconds))
        each = (server.resident_bytes - before) / sessions
    half, most, worst = np.percentile(took, [50, 95, 99]) * 1e3
    figures = f"{sessions:,} sessions, {len(took) / seconds:.0f} replies/s: p50 {half:.0f} ms, p95"
    figures += f" {most:.0f} ms, p99 {worst:.0f} ms; {each / 1e6:.2f} MB a session; server core"
    figures += f" {spent:.0%} busy, clients late by {np.percentile(late, 95) * 1e3:.0f} ms (p95)"
    figures += f"; {refused} refused"
    whole = not refused and len(took) > 0.9 * sessions * seconds
    return told(figures, "p95 < 150 ms", whole and most < 150)


def restart(clients: int = 300) -> str:
    """Kill the server under its clients and start it again; all are back within 10 s."""
    with serving() as server:
        back = sorted(uvloop.run(_restart(server, clients)))
    figures = f"{clients} clients: first back {back[0]:.1f} s after kill -9,"
    figures += f" half {back[len(back) // 2]:.1f} s, last {back[-1]:.1f} s"
    return told(figures, "all within 10 s", back[-1] < 10)


def soak(minutes: float = 30.0, sessions: int = 100) -> str:
    """Step, edit, come and go; memory and open files are flat after the first third."""
    with serving(RETRACE_RESIDENT_SESSIONS="64") as server:
        seen = uvloop.run(_soak(server, minutes * 60, sessions))
    tail = np.array(seen[len(seen) // 3 :])
    slopes = [np.polyfit(tail[:, 0] / 3600, tail[:, k], 1)[0] for k in (1, 2)]
    megabytes, files = (np.median(tail[:, k]) for k in (1, 2))
    figures = f"{minutes:.0f} minutes, {sessions} sessions: {megabytes:.0f} MB,"
    figures += f" {slopes[0]:+.1f} MB an hour; {files:.0f} open files, {slopes[1]:+.1f} an hour"
    # What a slope adds up to over the time looked at, against what is there.
    hours = (tail[-1, 0] - tail[0, 0]) / 3600
    flat = slopes[0] * hours < 0.05 * megabytes and slopes[1] * hours < 5
    return told(figures, "under 5 % more memory and 5 more files", flat)


LONG: dict[str, Callable[[], str]] = {
    "replies": replies,
    "restart": restart,
    "soak": soak,
}


@contextmanager
def serving(**settings: str) -> Iterator[OneCore]:
    with tempfile.TemporaryDirectory() as folder, OneCore(Path(folder), **settings) as server:
        yield server


def told(figures: str, target: str, met: bool) -> str:
    line = f"{figures} (wanted {target})"
    assert met, line
    return line


async def make_sessions(server: OneCore, count: int) -> list[str]:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        return [(await http.post("/api/sessions", json={})).json()["id"] for _ in range(count)]


async def open_live(server: OneCore, session: str) -> ClientConnection:
    """Connect as a page does, and wait for the greeting and the first frame."""
    url = f"ws://{server.address}/api/sessions/{session}/live"
    live = await connect(url, compression=None, max_size=None, proxy=None, ping_interval=None)
    await live.recv()
    await live.recv()
    return live


async def _step_all(
    server: OneCore, count: int, seconds: float
) -> tuple[list[float], list[float], float, int]:
    """Return the seconds of every reply, how late commands were sent, the share of its core that
    the server used, and how many commands were refused.
    """
    sessions = await make_sessions(server, count)
    lives = [await open_live(server, session) for session in sessions]
    took: list[float] = []
    late: list[float] = []
    all_steps: list[Stepping] = []
    begin, cpu = time.monotonic() + 0.5, server.cpu_seconds
    async with asyncio.TaskGroup() as group:
        for k, live in enumerate(lives):
            all_steps.append(steps := Stepping(live, begin + k / count, begin + seconds))
            group.create_task(steps.send(late))
            group.create_task(steps.receive(took))
    spent = (server.cpu_seconds - cpu) / (time.monotonic() - begin)
    return took, late, spent, sum(steps.refused for steps in all_steps)


class Stepping:
    """One session that steps once a second, whether the server keeps up or not."""

    def __init__(self, live: ClientConnection, begin: float, end: float) -> None:
        self._live, self._begin, self._end = live, begin, end
        self._sent: dict[str, float] = {}
        self.refused = 0

    async def send(self, late: list[float]) -> None:
        for k in itertools.count():
            due = self._begin + k
            if due >= self._end:
                break
            await asyncio.sleep(due - time.monotonic())
            self._sent[str(k)] = now = time.monotonic()
            late.append(now - due)
            await self._live.send(json.dumps({**STEP, "id": str(k)}))
        await asyncio.sleep(2)
        await self._live.close()

    async def receive(self, took: list[float]) -> None:
        async for message in self._live:
            if isinstance(message, str):
                now, reply = time.monotonic(), json.loads(message)
                took.append(now - self._sent.pop(reply["id"]))
                self.refused += reply["type"] == "error"


async def _restart(server: OneCore, count: int) -> list[float]:
    """Return how many seconds after the kill each client had its session again."""
    sessions = await make_sessions(server, count)
    lives = [await open_live(server, session) for session in sessions]
    for live in lives:
        await live.send(json.dumps(STEP))
    await asyncio.sleep(1)
    waiting = [
        asyncio.create_task(_come_back(server, *pair)) for pair in zip(sessions, lives, strict=True)
    ]
    killed = time.monotonic()
    server.kill()
    server.start()
    return [moment - killed for moment in await asyncio.gather(*waiting)]


def wait_before(failures: int, chance: float) -> float:
    """Return the seconds before the next try, as static/js/core/patience.js has them."""
    bound = min(_LONGEST_WAIT, _FIRST_WAIT * _GROWTH**failures)
    return bound / 2 * (1 + chance)


async def _come_back(server: OneCore, session: str, live: ClientConnection) -> float:
    """Wait until the connection breaks, try again as the page does, and return when it is back."""
    rng = random.Random(session)
    await live.wait_closed()
    for failures in itertools.count():
        await asyncio.sleep(wait_before(failures, rng.random()))
        try:
            again = await open_live(server, session)
        except (OSError, WebSocketException):
            continue
        moment = time.monotonic()
        await again.close()
        return moment
    raise AssertionError


async def _soak(server: OneCore, seconds: float, count: int) -> list[tuple[float, float, float]]:
    """Return (seconds, megabytes, open files) at intervals, printing them."""
    sessions = await make_sessions(server, count)
    end, seen = time.monotonic() + seconds, []
    users = [asyncio.create_task(_use(server, each, end, k)) for k, each in enumerate(sessions)]
    interval = min(30.0, seconds / 30)
    started = time.monotonic()
    while (now := time.monotonic()) < end - interval:
        await asyncio.sleep(interval)
        seen.append((now - started, server.resident_bytes / 1e6, float(server.open_files)))
        print("after {:.0f} s: {:.1f} MB, {:.0f} open files".format(*seen[-1]), flush=True)
    await asyncio.gather(*users)
    return seen


async def _use(server: OneCore, session: str, end: float, seed: int) -> None:
    """Visit a session again and again: 20 commands, one a second, within its first 300 steps."""
    rng = random.Random(seed)
    await asyncio.sleep(rng.uniform(0, 20))  # or all would come and go together
    while time.monotonic() < end:
        live = await open_live(server, session)
        for _ in range(20):
            await live.send(json.dumps(_something(rng)))
            until = time.monotonic() + 1
            while (left := until - time.monotonic()) > 0:
                try:
                    await asyncio.wait_for(live.recv(), left)
                except TimeoutError:
                    break
        await live.close()
        await asyncio.sleep(rng.uniform(0, 20))


def _something(rng: random.Random) -> Json:
    chance = rng.random()
    if chance < 0.1:
        return {"do": "change", "learning_rate": round(rng.uniform(0.01, 0.1), 3)}
    if chance < 0.2:
        return {"do": "undo"}
    return {"do": "seek", "step": rng.randrange(300)}
