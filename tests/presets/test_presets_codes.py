"""Code lists against the counts of the published ones, presets against their page."""

import re
from pathlib import Path

import pytest

from pophealth_link.errors import JobError
from pophealth_link.job.describing import describe
from pophealth_link.schema import CODE_LISTS, EVENT_TABLES, codes
from pophealth_link.sources import preset, preset_names

PAGE = Path(__file__).parents[2] / "docs" / "presets.md"
EXTRACTS = [
    "adult_social_care", "children_in_need", "community_services", "council_tax", "ecds", "gp_condition_events",
    "gp_register", "h_clic", "hes_ae", "hes_apc", "hes_op", "housing_register", "looked_after_children", "mhsds_v5",
    "mhsds_v6", "sus_apc", "talking_therapies",
]  # fmt: skip

# How many codes the published list has: MHSDS v6.0.7.1 specification, v5 specification, NHS Data Model
# and Dictionary, client-level data specification.
PUBLISHED = {
    "ethnic_category": 18,
    "attendance": 6,
    "accommodation_type": 22,
    "settled_accommodation": 4,
    "employment_status": 9,
    "legal_status": 27,
    "referral_reason": 30,
    "out_of_area_reason": 7,  # five, 15 of the data sets, and 99 by default
    "delay_attribution": 4,
    "primary_need": 10,
    "council_tax_band": 8,
    "social_care_event_type": 4,
    "social_care_service": 9,
    "delivery_mechanism": 3,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_code_list_is_as_long_as_the_published_one(name: str) -> None:
    assert len(CODE_LISTS[name].codes) == PUBLISHED[name]


def test_delay_reasons_of_both_versions() -> None:
    told = CODE_LISTS["delay_reason"].codes
    new = {code for code in told if code.isdigit()}
    assert new == {f"{n:02}" for n in range(1, 38)} | {"98"}
    assert len(set(told) - new) == 33  # version 5, which has 98 as well
    # The split of the published measure: housing, and social care, in the codes of version 6.
    assert new & set(codes.HOUSING_DELAY_REASONS) == {"14", "15", "16", "17", "18", "19", "32"}
    assert new & set(codes.SOCIAL_CARE_DELAY_REASONS) == {"03", "07", "08", "09", "34"}
    for named in (codes.HOUSING_DELAY_REASONS, codes.SOCIAL_CARE_DELAY_REASONS):
        assert set(named) <= set(told)
    told_housing = {code for code, meaning in told.items() if "Housing:" in meaning}
    assert told_housing == set(codes.HOUSING_DELAY_REASONS)
    told_care = {code for code, meaning in told.items() if "Social care:" in meaning}
    assert told_care == set(codes.SOCIAL_CARE_DELAY_REASONS)


def test_beds_and_detentions() -> None:
    beds = CODE_LISTS["bed_type"].codes
    assert len([code for code in beds if len(code) == 3]) == 26  # version 6: 200 to 213, 300 to 311
    assert {code for code in beds if len(code) == 3} == {
        *map(str, range(200, 214)), *map(str, range(300, 312)),
    }  # fmt: skip
    assert len([code for code in beds if len(code) == 2]) == 29
    # 22 codes of the specification are defined as detained; 33 and 34 are retired.
    assert len(codes.DETAINED_LEGAL_STATUSES) == 22
    assert not {"33", "34"} & set(CODE_LISTS["legal_status"].codes)


def test_no_two_codes_of_a_list_mean_the_same() -> None:
    for name, each in CODE_LISTS.items():
        meanings = [meaning.casefold() for meaning in each.codes.values()]
        assert len(set(meanings)) == len(meanings), name


def test_every_extract_has_a_preset_that_says_its_source() -> None:
    assert list(preset_names()) == EXTRACTS
    for name in EXTRACTS:
        made = preset(name)
        assert made.source, name
        assert made.meaning.endswith("."), name


def test_every_table_of_events_is_filled_by_a_preset() -> None:
    filled = {table for name in EXTRACTS for table in preset(name).tables}
    # No national data set holds these: a source maps its own columns.
    own = {"crisis_assessments", "health_checks"}
    assert set(EVENT_TABLES) - own <= filled


@pytest.mark.parametrize("name", EXTRACTS)
def test_describe_shows_all_that_a_preset_says(name: str) -> None:
    text = re.sub(r"\s+", " ", describe(name))
    made = preset(name)
    assert text.startswith(f"{name}: {made.meaning}")
    assert made.source in text
    for table, told in made.tables.items():
        assert f"{table}: " in text
        for part in told.parts:
            names = [each for column in part.columns.values() for each in column]
            texts = [*names, *part.files, *part.constants.values(), *part.require]
            for each in texts:
                assert each in text, each


def test_describe_names_the_presets_and_the_nearest_one() -> None:
    assert "Presets: " in describe()
    with pytest.raises(JobError, match="Did you mean `mhsds_v6`"):
        describe("mhsdsv6")


def test_the_page_on_presets_has_a_row_for_each_with_its_tables() -> None:
    page = PAGE.read_text(encoding="utf-8")
    lines = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| `")]
    told = {cells[0].strip(" `"): cells for cells in lines}
    assert set(told) == set(EXTRACTS)
    for name, cells in told.items():
        tables = set(re.findall(r"`([a-z_]+)`", cells[3]))
        assert tables == set(preset(name).tables), name
