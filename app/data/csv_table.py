"""Reads the CSV files that come with the project: one header row, numbers below it."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent


@cache
def read_table(file: str) -> dict[str, NDArray[np.float64]]:
    """Return the columns of `file` by name, each a read-only vector over the rows."""
    with (FOLDER / file).open(encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines)
        header = next(reader)
        numbers = np.array([[float(cell) for cell in row] for row in reader])
    numbers.setflags(write=False)
    return {name: numbers[:, column] for column, name in enumerate(header)}
