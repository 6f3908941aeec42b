"""A process of its own on one kind of machine: open a run in a store, move, and say what was seen.

`python visit.py FOLDER KEY STEP [killed] [read]`: KEY is `new` for a new run; one that is killed
stores no checkpoints at its end; one that reads looks at STEP and moves nothing. Prints JSON.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

from app.limits import Limits
from app.sessions.asking import Asked
from app.sessions.schema import FILE
from app.sessions.sessions import Sessions

SPEC = {
    "layers": [{"units": 16}, {"units": 5, "activation": "sigmoid"}, {"units": 1}],
    "batch_size": 32,
    "learning_rate": 0.05,
}
STRIDE = 400  # steps between two that are looked at


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def stored_states(folder: Path) -> dict[str, str]:
    with sqlite3.connect(folder / FILE) as db:
        rows = db.execute("SELECT step, state FROM checkpoint ORDER BY step").fetchall()
    return {str(step): digest(state) for step, state in rows}


async def visit(folder: Path, key: str, step: int) -> dict[str, Any]:
    sessions = Sessions(folder, Limits())
    if key == "new":
        key = (await sessions.create(SPEC)).id
    async with sessions.use(key) as access:
        session = access.session
        before = session.timeline.furthest
        at_start = digest(session.shown.parameters.tobytes())
        if "read" in sys.argv[4:]:
            await access.record(step, 60)
        else:
            await session.seek(step, 0, None, Asked())
        seen = {}
        for t in range(0, session.timeline.furthest + 1, STRIDE):
            record = await access.record(t, 60)
            found = digest(record.parameters.tobytes(), record.gradient.tobytes())
            seen[str(t)] = [found, record.exact]
        machine, others = session.timeline.machine, session.timeline.other_machines()
    if "killed" not in sys.argv[4:]:
        await sessions.close()
    return {
        "key": key,
        "machine": machine,
        "others": others,
        "furthest_before": before,
        "at_start": at_start,
        "seen": seen,
        "states": stored_states(folder),
    }


if __name__ == "__main__":
    print(
        json.dumps(asyncio.run(visit(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))), flush=True
    )
    os._exit(0)
