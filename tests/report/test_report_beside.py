"""The sections that stand on tables beside the baseline: what they say, and what they keep back."""

from __future__ import annotations

import re

import beside_sample as beside
import polars as pl
import pytest
import report_sample as sample
from test_report_page import Page

from pophealth_link.errors import DataError
from pophealth_link.report import render_report
from pophealth_link.report.exhibits import table
from pophealth_link.report.forest import Frame, Mark, forest, not_drawn
from pophealth_link.report.headlines import at_a_glance, large
from pophealth_link.report.inputs import indicator_text

KEPT = (
    *("depression_recorded", "severe_mental_illness_recorded", "dementia_recorded"),
    *("mental_health_contacts", "temporary_accommodation", "delayed_discharge_days_housing"),
    "need_index",
)
PARTS = ("certainty", "knowing", "inequality", "comparison", "pressure", "modelled")


def inputs(**changes):
    given = {
        "baseline": pl.concat([baseline(), beside.known_rows()]),
        "boundaries": sample.boundaries().clear(),
        "catalogue": {**sample.CATALOGUE, **beside.known_entries()},
        "tables": beside.tables(),
    }
    return sample.inputs(**{**given, **changes})


def baseline() -> pl.DataFrame:
    return sample.baseline().filter(pl.col("indicator").is_in(KEPT))


@pytest.fixture(scope="module")
def html() -> str:
    return render_report(inputs())


@pytest.fixture(scope="module")
def bare() -> str:
    """Return the page of a real run that released a baseline alone."""
    return render_report(inputs(baseline=baseline(), tables={}, synthetic=False))


def part(text: str, name: str) -> str:
    """Return the words of one section."""
    start = text.index(f'<section id="{name}"')
    return Page(text[start : text.index("</section>", start) + len("</section>")]).words


def test_the_page_with_every_table_is_well_formed_and_its_links_lead_somewhere(html):
    page = Page(html)
    assert page.errors == []
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    links = {value[1:] for value in page.values("href") if value.startswith("#")}
    assert links - set(ids) == set()
    assert set(PARTS) <= links
    for tag, attributes in page.tags:
        if tag == "svg" and "chart" in str(attributes.get("class")):
            assert attributes.get("role") == "img"
            assert attributes.get("aria-label")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("inequality", "No table of inequality was released"),
        ("comparison", "No funnels were released"),
        ("comparison", "No standardised values were released"),
        ("comparison", "No expected counts were released"),
        ("pressure", "No waiting times were released"),
        ("pressure", "The job gives no table of beds"),
        ("pressure", "The job gives no unit costs"),
        ("modelled", "no gap is told"),
        ("knowing", "no indicator of who knows of whom"),
    ],
)
def test_an_empty_part_says_why_in_a_line(bare, name, said):
    assert said in part(bare, name)


def test_a_table_without_its_columns_is_refused():
    with pytest.raises(DataError, match="funnels"):
        inputs(tables={"funnels": beside.funnels().drop("whole")})


def test_each_part_says_what_its_numbers_are(html, bare):
    for name in PARTS:
        assert "synthetic" in part(html, name)
    for kind in ("modelled", "assumed"):
        assert re.search(rf'id="modelled".*?class="tag">{kind}<', html, re.S)
    assert 'class="tag">synthetic<' not in bare


def test_chance_and_linkage_stand_apart_and_weak_links_are_named(html):
    rows = inputs().baseline.filter(
        pl.col("indicator") == "mental_health_contacts",
        pl.col("footprint_type") == "whole",
        pl.col("footprint_code") == "whole",
        stratum="all",
        basis="registered",
    ).row(0, named=True)  # fmt: skip
    told = part(html, "certainty")
    for low, high in (("lower", "upper"), ("linkage_lower", "linkage_upper")):
        assert f"{rows[low]:.1f} to {rows[high]:.1f}" in told
    weak = inputs().baseline.filter(status="linkage_too_weak")
    assert f"Temporary accommodation {weak.height} Millfield PCN" in told
    assert re.search(r"Contacts with services .*? chance ", told)
    widened = inputs(
        baseline=inputs().baseline.with_columns(
            linkage_lower=pl.col("lower") * 0.5, linkage_upper=pl.col("upper") * 2
        )
    )
    told = part(render_report(widened), "certainty").split("Where links")[0]
    assert re.search(r"Contacts with services .*? linkage ", told.split("Wider")[1])
    assert " chance " not in told.split("Wider")[1]


