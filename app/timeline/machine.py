"""What this process computes with: everything that the last digits of a product may depend on."""

from __future__ import annotations

from functools import cache

import numpy as np
import threadpoolctl


@cache
def fingerprint(precision: str) -> str:
    """Return the machine in words: NumPy, BLAS and its kernel, SIMD level, threads, precision.

    Two processes of the same fingerprint compute the same run to the same bytes; two different
    ones may differ in the last digits, since a sum is taken in another order.
    """
    return f"NumPy {np.__version__}, {_blas()}, {_simd()}, {precision}"


def _blas() -> str:
    found = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    if not found:
        return "no BLAS that is known"
    blas = found[0]
    kernel = blas.get("architecture") or "unknown kernel"
    threads = blas["num_threads"]
    return f"{blas['internal_api']} {blas['version']} {kernel}, threads {threads}"


def _simd() -> str:
    """Return the vector instructions that NumPy's own loops choose from here, beyond its least."""
    core = np._core._multiarray_umath  # type: ignore[attr-defined]
    found = [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]
    return "+".join(found) or "baseline SIMD"
