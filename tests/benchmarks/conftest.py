"""Data sets that several tests of the benchmarks read, each made once."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_cache(tmp_path_factory) -> Path:
    """The folder in which data sets are kept: one for all processes that run tests side by side.

    It is for `datasets.made` alone; what a test adds or changes goes into a folder of its own.
    """
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "benchmark_data"
