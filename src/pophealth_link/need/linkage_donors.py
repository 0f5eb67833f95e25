"""Who stands in for somebody on the register whom nobody knows: a donor, drawn anew each time.

What a record does not tell of its person is taken from a person whom a record of the same source
was linked to, of a link that a model had to weigh where there are enough: those records are the
likest to the ones that were missed. The donor is somebody on the register who is like that and has
no record of the source yet (hot deck: Andridge and Little, Int Stat Rev 2010;78:40-64). What a
record tells the register may not know: as many donors are of unknown ethnic group as there are
among those without a record, so that a draw tells of them what a link would have told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

# Share of such records whose person lives elsewhere than the record says (assumed): a wrong or
# old address is a reason why they were never compared.
_ELSEWHERE = 0.3
# Fewer links that a model weighed, or weighed and was not sure of, are too few to draw from.
_ENOUGH, _SURE = 20, 0.999
_KEY = ["draw", "source", "record_id"]
_FACTS = ("lsoa_code", "sex", "age_band", "ethnic_group")
_OF_PLACE = ("lsoa_code", "msoa_code")
_UNKNOWN = "unknown"
_SILENT = {"sex": "X", "ethnic_group": _UNKNOWN}
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("lsoa_code", "sex", "age_band", "ethnic_group", "profile"),
    ("lsoa_code", "age_band", "ethnic_group", "profile"),
    ("msoa_code", "age_band", "ethnic_group", "profile"),
    ("lsoa_code", "ethnic_group", "profile"),
    ("lsoa_code", "sex", "age_band", "ethnic_group"),
    ("lsoa_code", "sex", "ethnic_group"),
    ("lsoa_code", "ethnic_group"),
    ("lsoa_code", "sex", "age_band"),
    ("lsoa_code",),
    ("sex", "age_band", "ethnic_group"),
    ("sex", "age_band"),
    (),
)


def profiles(events: Mapping[str, pl.DataFrame], sources: Sequence[str]) -> pl.DataFrame:
    """Return `person_id` and a column for each source: in which tables of others a person is.

    A number with a bit for each table of each source.
    """
    rows = [_seen(frame, name) for name, frame in sorted(events.items())]
    none = pl.DataFrame(schema={"person_id": pl.String, "source": pl.String, "table": pl.String})
    told = pl.concat([none, *rows])
    tables = told.select("source", "table").unique().sort("source", "table").with_row_index("bit")
    marked = told.join(tables, on=["source", "table"]).with_columns(
        mask=pl.lit(2, pl.Int64).pow(pl.col("bit"))
    )
    return marked.group_by("person_id").agg(
        pl.col("mask").filter(pl.col("source") != each).sum().alias(f"of_{each}")
        for each in sources
    )


def _seen(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return each person of a table once for each source that tells of it."""
    source = pl.col("source") if "source" in frame.columns else pl.lit("")
    return frame.select("person_id", source.alias("source"), table=pl.lit(name)).unique()


