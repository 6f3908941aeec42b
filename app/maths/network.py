"""What a network is: its layers, and which slice of the one flat parameter vector is which matrix.

The vector holds w1 (row by row, [from][to]), b1, w2, b2, ... so that a layer's weights and biases
are together one (from + 1, to) matrix, and one product serves both.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

from numpy.typing import NDArray

from app.refusal import Refused

Array = NDArray[Any]
_NAME = re.compile(
    r"(?:w([1-9]\d{0,5})\.([1-9]\d{0,5})\.([1-9]\d{0,5}))|(?:b([1-9]\d{0,5})\.([1-9]\d{0,5}))",
    re.ASCII,  # else \d is also the digits of other scripts, and one parameter has many names
)
_OFFSET = attrgetter("offset")
_NAMED_LAYERS = 3  # a refusal names the parameters of so many layers, beyond them first and last


class Place(NamedTuple):
    """Where a parameter stands, counted from 1: layer, from unit (None for a bias), to unit."""

    layer: int
    source: int | None
    to: int


@dataclass(frozen=True)
class Slot:
    """One matrix or vector in the flat vector: `w1` is (from, to), `b1` is (to,)."""

    name: str
    kind: str
    layer: int
    offset: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return self.shape[0] * (self.shape[1] if len(self.shape) > 1 else 1)

    @property
    def names(self) -> str:
        """Return the first and the last name in it, as a refusal says them; or its only one."""
        ends = ((1,) * len(self.shape), self.shape)
        first, last = (f"{self.name}.{'.'.join(map(str, units))}" for units in ends)
        return first if self.size == 1 else f"{first} to {last}"


@dataclass(frozen=True)
class Network:
    """`sizes`: units from inputs to outputs; `activations`: a name for each layer after that."""

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    loss: str
    train_biases: bool = True

    @property
    def layer_count(self) -> int:
        return len(self.sizes) - 1

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        slots: list[Slot] = []
        offset = 0
        for layer in range(1, len(self.sizes)):
            source, to = self.sizes[layer - 1], self.sizes[layer]
            slots.append(Slot(f"w{layer}", "weights", layer, offset, (source, to)))
            slots.append(Slot(f"b{layer}", "biases", layer, offset + source * to, (to,)))
            offset += (source + 1) * to
        return tuple(slots)

    @cached_property
    def parameter_count(self) -> int:
        return sum(slot.size for slot in self.slots)

    def weights(self, vector: Array, layer: int) -> Array:
        """Return the (from, to) view of `layer` (counted from 1) in a flat vector."""
        return self._view(vector, self.slots[2 * layer - 2])

    def biases(self, vector: Array, layer: int) -> Array:
        """Return the (to,) view of `layer` (counted from 1) in a flat vector."""
        return self._view(vector, self.slots[2 * layer - 1])

    def stacked(self, vector: Array, layer: int) -> Array:
        """Return weights and, as the last row, biases of `layer`: a (from + 1, to) view."""
        slot = self.slots[2 * layer - 2]
        rows, columns = slot.shape[0] + 1, slot.shape[1]
        return vector[slot.offset : slot.offset + rows * columns].reshape(rows, columns)

    def place(self, name: str) -> Place:
        """Return where `w1.2.3` or `b1.3` stands; Refused if there is none."""
        place = _read(name) if isinstance(name, str) else None
        if place is None or not self._has(place):
            raise self._unknown(name, place)
        return place

    def parameter_index(self, name: str) -> int:
        """Return where `w1.2.3` or `b1.3` lies in the flat vector; Refused if there is none."""
        layer, source, to = self.place(name)
        row = self.sizes[layer - 1] if source is None else source - 1
        return self.slots[2 * layer - 2].offset + row * self.sizes[layer] + to - 1

    def parameter_name(self, index: int) -> str:
        """Return the name of the parameter at `index` in the flat vector."""
        if not 0 <= index < self.parameter_count:
            raise IndexError(f"no parameter {index} among {self.parameter_count}")
        slot = self.slots[bisect_right(self.slots, index, key=_OFFSET) - 1]
        source, to = divmod(index - slot.offset, slot.shape[-1])
        place = f"{to + 1}" if slot.kind == "biases" else f"{source + 1}.{to + 1}"
        return f"{slot.name}.{place}"

    def _view(self, vector: Array, slot: Slot) -> Array:
        return vector[slot.offset : slot.offset + slot.size].reshape(slot.shape)

    def _has(self, place: Place) -> bool:
        layer, source, to = place
        if layer > self.layer_count or to > self.sizes[layer]:
            return False
        return source is None or source <= self.sizes[layer - 1]

    def _unknown(self, name: Any, place: Place | None) -> Refused:
        """Name the parameters of the layer that was meant, or else of all, but never many."""
        ranges = [slot.names for slot in self.slots]
        if place is not None and place.layer <= self.layer_count:
            meant = 2 * place.layer - (2 if place.source else 1)
            ranges = ranges[meant : meant + 1]
        elif self.layer_count > _NAMED_LAYERS:
            ranges[2:-2] = ["…"]
        known = ", ".join(ranges)
        is_one = len(ranges) == 1 and " to " not in known
        return Refused(
            "unknown_parameter", "parameter", name, known if is_one else f"one of {known}"
        )


def _read(name: str) -> Place | None:
    found = _NAME.fullmatch(name)
    if not found:
        return None
    if found[1]:
        return Place(int(found[1]), int(found[2]), int(found[3]))
    return Place(int(found[4]), None, int(found[5]))
