"""A frame: one step as the engine's vectors lie, behind a header. docs/protocol.md has it all.

All numbers are little-endian. The header is 64 bytes, a multiple of 8, so that a Float64Array can
lie on what follows without a copy.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.data.datasets import Dataset
from app.timeline.phases import Cursor
from app.timeline.run import StepRecord

MAGIC, VERSION = b"RTRC", 1
HEADER = struct.Struct("<4sHHIIHBBIIIIIddd")
PLAYING, LAST_FINITE, ANEW = 1, 2, 4


@dataclass(frozen=True)
class View:
    """Where one viewer stands in one session, beside the numbers of the step."""

    revision: int
    cursor: Cursor
    example: int
    furthest: int
    playing: bool = False
    last_finite: bool = False


def encode_frame(record: StepRecord, dataset: Dataset, view: View) -> bytes:
    """Return the frame of `record` for one example; the example is clamped to the batch."""
    example = min(view.example, len(record.rows) - 1)
    row = int(record.rows[example])
    flags = PLAYING * view.playing | LAST_FINITE * view.last_finite | ANEW * (not record.exact)
    dtype = record.parameters.dtype.newbyteorder("<")
    header = HEADER.pack(
        MAGIC,
        VERSION,
        HEADER.size,
        view.revision,
        record.step,
        view.cursor.phase,
        dtype.itemsize,
        flags,
        example,
        len(record.rows),
        row,
        record.epoch,
        view.furthest,
        record.learning_rate,
        record.loss,
        math.nan if record.test_loss is None else record.test_loss,
    )
    body = (np.ascontiguousarray(part, dtype).data for part in _body(record, dataset, example, row))
    return b"".join((header, *body))


def _body(record: StepRecord, dataset: Dataset, example: int, row: int) -> list[NDArray[Any]]:
    dtype = record.parameters.dtype
    # Own units may lie beyond what a float32 holds: they are infinite in the frame.
    prediction = dataset.target_scaling.to_own_units(record.a[-1][example])
    own = (dataset.raw_inputs[row], prediction, dataset.raw_targets[row])
    with np.errstate(over="ignore"):
        shown = [part.astype(dtype) for part in own]
    return [
        record.parameters,
        record.gradient,
        record.new_parameters,
        record.inputs[example],
        *(part[example] for part in record.z),
        *(part[example] for part in record.a),
        *(part[example] for part in record.delta),
        record.targets[example],
        *shown,
    ]
