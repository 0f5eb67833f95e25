"""Modelled need: what a survey's rates lead one to expect among a footprint's own people.

Expected people = Σ over age, sex and deprivation quintile of released people × raked rate. The
interval holds the survey's own error (draws, percentiles); it does not hold the error of the model:
that people of one age, sex and quintile are alike everywhere, and like those whom the survey asks,
who mostly live in private households.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from pophealth_link.errors import DataError
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.need.modelled_people import FootprintPeople, footprint_people
from pophealth_link.need.raking import Floats
from pophealth_link.need.survey import KEY, Survey, england, together
from pophealth_link.need.survey_rates import Part, Rates, nation_people, set_rates
from pophealth_link.places.units import is_reason
from pophealth_link.schema import strata
from pophealth_link.schema.outputs_modelled import MODELLED

# Where more of the people than this are shares of what several withheld counts have together,
# nothing is modelled.
MOST_UNSURE = 0.1
_OWN = "the rates are the job's own, in place of those that the library ships"
_PERCENTILES = (2.5, 97.5)
_ON = ("footprint_type", "footprint_code", "basis")
# First ages of the baseline's strata by age.
_FIRST_AGES, _OLDEST = (0, 18, 26, 45, 65, 75, 85), 200
_FACTS = (*KEY, "reference_period", "survey_group")
_SORT = ("footprint_type", "footprint_code", "basis", *KEY, "age_from", "age_to", "sex")


def modelled(
    bands: pl.DataFrame,
    surveys: Sequence[Survey],
    *,
    seed: int,
    nation: pl.DataFrame | None = None,
    baseline: pl.DataFrame | None = None,
    indicators: Catalogue | None = None,
) -> pl.DataFrame:
    """Return MODELLED: expected people by footprint, basis and set of a survey, sorted.

    `bands`: PEOPLE_BANDS by the policy; `surveys`: tables of rates, see `survey.read`; `nation`:
    age, sex, quintile, people of the nation that rates are raked over, England in mid-2020 if left
    out; `baseline`: the BASELINE released beside it, whose withheld denominators by age stay
    withheld here; `indicators`: the catalogue of that baseline, the shipped one if left out. Adults
    and children are never added up. A number that cannot be given is empty, and `status` and
    `reason` say why: the row is no footprint, nobody is of these ages, or counts behind it are
    withheld. Where rates are in place of shipped ones, `reason` says so. Where a survey's table
    gives nothing to make limits of, the limits are empty and `limits` is `none`. The same seed
    gives the same numbers, whatever other tables there are.
    """
    rates = together(surveys)
    people = footprint_people(bands)
    of_nation = nation_people(england() if nation is None else _nation(nation))
    withheld = None if baseline is None else withheld_ages(baseline, indicators)
    own = {of for each in surveys for of in each.replaces}
    frames = []
    for _, rows in rates.group_by(KEY, maintain_order=True):
        made = set_rates(rows, of_nation, seed)
        of = rows.select(KEY[:3]).row(0)
        facts = rows.select(_FACTS).head(1).with_columns(own=pl.lit(_OWN if of in own else None))
        frames += [_of_part(people, made, part, facts, withheld) for part in made.parts]
    if not frames:
        return MODELLED.empty()
    return pl.concat(frames).sort(_SORT, nulls_last=True)


def _nation(nation: pl.DataFrame) -> pl.DataFrame:
    absent = [n for n in ("age", "sex", "quintile", "people") if n not in nation.columns]
    if absent:
        raise DataError(
            "the nation's population lacks columns.", f"Absent: {', '.join(absent)}.",
            fix="give age, sex, quintile (may be empty) and people",
        )  # fmt: skip
    return nation


def withheld_ages(baseline: pl.DataFrame, indicators: Catalogue | None = None) -> pl.DataFrame:
    """Return where the baseline withholds how many people of some ages there are.

    `baseline`: BASELINE, of which indicators of everyone count; `indicators`: its catalogue, the
    shipped one if left out. Columns: footprint_type,
    footprint_code, basis, age_from, age_to (the last year, 200 for "and over"). A stratum that any
    of them gives a denominator for is not withheld.
    """
    everyone = [
        each.id
        for each in (catalogue() if indicators is None else indicators).at("person")
        if each.statistic == "proportion"
        and each.min_age is None
        and each.max_age is None
        and each.among is None
    ]
    spans = [
        (f"{family.name}_{group}", *(int(n) if n.isdigit() else _OLDEST for n in group.split("_")))
        for family in (strata.AGE, strata.BAND)
        for group in family.groups
    ]
    named = pl.DataFrame(spans, schema=["stratum", "age_from", "age_to"], orient="row")
    given = pl.col("denominator").is_not_null()
    told = pl.col("indicator").is_in(everyone) & (given | (pl.col("status") == "suppressed"))
    cells = baseline.filter(told).group_by(*_ON, "stratum").agg(given.any().alias("given"))
    hidden = cells.filter(~pl.col("given"))
    return hidden.join(named, on="stratum").select(*_ON, "age_from", "age_to").sort(pl.all())


def _of_part(
    people: FootprintPeople,
    rates: Rates,
    part: Part,
    facts: pl.DataFrame,
    withheld: pl.DataFrame | None,
) -> pl.DataFrame:
    """Return MODELLED of one part of a set, a row per footprint and basis."""
    own = list(part.cells)
    masks = rates.masks[own]
    held = np.einsum("cas,pasq->pcq", masks, people.people)
    size = held.sum(axis=(1, 2))
    unsure = sum((_unsure(people, each) for each in masks), np.zeros(len(size)))
    expected = np.einsum("pcq,cq->p", held, rates.point[own])
    low, high = _limits(held, rates.draws[:, own], expected)
    numbers = {"population": size, "expected": expected,
               "expected_lower": low, "expected_upper": high}  # fmt: skip
    share = {"value": expected, "lower": low, "upper": high}
    columns = {name: pl.Series(name, value).round(1) for name, value in numbers.items()}
    for name, value in share.items():
        rate = np.divide(100 * value, size, out=np.full_like(size, np.nan), where=size > 0)
        columns[name] = pl.Series(name, rate).round(3).fill_nan(None)
    frame = people.places.with_columns(**columns, unsure=pl.Series(unsure),
                                       lost=pl.Series(people.lost))  # fmt: skip
    frame = _marked(frame, part, withheld)
    return _finished(frame.join(facts, how="cross"), part)


def _unsure(people: FootprintPeople, mask: Floats) -> Floats:
    """Return how many people of a cell are unsure; of both sexes, only the ages need be known."""
    if (mask[:, 0] == mask[:, 1]).all():
        found: Floats = people.unsure @ mask[:, 0]
    else:
        found = np.einsum("as,pas->p", mask, people.unsure_by_sex)
    return found


def _limits(held: Floats, draws: Floats, point: Floats) -> tuple[Floats, Floats]:
    """Return the limits of the expected people; the point lies within them."""
    every = np.einsum("pcq,dcq->dp", held, draws)
    low, high = np.percentile(every, _PERCENTILES, axis=0)
    return np.minimum(low, point), np.maximum(high, point)


def _marked(frame: pl.DataFrame, part: Part, withheld: pl.DataFrame | None) -> pl.DataFrame:
    """Add `withheld`: the people of these ages are strata, of which the baseline withholds one.

    Ages that are no sum of strata give none of them away: bands that it does not tell are in them.
    """
    first, last = part.age_from, _OLDEST if part.age_to is None else part.age_to
    if (
        withheld is None
        or first not in _FIRST_AGES
        or (last + 1 not in (*_FIRST_AGES, _OLDEST + 1))
    ):
        return frame.with_columns(withheld=pl.lit(value=False))
    own = withheld.filter(pl.col("age_from") >= first, pl.col("age_to") <= last)
    marked = own.select(_ON).unique().with_columns(withheld=pl.lit(value=True))
    joined = frame.join(marked, on=list(_ON), how="left", maintain_order="left")
    return joined.with_columns(pl.col("withheld").fill_null(value=False))


def _finished(frame: pl.DataFrame, part: Part) -> pl.DataFrame:
    nobody = pl.col("population") <= 0
    hidden = (
        pl.col("withheld")
        | (pl.col("lost") > 0)
        | (pl.col("unsure") > MOST_UNSURE * pl.col("population"))
    )
    status = (
        pl.when(is_reason() | (nobody & ~hidden)).then(pl.lit("not_applicable"))
        .when(hidden).then(pl.lit("suppressed"))
        .when("split").then(pl.lit("estimated"))
        .otherwise(pl.lit("ok"))
    )  # fmt: skip
    unlimited = part.limits == "none"
    lacks = "the survey's table gives neither limits nor respondents" if unlimited else None
    notes = pl.concat_list(
        pl.lit(lacks, pl.String), pl.col("own").cast(pl.String)
    ).list.drop_nulls()
    told = pl.when(notes.list.len() > 0).then(notes.list.join("; "))
    reason = (
        pl.when(is_reason()).then(pl.lit("no footprint"))
        .when(pl.col("status") == "not_applicable").then(pl.lit("nobody is of these ages"))
        .when(pl.col("status") == "suppressed")
        .then(pl.lit("counts behind it are withheld"))
        .otherwise(told)
    )  # fmt: skip
    given = pl.col("status").is_in(["ok", "estimated"])
    limits = [name for name in MODELLED.names if name.endswith(("lower", "upper"))]
    numbers = ["population", "expected", "value", *limits]
    raked = None if part.raked is None else f"{part.raked:g} %"
    frame = frame.with_columns(
        status.alias("status"),
        *(pl.lit(None, pl.Float64).alias(name) for name in limits if unlimited),
        age_from=pl.lit(part.age_from),
        age_to=pl.lit(part.age_to),
        sex=pl.lit(part.sex),
        limits=pl.lit(part.limits),
        raked_to=pl.lit(raked),
    ).with_columns(reason.alias("reason"))
    kept = frame.with_columns(pl.when(given).then(pl.col(n)).alias(n) for n in numbers)
    return kept.select(pl.col(c.name).cast(c.dtype) for c in MODELLED.columns)
