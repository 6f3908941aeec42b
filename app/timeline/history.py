"""The loss so far, in a bounded table: steps in buckets with their smallest and largest loss, and
one row for an epoch. Nothing is smoothed: a bucket's two numbers are losses that occurred.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
MAX_ROWS = 2_000
_COUNTS = struct.Struct("<5q")


class History:
    """Fed once for each step, in order. `width` steps a bucket, every `stride`-th epoch a row."""

    def __init__(self, steps_per_epoch: int) -> None:
        self.width, self.stride, self.fed = 1, 1, 0
        self._per_epoch = steps_per_epoch
        self._low: list[float] = []
        self._high: list[float] = []
        self._epochs: list[list[float]] = []  # epoch, sum of loss * rows, rows, held-out loss
        self.loss_sum = 0.0  # of the epoch under way: loss * rows
        self.row_sum = 0.0

    def copy(self) -> History:
        found = History(self._per_epoch)
        found.restore(self.to_bytes())
        return found

    def feed(self, loss: float, rows: int) -> None:
        """Take the loss of the next step; `rows` were in its batch."""
        at = self.fed // self.width
        if at == len(self._low):
            self._low.append(loss)
            self._high.append(loss)
        elif loss < self._low[at]:
            self._low[at] = loss
        elif loss > self._high[at]:
            self._high[at] = loss
        self.loss_sum += loss * rows
        self.row_sum += rows
        self.fed += 1
        if self.fed % self._per_epoch == 0:
            self._close_epoch()
        if len(self._low) >= MAX_ROWS:
            self._merge_buckets()

    def open_epoch(self, epoch: int, test: float | None) -> None:
        """Start the row of `epoch` with the held-out loss at its start."""
        self.loss_sum = self.row_sum = 0.0
        if epoch % self.stride == 0:
            self._epochs.append([epoch, 0.0, 0.0, float("nan") if test is None else test])
        if len(self._epochs) >= MAX_ROWS:
            self.stride *= 2
            self._epochs = [row for row in self._epochs if row[0] % self.stride == 0]

    def wants_epoch(self, epoch: int) -> bool:
        return epoch % self.stride == 0

    def cut(self, step: int, loss_sum: float, row_sum: float) -> None:
        """Forget all from `step` on, a multiple of `width`; the sums are those before `step`."""
        self.fed = step
        del self._low[step // self.width :], self._high[step // self.width :]
        epoch, within = divmod(step, self._per_epoch)
        self._epochs = [row for row in self._epochs if row[0] < epoch + (within > 0)]
        if self._epochs and self._epochs[-1][0] == epoch:  # it is under way again
            self._epochs[-1][1:3] = 0.0, 0.0
        self.loss_sum, self.row_sum = loss_sum, row_sum

    def to_json(self) -> dict[str, Any]:
        return {
            "steps": [k * self.width for k in range(len(self._low))],
            "loss_min": list(self._low),
            "loss_max": list(self._high),
            "epochs": [self._epoch_row(*row) for row in self._epochs],
        }

    def to_bytes(self) -> bytes:
        """Return the table as it is stored: little-endian numbers behind five counts."""
        counts = (self.width, self.stride, self.fed, len(self._low), len(self._epochs))
        rows = np.array(self._epochs, "<f8").reshape(-1, 4).tobytes()
        numbers = np.array([self.loss_sum, self.row_sum, *self._low, *self._high], "<f8")
        return _COUNTS.pack(*counts) + numbers.tobytes() + rows

    def restore(self, stored: bytes) -> None:
        """Take what `to_bytes` gave; ValueError where its counts do not fit."""
        self.width, self.stride, self.fed, buckets, epochs = _COUNTS.unpack_from(stored)
        numbers = np.frombuffer(stored, "<f8", offset=_COUNTS.size).tolist()
        self.loss_sum, self.row_sum, *numbers = numbers
        fits = min(self.width, self.stride) > 0 and buckets == -(-self.fed // self.width)
        if not fits or len(numbers) != 2 * buckets + 4 * epochs:
            raise ValueError("a history's counts do not fit")
        self._low, self._high = numbers[:buckets], numbers[buckets : 2 * buckets]
        rows = numbers[2 * buckets :]
        self._epochs = [rows[4 * k : 4 * k + 4] for k in range(epochs)]

    def _epoch_row(self, epoch: float, total: float, rows: float, test: float) -> dict[str, Any]:
        if not rows:  # the epoch under way
            total, rows = self.loss_sum, self.row_sum
        train = total / rows if rows and math.isfinite(total) else None
        return {"epoch": int(epoch), "train": train, "test": None if np.isnan(test) else test}

    def _close_epoch(self) -> None:
        epoch = self.fed // self._per_epoch - 1
        if self._epochs and self._epochs[-1][0] == epoch:
            self._epochs[-1][1:3] = self.loss_sum, self.row_sum

    def _merge_buckets(self) -> None:
        self._low = [min(self._low[k : k + 2]) for k in range(0, len(self._low), 2)]
        self._high = [max(self._high[k : k + 2]) for k in range(0, len(self._high), 2)]
        self.width *= 2
