"""The charts as Plotly figures: the loss so far, and the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.maths.network import Network
from app.refusal import Refused
from app.timeline.phases import phases_of
from app.timeline.run import StepRecord

Figure = dict[str, Any]
THEMES = {
    "light": {
        "text": "#1b2230",
        "grid": "#d9dce3",
        "plus": "#b84a00",
        "minus": "#005f9e",
        "muted": "#5a6375",
        "low": "#ffffff",
        "high": "#bfc4cf",
        "level": "#8b93a3",
    },
    "dark": {
        "text": "#e8ebf2",
        "grid": "#343b49",
        "plus": "#ff9e4a",
        "minus": "#62bdf5",
        "muted": "#a3adbf",
        "low": "#191f29",
        "high": "#4a5365",
        "level": "#6d788c",
    },
}
MOST_BARS = 400
_FEW = 40


def loss_figure(
    history: dict[str, Any], layout: dict[str, Any], furthest: int, theme: str
) -> Figure:
    """Return the loss of every step (a band from smallest to largest) and of every epoch.

    An epoch's training loss is the mean over its steps, so it stands in their middle, also where
    the epoch is still under way at step `furthest`; its held-out loss is measured at its start and
    stands there.
    """
    colours = colours_of(theme)
    per_epoch, steps = layout["steps_per_epoch"], history["steps"]
    traces = [_band(history, colours)] if steps else []
    epochs = history["epochs"] if per_epoch > 1 else []
    ends = [min((e["epoch"] + 1) * per_epoch, furthest + 1) - 1 for e in epochs]
    train = [
        ((e["epoch"] * per_epoch + end) / 2, e["train"])
        for e, end in zip(epochs, ends, strict=True)
    ]
    test = [(e["epoch"] * per_epoch, e["test"]) for e in history["epochs"]]
    traces += _line("training rows, mean of the epoch", train, colours["text"], "circle")
    traces += _line("held-out rows", test, colours["minus"], "diamond")
    figure = layout_of("step", "loss", colours)
    figure["xaxis"]["range"] = [0, max(furthest, 10)]
    return {"data": traces, "layout": figure}


def gradient_figure(record: StepRecord, network: Network, phase: int, theme: str) -> Figure:
    """Return one bar for each partial derivative that is revealed at `phase`, by name, signed."""
    phases = phases_of(network.layer_count)
    if phase >= len(phases):
        raise Refused("out_of_range", "phase", phase, f"a phase from 0 to {len(phases) - 1}")
    shown = {p.layer for p in phases[: phase + 1] if p.kind == "backward"}
    colours = colours_of(theme)
    slots = [slot for slot in network.slots if slot.layer in shown]
    if not network.train_biases:
        slots = [slot for slot in slots if slot.kind == "weights"]
    indices = [k for slot in slots for k in range(slot.offset, slot.offset + slot.size)]
    total = len(indices)
    if total > MOST_BARS:
        sizes = np.abs(record.gradient[indices])
        largest = np.sort(np.argsort(-sizes, kind="stable")[:MOST_BARS])
        indices = [indices[k] for k in largest]
    values = [float(record.gradient[k]) for k in indices]
    bars = {
        "type": "bar",
        "x": [network.parameter_name(k) for k in indices],
        "y": values,
        "marker": {"color": [colours["plus"] if v > 0 else colours["minus"] for v in values]},
        "hovertemplate": "∂E/∂%{x} = %{y}<extra></extra>",
    }
    layout = layout_of("", "∂E/∂w", colours)
    layout["xaxis"]["type"] = "category"
    return {"data": [bars] if values else [], "layout": layout, "shown": len(values), "of": total}


def _band(history: dict[str, Any], colours: dict[str, str]) -> Figure:
    """One line that goes to the smallest and to the largest loss of every bucket: a dense run of
    steps is a band, a bucket of one step is a point of a plain line.
    """
    x: list[int] = []
    y: list[float] = []
    columns = zip(history["steps"], history["loss_min"], history["loss_max"], strict=True)
    for step, low, high in columns:
        x += [step, step] if low != high else [step]
        y += [low, high] if low != high else [low]
    line = {"color": colours["muted"], "width": 1}
    mode = "lines+markers" if len(x) <= _FEW else "lines"  # one step alone has no line
    trace = {"type": "scatter", "mode": mode, "name": "batch loss of a step", "line": line}
    trace["marker"] = {"size": 5, "color": colours["muted"]}
    return {**trace, "x": x, "y": y, "opacity": 0.7}


def _line(
    name: str, points: list[tuple[float, float | None]], colour: str, symbol: str
) -> list[Figure]:
    kept = [(x, y) for x, y in points if y is not None]
    if not kept:
        return []
    marker = {"symbol": symbol, "size": 6, "color": colour}
    trace = {"type": "scatter", "mode": "lines+markers", "name": name, "marker": marker}
    line = {"color": colour, "width": 2}
    return [{**trace, "line": line, "x": [x for x, _ in kept], "y": [y for _, y in kept]}]


def layout_of(x: str, y: str, colours: dict[str, str]) -> Figure:
    """Return what all figures have in common, with these titles of the axes."""
    axis = {"gridcolor": colours["grid"], "zerolinecolor": colours["muted"], "automargin": True}
    return {
        "font": {"color": colours["text"], "size": 12, "family": "system-ui, sans-serif"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 56, "r": 16, "t": 8, "b": 40},
        "xaxis": {**axis, "title": {"text": x}, "rangemode": "tozero"},
        "yaxis": {**axis, "title": {"text": y}, "rangemode": "tozero"},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "showlegend": bool(x),
        "hovermode": "closest",
    }


def colours_of(theme: str) -> dict[str, str]:
    """Return the colours of a theme by what they are for."""
    if theme not in THEMES:
        raise Refused("unknown_name", "theme", theme, f"one of {', '.join(THEMES)}")
    return THEMES[theme]
