"""Carries out a decoded command: the same for HTTP and for the WebSocket."""

from __future__ import annotations

from typing import Any

from app.metrics import Metrics
from app.sessions.asking import Asked
from app.sessions.sessions import Seat
from app.web.counting import count, failed
from app.wire.commands import Change, Command, Seek, Step, Undo


async def carry_out(
    seat: Seat, command: Command, asked: Asked, patience: float | None, metrics: Metrics
) -> dict[str, Any]:
    """Return the reply of a command that both doors know.

    A move pauses the player, and gives up the one that is under way; an edit does neither.
    """
    before = seat.session.changes
    try:
        reply = await _carry_out(seat, command, asked, patience)
    except Exception as failure:
        count(metrics, command, failed(failure))
        raise
    # A command that is done is a change of its own; a known id is answered with an older one.
    count(metrics, command, "done" if reply["offset"] > before else "known")
    return reply


async def _carry_out(
    seat: Seat, command: Command, asked: Asked, patience: float | None
) -> dict[str, Any]:
    session = seat.session
    match command:
        case Step(unit, by):
            await seat.player.stop("moved")
            return await session.move(unit, by, patience, asked)
        case Seek(step, phase):
            await seat.player.stop("moved")
            return await session.seek(step, phase, patience, asked)
        case Change(change):
            return await session.change(change, asked)
        case Undo():
            return await session.undo(asked)
    raise TypeError(f"{command} is not for both doors")
