"""Write a data folder of the second error model.

python -m benchmarks.second_model --people 50000 --seed 1 --out DIR
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl

from benchmarks.second_model.folder import make


def main() -> None:
    """Make what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.second_model")
    parser.add_argument("--people", type=int, default=50_000, help="residents of the town")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    given = parser.parse_args()
    try:
        make(given.out, people=given.people, seed=given.seed)
    except (ValueError, OSError, pl.exceptions.PolarsError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
