"""An edit: a change made during a run, bound to the step from which on it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.timeline.reading import a_learning_rate, a_number, an_object, refused
from app.timeline.spec import parse_optimizer

_THINGS = ("learning_rate", "parameter", "optimizer")


@dataclass(frozen=True)
class Edit:
    """One of: a learning rate, the value of a parameter by name, the name of an optimizer."""

    step: int
    learning_rate: float | None = None
    parameter: str | None = None
    value: float | None = None
    optimizer: str | None = None

    @property
    def subject(self) -> str:
        """What the edit changes: a later one of the same subject and step replaces it."""
        if self.parameter is not None:
            return self.parameter
        return "optimizer" if self.optimizer is not None else "learning_rate"

    def to_json(self) -> dict[str, Any]:
        if self.parameter is not None:
            return {"step": self.step, "parameter": self.parameter, "value": self.value}
        if self.optimizer is not None:
            return {"step": self.step, "optimizer": {"name": self.optimizer}}
        return {"step": self.step, "learning_rate": self.learning_rate}


def parse_change(given: dict[str, Any], step: int) -> Edit:
    """Return the edit at `step` that a `change` command's own keys ask for, or raise Refused."""
    an_object(given, "", (*_THINGS, "value"))
    things = [key for key in _THINGS if key in given]
    if len(things) != 1:
        raise refused("change", ", ".join(things) or "nothing", f"one of {', '.join(_THINGS)}")
    if ("value" in given) != (things[0] == "parameter"):
        raise refused("value", given.get("value"), "a value with a parameter, and only there")
    if things[0] == "learning_rate":
        return Edit(step, learning_rate=a_learning_rate(given["learning_rate"], "learning_rate"))
    if things[0] == "optimizer":
        return Edit(step, optimizer=parse_optimizer(given["optimizer"], "optimizer")["name"])
    name = given["parameter"]
    if not isinstance(name, str):
        raise refused("parameter", name, "a parameter's name, like w1.2.3 or b1.3")
    return Edit(step, parameter=name, value=a_number(given["value"], "value"))


def edit_from_json(stored: dict[str, Any]) -> Edit:
    """Return the edit that `to_json` wrote."""
    return parse_change({k: v for k, v in stored.items() if k != "step"}, stored["step"])
