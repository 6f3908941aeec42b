"""One step as a sheet of paper: sections in the order of its phases, filled in or blank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.data.datasets import Dataset
from app.maths.network import Network
from app.refusal import Refused
from app.timeline.run import StepRecord
from app.wire.symbols import parameter_symbol
from app.worksheet import words as say
from app.worksheet.digits import CARRIED, decimals_of, printed
from app.worksheet.lines import Pen, Section
from app.worksheet.numbers import Numbers
from app.worksheet.sections import (
    backward,
    derivatives,
    error,
    forward,
    given,
    trained,
    update,
)

MOST_PARAMETERS = 30
MOST_EXAMPLES = 8


@dataclass(frozen=True)
class Check:
    """A parameter's row in the table at the end: nine decimals, as published examples have."""

    symbol: str
    before: str
    derivative: str
    after: str


@dataclass(frozen=True)
class Sheet:
    """The whole step; `checks` and `check_losses` are empty on a blank sheet."""

    blank: bool
    step: int
    example: int
    examples: int
    shape: str
    row: str
    sections: tuple[Section, ...]
    check_losses: tuple[tuple[str, str], ...]
    checks: tuple[Check, ...]


def why_not(parameters: int, examples: int) -> str:
    """Return why a step has no sheet, and what to do; empty if it has one."""
    if parameters > MOST_PARAMETERS:
        return (
            f"This network has {parameters:,} parameters; a worksheet holds {MOST_PARAMETERS}, "
            "since each of them takes two lines on paper, a derivative and an update. "
            "Choose a smaller network: fewer inputs, fewer hidden units or fewer layers."
        )
    if examples > MOST_EXAMPLES:
        return (
            f"This step’s batch has {examples:,} examples; a worksheet holds {MOST_EXAMPLES}, "
            "since every partial derivative is a mean with one number for each example. "
            f"Choose a batch of at most {MOST_EXAMPLES}."
        )
    return ""


def worksheet(
    record: StepRecord, network: Network, dataset: Dataset, example: int, blank: bool
) -> Sheet:
    """Return the sheet of one example, a position in the step's rows; see `why_not` first."""
    count = len(record.rows)
    if not 0 <= example < count:
        raise Refused("out_of_range", "example", example, f"a position in rows, 0 to {count - 1}")
    numbers, pen = Numbers(record, network, example), Pen(blank)
    sections = (
        Section("Given", tuple(given(numbers, dataset, pen))),
        Section("Forward", tuple(forward(numbers, pen))),
        Section("Error", tuple(error(numbers, dataset, pen))),
        Section("Backward", tuple(backward(numbers, pen))),
        Section("Partial derivatives", tuple(derivatives(numbers, pen))),
        Section("Update", tuple(update(numbers, pen))),
    )
    return Sheet(
        blank=blank,
        step=record.step,
        example=example,
        examples=count,
        shape="-".join(map(str, network.sizes)),
        row=f"{dataset.row_noun} in row {record.rows[example]}",
        sections=sections,
        check_losses=() if blank else tuple(_check_losses(numbers)),
        checks=() if blank else tuple(_checks(numbers)),
    )


def _check_losses(n: Numbers) -> Iterator[tuple[str, str]]:
    if n.rows > 1:
        yield f"E{say.below(n.example + 1)}, this example's loss", _nine(n.loss(n.example).value)
    yield "E, the batch's loss" if n.rows > 1 else "E, the loss", _nine(n.record.loss)


def _checks(n: Numbers) -> Iterator[Check]:
    for layer in range(1, n.network.layer_count + 1):
        moved = set(trained(n, layer))
        for name in n.names(layer):
            after = float(n.record.new_parameters[n.network.parameter_index(name)])
            slope = _nine(n.batch_derivative(name).value) if name in moved else "not trained"
            before = _nine(n.parameter(name).value)
            yield Check(parameter_symbol(name), before, slope, _nine(after))


def _nine(value: float) -> str:
    return printed(value, decimals_of(value, CARRIED)).text
