"""The ceiling on many data sets: it learns once, and judges each in a process of its own.

    python -m benchmarks.targets_ceiling LEARNED --train DATA [...]
    python -m benchmarks.targets_ceiling LEARNED --data DATA ANSWER.parquet

Learning takes ten times as long as judging, and is the same for all data sets of a kind: what is
learned is kept in a file. The answers are those of `python -m benchmarks.ceiling`.
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Sequence
from pathlib import Path

from benchmarks import answer
from benchmarks.ceiling import judge
from benchmarks.ceiling_learning import learn


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("learned", type=Path)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--train", type=Path, nargs="+")
    what.add_argument("--data", type=Path, nargs=2)
    given = parser.parse_args(arguments)
    if given.train:
        draft = given.learned.with_suffix(".part")
        draft.write_bytes(pickle.dumps(learn(tuple(given.train))))
        draft.replace(given.learned)
        return 0
    folder, path = given.data
    answer.write(judge(folder, pickle.loads(given.learned.read_bytes())), path)
    return 0


if __name__ == "__main__":
    main()
