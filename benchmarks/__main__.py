"""Benchmarks by name: `python -m benchmarks COMMAND --help` tells each one's options."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from pophealth_link.errors import UserError, nearest

# Command: module with `main(arguments) -> exit code`, and what it does.
COMMANDS = {
    "accuracy": ("benchmarks.accuracy", "link every data set with every system; write figures"),
    "baseline": ("benchmarks.baseline", "write the figures that a test holds accuracy against"),
    "data": ("benchmarks.make_data", "make one data set"),
    "list": ("benchmarks.listing", "list data sets and systems"),
    "readme": ("benchmarks.readme", "put the figures into README.md and docs/benchmarks.md"),
    "targets": ("benchmarks.targets", "measure what linkage is asked to reach; write figures"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a mistake of the user's is told without a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help"):
        print(_usage())
        return 0 if words else 2
    name, *rest = words
    if name not in COMMANDS:
        print(f"{name} is no command.{nearest(name, COMMANDS)}\n{_usage()}", file=sys.stderr)
        return 2
    try:
        return int(importlib.import_module(COMMANDS[name][0]).main(rest))
    except UserError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _usage() -> str:
    lines = [f"  {name:<10} {what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(["usage: python -m benchmarks COMMAND [OPTION ...]", "", *lines])


if __name__ == "__main__":
    sys.exit(main())
