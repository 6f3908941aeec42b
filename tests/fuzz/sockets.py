"""Generated messages to real sessions: each is answered, and no socket falls.

A socket sends a batch and reads until there are as many answers as messages. A batch ends with a
move, so that what plays pauses, and what is still computed towards is replaced, and answered so.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
from hypothesis import given, settings
from starlette.testclient import WebSocketTestSession
from websockets.sync.client import connect

from tests.described import misfits
from tests.fuzz.messages import MESSAGES, Message
from tests.fuzz.openapi import RUN
from tests.fuzz.server import server
from tests.fuzz.sessions import SPECS, application, make_session

BATCH = 50
PATIENCE = 60  # seconds after which a message counts as not answered
TYPES = {"hello", "reply", "error", "change", "playing", "progress"}


@dataclass
class Figures:
    """How many messages were answered by a reply, and by an error of which code."""

    sent: int = 0
    replies: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    frames: int = 0

    @property
    def line(self) -> str:
        return (
            f"{self.sent:,} messages: {self.replies:,} done, {self.errors.total():,} refused with"
            f" {len(self.errors)} codes; {self.frames:,} frames came"
        )


class Talk:
    """One socket of one session. `receive` gives the next message, text or bytes."""

    def __init__(
        self,
        send: Callable[[Message], None],
        receive: Callable[[], Message],
        document: dict[str, Any],
        figures: Figures,
    ) -> None:
        self._send, self._receive = send, receive
        self._document, self.figures = document, figures
        self._waiting = self._batches = 0

    def say(self, messages: Iterable[Message]) -> None:
        """Send a batch, and read until everything in it is answered."""
        for message in messages:
            self._send(message)
            self._waiting += 1
            self.figures.sent += 1
        self._batches += 1
        self._send(json.dumps({"do": "seek", "step": 0, "id": f"end of batch {self._batches}"}))
        self._waiting += 1
        while self._waiting:
            self._take(self._receive())

    def _take(self, message: Message) -> None:
        if isinstance(message, bytes):
            assert message[:4] == b"RTRC"
            self.figures.frames += 1
            return
        said = json.loads(message, parse_constant=_never)
        assert said["type"] in TYPES
        if said["type"] == "reply":
            self._reply(said)
        elif said["type"] == "error":
            self._error(said)

    def _reply(self, said: dict[str, Any]) -> None:
        reply = {key: value for key, value in said.items() if key != "type"}
        assert misfits(self._document, "Reply", reply) == []
        self._waiting -= 1
        self.figures.replies += 1

    def _error(self, said: dict[str, Any]) -> None:
        error = {"error": said["error"]}
        assert "id" in said
        assert misfits(self._document, "Error", error) == [], error
        assert said["error"]["code"] != "internal", said
        self._waiting -= 1
        self.figures.errors[said["error"]["code"]] += 1


def _never(name: str) -> Any:
    raise AssertionError(f"{name} is no JSON")


def run(count: int) -> Figures:
    """Send so many messages, a tenth of them to an application in this process."""
    messages, figures = drawn_messages(count), Figures()
    _to_a_server([message for k, message in enumerate(messages) if k % 10], figures)
    _in_process(messages[::10], figures)
    return figures


def drawn_messages(count: int) -> list[Message]:
    """Return so many messages, the same ones every time."""
    drawn: list[Message] = []

    @settings(RUN, max_examples=count)
    @given(message=MESSAGES)
    def draw(message: Message) -> None:
        drawn.append(message)

    draw()
    assert len(drawn) == count
    return drawn


def _talk(talks: list[Talk], messages: list[Message]) -> None:
    """Let the talks take turns, batch by batch."""
    for turn, start in enumerate(range(0, len(messages), BATCH)):
        talks[turn % len(talks)].say(messages[start : start + BATCH])


def _in_process(messages: list[Message], figures: Figures) -> None:
    with application() as client, ExitStack() as open_sockets:
        document, talks = client.get("/openapi.json").json(), []
        for spec in SPECS.values():
            url = f"/api/sessions/{make_session(client, spec)}/live"
            socket = open_sockets.enter_context(client.websocket_connect(url))
            talks.append(Talk(partial(_send, socket), partial(_receive, socket), document, figures))
        _talk(talks, messages)


def _send(socket: WebSocketTestSession, message: Message) -> None:
    if isinstance(message, bytes):
        socket.send_bytes(message)
    else:
        socket.send_text(message)


def _receive(socket: WebSocketTestSession) -> Message:
    message = socket.receive()
    assert message["type"] == "websocket.send", message
    found: Message = message.get("text") or message["bytes"]
    return found


def _to_a_server(messages: list[Message], figures: Figures) -> None:
    with (
        server() as host,
        httpx.Client(base_url=f"http://{host}") as client,
        ExitStack() as sockets,
    ):
        document, talks = client.get("/openapi.json").json(), []
        for spec in SPECS.values():
            url = f"ws://{host}/api/sessions/{make_session(client, spec)}/live"
            socket = sockets.enter_context(connect(url, max_size=None))
            receive = partial(socket.recv, timeout=PATIENCE)
            talks.append(Talk(socket.send, receive, document, figures))
        _talk(talks, messages)
        assert client.get("/healthz").json() == {"status": "ok"}
