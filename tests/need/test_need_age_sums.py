"""Populations of different ages are one another's parts: what is told of one tells of the other."""

import numpy as np
import polars as pl
import pytest

from pophealth_link.disclosure import Policy, check, policy, relations
from pophealth_link.indicators import Catalogue, catalogue
from pophealth_link.need.age_sums import age_sums
from pophealth_link.need.protection import protected
from pophealth_link.schema.codes import AGE_BAND_STARTS
from pophealth_link.schema.strata import AGE, ALL, BAND, SEX

AGES = {"everyone": (0, None), "children": (0, 17), "adults": (18, None), "working": (18, 64)}
STRATA = [ALL, *AGE.strata, *BAND.strata, *SEX.strata]
EXACT = Policy("exact", base=1, first_shown=8)


def counted() -> dict[tuple[str, str], int]:
    """Count made-up people, some of unknown age but known sex, by population and stratum."""
    rng = np.random.default_rng(4)
    people = pl.DataFrame(
        {
            "age_band": rng.choice([*AGE_BAND_STARTS, None], 3000),
            "sex": rng.choice(["1", "2"], 3000),
        }
    ).with_columns(start=pl.col("age_band").replace_strict(AGE_BAND_STARTS, return_dtype=pl.Int64))
    found = {}
    for name, (first, last) in AGES.items():
        held = people.filter(
            pl.col("start").is_between(first, 200 if last is None else last)
            | (pl.col("start").is_null() & (name == "everyone"))
        )
        found[name, ALL] = held.height
        for family in (AGE, BAND):
            for stratum in family.strata:
                own = [band for band, at in family.values.items() if at == stratum]
                unknown = pl.col("age_band").is_null() & stratum.endswith("unknown")
                found[name, stratum] = held.filter(pl.col("age_band").is_in(own) | unknown).height
    return found


def test_every_sum_by_age_holds_of_people_counted_one_by_one():
    counts = counted()
    found = [
        each for each in age_sums(AGES, STRATA) if not any("sex" in stratum for _, stratum in each)
    ]
    assert len(found) >= 15
    assert [sum(sign * counts[cell] for cell, sign in each.items()) for each in found] == [0] * len(
        found
    )


def test_what_follows_from_ages_is_found():
    found = age_sums(AGES, STRATA)
    for expected in (
        {("everyone", "age_18_25"): 1, ("adults", "age_18_25"): 1},
        {("everyone", "sex_male"): 1, ("children", "sex_male"): 1, ("adults", "sex_male"): 1},
        {("working", ALL): 1, ("adults", "age_18_25"): 1, ("adults", "age_26_64"): 1},
    ):
        assert any(each.keys() == expected.keys() for each in found)


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Adults, children and everyone of a place by sex: 4 boys, and girls enough."""
    people = {
        "depression_recorded": {ALL: 100, "sex_male": 52, "sex_female": 48},
        "anxiety_recorded_children": {ALL: 60, "sex_male": 4, "sex_female": 56},
        "dementia_recorded": {ALL: 160, "sex_male": 56, "sex_female": 104},
    }
    cells = [(name, *each) for name, strata in people.items() for each in strata.items()]
    return pl.DataFrame(
        cells, schema=["indicator", "stratum", "denominator"], orient="row"
    ).with_columns(
        **{name: pl.lit(value) for name, value in PLACE.items()},
        denominator=pl.col("denominator").cast(pl.Float64),
        numerator=pl.lit(0.0),
        contributors=pl.lit(0.0),
        dominated=pl.lit(value=False),
    )


PLACE = {
    **{"footprint_type": "whole", "footprint_code": "whole", "footprint_name": "Whole"},
    **{"basis": "resident", "period": "2026-04-01", "status": "ok"},
}


def test_few_children_do_not_show_as_everyone_less_adults(rows):
    listed = Catalogue({name: catalogue()[name] for name in rows["indicator"].unique().sort()})
    done, _ = protected(rows, EXACT, listed)
    shown = {
        row["indicator"]: row["denominator"]
        for row in done.filter(stratum="sex_male").rows(named=True)
    }
    assert shown["anxiety_recorded_children"] is None
    # Were both of the others shown, 56 - 52 would tell of the boys.
    assert None in (shown["depression_recorded"], shown["dementia_recorded"])


def test_an_identity_is_checked_in_every_place_that_has_all_its_cells():
    frame = pl.DataFrame(
        [("A", "x", ALL, None), ("A", "y", "sex_male", 5), ("B", "x", ALL, 5)],
        schema=["footprint_code", "indicator", "stratum", "n"],
        orient="row",
    ).with_columns(
        footprint_type=pl.lit("pcn"),
        basis=pl.lit("resident"),
        status=pl.when(pl.col("n").is_null()).then(pl.lit("suppressed")).otherwise(pl.lit("ok")),
    )
    same = {("x", ALL): -1, ("y", "sex_male"): 1}
    found = relations(frame, identities=[same])
    told = found.terms.group_by("relation").agg(pl.col("cell").sort())["cell"].to_list()
    assert [0, 1] in told
    truth = frame.with_columns(pl.col("n").fill_null(5))
    alone = check(
        frame, policy("opensafely"), relations=relations(frame), counts=["n"], truth=truth
    )
    both = check(frame, policy("opensafely"), relations=found, counts=["n"], truth=truth)
    assert alone.relations < both.relations
