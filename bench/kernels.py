"""A training step against plain NumPy written the obvious way, and against the machine's sgemm."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise, product
from multiprocessing import get_context
from typing import Any

import numpy as np

from app.maths.network import Network
from app.maths.optimizers import OPTIMIZERS
from app.maths.passes import Passes, with_ones
from bench.timing import best_of

SHAPES = ((2, 3, 1), (2, 8, 8, 1), (64, 32, 10), (784, 128, 10))
RATE = 1e-4


def ours(sizes: tuple[int, ...], x: Any, y: Any, dtype: type = np.float64) -> Callable[[], object]:
    network = Network(sizes, ("tanh",) * (len(sizes) - 2) + ("identity",), "half_squared_error")
    passes = Passes(network, len(x), dtype)
    x = with_ones(x)
    update, none, rate = OPTIMIZERS["sgd"].update, np.empty(0), np.array(RATE, dtype)
    rng = np.random.default_rng(1)
    vectors = [rng.normal(0, 0.1, network.parameter_count).astype(dtype)]
    vectors.append(np.empty_like(vectors[0]))

    def step() -> None:
        passes.step(vectors[0], x, y)
        update(vectors[0], passes.gradient, none, rate, vectors[1])
        vectors.reverse()

    return step


def plain(sizes: tuple[int, ...], x: Any, y: Any) -> Callable[[], object]:
    rng = np.random.default_rng(1)
    weights = [rng.normal(0, 0.1, pair) for pair in pairwise(sizes)]
    biases = [np.zeros(size) for size in sizes[1:]]

    def step() -> float:
        activations = [x]
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            z = activations[-1] @ w + b
            activations.append(np.tanh(z) if layer < len(weights) - 1 else z)
        error = activations[-1] - y
        loss = 0.5 * np.mean(np.sum(error**2, axis=1))
        delta = error / len(x)
        for layer in reversed(range(len(weights))):
            weight_gradient = activations[layer].T @ delta
            bias_gradient = delta.sum(axis=0)
            if layer:
                delta = (delta @ weights[layer].T) * (1 - activations[layer] ** 2)
            weights[layer] = weights[layer] - RATE * weight_gradient
            biases[layer] = biases[layer] - RATE * bias_gradient
        return float(loss)

    return step


def main() -> None:
    ratios = []
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as fresh:
        for sizes, rows in product(SHAPES, (1, 32)):
            best = fresh.submit(compare, sizes, rows).result()
            ratios.append(best["plain"] / best["ours"])
            shape = "-".join(map(str, sizes))
            times = f"{best['ours'] * 1e6:.1f} us against {best['plain'] * 1e6:.1f}"
            print(f"{shape:>12} batch {rows:2}: {ratios[-1]:.2f} times plain NumPy, {times}")
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"geometric mean {mean:.2f} (wanted 2.5), least {min(ratios):.2f} (wanted 1.5)")
    _floor()
    _against_sgemm()


def compare(sizes: tuple[int, ...], rows: int) -> dict[str, float]:
    """Time both ways in a process of their own.

    What plain NumPy costs depends on the heap it finds: whether the pages of its large temporaries
    are kept or given back after every step (0.34 or 0.63 ms at 784-128-10, batch 32). A fresh
    process finds the same heap every time.
    """
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(rows, sizes[0])), rng.normal(size=(rows, sizes[-1]))
    return best_of({"plain": plain(sizes, x, y), "ours": ours(sizes, x, y)})


def _floor() -> None:
    """Time what no way of writing a step of 784-128-10, batch 32, can leave out."""
    rng = np.random.default_rng(0)
    x, delta, z = rng.normal(size=(32, 784)), rng.normal(size=(32, 128)), np.empty((128, 32))
    weights, gradient, new = rng.normal(size=(784, 128)), np.empty((784, 128)), np.empty((784, 128))
    rate = np.array(RATE)

    def least() -> None:
        weights.T.dot(x.T, z)
        x.T.dot(delta, gradient)
        np.multiply(gradient, rate, new)
        np.subtract(weights, new, new)

    best = best_of({"least": least})["least"] * 1e6
    print(f"784-128-10 batch 32: w1's two products and its update alone take {best:.1f} us")


def _against_sgemm() -> None:
    sizes, rows = (784, 128, 10), 32
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 784)).astype(np.float32)
    y = rng.normal(size=(rows, 10)).astype(np.float32)
    a = rng.normal(size=(1024, 1024)).astype(np.float32)
    out = np.empty_like(a)
    best = best_of({"gemm": lambda: np.dot(a, a, out), "ours": ours(sizes, x, y, np.float32)})
    peak = 2 * 1024**3 / best["gemm"]
    # forward and both gradients of each layer, but none with respect to the inputs
    products = 2 * rows * (2 * 784 * 128 + 3 * 128 * 10)
    share = products / best["ours"] / peak
    print(f"784-128-10 batch 32 float32: {share:.2f} of the sgemm peak (wanted 0.5)")
