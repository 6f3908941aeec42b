"""Which rows a step trains on: a pure function of (training rows, batch size, seed, step)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_ORDER_STREAM = 2  # keeps the batch order's random numbers apart from split and weights


class Batches:
    """The order of rows, epoch by epoch; the last order asked for is kept."""

    def __init__(self, training_rows: Array, batch_size: int, shuffle: bool, seed: int) -> None:
        self._rows, self._shuffle, self._seed = training_rows, shuffle, seed
        self.batch_size = min(batch_size, len(training_rows))
        self.steps_per_epoch = math.ceil(len(training_rows) / self.batch_size)
        self._kept: tuple[int, Array] | None = None

    def order(self, epoch: int) -> Array:
        """Return the training rows in the order of `epoch`, read-only."""
        if not self._shuffle or len(self._rows) == 1:
            return self._rows
        if self._kept is None or self._kept[0] != epoch:
            rng = np.random.default_rng((self._seed, _ORDER_STREAM, epoch))
            rows = rng.permutation(self._rows)
            rows.setflags(write=False)
            self._kept = (epoch, rows)
        return self._kept[1]

    def rows_of(self, step: int) -> Array:
        """Return the data set's rows in the batch of `step`; an epoch's last may be short."""
        epoch, within = divmod(step, self.steps_per_epoch)
        return self.order(epoch)[within * self.batch_size : (within + 1) * self.batch_size]
