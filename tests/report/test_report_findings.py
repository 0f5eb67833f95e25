"""What the report says of differences follows from the numbers."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest
from report_sample import source_row

from pophealth_link.report.cells import released
from pophealth_link.report.findings import difference, differences, overview
from pophealth_link.report.inputs import indicator_text
from pophealth_link.report.linkage import linkage
from pophealth_link.schema import OUTPUT_TABLES

SCHEMA = OUTPUT_TABLES["baseline"].polars_schema


def _row(code, value, lower, upper, *, indicator="x", kind="pcn", status="ok", unit="%"):
    return {
        **dict.fromkeys(SCHEMA),
        **{"footprint_type": kind, "footprint_code": code, "footprint_name": f"{code} PCN"},
        **{"basis": "registered", "indicator": indicator, "stratum": "all", "unit": unit},
        **{"value": value, "lower": lower, "upper": upper, "status": status},
    }


def _rows(*rows):
    return released(pl.DataFrame(list(rows), schema=SCHEMA))


def _text(indicator="x", unit="%", **declared):
    return indicator_text({indicator: SimpleNamespace(**declared)}, indicator, unit)


def test_the_highest_against_the_lowest():
    found = difference(
        _rows(_row("A", 12.0, 11.0, 13.0), _row("B", 6.0, 5.5, 6.5), _row("C", 9.0, 8.0, 10.0)),
        _text(),
        "pcn",
    )
    assert (found.high.name, found.high.value, found.high.interval) == (
        "A PCN",
        "12.0%",
        "11.0% to 13.0%",
    )
    assert (found.low.name, found.low.value) == ("B PCN", "6.0%")
    assert found.size == "2.0 times as high"
    assert found.apart


@pytest.mark.parametrize(
    ("low_upper", "apart"), [(10.9, True), (11.0, False), (11.5, False), (None, False)]
)
def test_intervals_that_touch_are_not_apart(low_upper, apart):
    rows = _rows(_row("A", 12.0, 11.0, 13.0), _row("B", 6.0, 5.5, low_upper))
    assert difference(rows, _text(), "pcn").apart is apart


def test_scores_without_intervals_are_told_and_negative_ones_by_difference():
    rows = _rows(_row("A", 0.4, None, None, unit="z"), _row("B", -0.6, None, None, unit="z"))
    found = difference(rows, _text(unit="z"), "pcn")
    assert found.apart
    assert found.size == "1.00 apart"


def test_withheld_footprints_and_values_of_a_larger_area_are_left_out():
    withheld = _row("C", 99.0, 98.0, 100.0, status="suppressed")
    rows = _rows(_row("A", 12.0, 11.0, 13.0), _row("B", 6.0, 5.5, 6.5), withheld)
    assert difference(rows, _text(), "pcn").high.name == "A PCN"
    imputed = _rows(
        *(_row(code, 5.0 + n, 4.0, 6.0, status="imputed_down") for n, code in enumerate("AB"))
    )
    assert difference(imputed, _text(), "pcn") is None
    assert difference(_rows(_row("A", 12.0, 11.0, 13.0), withheld), _text(), "pcn") is None


@pytest.mark.parametrize("status", ["suppressed", "linkage_too_weak"])
def test_with_a_withheld_footprint_it_is_said_of_those_shown_and_is_no_key_figure(status):
    shown = [_row("A", 12.0, 11.0, 13.0), _row("B", 6.0, 5.5, 6.5)]
    hidden = _row("C", None, None, None, status=status)
    assert difference(_rows(*shown, hidden), _text(), "pcn").partly
    assert differences(_rows(*shown, hidden), {"x": _text()}, "pcn") == []
    # One that is withheld in another type, or has no data, takes nothing away.
    other = _row("L", None, None, None, status=status, kind="lad")
    absent = _row("D", None, None, None, status="no_data")
    assert not difference(_rows(*shown, other, absent), _text(), "pcn").partly
    assert len(differences(_rows(*shown, other, absent), {"x": _text()}, "pcn")) == 1


def test_extremes_that_read_alike_are_not_told():
    rows = [_row("A", 0.0, 0.0, 0.4), _row("B", 0.0, 0.0, 0.3), _row("C", 0.001, 0.0, 0.3)]
    assert difference(_rows(*rows), _text(), "pcn") is None


def test_intervals_overlap_only_where_there_are_some():
    some = _rows(_row("A", 12.0, 11.0, 13.0), _row("B", 11.0, 10.0, 12.0))
    assert difference(some, _text(), "pcn").overlap
    none = _rows(_row("A", 12.0, None, None), _row("B", 11.9, None, None))
    assert not difference(none, _text(), "pcn").overlap
    apart = _rows(_row("A", 12.0, 11.9, 12.1), _row("B", 11.7, 11.6, 11.8))
    assert not difference(apart, _text(), "pcn").overlap


@pytest.mark.parametrize(("interval", "apart"), [("none", True), ("compound_poisson", False)])
def test_a_missing_interval_tells_nothing_apart_where_one_is_needed(interval, apart):
    rows = _rows(_row("A", 12.0, None, None), _row("B", 6.0, None, None))
    assert difference(rows, _text(interval=interval), "pcn").apart is apart


def test_one_difference_per_domain_the_largest_ratio_first():
    class Entry:
        def __init__(self, domain):
            self.domain = domain

    catalogue = {"x": Entry("d"), "y": Entry("d"), "z": Entry("e")}
    rows = _rows(
        *(_row("A", 12.0, 11.0, 13.0, indicator=name) for name in "xyz"),
        _row("B", 6.0, 5.5, 6.5, indicator="x"),
        _row("B", 3.0, 2.5, 3.5, indicator="y"),
        _row("B", 8.0, 7.5, 8.5, indicator="z"),
    )
    texts = {name: indicator_text(catalogue, name, "%") for name in "xyz"}
    assert [each.id for each in differences(rows, texts, "pcn")] == ["y", "z"]


def test_the_overview_marks_what_the_interval_tells_apart():
    rows = _rows(
        _row("W", 10.0, 9.5, 10.5, kind="whole"),
        _row("A", 12.0, 11.0, 13.0),
        _row("B", 6.0, 5.5, 6.5),
        _row("C", 10.2, 9.0, 11.0),
        _row("D", 50.0, 40.0, 60.0, status="suppressed"),
    )
    ((_, _, basis, whole, marks),) = overview(rows, {"x": _text()}).rows
    assert (basis, whole) == ("Registered", "10.0%")
    assert [(mark.value, mark.css_class) for mark in marks] == [
        ("12.0%", "higher"),
        ("6.0%", "lower"),
        ("10.2%", ""),
        ("withheld", "none"),
    ]


def test_the_share_linked_leaves_out_the_register_and_sources_with_withheld_unlinked():
    card = {
        "data": {
            "sources": [
                {"name": "gp", "setting": "primary_care", "register": True, "records": 1000},
                {"name": "trust", "setting": "secondary_care", "register": False, "records": 100},
            ],
            "completeness": [
                {"source": "trust", "identifier": "nhs_number", "share": 0.5},
                {"source": "care", "identifier": "nhs_number", "share": None},
            ],
        },
        "results": {
            "by_source": [
                source_row("trust", {"nhs_number": 90, "unlinked": 10}),
                {**source_row("care", {"nhs_number": 40, "unlinked": None}), "records": 45},
            ]
        },
    }
    care = card["results"]["by_source"][1]["methods"][0]
    care["share"] = round(40 / 45, 3)
    made = linkage(card)
    assert made.linked == ("90.0%", "in 1 of 2 sources besides the register")
    assert made.methods == ("On the register", "NHS number", "Not linked")
    care = next(counts for name, _, counts, _ in made.counts if name == "care")
    assert care == ("–", "40 (88.9%)", "withheld")
    assert dict(made.completeness) == {"gp": ("–",), "trust": ("50.0%",), "care": ("withheld",)}


def test_records_linked_off_the_register_alone_count_as_not_linked_to_it():
    row = {**source_row("care", {"nhs_number": 90}), "records": 100, "elsewhere": 5, "unlinked": 5}
    made = linkage({"results": {"by_source": [row]}})
    assert made.linked == ("90.0%", "in all sources besides the register")
    assert made.methods == ("NHS number", "Off the register", "Not linked")
    overall = {"results": {"by_source": [row], "flow": {"linked_share": 0.876}}}
    assert linkage(overall).linked == ("87.6%", "in all sources besides the register")


def test_an_empty_card_is_no_error():
    made = linkage({})
    assert made.chart is None
    assert made.counts == ()
    assert made.linked == ("", "")
