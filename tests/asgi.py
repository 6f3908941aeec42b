"""Asks an application with headers as raw as an attacker's: doubled, missing, not even text."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

Headers = list[tuple[bytes, bytes]]


@dataclass
class Answer:
    """What came back; of a socket that was accepted, `status` is 101, `closed` the code."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    closed: int | None = None

    @property
    def error(self) -> dict[str, Any]:
        return dict(json.loads(self.body)["error"])


def ask(app: Any, method: str, path: str, headers: Headers, can_answer: bool = True) -> Answer:
    """Ask one thing; the method WS is a socket's handshake, which most servers can answer."""
    return asyncio.run(_ask(app, _scope(method, path, headers, can_answer)))


def _scope(method: str, path: str, headers: Headers, can_answer: bool) -> dict[str, Any]:
    kind = "websocket" if method == "WS" else "http"
    scope = {"type": kind, "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1"}
    scope |= {"path": path, "raw_path": path.encode(), "query_string": b"", "root_path": ""}
    scope |= {"headers": headers, "client": ("203.0.113.7", 5000), "server": ("localhost", 80)}
    if kind == "http":
        return {**scope, "method": method, "scheme": "http"}
    answering: dict[str, Any] = {"websocket.http.response": {}} if can_answer else {}
    return {**scope, "scheme": "ws", "subprotocols": [], "extensions": answering}


async def _ask(app: Any, scope: dict[str, Any]) -> Answer:
    answer = Answer()
    coming = [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}]
    if scope["type"] == "websocket":
        coming = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1006}]

    async def receive() -> dict[str, Any]:
        return coming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        kind = message["type"].removeprefix("websocket.")
        if kind == "http.response.start":
            pairs = message["headers"]
            answer.status = message["status"]
            answer.headers = {name.decode().lower(): value.decode() for name, value in pairs}
            assert len(answer.headers) == len(pairs), "a header came twice"
        elif kind == "http.response.body":
            answer.body += message.get("body", b"")
        elif kind == "accept":
            answer.status = 101
        elif kind == "close":
            answer.closed = message.get("code")

    await app(scope, receive, send)
    return answer


async def sockets_at_once(app: Any, path: str, query: bytes, count: int) -> list[int | None]:
    """Open so many sockets at the same moment; return the code with which each was closed, None
    for those that were greeted. Those stay until all are known.
    """
    scope = {**_scope("WS", path, [(b"host", b"localhost")], True), "query_string": query}
    known, settled = asyncio.Semaphore(0), asyncio.Event()

    async def one() -> int | None:
        coming = [{"type": "websocket.connect"}]
        closed: list[int | None] = []

        async def receive() -> dict[str, Any]:
            if coming:
                return coming.pop()
            await settled.wait()
            return {"type": "websocket.disconnect", "code": 1000}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] != "websocket.accept" and not closed:
                closed.append(message.get("code"))
                known.release()

        await app(scope, receive, send)
        return closed[0]

    sockets = [asyncio.create_task(one()) for _ in range(count)]
    for _ in sockets:
        await known.acquire()
    settled.set()
    return list(await asyncio.gather(*sockets))
