"""What may be asked of the generator, and the profiles that it reads."""

from __future__ import annotations

import tomllib
from dataclasses import FrozenInstanceError
from datetime import date
from importlib.resources import files

import numpy as np
import pytest
from synthetic_places import TinyPack, tiny_pack

from pophealth_link.errors import JobError, ReferenceDataError
from pophealth_link.synthetic import PRESETS, Synthetic, SynthSpec, generate
from pophealth_link.synthetic.mistakes import MISTAKES
from pophealth_link.synthetic.profile import ETHNIC_GROUPS, load_profile, per_quintile
from pophealth_link.synthetic.sources import SOURCES


def test_every_wrong_setting_is_named_with_its_valid_values() -> None:
    with pytest.raises(JobError) as caught:
        SynthSpec(people=-3, seed=-1, preset="typicl")
    told = str(caught.value)
    assert "3 problems" in told
    assert "from 50 to 10,000,000" in told
    assert "easy, typical, hard. Did you mean `typical`?" in told
    assert "from 0 to 9,223,372,036,854,775,807" in told


@pytest.mark.parametrize("people", [0, -5, 49, 10_000_001, 11_000_000, 10**9, 2.5, True])
def test_absurd_sizes_are_refused(people: int) -> None:
    with pytest.raises(JobError, match="people"):
        SynthSpec(people=people, seed=1)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "1", True, None])
def test_seeds_that_no_job_file_could_hold_are_refused(seed: int) -> None:
    with pytest.raises(JobError, match="seed"):
        SynthSpec(people=100, seed=seed)


def test_the_largest_seed_is_as_good_as_another(pack: TinyPack) -> None:
    made = generate(SynthSpec(people=100, seed=2**63 - 1), pack)
    assert made.tables["gp_register"].height >= 100


def test_a_specification_does_not_change() -> None:
    spec = SynthSpec(people=100, seed=1)
    with pytest.raises(FrozenInstanceError):
        spec.people = 7  # type: ignore[misc]


def test_the_period_is_the_year_before_the_day() -> None:
    assert SynthSpec(people=100, seed=1).period == (date(2025, 4, 1), date(2026, 3, 31))
    leap = SynthSpec(people=100, seed=1, as_of=date(2024, 2, 29))
    assert leap.period == (date(2023, 2, 28), date(2024, 2, 28))


def test_the_repr_shows_no_row(made: Synthetic) -> None:
    assert "DataFrame" not in repr(made)
    assert len(repr(made)) < 200


@pytest.mark.parametrize("table", ["postcodes", "areas", "practices"])
def test_a_pack_without_places_is_refused(table: str) -> None:
    with pytest.raises(ReferenceDataError, match=table):
        generate(SynthSpec(people=100, seed=1), tiny_pack(table))


@pytest.mark.parametrize("table", ["postcodes", "areas", "practices"])
def test_a_pack_with_an_empty_table_of_places_is_refused(table: str) -> None:
    tables = tiny_pack().tables
    with pytest.raises(ReferenceDataError):
        generate(SynthSpec(people=100, seed=1), TinyPack({**tables, table: tables[table].clear()}))


def test_deprivation_and_measures_may_be_absent() -> None:
    bare = tiny_pack("deprivation", "area_measures", "practice_pcn")
    made = generate(SynthSpec(people=400, seed=1), bare)
    register = made.truth.filter(source="gp_register")
    assert register["person_id"].n_unique() == 400
    assert set(made.truth["pcn_code"]) == {"no_pcn", "not_registered"}
    assert set(made.truth["quintile"]) == {"quintile_unknown"}


@pytest.mark.parametrize("name", ["england", *PRESETS])
def test_every_table_of_rates_says_where_it_comes_from(name: str) -> None:
    folder = files("pophealth_link.synthetic") / "profiles"
    body = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
    nested = ("conditions", "services", "mistakes")
    tables = {k: v for k, v in body.items() if isinstance(v, dict) and k not in nested}
    for each in nested:
        tables |= {f"{each}.{key}": table for key, table in body.get(each, {}).items()}
    assert tables
    assert [key for key, table in tables.items() if not table.get("source")] == []


@pytest.mark.parametrize("preset", PRESETS)
def test_profiles_name_real_mistakes_and_sources(preset: str) -> None:
    profile = load_profile(preset)
    assert set(profile.mistakes) == {*MISTAKES, "repeat_record", "register_twice"}
    sources = {source.name for source in SOURCES}
    for rates in profile.mistakes.values():
        assert set(rates) <= sources
        assert all(0 < rate <= 1 for rate in rates.values())


def test_presets_are_in_order() -> None:
    easy, typical, hard = (load_profile(preset) for preset in PRESETS)
    for mistake in ("misspell_family_name", "lose_nhs_number", "mistype_birth_date"):
        rates = [each.rate(mistake, "social_care") for each in (easy, typical, hard)]
        assert rates == sorted(set(rates))


def test_ratios_leave_the_national_mean_as_it_is() -> None:
    profile = load_profile("typical")
    mix = np.array([profile.england["ethnic_groups"][group] for group in ETHNIC_GROUPS])
    assert mix @ profile.per_group([1, 2, 3, 4, 5]) == pytest.approx(mix.sum())
    assert per_quintile([5, 4, 3, 2, 1])[1:].mean() == pytest.approx(1)


def test_shares_of_the_profile_sum_to_one() -> None:
    england = load_profile("typical").england
    groups = england["ethnic_groups"]
    assert sum(groups[group] for group in ETHNIC_GROUPS) == pytest.approx(1, abs=0.001)
    for mix in (*england["ethnic_categories"].values(), *england["naming_traditions"].values()):
        if not isinstance(mix, str):
            assert sum(mix.values()) == pytest.approx(1)
    kinds = {k: v for k, v in england["household_share"].items() if k != "source"}
    assert sum(kinds.values()) == pytest.approx(1, abs=0.01)
