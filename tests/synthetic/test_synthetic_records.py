"""How unequal records are, how mistakes cluster, and what the register holds twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mistake_rows import valid

from pophealth_link.synthetic import Synthetic
from pophealth_link.synthetic.draws import Streams
from pophealth_link.synthetic.profile import Profile, load_profile
from pophealth_link.synthetic.register import as_registered, with_second_records
from pophealth_link.synthetic.relations import with_relations
from pophealth_link.synthetic.sources import GP_REGISTER, HOUSING_REGISTER
from pophealth_link.synthetic.unequal import Haste, haste

FLAT = {"organisation_sd": 0.0, "office_sd": 0.0, "clerk_sd": 0.0, "record_sd": 0.0}


def profile(**changes: object) -> Profile:
    """The typical profile with other settings of inequality."""
    typical = load_profile("typical")
    return replace(typical, unequal={**typical.unequal, **changes})


def people(count: int, **columns: object) -> pl.DataFrame:
    row = np.arange(count)
    usual = {
        "group": np.zeros(count, dtype=np.int64),
        "quintile": np.full(count, 3),
        "age": np.full(count, 50),
        "lad_code": "E06999001",
        "postcode": [f"QX{1 + i % 5} {i % 9}AA" for i in row],
    }
    return pl.DataFrame({**usual, **columns})


def odds(records: pl.DataFrame, used: Profile, *, part: int = 0, seed: int = 1) -> np.ndarray:
    streams = Streams(seed, part)
    return haste(records, HOUSING_REGISTER, used, streams, np.random.default_rng(5)).odds


@given(rate=st.floats(0.001, 0.999), spread=st.floats(0.0, 1.5))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_the_share_of_mistakes_is_the_rate_however_unequal_records_are(
    rate: float, spread: float
) -> None:
    drawn = np.random.default_rng(3).standard_normal(200_000)
    hasty = Haste(np.exp(spread * drawn - spread**2 / 2), spread)
    chances = hasty.chances(rate)
    assert ((chances > 0) & (chances < 1)).all()
    assert chances.mean() == pytest.approx(rate, rel=0.03)


def test_a_rate_of_one_is_certain_whoever_wrote() -> None:
    assert (Haste(np.array([0.01, 5.0]), 1.0).chances(1.0) == 1).all()


def test_groups_fifths_and_ages_differ_as_the_profile_says() -> None:
    used = profile(**FLAT)
    settings_ = used.unequal
    group = odds(people(5, group=np.arange(5)), used)
    assert group / group[0] == pytest.approx(np.array(settings_["ethnic"]))
    fifth = odds(people(5, quintile=np.arange(1, 6)), used)
    assert fifth / fifth[2] == pytest.approx(np.array(settings_["quintile"]))
    starts = np.array(settings_["age"]["from"])
    age = odds(people(len(starts), age=starts), used)
    assert age / age[0] == pytest.approx(np.array(settings_["age"]["ratio"]) / 1.6)


def test_the_people_of_england_have_average_odds() -> None:
    """The mean over groups, fifths and ages, each as common as in England, is one."""
    used = profile(**FLAT)
    bands, groups = used.unequal["age"], used.england["ethnic_groups"]
    mix = [groups[name] for name in ("white", "mixed", "asian", "black", "other")]
    cells = [(g, q, a) for g in range(5) for q in range(1, 6) for a in range(len(bands["from"]))]
    group, fifth, band = (list(each) for each in zip(*cells, strict=True))
    rows = people(len(cells), group=group, quintile=fifth, age=[bands["from"][a] for a in band])
    weight = np.array([mix[g] * bands["share"][a] for g, _, a in cells])
    assert weight @ odds(rows, used) / weight.sum() == pytest.approx(1, rel=1e-3)


def test_a_source_may_be_less_unequal_than_others() -> None:
    used = profile(**FLAT, strength={"housing_register": 0.0})
    assert odds(people(5, group=np.arange(5), age=[0, 9, 25, 50, 90]), used) == pytest.approx(1)


def test_an_organisation_and_an_office_are_the_same_in_every_part() -> None:
    used = profile(**{**FLAT, "organisation_sd": 0.5, "office_sd": 0.5})
    rows = people(40, lad_code=["E06999001", "E06999002"] * 20)
    one, other = (odds(rows, used, part=part) for part in (1, 2))
    assert (one == other).all()
    assert len(np.unique(one.round(9))) > 10
    assert (odds(rows.reverse(), used, part=1) == one[::-1]).all()
    assert not np.allclose(odds(rows, used, seed=2), one)


@pytest.mark.parametrize("sd", ["organisation_sd", "office_sd", "clerk_sd", "record_sd"])
def test_odds_spread_as_the_profile_says(sd: str) -> None:
    used = profile(**{**FLAT, sd: 0.6})
    count = 4_000
    rows = people(
        count,
        lad_code=[f"E{i:08}" for i in range(count)],
        postcode=[f"QX{i} 1AA" for i in range(count)],
    )
    logs = np.log(odds(rows, used))
    assert logs.std() == pytest.approx(0.6, rel=0.06)


def test_mistakes_cluster_in_offices() -> None:
    """Of 60 offices with 400 records each, shares of mistakes differ by more than chance."""
    rows = people(24_000, postcode=[f"QX{i % 60} 1AA" for i in range(24_000)])
    streams, rng = Streams(1), np.random.default_rng(2)
    hasty = haste(rows, HOUSING_REGISTER, load_profile("hard"), streams, rng)
    hit = pl.Series(rng.random(24_000) < hasty.chances(0.1))
    shares = rows.with_columns(hit.alias("hit")).group_by("postcode").agg(pl.col("hit").mean())
    spread, level = shares["hit"].var(), shares["hit"].mean()
    assert isinstance(spread, float)
    assert isinstance(level, float)
    # By chance alone 99 % of such variances stay below 1.48 times the binomial one (chi-squared).
    assert spread > 2 * level * (1 - level) / 400


def known(count: int = 4_000) -> pl.DataFrame:
    """People as the register knows them, a quarter with a spare number."""
    row = np.arange(count)
    return pl.DataFrame(
        {
            "person": row,
            "nhs_number": [f"{i:010}" for i in row],
            "second_number": [f"9{i:09}" if i % 4 == 0 else None for i in row],
            "practice_code": [f"A{i % 7:05}" for i in row],
            "family_name": ["Featherstone"] * count,
            "previous_family_name": [None if i % 3 else "Harrison" for i in row],
            "date_of_birth": [date(1960 + i % 60, 1 + i % 12, 1 + i % 28) for i in row],
            "age_days": [365 * (66 - i % 60) for i in row],
            **{name: [f"{name} {i}" for i in row] for name in ("postcode", "address", "uprn")},
            **{f"previous_{name}": [None if i % 2 else f"old {name} {i}" for i in row]
               for name in ("postcode", "address", "uprn")},
            **{f"other_{name}": [None] * count for name in ("postcode", "address", "uprn")},
            "registered_at": ["previous" if i % 10 == 0 else "home" for i in row],
        },
        schema_overrides={f"other_{name}": pl.String for name in ("postcode", "address", "uprn")},
    )  # fmt: skip


def test_second_records_are_of_people_with_a_spare_number_and_differ() -> None:
    before = known()
    after = with_second_records(before, 0.05, np.random.default_rng(1))
    second = after.tail(after.height - before.height)
    assert after.head(before.height).equals(before)
    assert 120 < second.height < 280  # 5 % of 4,000
    first = before[second["person"].to_numpy()]
    assert (second["nhs_number"] == first["second_number"]).all()
    assert second["person"].is_unique().all()
    told = ("family_name", "date_of_birth", "postcode", "practice_code")
    differs = [(second[name] != first[name]).to_numpy() for name in told]
    assert np.any(differs, axis=0).mean() > 0.7
    assert min(each.mean() for each in differs) > 0.1
    assert (second["date_of_birth"] < date(2026, 4, 1)).all()


def test_nobody_is_registered_twice_at_a_rate_of_nothing() -> None:
    before = known(50)
    assert with_second_records(before, 0.0, np.random.default_rng(1)).equals(before)
    bare = before.with_columns(pl.lit(None, dtype=pl.String).alias("second_number"))
    assert with_second_records(bare, 0.5, np.random.default_rng(1)).equals(bare)


def test_the_register_has_people_where_it_last_heard_of_them() -> None:
    after = as_registered(known(40))
    late = pl.Series([i % 10 == 0 for i in range(40)])
    assert after["postcode"].filter(late).str.starts_with("old").all()
    assert not after["postcode"].filter(~late).str.starts_with("old").any()


def test_twins_are_each_others_and_neighbours_share_a_postcode() -> None:
    born, later = date(2020, 1, 1), date(2021, 1, 1)
    rows = pl.DataFrame(
        {
            "household": [1, 1, 1, 1, 2, 2],
            "role": [0, 2, 2, 2, 0, 2],
            "date_of_birth": [born, later, born, born, born, born],
            "given_name": ["Ann", "Bea", "Castor", "Pollux", "Eve", "Ida"],
            "postcode": ["QX1 1AA"] * 6,
            "uprn": ["1"] * 4 + ["2"] * 2,
        }
    )
    after = with_relations(rows)
    assert after["twin_given_name"].to_list() == [None, None, "Pollux", "Castor", None, None]
    assert after["beside_uprn"].to_list() == ["2"] * 4 + ["1"] * 2
    alone = with_relations(rows.with_columns(postcode=pl.Series(["A"] * 4 + ["B"] * 2)))
    assert alone["beside_uprn"].null_count() == 6


def test_the_register_holds_a_few_people_twice_under_other_valid_numbers(made: Synthetic) -> None:
    truth = made.truth.filter(pl.col("source") == GP_REGISTER.name)
    twice = truth.filter(pl.col("person_id").is_duplicated())
    assert truth["person_id"].n_unique() == 40_000
    assert 0.001 < twice["person_id"].n_unique() / 40_000 < 0.004
    held = made.tables["gp_register"].join(twice.select("record_id", "person_id"), on="record_id")
    assert all(valid(number) for number in held["nhs_number"])
    assert made.tables["gp_register"]["nhs_number"].is_unique().all()


def test_records_without_a_number_are_worse_in_other_ways(made: Synthetic) -> None:
    """Quality of recording is one thing: who lacks a number has more mistakes in the name."""
    names = made.tables["gp_register"].join(
        made.truth.filter(pl.col("source") == GP_REGISTER.name), on="record_id"
    )
    clean = names.unique("person_id", keep="none").select("person_id", true="given_name")
    care = made.tables["social_care"].join(
        made.truth.filter(pl.col("source") == "social_care"), on="record_id"
    )
    wrong = care.join(clean, on="person_id").select(
        pl.col("nhs_number").is_null().alias("without"),
        pl.col("given_name").ne_missing(pl.col("true")).alias("wrong"),
    )
    share = dict(wrong.group_by("without").agg(pl.col("wrong").mean()).iter_rows())
    assert share[True] > 1.25 * share[False]
