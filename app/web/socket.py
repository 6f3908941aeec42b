"""The WebSocket of one viewer: commands come in, replies and the newest frame go out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from app.json_text import read_json
from app.limits import Limits, setting_of
from app.refusal import Refused
from app.sessions.asking import Asked
from app.sessions.rate import Allowance
from app.sessions.reaching import Busy, Cancelled
from app.sessions.sessions import Access, Sessions
from app.sessions.store import Damaged
from app.sessions.viewers import Viewer
from app.web.carry_out import asked_of, carry_out
from app.web.errors import error_of, log
from app.web.framing import Framing
from app.web.quotas import Quotas, address_of
from app.wire.commands import (
    MOST_ID,
    Cancel,
    Command,
    Pause,
    Play,
    Show,
    read_command,
)

router = APIRouter()
_END = "websocket.disconnect"
_FRAME_SECONDS = 1 / 60
_PATIENCE = 0.25
_OPENING_SECONDS = 1.0  # until a viewer is told that the run is still on its way
NO_SUCH_SESSION, TOO_SLOW, DAMAGED, TOO_MANY = 4404, 4408, 4410, 4429


@router.websocket("/api/sessions/{session_id}/live")
async def live(socket: WebSocket, session_id: str, since: str = "") -> None:
    """Serve one viewer until the socket closes; `since` is the last offset that it has seen."""
    sessions: Sessions = socket.app.state.sessions
    quotas: Quotas = socket.app.state.quotas
    with quotas.socket(address_of(socket.scope), await sessions.writes(session_id)):
        await socket.accept()
        await _serve(socket, sessions, session_id, int(since) if _is_offset(since) else None)


async def _serve(socket: WebSocket, sessions: Sessions, session_id: str, since: int | None) -> None:
    try:
        async with _use(socket, sessions, session_id) as access:
            await Connection(socket, access).serve(since)
    except Refused as refusal:
        if refusal.code != "unknown_session":
            raise
        await socket.close(NO_SUCH_SESSION, "unknown session")
    except Damaged:
        await socket.close(DAMAGED, "damaged")
    except WebSocketDisconnect:
        pass  # it did not wait until the run was there


@asynccontextmanager
async def _use(socket: WebSocket, sessions: Sessions, key: str) -> AsyncIterator[Access]:
    """Hold a session; while what it shows is still being computed, tell how far that has come."""
    async with AsyncExitStack() as held:
        while True:
            try:
                access = await held.enter_async_context(sessions.use(key, _OPENING_SECONDS))
                break
            except Busy as busy:
                progress = {"type": "progress", "step": busy.step, "target": busy.target}
                await socket.send_json({**progress, "done": False})
        yield access


def _is_offset(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16


class Connection:
    """One socket and its viewer. Whoever ends first, reading or writing, ends both."""

    def __init__(self, socket: WebSocket, access: Access) -> None:
        self._socket, self._access = socket, access
        self._seat, self._session = access.seat, access.session
        self._metrics = socket.app.state.metrics
        self._framing: Framing = socket.app.state.framing
        self._limits: Limits = socket.app.state.sessions.limits
        self._viewer = Viewer(self._limits.messages_waiting, access.may_write)
        self._own = Allowance(self._limits, "a socket")
        self._hello = ""  # what is told first, as text: a spec may take megabytes
        self._moves: set[asyncio.Task[None]] = set()

    async def serve(self, since: int | None) -> None:
        """Tell what the viewer needs to know, then read and write until one of the two ends."""
        session = self._session
        missed = None if since is None else await session.changes_since(since)
        if self._is_one_too_many():  # nothing is awaited from here until it is one of them
            await self._turn_away()
            return
        self._greet(missed)
        session.viewers.add(self._viewer)
        tasks = [asyncio.create_task(each) for each in (self._read(), self._write())]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()  # a failure of ours is logged, and the viewer told
        finally:
            # A task of its own: also where this one is cancelled, nothing plays on for nobody.
            await asyncio.shield(asyncio.create_task(self._leave(tasks)))

    def _is_one_too_many(self) -> bool:
        """Tell whether as many of its kind are there: those who read keep out none who work."""
        kind, viewers = self._viewer.may_write, self._session.viewers
        same = sum(viewer.may_write == kind for viewer in viewers)
        return same >= self._limits.sockets_per_session

    async def _turn_away(self) -> None:
        self._metrics.refused("too_many_sockets")
        most, setting = self._limits.sockets_per_session, setting_of("sockets_per_session")
        await self._socket.close(TOO_MANY, f"at most {most:,} for a session ({setting})")

    async def _leave(self, tasks: list[asyncio.Task[None]]) -> None:
        session = self._session
        session.viewers.discard(self._viewer)
        for task in tasks:
            task.cancel()
        if session.wish and session.wish.viewer is self._viewer:
            session.wish = None  # a far move ends with its patience: nobody waits for it
        await asyncio.wait([*tasks, *self._moves])
        if not session.viewers:
            await self._seat.player.stop("nobody watches")

    def _greet(self, missed: list[dict[str, Any]] | None) -> None:
        """Begin with what the viewer missed, or with the session as it stands."""
        session, playing = self._session, self._session.playing
        if missed is None:
            state = session.to_text(self._access.may_write)
            self._hello = f'{{"type":"hello","session":{state},"playing":{json.dumps(playing)}}}'
            return
        now = {"cursor": session.cursor.to_json(), "offset": session.changes, **session.machines()}
        self._viewer.tell({"type": "resumed", "changes": missed, **now, "playing": playing})

    async def _read(self) -> None:
        """Do what comes, one after the other, to the end."""
        while (message := await self._socket.receive())["type"] != _END:
            await self._receive(message)
            await asyncio.sleep(0)  # thousands may wait in a row, and others with them

    async def _receive(self, message: Any) -> None:
        identity = None
        try:
            given = self._decoded(message)
            identity = _id_of(given)
            self._allowance_of(given).spend()
            _, command = read_command(given)
            if not isinstance(command, Show):
                self._access.writing()
            await self._do(command, identity)
        except Exception as failure:
            self._refuse(identity, failure)

    def _decoded(self, message: Any) -> Any:
        """Return the JSON of a message; one that is none counts as well."""
        try:
            return read_json(_text(message), "message")
        except Refused:
            self._own.spend()
            raise

    def _allowance_of(self, given: Any) -> Allowance:
        """Return the run's allowance for what may change it, else this socket's own: whoever only
        reads takes nothing from those who work.
        """
        shows = isinstance(given, dict) and given.get("do") == "show"
        return self._seat.commands if self._access.may_write and not shows else self._own

    async def _do(self, command: Command, identity: str | None) -> None:
        player, session = self._seat.player, self._session
        match command:
            case Show(example):
                self._show(example)
            case Play(unit, per_second):
                await player.play(unit, per_second)
            case Pause():
                await player.pause()
            case Cancel():
                session.cancel()
            case _:
                await self._move_or_edit(command, identity)
                return
        self._viewer.tell({"type": "reply", "id": identity, "cursor": session.cursor.to_json()})

    async def _move_or_edit(self, command: Command, identity: str | None) -> None:
        """Wait a moment for the reply; what takes longer goes on while other commands come in."""
        asked = asked_of(identity, command, self._viewer)
        try:
            await carry_out(self._seat, command, asked, _PATIENCE, self._metrics)
        except Busy:
            task = asyncio.create_task(self._wait_for(command, asked))
            self._moves.add(task)
            task.add_done_callback(self._moves.discard)

    async def _wait_for(self, command: Command, asked: Asked) -> None:
        try:
            while self._session.wish is asked:
                with contextlib.suppress(Busy):
                    await carry_out(self._seat, command, asked, _PATIENCE, self._metrics)
                    return
            if self._session.wish is None:  # given up before this was looked at once more
                self._session.cancel()
            raise Cancelled
        except Exception as failure:
            self._refuse(asked.id, failure)

    def _show(self, example: int) -> None:
        rows = len(self._session.shown.rows)
        if example >= rows:
            raise Refused("out_of_range", "example", example, f"a position from 0 to {rows - 1}")
        self._viewer.example = example
        self._viewer.refresh()

    def _refuse(self, identity: str | None, failure: Exception) -> None:
        error = error_of(failure)
        self._metrics.refused(error["code"])
        if error["code"] == "internal":
            log.error("unexpected failure on a socket", exc_info=failure)
        self._viewer.tell({"type": "error", "id": identity, "error": error})

    async def _write(self) -> None:
        """Send what waits, and the newest frame at most 60 times a second."""
        viewer = self._viewer
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while not viewer.too_slow:
                await viewer.wait()
                if await self._send_messages():
                    await self._send_frame()
            setting = setting_of("messages_waiting")
            await self._socket.close(TOO_SLOW, f"too many messages were waiting ({setting})")

    async def _send_messages(self) -> bool:
        """Send what waits; return whether a frame is due."""
        if self._hello:
            text, self._hello = self._hello, ""
            await self._socket.send_text(text)
        messages, stale = self._viewer.take()
        for message in messages:
            await self._socket.send_text(json.dumps(message, allow_nan=False))
        return stale

    async def _send_frame(self) -> None:
        """Send the newest frame once it is its turn; until then messages go out as ever."""
        viewer, turn = self._viewer, time.monotonic() + self._framing.wait(self._session)
        while (left := turn - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await viewer.wait()
            viewer.dropped += await self._send_messages()
        sent = time.monotonic()
        await self._socket.send_bytes(self._framing.frame(self._session, viewer.example))
        self._metrics.frame_sent()
        self._metrics.frame_dropped(viewer.dropped)
        viewer.dropped = 0
        await asyncio.sleep(max(0.0, sent + _FRAME_SECONDS - time.monotonic()))


def _id_of(given: Any) -> str | None:
    """Return the id of a message, whatever else is wrong with it: a refusal carries it."""
    found = given.get("id") if isinstance(given, dict) else None
    return found if isinstance(found, str) and len(found) <= MOST_ID else None


def _text(message: Any) -> str:
    text = message.get("text")
    if text is None:
        size = len(message.get("bytes") or b"")
        raise Refused(
            "invalid", "message", f"{size} bytes", "a text message with a command in JSON"
        )
    return str(text)
