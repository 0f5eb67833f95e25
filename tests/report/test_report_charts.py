"""The charts show the numbers that they were given, and carry nothing that a page must not hold."""

from __future__ import annotations

import re

import polars as pl
import pytest
import report_sample as sample

from pophealth_link.report import cells
from pophealth_link.report.canvas import BASIS_COLOURS, span
from pophealth_link.report.charts import _ranked, dot_chart
from pophealth_link.report.small_multiples import MOST_PANELS, fifths_charts, panels


@pytest.fixture(scope="module")
def rows():
    return cells.released(sample.baseline())


def _of(rows, indicator):
    return rows.filter(pl.col("indicator") == indicator)


def _chart(rows, indicator):
    held = cells.for_indicator(rows, indicator)
    return held, dot_chart(held, title="A title", unit=sample.CATALOGUE[indicator].unit)


def test_points_stand_where_their_values_are(rows):
    held, chart = _chart(rows, "depression_recorded")
    given = held.filter(pl.col("given") & ~pl.col("reason") & (pl.col("basis") == "registered"))
    drawn = sorted(float(x) for x in re.findall(r'<circle cx="([\d.]+)"', chart))
    values = sorted(given["value"])
    assert len(drawn) == len(values) == 8
    slope = (drawn[-1] - drawn[0]) / (values[-1] - values[0])
    expected = [drawn[0] + slope * (value - values[0]) for value in values]
    assert drawn == pytest.approx(expected, abs=0.15)


def test_footprints_are_ranked_within_their_type(rows):
    held, chart = _chart(rows, "depression_recorded")
    pcns = held.filter(
        (pl.col("footprint_type") == "pcn") & (pl.col("basis") == "registered") & ~pl.col("reason")
    ).sort("value", descending=True)
    texts = re.findall(r">([^<]+)</text>", chart)
    shown = [text for text in texts if any(text[:10] == name[:10] for name in pcns["name"])]
    assert [text[:10] for text in shown] == [name[:10] for name in pcns["name"]]


def test_a_withheld_footprint_is_said_in_words_and_has_no_point(rows):
    held, chart = _chart(rows, "delayed_discharge_days_housing")
    assert chart.count("withheld by the disclosure policy") == 1
    given = held.filter(pl.col("given") & ~pl.col("reason") & (pl.col("basis") == "registered"))
    assert chart.count("<circle") == given.height == 7


def test_the_whole_area_is_a_line_on_each_basis(rows):
    _, chart = _chart(rows, "depression_recorded")
    for colour in BASIS_COLOURS.values():
        assert colour in chart


def test_a_chart_holds_no_id_no_address_and_no_script(rows):
    _, chart = _chart(rows, "depression_recorded")
    assert not re.search(r"\bid=|https?:|<script|url\(|font-family|xmlns", chart)
    assert 'role="img"' in chart
    assert 'aria-label="A title' in chart


@pytest.mark.parametrize("name", ['<script>x</script>&"', "a' onload='b", "]]> --> {{ x }}"])
def test_a_hostile_name_stays_text(rows, name):
    held = cells.for_indicator(rows, "depression_recorded").with_columns(name=pl.lit(name))
    chart = dot_chart(held, title=name, unit=name)
    assert "<script" not in chart
    assert re.findall(r"<([a-z]+)", chart).count("script") == 0
    assert not re.search(r"<[^>]*\sonload=", re.sub(r'"[^"]*"', '""', chart))


def test_panels_take_whole_types_until_the_page_is_full(rows):
    held = _of(rows, "depression_recorded").filter(pl.col("basis") == "registered")
    chosen = panels(held)
    assert chosen[0] == ("whole", "whole")
    # The one authority is the whole area, so it has no panel of its own.
    assert [kind for kind, _ in chosen] == ["whole", *["pcn"] * 4, *["icp"] * 2]
    copies = [
        held.filter(pl.col("footprint_type") == "pcn").with_columns(
            footprint_code=pl.col("footprint_code") + str(copy)
        )
        for copy in range(3)
    ]
    crowded = pl.concat([held.filter(pl.col("footprint_type") != "pcn"), *copies])
    assert [kind for kind, _ in panels(crowded)] == ["whole", "icp", "icp"]
    assert MOST_PANELS < 1 + 12


def test_a_fifth_that_is_withheld_is_marked(rows):
    held = _of(rows, "depression_recorded").filter(pl.col("basis") == "registered")
    one = held.filter(pl.col("footprint_type") == "whole")
    first = pl.col("stratum") == "quintile_1"
    hidden = one.with_columns(given=pl.col("given") & ~first, value=pl.when(~first).then("value"))
    (chart,) = fifths_charts(hidden, title="A title", unit="%")
    assert (
        len(re.findall(r">w</text>", chart))
        == 1 + one.filter(pl.col("stratum").str.contains(r"_[2-5]$") & ~pl.col("given")).height
    )


def test_names_of_networks_are_not_cut(rows):
    """In capitals as the directories write them: beside the chart, and above panels on two lines."""
    name = "HARBOUR AND RIVER PCN"
    held = _of(rows, "depression_recorded").with_columns(name=pl.lit(name))
    chart = dot_chart(held.filter(pl.col("stratum") == "all"), title="T", unit="%")
    assert f">{name}</text>" in chart
    panel = held.filter(pl.col("basis") == "registered", pl.col("footprint_type") == "whole")
    (small,) = fifths_charts(panel, title="T", unit="%")
    assert ">HARBOUR AND</text>" in small
    assert ">RIVER PCN</text>" in small


def test_an_axis_starts_at_zero_unless_all_values_lie_far_from_it():
    def frame(*values):
        return pl.DataFrame(dict.fromkeys(("value", "lower", "upper"), values)).with_columns(
            linkage_lower=None, linkage_upper=None
        )

    assert span(frame(2.0, 10.0)) == (0.0, 10.0)
    assert span(frame(9.0, 10.0)) == (9.0, 10.0)
    assert span(frame(-1.0, 1.0)) == (-1.0, 1.0)
    assert span(frame(5.0, 5.0)) == (4.5, 5.5)


def test_values_of_a_larger_area_are_not_ranked():
    rows = pl.DataFrame(
        {
            "footprint_code": ["A", "B", "C"],
            "name": ["Ash", "Beech", "Cedar"],
            "basis": "registered",
            "value": [1.0, 2.0, 3.0],
            "status": "imputed_down",
            "given": True,
        }
    )
    assert _ranked(rows).sort("rank")["name"].to_list() == ["Ash", "Beech", "Cedar"]
    genuine = rows.with_columns(status=pl.lit("ok"))
    assert _ranked(genuine).sort("rank")["name"].to_list() == ["Cedar", "Beech", "Ash"]
