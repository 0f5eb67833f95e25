"""Families of strata and sums between indicators: what adds up, and that no part comes back."""

import itertools

import polars as pl
import pytest

from pophealth_link.disclosure import Policy, feasible_ranges, protect, relations
from pophealth_link.indicators.overlap import names_of
from pophealth_link.schema.strata import AGE, BAND, ETHNIC, QUINTILE, SEX, parent_of

# Counts are shown as they are, so that only what is withheld protects a small one.
EXACT = Policy("exact", base=1, first_shown=8)
PLACE = {"footprint_type": "whole", "footprint_code": "whole", "basis": "resident"}


def rows(counts, indicator="dementia_recorded"):
    return pl.DataFrame(
        [{**PLACE, "indicator": indicator, "stratum": name, "n": n} for name, n in counts.items()]
    ).with_columns(pl.col("n").cast(pl.Float64), status=pl.lit("ok"))


def test_each_family_adds_up_and_the_finer_ages_to_the_ages_that_they_divide():
    """By hand: one unit in every stratum; a group of k parts is told as k."""
    counts = {"all": 12, "age_26_64": 2, "age_65_over": 3}
    counts |= {name: 2.4 for name in AGE.strata if name not in counts}
    counts |= dict.fromkeys(BAND.strata, 1)
    for family in (QUINTILE, SEX, ETHNIC):
        counts |= dict.fromkeys(family.strata, 12 / len(family.strata))
    counts["age_0_17"], counts["age_18_25"], counts["age_unknown"] = 3, 3, 1
    frame = rows(counts)
    found = relations(frame)
    summed = found.terms.join(
        frame.with_row_index("cell").with_columns(pl.col("cell").cast(pl.Int64)), on="cell"
    ).with_columns(part=pl.col("sign") * pl.col("n"))
    each = summed.group_by("relation").agg(pl.col("part").sum(), pl.col("stratum"))
    assert each["part"].abs().max() < 1e-9
    assert each.height == 4 + 2
    parents = {
        next(iter({parent_of(s) for s in strata if s != "all" and parent_of(s) in strata}))
        for strata in each["stratum"]
    }
    assert parents == {"all", "age_26_64", "age_65_over"}


@pytest.mark.parametrize("small", [1, 3, 7])
def test_a_withheld_age_cannot_be_had_from_the_others(small):
    """Without a second count withheld, the small one would be `all` less the rest."""
    counts = {"all": 160 + small, "age_0_17": 40, "age_18_25": small, "age_26_64": 60,
              "age_65_over": 60, "age_unknown": 0}  # fmt: skip
    frame = rows(counts)
    sums = relations(frame)
    done = protect(frame, EXACT, relations=sums, counts=["n"])
    assert done.secondary["n"] >= 1
    told = feasible_ranges(done.frame, EXACT, relations=sums, count="n", truth=frame)
    at = frame["stratum"].to_list().index("age_18_25")
    assert (told["low"][at], told["high"][at]) == (1, 7)


def overlap(counts):
    """Counts of the seven combinations, and of everyone known, of one place."""
    names = list(names_of("dementia").values())
    parts = dict(zip(names, counts, strict=True))
    every = {"dementia_known": sum(counts), **parts}
    frame = pl.concat([rows({"all": n}, indicator=name) for name, n in every.items()])
    return frame, {"dementia_known": names}


@pytest.mark.parametrize("at", range(7))
def test_a_withheld_combination_cannot_be_had_from_the_sum(at):
    counts = [30, 45, 20, 60, 25, 15, 35]
    counts[at] = 4
    frame, sums = overlap(counts)
    known = relations(frame, sums=sums)
    assert known.terms["relation"].n_unique() == 1
    done = protect(frame, EXACT, relations=known, counts=["n"])
    told = feasible_ranges(done.frame, EXACT, relations=known, count="n", truth=frame)
    assert (told["low"][at + 1], told["high"][at + 1]) == (1, 7)
    # Not told of the sum, the release would give the part away.
    bare = protect(frame, EXACT, relations=relations(frame), counts=["n"])
    given = feasible_ranges(bare.frame, EXACT, relations=known, count="n", truth=frame)
    assert bare.secondary["n"] == 0
    assert given["high"][at + 1] == given["low"][at + 1] == 4
    assert done.secondary["n"] >= 1


def test_a_sum_is_told_only_where_all_of_its_parts_are():
    frame, sums = overlap([30] * 7)
    for gone in itertools.islice(sums["dementia_known"], 3):
        assert relations(frame.filter(pl.col("indicator") != gone), sums=sums).terms.is_empty()
