"""`python -m bench [kernels jumps explain server page]`: print the measured ratios."""

from __future__ import annotations

import argparse

import app  # noqa: F401  one BLAS thread, before NumPy is imported
from bench import explain, jumps, kernels, page, server

PARTS = {"kernels": kernels, "jumps": jumps, "explain": explain, "server": server, "page": page}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", choices=[*PARTS, []], help="which; all if none is named"
    )
    for name in parser.parse_args().parts or PARTS:
        print(f"\n== {name}")
        PARTS[name].main()


if __name__ == "__main__":
    main()
