"""Recorded beside modelled need: what may be subtracted, and what may only be set side by side."""

import math
from dataclasses import replace

import polars as pl
import pytest
from survey_tables import row, survey

from pophealth_link.errors import JobError
from pophealth_link.indicators import catalogue
from pophealth_link.need.gap import gap
from pophealth_link.need.gap_pairs import (
    SIDES,
    agreeing,
    load_pairs,
    read_pairs,
    require_alike,
    shipped_pairs,
)
from pophealth_link.need.survey import shipped
from pophealth_link.schema.outputs import BASELINE
from pophealth_link.schema.outputs_modelled import GAP, MODELLED

SIDE = ", ".join(f'{key} = "same"' for key in SIDES)
PAIR = f"""
[pair]
comparison = "gap"
indicator = "dementia_recorded"
stratum = "age_65_over"
survey = "Survey"
condition = "dementia"
age_from = 65
observed = {{ {SIDE} }}
expected = {{ {SIDE} }}
"""
(GAP_PAIR,) = read_pairs(PAIR)
(OTHER_PAIR,) = read_pairs(PAIR.replace('"gap"', '"observed_expected"') + 'differs = "ages"\n')


def recorded(numerator=600, denominator=10_000, status="ok", code="U1", **more):
    """A recorded proportion with Wilson limits of its own."""
    row = dict.fromkeys(BASELINE.names)
    row |= {"footprint_type": "pcn", "footprint_code": code, "footprint_name": code, "basis": "registered",
            "indicator": "dementia_recorded", "stratum": "age_65_over", "status": status}  # fmt: skip
    if status in ("ok", "estimated"):
        share, z2 = numerator / denominator, 1.959963984540054**2
        middle = (2 * numerator + z2) / (2 * (denominator + z2))
        half = math.sqrt(z2 * (z2 + 4 * numerator * (1 - share))) / (2 * (denominator + z2))
        row |= {"numerator": numerator, "denominator": denominator, "value": 100 * share,
                "lower": 100 * (middle - half), "upper": 100 * (middle + half)}  # fmt: skip
    return pl.DataFrame([row | more], schema=BASELINE.polars_schema)


def expected(value=1000.0, low=900.0, high=1100.0, status="ok", code="U1", year="2011"):
    row = dict.fromkeys(MODELLED.names)
    row |= {"footprint_type": "pcn", "footprint_code": code, "footprint_name": code, "basis": "registered",
            "survey": "Survey", "year": year, "condition": "dementia", "measure": "m", "reference_period": "current",
            "survey_group": "adults", "age_from": 65, "sex": "all", "expected": value, "expected_lower": low,
            "expected_upper": high, "limits": "published", "status": status}  # fmt: skip
    return pl.DataFrame([row], schema=MODELLED.polars_schema)


def test_a_gap_by_hand():
    """E − O = 400; distances of the limits in quadrature (Zou and Donner 2008)."""
    baseline = recorded()
    below = 600 - baseline["lower"].item() * 100
    above = baseline["upper"].item() * 100 - 600
    found = gap(baseline, expected(), [GAP_PAIR])
    assert found.schema == GAP.polars_schema
    assert found["gap_lower"].item() == pytest.approx(400 - math.hypot(100, above), abs=0.06)
    assert found["gap_upper"].item() == pytest.approx(400 + math.hypot(100, below), abs=0.06)
    # Never a point: neither difference nor ratio.
    assert found["ratio"].item() is None
    assert found["ratio_lower"].item() < 60 < found["ratio_upper"].item()


def test_a_gap_says_of_when_the_rates_and_the_records_are():
    found = gap(recorded(period="2026-04-01"), expected(), [replace(GAP_PAIR, differs="bear it")])
    said = "rates of 2011, taken to hold for records of 2026-04-01; bear it"
    assert found["reason"].item() == said
    bare = gap(recorded(period="2026-04-01"), expected(), [GAP_PAIR])
    assert bare["reason"].item() == said.removesuffix("; bear it")
    # What is set side by side says how the definitions differ, and its year is in the row.
    other = gap(recorded(period="2026-04-01"), expected(), [OTHER_PAIR])
    assert (other["reason"].item(), other["year"].item()) == ("ages", "2011")


def test_linkage_widens_the_gap():
    plain = gap(recorded(), expected(), [GAP_PAIR])
    if "numerator_linkage_lower" not in BASELINE.names:
        limits = {"numerator_linkage_lower": 550.0, "numerator_linkage_upper": 700.0}
        baseline = recorded().with_columns(**{n: pl.lit(v) for n, v in limits.items()})
    else:
        baseline = recorded(numerator_linkage_lower=550.0, numerator_linkage_upper=700.0)
    wide = gap(baseline, expected(), [GAP_PAIR])
    assert wide["gap_lower"].item() < plain["gap_lower"].item()
    assert wide["gap_upper"].item() > plain["gap_upper"].item()
    assert wide.select("observed_lower", "observed_upper").row(0) == (550.0, 700.0)
    high = recorded()["upper"].item() * 100 - 600
    assert wide["gap_lower"].item() == pytest.approx(
        400 - math.hypot(100, math.hypot(high, 100)), abs=0.06
    )


