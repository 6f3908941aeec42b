"""The frames of all viewers: made once for those who look at the same, and large ones in turn.

A frame of 250,000 parameters is 6 MB, which holds the event loop for some milliseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from weakref import WeakKeyDictionary

from app.limits import Limits
from app.sessions.session import Session
from app.timeline.run import StepRecord
from app.wire.frames import View, encode_frame

_LARGE = 65_536  # bytes to all viewers of a run; what is less goes out at once, and does not count
OF_EACH = 16_384  # bytes that could be sent in the time that any frame takes, however small


class Framing:
    """Makes frames; one an application. `clock` tells seconds."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = limits.frame_bytes_per_second, clock
        self._free_at = clock()
        self._last: WeakKeyDictionary[Session, tuple[StepRecord, View, bytes]] = WeakKeyDictionary()

    def wait(self, session: Session) -> float:
        """Reserve the next turn for a frame of `session`; return how many seconds it is off."""
        network = session.timeline.network
        size = 3 * network.parameter_count * session.shown.parameters.itemsize
        if size * len(session.viewers) < _LARGE:
            return 0.0
        now = self._clock()
        at = max(now, self._free_at)
        self._free_at = at + (size + OF_EACH) / self._rate
        return at - now

    def frame(self, session: Session, example: int) -> bytes:
        """Return the newest frame, the same one to all who look at the same example."""
        record, view = session.shown, _view(session, example)
        made = self._last.get(session)
        if made and made[0] is record and made[1] == view:
            return made[2]
        frame = encode_frame(record, session.timeline.dataset, view)
        if len(session.viewers) > 1:
            self._last[session] = (record, view, frame)
        return frame


def _view(session: Session, example: int) -> View:
    extent = session.extent
    return View(
        session.revision,
        session.cursor,
        example,
        extent.furthest,
        session.playing is not None,
        extent.last_step == session.cursor.step,
    )
