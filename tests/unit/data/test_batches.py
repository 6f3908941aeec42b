"""Which rows a step trains on."""

from __future__ import annotations

import numpy as np
import pytest

from app.data.batches import Batches

ROWS = np.array([3, 4, 7, 8, 10, 11, 12])


def _epoch(batches: Batches, epoch: int) -> list[list[int]]:
    first = epoch * batches.steps_per_epoch
    return [batches.rows_of(first + k).tolist() for k in range(batches.steps_per_epoch)]


def test_every_epoch_has_every_row_once_and_its_last_batch_may_be_short() -> None:
    batches = Batches(ROWS, batch_size=3, shuffle=True, seed=5)
    for epoch in range(4):
        found = _epoch(batches, epoch)
        assert [len(rows) for rows in found] == [3, 3, 1]
        assert sorted(row for rows in found for row in rows) == ROWS.tolist()
    assert _epoch(batches, 0) != _epoch(batches, 1)


@pytest.mark.parametrize("step", [0, 7, 1, 30, 2])
def test_the_order_is_a_function_of_seed_and_step(step: int) -> None:
    used = Batches(ROWS, 2, True, 5)
    for other in (9, 100, 4):
        used.rows_of(other)
    assert used.rows_of(step).tolist() == Batches(ROWS, 2, True, 5).rows_of(step).tolist()
    later = [Batches(ROWS, 2, True, seed).order(0).tolist() for seed in (5, 6)]
    assert later[0] != later[1]


def test_without_shuffling_the_given_order_is_kept() -> None:
    batches = Batches(ROWS, 4, False, 5)
    assert _epoch(batches, 0) == _epoch(batches, 1) == [[3, 4, 7, 8], [10, 11, 12]]


def test_a_batch_larger_than_the_rows_is_all_rows() -> None:
    batches = Batches(ROWS, 100, False, 5)
    assert (batches.batch_size, batches.steps_per_epoch) == (7, 1)
    assert batches.rows_of(12).tolist() == ROWS.tolist()