def test_the_page_says_what_limits_from_linkage_leave_out(html):
    told = part(html, "certainty").split("What the limits from linkage do not hold")[1]
    for said in ("not the error of the number", "no fixed abode", "twice on the register",
                 "temporary accommodation", "unknown ethnic group"):  # fmt: skip
        assert said in told, said
    assert "no fixed abode who are counted at an address" in part(html, "reading")
    nothing = inputs(
        baseline=inputs().baseline.with_columns(
            pl.lit(None, dtype=pl.Float64).alias(name)
            for name in ("linkage_lower", "linkage_upper")
        )
    )
    assert "has no limits from linkage" in part(render_report(nothing), "certainty")


def test_who_knows_of_whom_counts_each_combination_and_keeps_back_what_is_withheld(html):
    told = part(html, "knowing")
    for parties, people in beside.KNOWING.items():
        shown = f"{people} ({people - 7} to {people + 8})" in told
        assert shown is (parties != "council"), parties
    assert "withheld" in told
    assert "Dementia" in told
    # Life tables and combinations are not listed one by one.
    assert "Waits: crisis" not in html
    assert 'id="domain-waits"' not in html
    assert 'id="domain-overlap"' not in html


def test_inequality_tells_core20_groups_and_indices(html):
    told = part(html, "inequality")
    # 10.0 against 9.0, and its interval of plus or minus 0.3.
    assert "1.11 0.81 to 1.41" in told
    assert "1.41 1.21 to 1.61" in told
    assert "5.25 too wide to tell" in told
    assert "1 more are withheld" in told
    assert "Not known or not stated" not in told


def test_funnels_name_what_lies_outside_and_leave_the_rest_unnamed(html):
    start = html.index('<section id="comparison"')
    svg = html[html.index("<svg", start) : html.index("</svg>", start)]
    assert "Weald PCN" in svg
    assert "Harbour" in svg
    assert "Millfield PCN" not in svg
    told = part(html, "comparison")
    assert "▲▲ above" in told
    assert "▼ below" in told
    assert "1.10 (1.08 to 1.12) ▲" in told


def test_counts_stand_beside_those_that_ages_lead_one_to_expect(html):
    told = part(html, "comparison").split("As many as their ages")[1]
    assert "rates by age lead one to expect" in told
    assert "intervals and readings allow for that" in told
    # 75 counted over 60 expected, and its interval of plus or minus a quarter.
    assert "Harbour and Northgate PCN 1.25 (1.00 to 1.50) ▲" in told
    assert "Harbour and Northgate PCN 75 60 1.25 1.00 to 1.50 ▲ above" in told
    assert "Priory and Riverside Community PCN 80 80 1.00 0.75 to 1.25 as expected" in told
    assert "Weald PCN 30 60 0.50 0.25 to 0.75 ▼▼ below" in told
    # People by age of the second are withheld: its own count goes with them, as with any status.
    assert "Millfield PCN withheld" in told
    assert "54" not in told
    assert "Millfield PCN – – withheld – –" in told


def test_expected_counts_say_so_where_none_can_be_shown():
    none = beside.observed_expected().with_columns(
        pl.lit("suppressed").alias("status"),
        *(pl.lit(None).alias(n) for n in ("value", "expected")),
    )
    page = render_report(inputs(tables={**beside.tables(), "observed_expected": none}))
    assert "No headline indicator has a count, people by age" in part(page, "comparison")


def test_a_standard_is_told_even_where_the_wait_is_withheld(html):
    told = part(html, "pressure")
    assert re.search(r"NHS Talking Therapies 6 weeks – withheld – 75% –", told)
    assert re.search(r"First episode of psychosis 2 weeks 120 71% 65% to 77% 60% met", told)


def test_beds_and_costs_stand_with_their_source(html):
    told = part(html, "pressure")
    assert "Trust’s bed return" in told or "Trust's bed return" in told
    assert "97.4% 96.9% to 97.9% 97.2% to 98.3%" in told
    assert "598 £689.50 £412,300 352,300 to 472,300" in told
    assert "Contract of the trust" in told
    # The limits of a cost hold the lowest and highest cost of one: they are no interval of 95 %.
    assert "Cost Lowest to highest Limits from linkage Prices of" in told


