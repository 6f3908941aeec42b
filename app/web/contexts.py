"""What each template may use: one documented value a page."""

from __future__ import annotations

from dataclasses import dataclass

from app.worksheet.sheet import Sheet


@dataclass(frozen=True)
class MainPage:
    """`session_id` is empty on the start page, where the browser makes a session of its own.

    `last_step` is the last one that a run may have here.
    """

    session_id: str
    last_step: int


@dataclass(frozen=True)
class ChartsPage:
    """The page in the charts' frame; `plotly_url` names the library with its version.

    `charts` are the names and headings of those that the frame holds.
    """

    plotly_url: str
    charts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ErrorPage:
    """`status` is the HTTP status, `message` what happened, in a person's words; `session_id` is
    the key of the run that the address names, if it may be there.
    """

    status: int
    message: str
    session_id: str = ""


@dataclass(frozen=True)
class Link:
    """A link by its words and where it leads."""

    text: str
    href: str


@dataclass(frozen=True)
class WorksheetPage:
    """One step on paper. `sheet` is None where there is none, and `problem` then says why.

    `links` lead to the sheet's neighbours: blank or filled in, another step, another example.
    `anew` says that its digits may not be those first shown; empty where they are.
    """

    session_id: str
    sheet: Sheet | None
    problem: str
    links: tuple[Link, ...]
    anew: str = ""
