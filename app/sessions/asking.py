"""Who asked for a command: its id, and the viewer that is owed the reply."""

from __future__ import annotations

from dataclasses import dataclass

from app.sessions.viewers import Viewer


@dataclass(frozen=True)
class Asked:
    """`id` is the client's own for this command; over HTTP there is no viewer."""

    id: str | None = None
    viewer: Viewer | None = None
