"""What each template may use: one documented value a page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MainPage:
    """`session_id` is empty on the start page, where the browser makes a session of its own."""

    session_id: str


@dataclass(frozen=True)
class ChartsPage:
    """The page in the charts' frame; `plotly_url` names the library with its version."""

    plotly_url: str


@dataclass(frozen=True)
class ErrorPage:
    """`status` is the HTTP status, `message` what happened, in a person's words."""

    status: int
    message: str
