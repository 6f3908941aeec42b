"""The runs that the page offers to start from."""

from __future__ import annotations

from typing import Any

HOUSE: dict[str, Any] = {
    "dataset": {
        "inputs": [[2, 1]],
        "targets": [[1]],
        "input_names": ["bedrooms", "living area"],
        "target_names": ["price"],
        "input_units": [{"unit": "", "per": 1}, {"unit": "sq ft", "per": 1000}],
        "target_units": [{"unit": "$", "per": 100000}],
    },
    "layers": [{"units": 1, "activation": "identity"}, {"units": 1, "activation": "identity"}],
    "initial": {"weights": [[[0.25], [0.25]], [[2]]], "biases": [[0], [0]]},
    "train_biases": False,
    "shuffle": False,
    "learning_rate": 0.05,
}

PRESETS: tuple[dict[str, Any], ...] = (
    {
        "name": "houses-of-ames",
        "title": "Houses of Ames",
        "summary": "2,930 real house sales; three features, three hidden units, one price.",
        "spec": {},
    },
    {
        "name": "house-in-exact-numbers",
        "title": "The house in exact numbers",
        "summary": "One house worth $100,000, predicted at $150,000; every number fits on paper.",
        "spec": HOUSE,
    },
)