def test_what_differs_is_never_subtracted():
    found = gap(recorded(), expected(), [OTHER_PAIR])
    assert found.select("gap_lower", "gap_upper").row(0) == (None, None)
    assert found["ratio"].item() == 60.0
    assert found["ratio_lower"].item() < 60 < found["ratio_upper"].item()
    assert found["reason"].item() == "ages"


def test_without_limits_there_is_no_gap_but_a_ratio():
    bare = expected(low=None, high=None)
    found = gap(recorded(), bare, [GAP_PAIR])
    assert found.select("status", "gap_lower").row(0) == ("no_data", None)
    assert "never a point" in found["reason"].item()
    other = gap(recorded(), bare, [OTHER_PAIR])
    assert other.select("status", "ratio", "ratio_lower").row(0) == ("ok", 60.0, None)


@pytest.mark.parametrize(
    ("baseline", "model", "status", "said"),
    [
        (
            recorded(status="suppressed"),
            expected(),
            "suppressed",
            "the recorded number is suppressed",
        ),
        (recorded(status="linkage_too_weak"), expected(), "linkage_too_weak", "linkage_too_weak"),
        (recorded(), expected(None, None, None, "suppressed"), "suppressed", "the modelled number"),
        (recorded().clear(), expected(), "no_data", "the baseline has no dementia_recorded"),
        (recorded(), expected().clear(), "no_data", "nothing is modelled for dementia"),
        (recorded(status="estimated"), expected(), "estimated", None),
    ],
)
def test_statuses_say_which_side_is_missing(baseline, model, status, said):
    found = gap(baseline, model, [GAP_PAIR])
    assert found["status"].item() == status
    if said is None:
        assert found["gap_lower"].item() is not None
    else:
        assert said in found["reason"].item()
        numbers = [c.name for c in GAP.columns if c.kind == "number"]
        assert found.select(numbers).row(0) == (None,) * len(numbers)


def test_every_footprint_is_in_every_pair_and_every_year():
    baseline = pl.concat([recorded(), recorded(code="U2")])
    model = pl.concat([expected(), expected(code="U3"), expected(year="2014")])
    found = gap(baseline, model, [GAP_PAIR, replace(OTHER_PAIR, id="other")])
    assert found.height == 3 * 2 * 2
    assert found.filter(footprint_code="U1", year="2014", pair="pair")["status"].item() == "ok"
    assert found.filter(footprint_code="U3")["status"].unique().to_list() == ["no_data"]


def test_nobody_recorded_has_the_limits_of_a_count_of_zero():
    found = gap(recorded(numerator=0), expected(100.0, 90.0, 110.0), [GAP_PAIR])
    # Exact Poisson: at most 3.69 of a count of 0.
    assert found["gap_lower"].item() == pytest.approx(100 - math.hypot(10, 3.6889), abs=0.06)
    assert found["gap_upper"].item() == 110.0


@pytest.mark.parametrize("code", ["no_pcn", "unknown_practice", "no_postcode"])
def test_people_without_a_footprint_have_no_gap(code):
    found = gap(recorded(code=code), expected(code=code), [GAP_PAIR, replace(OTHER_PAIR, id="o")])
    assert found["status"].unique().to_list() == ["not_applicable"]
    assert found["reason"].unique().to_list() == ["no footprint"]
    numbers = [c.name for c in GAP.columns if c.kind == "number"]
    assert found.select(numbers).null_count().row(0) == (2,) * len(numbers)


@pytest.mark.parametrize("limit", ["lower", "upper"])
def test_a_recorded_number_without_limits_has_no_gap(limit):
    """A limit that is not given is not a limit at no distance."""
    baseline = recorded().with_columns(pl.lit(None, pl.Float64).alias(limit))
    found = gap(baseline, expected(), [GAP_PAIR])
    assert found.select("status", "gap_lower", "gap_upper").row(0) == ("no_data", None, None)
    assert "never a point" in found["reason"].item()
    other = gap(baseline, expected(), [OTHER_PAIR])
    assert other.select("status", "ratio").row(0) == ("ok", 60.0)
    assert None in other.select("ratio_lower", "ratio_upper").row(0)


def test_rounding_widens_the_interval_of_what_is_recorded():
    """600 rounded to 5 is 597.5 to 602.5 before any error: 2.5 further on either side."""
    baseline = recorded()
    below = 600 - baseline["lower"].item() * 100 + 2.5
    above = baseline["upper"].item() * 100 - 600 + 2.5
    found = gap(baseline, expected(), [GAP_PAIR], rounding=2.5)
    assert found["gap_lower"].item() == pytest.approx(400 - math.hypot(100, above), abs=0.06)
    assert found["gap_upper"].item() == pytest.approx(400 + math.hypot(100, below), abs=0.06)


