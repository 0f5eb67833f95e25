"""Every example of a docstring is run."""

import doctest
import importlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
NAMES = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
    if path.stem != "__main__"
)


@pytest.mark.parametrize("name", NAMES)
def test_examples(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0


def test_there_are_many():
    finder = doctest.DocTestFinder(exclude_empty=True)
    counted = sum(
        bool(test.examples) for name in NAMES for test in finder.find(importlib.import_module(name))
    )
    assert counted > 80
