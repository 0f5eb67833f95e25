"""Tables beside the baseline of the made-up run, made by their declarations."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import polars as pl
import report_sample as sample

from pophealth_link.report.inputs import BESIDE
from pophealth_link.schema import OUTPUT_TABLES

PERIOD = "2025-04-01 to 2026-03-31"
WHOLE = ("whole", "whole", "Whole area")
PLACES = (*(("pcn", code, name) for code, name in sample.PCNS.items()), ("lad", *sample.LAD), WHOLE)
ASKED = ("depression_recorded", "severe_mental_illness_recorded", "delayed_discharge_days_housing")
GROUPS = (
    *(f"quintile_{fifth}" for fifth in range(1, 6)),
    *("sex_female", "sex_male", "age_18_25", "age_26_64", "age_65_over"),
    *("ethnic_white", "ethnic_black", "ethnic_unknown"),
)
PARTIES = ("gp", "trust", "council")
KNOWING = {"gp": 210, "trust": 44, "council": 19, "gp_trust": 95, "gp_council": 33,
           "trust_council": 12, "gp_trust_council": 61}  # fmt: skip


def frame(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    """Return rows as a table of that declaration; columns that a row lacks are empty."""
    schema = BESIDE[name].polars_schema
    full = [{column: row.get(column) for column in schema} for row in rows]
    assert all(set(row) <= set(schema) for row in rows), name
    return pl.DataFrame(full, schema=schema, orient="row")


def place(of: tuple[str, str, str], **more: object) -> dict[str, object]:
    kind, code, name = of
    own = {"footprint_type": kind, "footprint_code": code, "footprint_name": name}
    return {**own, "basis": "registered", "status": "ok", "period": PERIOD, **more}


def estimate(stem: str, value: float, half: float) -> dict[str, float]:
    ends = ("lower", "upper") if stem == "value" else (f"{stem}_lower", f"{stem}_upper")
    return {stem: value, ends[0]: value - half, ends[1]: value + half}


def groups() -> pl.DataFrame:
    rows = [
        place(WHOLE, indicator=indicator, family=stratum.split("_")[0], stratum=stratum, unit="%")
        | estimate("value", 10.0 + at, 1.0)
        | estimate("rest", 9.0, 0.5)
        | estimate("ratio", (10.0 + at) / 9.0, 0.3)
        for indicator in ASKED
        for at, stratum in enumerate(GROUPS)
    ]
    return frame("inequality_groups", rows)


def slopes() -> pl.DataFrame:
    first, second, third = ASKED
    made = [
        place(WHOLE, indicator=first, unit="%")
        | estimate("slope_index", 4.3, 1.1)
        | estimate("relative_index", 1.41, 0.2),
        place(WHOLE, indicator=second, unit="%")
        | estimate("slope_index", 0.7, 0.2)
        | estimate("relative_index", 5.25, 9.0),
        place(WHOLE, indicator=third, unit="%") | {"status": "suppressed", "reason": "withheld"},
    ]
    return frame("inequality_slopes", made)


def funnels() -> pl.DataFrame:
    limits = {"lower_95": 9.0, "upper_95": 11.0, "lower_998": 8.0, "upper_998": 12.0}
    marks = ("high (99.8 %)", "not significant", "not significant", "low (95 %)")
    values = (13.1, 10.2, 9.8, 8.6)
    pcns = [each for each in PLACES if each[0] == "pcn"]
    rows = [
        place(of, indicator=indicator, denominator=30_000.0 + 900 * at, whole=10.0, unit="%")
        | estimate("value", values[at], 0.4)
        | limits
        | {"significance": marks[at]}
        for indicator in ASKED[:2]
        for at, of in enumerate(pcns)
    ]
    return frame("funnels", rows)


def standardised() -> pl.DataFrame:
    rows = [
        place(of, indicator=ASKED[0], age_groups=7, whole=10.0, unit="%")
        | estimate("value", 11.0, 0.2)
        | estimate("ratio", 1.1, 0.02)
        | {"significance": "high (95 %)"}
        for of in PLACES
        if of[0] == "lad"
    ]
    return frame("standardised", rows)


def observed_expected() -> pl.DataFrame:
    """Return counts beside expected ones of the networks; of the second the ages are withheld."""
    counts = ((75.0, 60.0, 1.25, "high (95 %)"), (54.0, None, None, None),
              (80.0, 80.0, 1.0, "not significant"), (30.0, 60.0, 0.5, "low (99.8 %)"))  # fmt: skip
    rows = []
    pcns = [each for each in PLACES if each[0] == "pcn"]
    for of, (observed, expected, ratio, told) in zip(pcns, counts, strict=True):
        row = place(of, indicator=ASKED[1], observed=observed, expected=expected, significance=told)
        row |= {"status": "suppressed"} if ratio is None else estimate("value", ratio, 0.25)
        rows.append(row)
    return frame("observed_expected", rows)


def waiting_times() -> pl.DataFrame:
    standard = {"is_standard": True, "unit": "%"}
    rows = [
        place(of, pathway="psychosis", days=14, standard=60.0, **standard)
        | estimate("value", 71.0, 6.0)
        | {"referrals": 120.0, "seen": 85.0, "met": "met"}
        for of in PLACES
    ]
    rows += [
        place(of, pathway="talking_therapies", days=42, standard=75.0, **standard)
        | {"status": "suppressed"}
        for of in PLACES
    ]
    return frame("waiting_times", rows)


def service_shares() -> pl.DataFrame:
    rows = [
        place(of, stratum="all", measure="missed_contacts", unit="% of contacts", part=40.0)
        | {"title": "Share of contacts that were missed", "whole": 400.0}
        | estimate("value", 10.0, 3.0)
        for of in PLACES
    ]
    return frame("service_shares", rows)


def capacity() -> pl.DataFrame:
    source = {"beds_source": "Trust's bed return", "beds_date": "2026-01-05"}
    rows = [
        place(WHOLE, ward_type="acute", measure=measure, unit=unit, **source)
        | estimate("value", value, 0.5)
        | {"linkage_lower": value - 0.2, "linkage_upper": value + 0.9}
        for measure, unit, value in (("occupancy", "%", 97.4), ("shortfall", "beds", 8.6))
    ]
    rows[1] |= {"linkage_lower": 8.6, "linkage_upper": 8.6}
    first, second = [each for each in PLACES if each[0] == "pcn"][:2]
    beds = (("open_beds", "beds", 12.0), ("occupancy", "%", 88.8), ("beds_needed", "beds", 12.5),
            ("shortfall", "beds", 0.5))  # fmt: skip
    for measure, unit, value in beds:
        own = place(first, ward_type="acute", measure=measure, unit=unit, **source)
        rows.append(own | estimate("value", value, 0.25))
        none = place(second, ward_type="acute", measure=measure, unit=unit)
        rows.append(none | {"status": "not_applicable"})
    return frame("capacity", rows)


def costs() -> pl.DataFrame:
    row = place(WHOLE, item="out_of_area_days", indicator="out_of_area_days", unit="£")
    row |= estimate("value", 412_300.0, 60_000.0)
    row |= {"quantity": 598.0, "unit_cost": 689.5, "price_year": "2024/25"}
    return frame("costs", [row | {"cost_source": "Contract of the trust"}])


def gap() -> pl.DataFrame:
    pair = {"survey": "A survey", "year": "2014", "condition": "dementia", "stratum": "age_65_over"}
    both = [
        place(WHOLE, pair="dementia", comparison="gap", indicator="dementia_recorded", **pair)
        | estimate("observed", 63.0, 2.0)
        | estimate("expected", 120.0, 12.0)
        | {"gap_lower": 43.0, "gap_upper": 71.0}
        | {"reason": "rates of 2014, taken to hold for records of 2026-04-01; by sex alone"},
        place(WHOLE, pair="depression", comparison="observed_expected", **pair)
        | {"indicator": ASKED[0], "stratum": "all", "ratio": 83.7, "reason": "diagnoses beside screens"},
    ]  # fmt: skip
    for row in both:
        row.pop("period")
    return frame("gap", both)


def modelled() -> pl.DataFrame:
    row = place(WHOLE, survey="A survey", year="2014", condition="dementia", measure="interview")
    row |= {"reference_period": "current", "survey_group": "adults", "age_from": 65, "sex": "all"}
    row |= estimate("expected", 120.0, 12.0) | estimate("value", 6.5, 0.6)
    row |= {"population": 1_800.0, "limits": "assumed"}
    row.pop("period")
    return frame("modelled", [row])


def index_ranks() -> pl.DataFrame:
    rows = [
        {"area_type": "pcn", "area_code": code, "area_name": name, "index": 1.2 - at, "rank": at + 1}
        | {"rank_lower": max(1, at), "rank_upper": min(4, at + 2), "areas": 4}
        for at, (code, name) in enumerate(sample.PCNS.items())
    ]  # fmt: skip
    return frame("index_ranks", rows)


def index_members() -> pl.DataFrame:
    row = {"indicator": "overcrowding_bedrooms", "method": "factor", "weight": 0.5}
    return frame(
        "index_members", [row | {"loading_1": 0.83, "communality": 0.69, "against": False}]
    )


def tables() -> dict[str, pl.DataFrame]:
    """Return every table that a run may release beside its baseline."""
    made = (groups, slopes, funnels, standardised, observed_expected, waiting_times,
            service_shares, capacity, costs, gap, modelled, index_ranks, index_members)  # fmt: skip
    names = {groups: "inequality_groups", slopes: "inequality_slopes"}
    return {names.get(each, each.__name__): each() for each in made}


def known_entries() -> dict[str, sample.Entry]:
    """Return the catalogue's entries of who knows of dementia, and one count of a life table."""
    unit = "per 1,000 people"
    parts = {
        "_".join(each) + ("_only" if len(each) == 1 else "")
        for size in (1, 2, 3)
        for each in combinations(PARTIES, size)
    }
    total = sample.Entry("Known to have dementia, by anyone", "overlap", unit, "person", 5.0)
    return {
        "dementia_known": total,
        **{f"dementia_known_{part}": replace(total, title=f"Known: {part}") for part in parts},
        "waits_crisis_seen_1": sample.Entry("Waits: crisis: seen", "waits", unit, "person", 1.0),
    }


def known_rows() -> pl.DataFrame:
    """Return baseline rows of those entries for the whole area; the council alone is withheld."""
    counts = {"dementia_known": 474, "waits_crisis_seen_1": 15}
    for parties, people in KNOWING.items():
        only = "_only" if "_" not in parties else ""
        counts[f"dementia_known_{parties}{only}"] = people
    rows = []
    for name, people in counts.items():
        withheld = name.endswith("council_only")
        row = place(WHOLE, indicator=name, stratum="all", unit="per 1,000 people")
        numbers = {"numerator": float(people), "denominator": 20_000.0, "value": people / 20.0,
                   "lower": people / 22.0, "upper": people / 18.0, "linkage_lower": people / 21.0,
                   "linkage_upper": people / 20.0, "numerator_linkage_lower": people - 7.0,
                   "numerator_linkage_upper": people + 8.0}  # fmt: skip
        rows.append(row | ({"status": "suppressed"} if withheld else numbers))
    schema = OUTPUT_TABLES["baseline"].polars_schema
    full = [{column: row.get(column) for column in schema} for row in rows]
    return pl.DataFrame(full, schema=schema, orient="row")
