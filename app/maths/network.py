"""What a network is: its layers, and which slice of the one flat parameter vector is which matrix.

The vector holds w1 (row by row, [from][to]), b1, w2, b2, ... so that a layer's weights and biases
are together one (from + 1, to) matrix, and one product serves both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from app.refusal import Refused

Array = NDArray[Any]
_NAME = re.compile(
    r"(?:w([1-9]\d{0,5})\.([1-9]\d{0,5})\.([1-9]\d{0,5}))|(?:b([1-9]\d{0,5})\.([1-9]\d{0,5}))"
)


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

    def parameter_index(self, name: str) -> int:
        """Return where `w1.2.3` or `b1.3` lies in the flat vector; Refused if there is none."""
        found = _NAME.fullmatch(name) if isinstance(name, str) else None
        if not found:
            raise self._unknown(name)
        if found[1]:
            layer, source, to = int(found[1]), int(found[2]), int(found[3])
            if layer > self.layer_count or source > self.sizes[layer - 1] or to > self.sizes[layer]:
                raise self._unknown(name)
            return self.slots[2 * layer - 2].offset + (source - 1) * self.sizes[layer] + to - 1
        layer, to = int(found[4]), int(found[5])
        if layer > self.layer_count or to > self.sizes[layer]:
            raise self._unknown(name)
        return self.slots[2 * layer - 1].offset + to - 1

    def parameter_name(self, index: int) -> str:
        """Return the name of the parameter at `index` in the flat vector."""
        for slot in self.slots:
            at = index - slot.offset
            if 0 <= at < slot.size:
                if slot.kind == "biases":
                    return f"{slot.name}.{at + 1}"
                return f"{slot.name}.{at // slot.shape[1] + 1}.{at % slot.shape[1] + 1}"
        raise IndexError(f"no parameter {index} among {self.parameter_count}")

    def _view(self, vector: Array, slot: Slot) -> Array:
        return vector[slot.offset : slot.offset + slot.size].reshape(slot.shape)

    def _unknown(self, name: Any) -> Refused:
        ranges = ", ".join(
            f"{slot.name}.1.1 to {slot.name}.{slot.shape[0]}.{slot.shape[1]}"
            if slot.kind == "weights"
            else f"{slot.name}.1 to {slot.name}.{slot.shape[0]}"
            for slot in self.slots
        )
        return Refused("unknown_parameter", "parameter", name, f"one of {ranges}")