WHERE = {"survey": "Survey", "condition": "dementia", "population": "people of homes",
         "reference_period": "current"}  # fmt: skip
TABLE = survey(row(age_from=65, rate=7.0, **WHERE))
ALIKE = """
[pair]
comparison = "gap"
indicator = "dementia_recorded"
stratum = "age_65_over"
survey = "Survey"
condition = "dementia"
age_from = 65
observed = { condition = "dementia", ages = "65 and over", population = "people of homes", period = "current" }
expected = { condition = "dementia", ages = "65 and over", population = "people of homes", period = "current" }
"""


def test_a_gap_that_agrees_with_catalogue_and_survey_is_taken():
    require_alike(read_pairs(ALIKE), catalogue(), [TABLE])
    require_alike(shipped_pairs(), catalogue(), shipped())
    assert agreeing(shipped_pairs(), catalogue(), shipped()) == shipped_pairs()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"dementia_recorded"', '"dementia_recordd"', "Did you mean `dementia_recorded`"),
        ('"age_65_over"', '"all"', "pair.stratum"),
        ('"age_65_over"', '"band_65_74"', "pair.stratum"),
        ('"age_65_over"', '"sex_female"', "pair.stratum"),
        ("age_from = 65", "age_from = 65\nage_to = 74", "pair.stratum"),
        ("age_from = 65", "age_from = 60", "pair.stratum"),
        ('"dementia_recorded"', '"talking_therapies_referrals"', "pair.period"),
        ('survey = "Survey"', 'survey = "Other"', "pair.survey"),
        ('\ncondition = "dementia"', '\ncondition = "memory"', "pair.condition"),
        ("people of homes", "everyone", "pair.population"),
        ('period = "current"', 'period = "ever"', "pair.period"),
    ],
)
def test_a_gap_that_says_other_than_catalogue_and_survey_is_refused(old, new, said):
    pairs = read_pairs(ALIKE.replace(old, new))
    with pytest.raises(JobError, match=said):
        require_alike(pairs, catalogue(), [TABLE])
    # What is set side by side need not agree.
    require_alike([replace(pairs[0], comparison="observed_expected")], catalogue(), [TABLE])


def test_ages_of_an_indicator_bound_those_of_its_stratum():
    """Depression is of adults: everyone of it is 18 and over."""
    (pair,) = read_pairs(ALIKE)
    adults = replace(pair, indicator="depression_recorded", stratum="all", age_from=18)
    require_alike([adults], catalogue(), [TABLE])
    with pytest.raises(JobError, match="18 and over"):
        require_alike([replace(adults, age_from=16)], catalogue(), [TABLE])


def test_shipped_pairs_that_no_longer_agree_are_not_subtracted():
    (pair,) = read_pairs(ALIKE)
    other = survey(row(age_from=65, rate=7.0, **WHERE | {"population": "households"}))
    (kept,) = agreeing([pair], catalogue(), [other])
    assert kept.comparison == "observed_expected"
    assert "population" in kept.differs
    assert agreeing([pair], catalogue(), [TABLE]) == (pair,)


def test_shipped_pairs_subtract_only_what_agrees():
    pairs = shipped_pairs()
    assert {p.id for p in pairs if p.comparison == "gap"} == {"dementia_65_over"}
    assert all(p.differs for p in pairs if p.comparison != "gap")


@pytest.mark.parametrize("side", SIDES)
def test_a_gap_whose_sides_differ_is_refused(side):
    wrong = PAIR.replace(f'{side} = "same"', f'{side} = "other"', 1)
    with pytest.raises(JobError, match=rf"pair\.{side}"):
        read_pairs(wrong)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PAIR.replace("indicator =", "indicatr ="), "Did you mean `indicator`"),
        (PAIR.replace('"gap"', '"difference"'), "must be one of gap, observed_expected"),
        (PAIR.replace('"gap"', '"observed_expected"'), "say how the definitions differ"),
        ("pair = 1", "is not a pair"),
        ("[pair", "are not TOML"),
    ],
)
def test_pairs_that_make_no_sense_are_refused(text, said):
    with pytest.raises(JobError, match=said):
        read_pairs(text)


def test_pairs_are_read_from_a_file(tmp_path):
    path = tmp_path / "pairs.toml"
    path.write_text(PAIR, "utf-8")
    assert load_pairs(path) == (GAP_PAIR,)
    with pytest.raises(JobError, match="does not exist"):
        load_pairs(tmp_path / "none.toml")


def test_without_pairs_there_is_nothing():
    assert gap(recorded(), expected(), []).is_empty()
