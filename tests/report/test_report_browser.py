"""The report in a real browser: nothing sticks out sideways, on a telephone or a laptop."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import beside_sample as beside
import polars as pl
import pytest
import report_sample as sample

from pophealth_link.report import render_report

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--virtual-time-budget=4000"),
)
# Runs in a copy of the page, which sits in a frame as wide as the screen that is tried.
MEASURE = """<script>addEventListener("load", () => {
  for (const each of document.querySelectorAll("details")) each.open = true;
  const page = document.documentElement;
  const small = [...document.querySelectorAll("svg.chart, .map svg")]
    .map((each) => each.getBoundingClientRect())
    .filter((box) => box.width < 250 || box.height < 40);
  const narrow = [...document.querySelectorAll(".figures:not(.paired) > .fifths")]
    .filter((each) => each.offsetWidth < 0.98 * each.parentElement.offsetWidth);
  parent.postMessage([page.scrollWidth, page.clientWidth, small.length,
    document.querySelectorAll("svg.chart").length, page.scrollHeight, narrow.length].join(" "), "*");
});</script></body>"""
OUTER = """<!DOCTYPE html><title>waiting</title>
<script>
addEventListener("message", (told) => { document.title = "measured " + told.data; });
</script>
<iframe src="page.html" style="border:0;width:WIDTHpx;height:900px"></iframe>"""


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None and os.environ.get("POPHEALTH_LINK_REQUIRE_OPTIONAL") == "1":
        pytest.fail("Chromium is required by POPHEALTH_LINK_REQUIRE_OPTIONAL and is not installed")
    if found is None:
        pytest.skip("Chromium is not installed: `apt-get install chromium`")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("browser")
    baseline = pl.concat([sample.baseline(), beside.known_rows()])
    catalogue = {**sample.CATALOGUE, **beside.known_entries()}
    made = sample.inputs(baseline=baseline, catalogue=catalogue, tables=beside.tables())
    page = render_report(made)
    # The page's own policy allows no script: the copy that is measured drops it.
    open_page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    assert open_page != page
    (place / "page.html").write_text(open_page.replace("</body>", MEASURE), "utf-8")
    return place


@pytest.mark.parametrize("width", [400, 768, 1280])
def test_nothing_sticks_out_sideways(folder, tmp_path, width):
    (folder / f"outer{width}.html").write_text(OUTER.replace("WIDTH", str(width)), "utf-8")
    done = subprocess.run(
        [
            *(_chromium(), *FLAGS, f"--user-data-dir={tmp_path}", "--window-size=1400,1000"),
            *("--dump-dom", (folder / f"outer{width}.html").as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = re.search(r"<title>measured ([\d ]+)</title>", done.stdout)
    assert told, done.stderr[-500:]
    scroll, client, small, charts, height, narrow = map(int, told.group(1).split())
    assert client == width or client == width - 15  # a scroll bar takes 15 pixels
    assert scroll <= client
    assert small == 0
    assert charts > 20
    assert height > 5_000
    # Panels by fifth have the whole width: beside a chart they would leave a void below it.
    assert narrow == 0
