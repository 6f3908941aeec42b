"""What this process computes with: everything that the last digits of a number may depend on."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from typing import Any

import numpy as np
import threadpoolctl
from numpy.typing import NDArray

Array = NDArray[Any]

# Large and tiny ones: a function has another way for each. Their exp is finite in float32 too.
_ARGUMENTS = np.concatenate([np.linspace(-80, 80, 8_001), 1.0 / np.arange(1, 1_001) ** 3])


@cache
def fingerprint(precision: str) -> str:
    """Return the machine in words: system, NumPy, BLAS and its kernel, SIMD level, threads,
    precision, and a digest of the values that its mathematical functions give.

    Two processes of the same fingerprint compute the same run to the same bytes; two different
    ones may differ in the last digits, since a sum is taken in another order or a function is
    rounded in another way.
    """
    system = f"{platform.system()} {platform.machine()}"
    values = f"exp, log and tanh {_digest(precision)}"
    return f"{system}, NumPy {np.__version__}, {_blas(precision)}, {_simd()}, {values}, {precision}"


def _digest(precision: str) -> str:
    """Return what tells apart the functions of two C libraries, or two ways of one."""
    x = _ARGUMENTS.astype(precision)
    return _digest_of(np.exp(x), np.log(np.exp(x)), np.tanh(x), np.logaddexp(0, x))


def _digest_of(*values: Array) -> str:
    little = (each.astype(each.dtype.newbyteorder("<")).tobytes() for each in values)
    return hashlib.sha256(b"".join(little)).hexdigest()[:8]


def _blas(precision: str) -> str:
    found = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    if not found:
        return _blas_of_the_system(precision)
    blas = found[0]
    kernel = blas.get("architecture") or "unknown kernel"
    threads = blas["num_threads"]
    return f"{blas['internal_api']} {blas['version']} {kernel}, threads {threads}"


def _blas_of_the_system(precision: str) -> str:
    """Return what tells apart BLAS libraries that say nothing of their version, as Apple's: its
    name, the system's release, and a digest of products.
    """
    name = np.show_config(mode="dicts")["Build Dependencies"]["blas"].get("name", "BLAS unknown")
    x = _ARGUMENTS[:9_000].astype(precision).reshape(90, 100)
    products = _digest_of(x[:40] @ x[40:].T, x @ x[0], x[0] @ x[1])
    return f"{name} of {platform.release()}, products {products}"


def _simd() -> str:
    """Return the vector instructions that NumPy's own loops choose from here, beyond its least."""
    core = np._core._multiarray_umath  # type: ignore[attr-defined]
    found = [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]
    return "+".join(found) or "baseline SIMD"
