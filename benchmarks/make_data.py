"""Make one data set of the benchmark, to look at it or to try a system on it.

python -m benchmarks data hard-20000-203
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks import datasets
from benchmarks.accuracy import CACHE


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the data set in the cache, unless it is there, and print its folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks data", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="DIR")
    given = parser.parse_args(arguments)
    print(datasets.made(datasets.find(given.name, to_train=True), given.cache))
    return 0
