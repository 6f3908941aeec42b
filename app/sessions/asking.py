"""Who asked for a command: its id, and the viewer that is owed the reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.refusal import Refused
from app.sessions.viewers import Viewer

Body = dict[str, Any]
_MARK = "command"  # the key of a mark in a reply as it is stored


@dataclass(frozen=True)
class Asked:
    """`id` is the client's own for this command, `mark` tells the command from others; over HTTP
    there is no viewer.
    """

    id: str | None = None
    viewer: Viewer | None = None
    mark: str | None = None

    def kept(self, reply: Body) -> Body:
        """Return a reply as it is stored: with the mark of its command."""
        return reply if self.mark is None else {**reply, _MARK: self.mark}

    def answer(self, kept: Body) -> Body:
        """Return the reply stored for this id; Refused `id_taken` if to another command."""
        mark = kept.get(_MARK)
        if None not in (mark, self.mark) and mark != self.mark:
            expected = "an id of its own: a command that was another one had this one"
            raise Refused("id_taken", "id", self.id, expected)
        return told(kept)


def told(kept: Body) -> Body:
    """Return a stored reply as it was told."""
    return {key: value for key, value in kept.items() if key != _MARK}
