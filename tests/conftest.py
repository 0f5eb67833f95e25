"""What holds for all tests: where nothing optional may be missing, a skipped test has failed."""

import os

import pytest

REQUIRED = "POPHEALTH_LINK_REQUIRE_OPTIONAL"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get(REQUIRED) == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped, though {REQUIRED} is set: {report.longrepr[-1]}"
    return report
