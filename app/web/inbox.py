"""What a socket sent and nobody has worked on yet."""

from __future__ import annotations

import asyncio

from starlette.types import Message

_MOST_BYTES = 1 << 18
_ITSELF = 400  # bytes that a message takes beside its text, about


class Inbox:
    """Messages in their order. Whoever puts one in waits while there are `_MOST_BYTES` of them."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._bytes = 0
        self._room = asyncio.Event()

    async def put(self, message: Message) -> None:
        self._add(message, 1)
        self._messages.put_nowait(message)
        if not self._room.is_set():
            await self._room.wait()

    async def take(self) -> Message:
        message = await self._messages.get()
        self._add(message, -1)
        return message

    def _add(self, message: Message, sign: int) -> None:
        text = message.get("text") or message.get("bytes") or ""
        self._bytes += sign * (_ITSELF + len(text))
        if self._bytes < _MOST_BYTES:
            self._room.set()
        else:
            self._room.clear()