def donors(
    lost: pl.DataFrame,
    people: pl.DataFrame,
    index: pl.DataFrame,
    events: Mapping[str, pl.DataFrame],
    unique: Sequence[str],
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Return `lost` with `person_id`: whoever stands in; rows that find nobody are left out.

    `lost`: draw, source, record_id, `was` (the record's person as linked), sorted; `people`:
    PEOPLE_PLACED; `index`: source, record_id, person_id, method,
    match_probability; `unique`: sources that have each
    person once, of which nobody is given a second record: whose donor is taken stays where it is.
    """
    asked = lost.drop("person_id", strict=False)
    sources = asked["source"].unique().sort().to_list()
    told = _known(people).join(profiles(events, sources), on="person_id", how="left")
    told = told.sort("person_id")
    parts = [
        _of_source(
            asked.filter(pl.col("source") == source),
            told.with_columns(profile=pl.col(f"of_{source}").fill_null(0)),
            index.filter(pl.col("source") == source),
            source in unique,
            rng,
        )
        for source in sources
    ]
    none = asked.clear().with_columns(person_id=pl.lit(None, pl.String))
    return pl.concat([none, *parts]).sort(_KEY)


def _of_source(
    asked: pl.DataFrame,
    told: pl.DataFrame,
    index: pl.DataFrame,
    sole: bool,
    rng: np.random.Generator,
) -> pl.DataFrame:
    pool = told.filter(pl.col("on_register") & pl.col("current"))
    if asked.is_empty() or pool.is_empty():
        return asked.clear().with_columns(person_id=pl.lit(None, pl.String))
    wanted = _wanted(asked.sort(_KEY), told, _alike(index, pool), rng)
    places = pool.select(_OF_PLACE).drop_nulls().sort(_OF_PLACE)
    places = places.unique("lsoa_code", keep="first", maintain_order=True)
    wanted = wanted.join(places, on="lsoa_code", how="left", maintain_order="left")
    held = index.select("person_id").unique()
    free = pool.join(held, on="person_id", how="anti", maintain_order="left") if sole else pool
    drawn = _drawn(*_with_unknown_groups(wanted, free, rng), rng)
    given = wanted.select(asked.columns).with_columns(person_id=drawn).drop_nulls("person_id")
    once = given.unique(["draw", "person_id"], keep="first", maintain_order=True)
    return once if sole else given


def _known(people: pl.DataFrame) -> pl.DataFrame:
    """Return the facts of people, words that say nothing made missing."""
    absent = [pl.lit(None, pl.String).alias(n) for n in ("msoa_code",) if n not in people.columns]
    silent = [
        pl.when(pl.col(name) != word).then(name).alias(name) for name, word in _SILENT.items()
    ]
    return people.with_columns(*absent, *silent).select(
        "person_id", "on_register", "current", *_FACTS, "msoa_code"
    )


def _alike(index: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    """Return people of the register with a record of the source: those a model had to find."""
    linked = index.join(pool, on="person_id")
    found = linked.filter(pl.col("method") == "probabilistic")
    unsure = found.filter(pl.col("match_probability") < _SURE)
    rows = next((each for each in (unsure, found) if each.height >= _ENOUGH), linked)
    return (rows if rows.height else pool.with_columns(record_id="person_id")).sort("record_id")


def _wanted(
    asked: pl.DataFrame, told: pl.DataFrame, alike: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """Return the rows with what the donor should be like: as the record says, else as one alike."""
    own = asked.join(
        told.select("person_id", *_FACTS), left_on="was", right_on="person_id", how="left",
        maintain_order="left",
    )  # fmt: skip
    at = pl.Series(rng.integers(0, alike.height, own.height))
    other = alike.select(*(pl.col(n).alias(f"{n}_other") for n in _FACTS), "profile").select(
        pl.all().gather(at)
    )
    away = pl.Series("away", rng.random(own.height) < _ELSEWHERE)
    both = pl.concat([own, other], how="horizontal").with_columns(away)
    facts = [pl.coalesce(name, f"{name}_other").alias(name) for name in _FACTS[1:]]
    lsoa = pl.when("away").then(pl.coalesce("lsoa_code_other", "lsoa_code"))
    place = lsoa.otherwise(pl.coalesce("lsoa_code", "lsoa_code_other")).alias("lsoa_code")
    return both.with_columns(place, *facts).select(*asked.columns, *_FACTS, "profile")


def _with_unknown_groups(
    wanted: pl.DataFrame, free: pl.DataFrame, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return both with unknown ethnic groups as a group of its own, as large in both."""
    group = pl.col("ethnic_group")
    share = free["ethnic_group"].null_count() / max(free.height, 1)
    drawn = pl.Series(rng.random(wanted.height) < share, dtype=pl.Boolean)
    asked = wanted.with_columns(pl.when(~drawn).then(group).fill_null(_UNKNOWN))
    return asked, free.with_columns(group.fill_null(_UNKNOWN))


def _drawn(wanted: pl.DataFrame, pool: pl.DataFrame, rng: np.random.Generator) -> pl.Series:
    """Return a donor for each row: as like as there is one."""
    left = wanted.with_row_index("row")
    found = []
    for level in _LEVELS:
        drawn = _picked(left, pool, level, rng)
        found.append(drawn.drop_nulls().select("row", "person_id"))
        left = left.join(found[-1], on="row", how="anti", maintain_order="left")
        if left.is_empty():
            break
    rows = wanted.with_row_index("row").select("row")
    return rows.join(pl.concat(found), on="row", how="left", maintain_order="left")["person_id"]


def _picked(
    left: pl.DataFrame, pool: pl.DataFrame, level: Sequence[str], rng: np.random.Generator
) -> pl.DataFrame:
    """Return `row`, `person_id`: one of the pool who is alike in the level, if there is one."""
    same = ["everybody", *level]
    asked = left.select("row", *level, everybody=pl.lit(1))
    near = pool.select("person_id", *level, everybody=pl.lit(1))
    if level:
        near = near.join(asked.select(same).unique(), on=same, how="semi")
    near = near.sort(*level, "person_id").with_row_index("at")
    runs = near.group_by(same).agg(pl.col("at").min().alias("first"), pl.len().alias("size"))
    ticket: NDArray[Any] = rng.random(asked.height)
    told = asked.with_columns(ticket=pl.Series(ticket)).join(
        runs, on=same, how="left", maintain_order="left"
    )
    at = (pl.col("first") + (pl.col("ticket") * pl.col("size")).floor()).cast(pl.UInt32)
    drawn = near["person_id"].gather(told.select(at.alias("at")).to_series())
    return told.select("row").with_columns(person_id=drawn)
