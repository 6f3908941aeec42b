"""Carries out a decoded command: the same for HTTP and for the WebSocket."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from app.metrics import Metrics
from app.sessions.asking import Asked
from app.sessions.session import Session
from app.sessions.sessions import Seat
from app.sessions.viewers import Viewer
from app.timeline.edits import parse_change
from app.web.counting import count, failed
from app.wire.commands import Change, Command, Seek, Step, Undo

_MARK_CHARACTERS = 16  # of a hash: 64 bits


def asked_of(identity: str | None, command: Command, viewer: Viewer | None = None) -> Asked:
    """Return who asks for `command`; one that has an id is marked, so that no other is taken for it
    once it is known.
    """
    return Asked(identity, viewer, None if identity is None else _mark(command))


def _mark(command: Command) -> str:
    """Return what tells a command from others, in whatever order its keys came."""
    try:
        text = json.dumps([type(command).__name__, vars(command)], sort_keys=True)
    except RecursionError:  # just not too deep to be read: it will be refused
        text = "too deep"
    return hashlib.sha256(text.encode()).hexdigest()[:_MARK_CHARACTERS]


async def carry_out(
    seat: Seat, command: Command, asked: Asked, patience: float | None, metrics: Metrics
) -> dict[str, Any]:
    """Return the reply of a command that both doors know.

    One that is known is answered and touches nothing. A new one takes the place of a move under
    way; a move pauses the player, an edit does not.
    """
    before = seat.session.changes
    try:
        reply = await seat.session.known(asked) or await _carry_out(seat, command, asked, patience)
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
    _check(session, command)
    if session.wish is not asked:  # else it is tried again: what plays by now came after it
        session.wish = asked
        if isinstance(command, Step | Seek):
            await seat.player.stop("moved")
    match command:
        case Step(unit, by):
            return await session.move(unit, by, patience, asked)
        case Seek(step, phase):
            return await session.seek(step, phase, patience, asked)
        case Change(change):
            return await session.change(change, asked)
        case Undo():
            return await session.undo(asked)
    raise TypeError(f"{command} is not for both doors")


def _check(session: Session, command: Command) -> None:
    """Refuse what cannot be, before anything gives way to it."""
    match command:
        case Seek(step, phase):
            session.timeline.check(step, phase)
        case Change(change):
            parse_change(change, session.cursor.step)
        case Undo() if not session.running:  # else there may soon be something to take back
            session.timeline.check_undo()
