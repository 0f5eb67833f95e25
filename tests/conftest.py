"""What holds for all tests: where nothing optional may be missing, a skipped test has failed."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Speed is measured by benchmarks: on a busy machine a deadline would fail what is right.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

REQUIRED = "POPHEALTH_LINK_REQUIRE_OPTIONAL"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return _required((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    # A module that lacks a package is skipped as a whole, before any of its tests.
    return _required((yield))


def _required(report):
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get(REQUIRED) == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped, though {REQUIRED} is set: {report.longrepr[-1]}"
    return report


@pytest.fixture(scope="session")
def open_data() -> Path:
    """The folder of open data for England: beside the checkout, or where the variable says."""
    beside = Path(__file__).parents[2] / "shared" / "open_data"
    folder = Path(os.environ.get("POPHEALTH_LINK_OPEN_DATA", beside))
    if not folder.is_dir():
        pytest.skip("the open data of England is not here: set POPHEALTH_LINK_OPEN_DATA")
    return folder