def test_limits_from_linkage_that_are_a_point_say_that_no_link_is_in_doubt(html):
    told = part(html, "pressure")
    assert "8.60 8.10 to 9.10 no link in doubt" in told
    assert not re.search(r"(\b[\d,.]+%?) to \1 beds", told)


def test_beds_of_footprints_stand_by_footprint(html):
    told = part(html, "pressure")
    first = next(each[2] for each in beside.PLACES if each[0] == "pcn")
    beds = "12.00 88.8% (88.5% to 89.0%) 12.50 (12.25 to 12.75)"
    assert f"{first}: All acute {beds} 0.50 (0.25 to 0.75)" in told
    assert told.count(": All acute 12.00") == 1
    assert told.count("Demand and capacity by footprint") > 0
    only = beside.tables() | {"capacity": beside.capacity().filter(footprint_type="whole")}
    assert "Demand and capacity by footprint" not in render_report(inputs(tables=only))


def test_the_gap_is_an_interval_only_where_definitions_agree(html):
    told = part(html, "modelled")
    assert "between 43 and 71 more people are expected than recorded" in told
    assert "Bear in mind: rates of 2014, taken to hold for records of 2026-04-01; by sex" in told
    assert "83.7%" in told
    assert "diagnoses beside screens" in told
    assert "assumed from the whole survey’s respondents" in told


def test_the_index_shows_loadings_and_ranks(html):
    start = html.index('<section id="domain-index"')
    told = Page(html[start : html.index('<section class="indicator"', start)] + "</section>").words
    assert "Overcrowded households 0.83 – 69%" in told
    assert "Millfield PCN PCN 0.20 2 of 4 1 to 3" in told


def test_withheld_numbers_of_no_table_reach_the_page():
    def planted(frame):
        numbers = [
            name
            for name, kind in frame.schema.items()
            if kind == pl.Float64 and name not in {"standard", "unit_cost"}
        ]
        return frame.with_columns(
            *(pl.lit(7_654_321.25).alias(name) for name in numbers),
            status=pl.lit("suppressed"),
        )

    held = {
        name: planted(frame) if "status" in frame.columns else frame
        for name, frame in beside.tables().items()
    }
    page = render_report(inputs(tables=held))
    assert "7,654,321" not in page
    assert "7654321" not in page


def test_a_table_is_read_with_its_numbers_emptied_and_its_own_reason_kept():
    frame = beside.slopes()
    held = table(inputs(tables={"inequality_slopes": frame}), "inequality_slopes")
    assert held.height == frame.height
    assert held.filter(~pl.col("given"))["told"].to_list() == ["withheld"]
    assert held["reason"].to_list() == [False] * 3
    assert table(inputs(tables={"funnels": beside.funnels().clear()}), "funnels") is None


def test_marks_of_a_forest_stand_where_their_values_are():
    marks = [Mark("a", 2.0, 1.0, 3.0), Mark("b", 6.0, 5.0, 8.0, 4.0, 9.0), Mark("c", note="none")]
    svg = str(forest(marks, "x", Frame(span=(0.0, 10.0), width=100)))
    points = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', svg)]
    assert points == pytest.approx([20.0, 60.0], abs=0.1)
    wide = re.search(r'stroke-width="8"[^>]*>|<line[^>]*stroke-width="8"', svg)
    assert wide
    assert "none" in svg


def test_marks_without_a_value_are_named_or_counted():
    none = [Mark(name, note="withheld") for name in "abc"]
    assert not_drawn(none) == ("Not drawn: a, b and c (withheld).",)
    many = [Mark(str(at), note="withheld") for at in range(9)]
    assert not_drawn(many) == ("Not drawn: 9 that the table names (withheld).",)
    assert not_drawn([Mark("a", 1.0)]) == ()


def test_parts_of_an_indicator_take_a_line_and_headlines_a_chart():
    part_of = {"bed": type("E", (), {"title": "B", "part_of": ("all",)})()}
    assert not large(indicator_text(part_of, "bed", ""))
    assert large(indicator_text({}, "depression_recorded", ""))
    assert not large(indicator_text({}, "smi_health_check_bmi", ""))
    few = {name: indicator_text({}, name, "") for name in ("need_index", "own")}
    assert set(at_a_glance(few)) == set(few)
    many = {name: indicator_text(sample.CATALOGUE, name, "") for name in sample.CATALOGUE}
    assert "noise_complaints" not in at_a_glance(many)
    assert "depression_recorded" in at_a_glance(many)
