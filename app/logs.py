"""Structured logs: one JSON object a line on stderr, in which nothing that anybody sent can stand.

What is written of a record is decided here, in one place, so that a careless call cannot leak. An
event is the template of the message, in which only numbers are filled in; what else a caller wants
said goes into `fields`, and is words of our own. Of an exception its type and the places it went
through are told, never its message, which may quote what came in. Messages of libraries whose
wording we do not know are left out: where they were said is told instead.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("json", "text")
LOGGER = "retrace"
LEFT_OUT = "…"
_TRUSTED = (LOGGER, "uvicorn")  # whose templates are known to hold no values
_MOST_PLACES = 30  # of one exception: those nearest to where it was raised
_ROOT = f"{Path(__file__).parents[1]}{os.sep}"
_PACKAGES = f"site-packages{os.sep}"
_log = logging.getLogger(LOGGER)


def configure(level: str, form: str) -> None:
    """Send all logs and warnings of this process to stderr, from `level` on, as json or text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Text() if form == "text" else Json())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Its lines at level info say what ours say better, and that with addresses in them.
    quiet = logging.DEBUG if level == "debug" else max(logging.WARNING, root.level)
    logging.getLogger("uvicorn.error").setLevel(quiet)
    warnings.showwarning = _warned
    sys.excepthook = _crashed
    sys.unraisablehook = lambda found: _unhandled(found.exc_value)
    threading.excepthook = lambda found: _unhandled(found.exc_value)


def entry(record: logging.LogRecord) -> dict[str, Any]:
    """Return what may be told of a record: time (UTC), level, logger, event, and its fields."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    found = {
        "time": f"{stamp}.{int(record.msecs):03d}Z",
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": event_of(record),
        **getattr(record, "fields", {}),
    }
    if record.name.split(".")[0] not in _TRUSTED:
        found["at"] = _place(record.pathname, record.lineno)
    failure = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    if failure is not None:
        found["exceptions"] = [_told(one) for one in _chain(failure)]
    return found


def event_of(record: logging.LogRecord) -> str:
    """Return the message without what came from outside: numbers stay, all else is left out."""
    if record.name.split(".")[0] not in _TRUSTED:
        return f"a message of {record.name}"
    if isinstance(record.msg, BaseException):
        return _summary(record.msg)
    given = record.args if isinstance(record.args, tuple) else ()
    numbers = tuple(a if isinstance(a, (int, float)) else LEFT_OUT for a in given)
    try:
        text = str(record.msg % numbers if numbers else record.msg)
    except (TypeError, ValueError):  # a template for something else: better bare than wrong
        text = str(record.msg)
    return text.strip().partition("\n")[0]  # uvicorn hands on whole tracebacks as a message


class Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(entry(record), ensure_ascii=False, default=lambda _: LEFT_OUT)


class Text(logging.Formatter):
    """The same for a person at a terminal: the clock, the event, fields as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        found = entry(record)
        clock, level = found.pop("time")[11:19], found.pop("level")
        del found["logger"]
        event, exceptions = found.pop("event"), found.pop("exceptions", [])
        fields = "".join(f" {name}={value}" for name, value in found.items())
        places = [f"\n  {e['type']} at {', '.join(e['at'])}" for e in exceptions]
        return f"{clock} {level:7} {event}{fields}{''.join(places)}"


def _told(failure: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(failure.__traceback__)[-_MOST_PLACES:]
    places = [_place(frame.filename, frame.lineno or 0) for frame in frames]
    return {"type": type(failure).__name__, "at": places}


def _chain(failure: BaseException) -> list[BaseException]:
    """Return an exception and those that led to it or that it holds, each once."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [failure]
    while waiting and len(found) < _MOST_PLACES:
        one = waiting.pop()
        if one is None or any(one is known for known in found):
            continue
        found.append(one)
        waiting += [one.__cause__, None if one.__suppress_context__ else one.__context__]
        waiting += getattr(one, "exceptions", ())
    return found


def _summary(failure: BaseException) -> str:
    """Return the type, and of a failure of the system its reason, which is the system's word."""
    if isinstance(failure, OSError) and failure.errno:
        return f"{type(failure).__name__}: {os.strerror(failure.errno)} ({failure.errno})"
    return type(failure).__name__


def _place(path: str, line: int) -> str:
    """Return file:line, the file as its project or package calls it."""
    return f"{path.rpartition(_PACKAGES)[2].removeprefix(_ROOT)}:{line}"


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    fields = {"category": category.__name__, "at": _place(filename, lineno)}
    _log.warning("a warning", extra={"fields": fields})


def _crashed(kind: type[BaseException], failure: BaseException, _: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _unhandled(failure)


def _unhandled(failure: BaseException | None) -> None:
    known = failure if failure is not None else RuntimeError()
    _log.error("an exception that nothing handled", exc_info=known)
