"""List the data sets and systems of the benchmark, and which cannot be run here.

python -m benchmarks list
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from benchmarks import datasets, systems


def main(arguments: Sequence[str] | None = None) -> int:
    """Print each name with what it is and, where something is missing, what."""
    argparse.ArgumentParser(prog="python -m benchmarks list", description=__doc__).parse_args(
        arguments
    )
    print("data sets")
    for name in (*datasets.REPORTED, datasets.SMALL):
        data_set = datasets.find(name)
        print(_line(name, data_set.description, datasets.lacking(data_set)))
    print("\nsystems")
    for system in systems.SYSTEMS:
        print(_line(system.name, system.label, system.lacking()))
    return 0


def _line(name: str, what: str, lacking: str | None) -> str:
    return f"  {name:<20} {what}" + (f": {lacking}" if lacking else "")
