"""What explains a step, in CPU time of the server: whole requests in its own process, from the
address to the last byte of an answer squeezed as browsers ask for it, on all its threads.
"""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from app.main import create_app
from app.settings import Settings

WANTED = 20  # ms, within which an answer seems to come at once
ROUNDS = 12
PLAIN = [(b"host", b"localhost")]
HEADERS = [*PLAIN, (b"accept-encoding", b"gzip")]
# Sizes, hidden activation, rows of a batch: what is usual, then what costs the most.
NETS: tuple[tuple[tuple[int, ...], str, int], ...] = (
    ((3, 3, 1), "tanh", 1),
    ((64, 128, 10), "tanh", 1),
    ((64, 128, 10), "tanh", 32),
    ((64, 128, 10), "relu", 1),
    ((64, 128, 10), "relu", 32),
    ((3, 6, 6, 6, 6, 1), "tanh", 1),
    ((3, *(2,) * 9, *(1,) * 7), "tanh", 1),  # 256 paths of 16 layers
    ((3, *(2,) * 8, *(1,) * 8), "tanh", 1),
    ((3, 3, *(2,) * 8, 1), "tanh", 1),
    ((3, 4, 4, 4, 4, 4), "tanh", 1),
    ((3, 4, 1500, 1), "tanh", 1),  # more terms than are told
    ((20, 20, 2), "relu", 64),
    ((20, 20, 3), "tanh", 200),
    ((8, 60, 60, 60, 20, 1), "tanh", 32),
    ((4, 50, 100, 1), "tanh", 256),
    ((3, *(5,) * 15, 1), "tanh", 32),  # whose check sends a million numbers through tanh
)
# What misses it: each pass of the largest batch sends three million numbers through tanh, at 13 ns.
SLOW: tuple[tuple[tuple[int, ...], str, int], ...] = (((4, 50, 100, 1), "tanh", 20_000),)


def main() -> None:
    asyncio.run(_main())


async def _main() -> None:
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(data_dir=Path(folder)))
        async with app.router.lifespan_context(app):
            for net in NETS:
                await _tell(app, *net, rounds=ROUNDS)
            for net in SLOW:
                await _tell(app, *net, rounds=3)
    logging.disable(logging.NOTSET)


async def _tell(app: Any, sizes: tuple[int, ...], hidden: str, rows: int, rounds: int) -> None:
    spec = json.dumps(_spec(sizes, hidden, rows))
    session = json.loads(await _request(app, "POST", "/api/sessions", spec, PLAIN))
    base = f"/api/sessions/{session['id']}/steps/1"
    asked = {
        "chain": f"{base}/chain?parameter=w1.1.1",
        "slice": f"{base}/slice?parameter=w1.1.1",
        "trial": f"{base}/trial?parameter=w1.1.1&value=0.4",
        f"check of {await _checked(app, base)}": f"{base}/check",
    }
    times = [f"{name} {await _cpu(app, path, rounds):.1f}" for name, path in asked.items()]
    size = len(await _request(app, "GET", asked["chain"], headers=PLAIN))
    shape = "-".join(map(str, sizes))
    print(
        f"{shape} {hidden}, batch {rows:,}, {session['parameters']:,} parameters: "
        f"{', '.join(times)} ms of CPU (wanted {WANTED}); the chain has {size:,} bytes"
    )


async def _checked(app: Any, base: str) -> int:
    """Return how many derivatives one answer has."""
    return int(json.loads(await _request(app, "GET", f"{base}/check", headers=PLAIN))["checked"])


def _spec(sizes: tuple[int, ...], hidden: str, rows: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    data = {
        "inputs": rng.normal(size=(rows, sizes[0])),
        "targets": rng.normal(size=(rows, sizes[-1])),
    }
    return {
        "dataset": {name: table.round(3).tolist() for name, table in data.items()},
        "layers": [
            *({"units": units, "activation": hidden} for units in sizes[1:-1]),
            {"units": sizes[-1], "activation": "identity"},
        ],
        "batch_size": rows,
        "learning_rate": 1e-3,
    }


async def _cpu(app: Any, path: str, rounds: int) -> float:
    """Return the least milliseconds of CPU that one request takes."""
    await _request(app, "GET", path)
    spent = []
    for _ in range(rounds):
        started = time.process_time()
        await _request(app, "GET", path)
        spent.append(time.process_time() - started)
    return min(spent) * 1000


async def _request(
    app: Any, method: str, path: str, body: str = "", headers: list[tuple[bytes, bytes]] = HEADERS
) -> bytes:
    """Return the body of the answer, as it would go over the wire."""
    path, _, query = path.partition("?")
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http"}
    scope |= {"method": method, "path": path, "raw_path": path.encode(), "root_path": ""}
    scope |= {"query_string": query.encode(), "headers": headers, "client": ("127.0.0.1", 1)}
    parts, coming = [], [{"type": "http.request", "body": body.encode()}]
    if body:
        scope["headers"] = [*headers, (b"content-type", b"application/json")]

    async def receive() -> dict[str, Any]:
        return coming.pop() if coming else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] not in (200, 201):
            raise RuntimeError(f"{path}: expected an answer, got {message['status']}")
        parts.append(message.get("body", b""))

    await app({**scope, "server": ("localhost", 80)}, receive, send)
    return b"".join(parts)
