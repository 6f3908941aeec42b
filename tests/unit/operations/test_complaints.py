"""What a server complains of in its log is found there, whoever said it; see tests/fuzz/server.py."""

from __future__ import annotations

import logging

import pytest

from app.logs import Json
from tests.fuzz.server import complaints

FINE = [
    ("retrace", logging.INFO, "serving"),
    ("retrace", logging.INFO, "a word about Traceback, Warning: and ERROR"),
    ("retrace", logging.DEBUG, "request"),
]
COMPLAINTS = [
    ("retrace", logging.ERROR, "the player failed"),
    ("retrace", logging.ERROR, "the writer failed"),
    ("retrace", logging.ERROR, "an exception that nothing handled"),
    ("retrace", logging.ERROR, "a session could not be saved"),
    ("retrace", logging.WARNING, "a warning"),
    ("asyncio", logging.ERROR, "Task exception was never retrieved"),
    ("uvicorn.error", logging.WARNING, "Invalid HTTP request received."),
    ("uvicorn.error", logging.CRITICAL, "Cannot run"),
]
# What the interpreter writes itself, and what cannot be of `app/logs.py`.
FOREIGN = ["Fatal Python error: Segmentation fault", '"error"', "12", "", '{"event": "no level"}']


def _line(name: str, level: int, text: str) -> str:
    failure = LookupError() if level >= logging.ERROR else None
    info = (LookupError, failure, None) if failure else None
    return Json().format(logging.LogRecord(name, level, __file__, 7, text, (), info))


@pytest.mark.parametrize("told", [*COMPLAINTS, *FOREIGN], ids=str)
def test_a_complaint_is_found_among_what_is_fine(told: tuple[str, int, str] | str) -> None:
    fine = [_line(*each) for each in FINE]
    wrong = told if isinstance(told, str) else _line(*told)
    assert complaints("\n".join([*fine, wrong, *fine])) == [wrong]


def test_what_is_fine_is_no_complaint() -> None:
    assert complaints("".join(f"{_line(*told)}\n" for told in FINE)) == []
