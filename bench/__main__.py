"""`python -m bench [part ...]`: print the measured ratios. `--long`: the long parts instead."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

import app  # noqa: F401  one BLAS thread, before NumPy is imported
from bench import explain, jumps, kernels, page, server

PARTS = {"kernels": kernels, "jumps": jumps, "explain": explain, "server": server, "page": page}


def main() -> int:
    """Return 1 where a long part failed."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--long", action="store_true", help="what a test run does a little of")
    parser.add_argument("parts", nargs="*", help="which; all if none is named")
    options = parser.parse_args()
    if options.long:
        from bench import long  # it needs what only tests need

        return 1 if long.run(_chosen(parser, options.parts, long.LONG)) else 0
    for name in _chosen(parser, options.parts, PARTS):
        print(f"\n== {name}")
        PARTS[name].main()
    return 0


def _chosen(parser: argparse.ArgumentParser, names: list[str], known: Iterable[str]) -> list[str]:
    """Return the parts that are asked for, all if none is; end where there is no such part."""
    known = list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(known)}")
    return names or known


if __name__ == "__main__":
    sys.exit(main())
