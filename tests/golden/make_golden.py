"""Makes gradients.json with PyTorch: `pip install torch==2.13.0 numpy autograd`, then run this file
from the project's folder with `python -m tests.golden.make_golden`. Not needed to run the tests."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from tests.nets import HIDDEN, PAIRS, SHAPES, Case, make_case

torch.set_default_dtype(torch.float64)
ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "softmax": lambda z: torch.softmax(z, dim=1),
}
LOSSES = {
    "half_squared_error": lambda a, y: 0.5 * ((a - y) ** 2).sum(dim=1).mean(),
    "mean_squared_error": torch.nn.functional.mse_loss,
    "binary_cross_entropy": torch.nn.functional.binary_cross_entropy,
    "categorical_cross_entropy": lambda a, y: -(y * torch.log(a)).sum(dim=1).mean(),
}


def golden(case: Case) -> dict:
    flat = torch.tensor(case.parameters, requires_grad=True)
    a, at = torch.tensor(case.inputs), 0
    sizes = case.network.sizes
    for source, to, name in zip(sizes, sizes[1:], case.network.activations, strict=False):
        weights = flat[at : at + source * to].view(source, to)
        biases = flat[at + source * to : at + (source + 1) * to]
        a = ACTIVATIONS[name](torch.addmm(biases, a, weights))
        at += (source + 1) * to
    value = LOSSES[case.network.loss](a, torch.tensor(case.targets))
    value.backward()
    return {
        "name": case.name,
        "sizes": sizes,
        "activations": case.network.activations,
        "loss": case.network.loss,
        "parameters": case.parameters.tolist(),
        "inputs": case.inputs.tolist(),
        "targets": case.targets.tolist(),
        "value": value.item(),
        "gradient": flat.grad.tolist(),
    }


if __name__ == "__main__":
    cases = [
        golden(make_case(SHAPES[k % 4], HIDDEN[k % 4], output, loss, rows, seed=k))
        for k, (output, loss) in enumerate(PAIRS * 2)
        for rows in (1, 4)
    ]
    text = "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n"
    Path(__file__).with_name("gradients.json").write_text(text, "utf-8")
