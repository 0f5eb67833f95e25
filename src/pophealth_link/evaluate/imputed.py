"""Imputed links: whom each uncertain record may truly be, drawn many times.

The people are as they are: what is not known is whose records are whose. So each draw is another
person index, and a count is made anew with each. A draw changes a link that may be false, links a
record that was left open, or tells that a record is of somebody on the register with whom it was
never compared; whom, nobody knows. Source: Goldstein, Harron and Wade, Stat Med 2012;31:3481-3493.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pophealth_link.evaluate import imputed_candidates, recorded
from pophealth_link.evaluate.compared import rules_of_pairs
from pophealth_link.evaluate.hidden import holders
from pophealth_link.evaluate.imputed_chances import CANDIDATE, NEVER, Open, classes
from pophealth_link.link import Links
from pophealth_link.link.person_index import record_name
from pophealth_link.privacy import Key, keyed_hash

IMPUTATIONS = 40
# Share of links that are false: Beta(a, b), assumed. A number that agrees and is not contradicted
# errs about once in 20,000 links, a deterministic pass once in 1,500; false links of the model are
# those that its probabilities expect, times a factor around 1.3.
_FALSE = {"nhs_number": (1.0, 20_000.0), "pass": (1.0, 1_500.0)}
_FALSE_FACTOR = (0.26, 0.3)
# Of false links, the share whose person is on the register, but was never compared (assumed).
_ELSEWHERE = 0.5
# Records with a number of which it is looked up whether they would have been compared.
_ASKED = 20_000
_KEY = ["source", "record_id"]
_DRAWN = {"source": pl.String, "record_id": pl.String, "draw": pl.Int64, "person_id": pl.String}


@dataclass(frozen=True, slots=True)
class Imputed:
    """Draws of the links; their repr holds no row.

    `links`: source, record_id, draw, person_id (null: somebody on the register, nobody knows whom)
    of the records that belong to another person in a draw than in the person index. `alone`:
    person_id, source, record_id of records that are a person of their own in some draw.
    """

    imputations: int
    links: pl.DataFrame = field(repr=False)
    alone: pl.DataFrame = field(repr=False)


def imputed_links(links: Links, *, seed: int, key: Key, imputations: int = IMPUTATIONS) -> Imputed:
    """Draw `imputations` times whom each record outside the register may truly be.

    Records of one person on no register stay together. In a source of unique people no two records
    are drawn to one person. The same seed gives the same draws, whatever the order of the rows.
    """
    rng = np.random.default_rng(seed)
    main = _main(links)
    asked = imputed_candidates.candidates(links, main)
    drawn = [_of_unlinked(asked, main, links, imputations, rng)]
    drawn.append(_of_linked(main, imputations, rng))
    every = pl.concat(drawn).sort("draw", *_KEY)
    alone = _alone(every.filter(pl.col("person_id") == ""), key)
    named = every.join(alone, on=_KEY, how="left", suffix="_own", maintain_order="left")
    own = pl.when(pl.col("person_id") == "").then("person_id_own").otherwise("person_id")
    told = _one_to_one(named.with_columns(own.alias("person_id")), main)
    return Imputed(imputations, told.select(list(_DRAWN)), alone.sort("person_id"))


def _main(links: Links) -> pl.DataFrame:
    """Return each record with its person, whether that is on the register, and how it is told."""
    main = links.records.filter(~pl.col("alias"))
    register = main.filter("on_register")["person_id"].unique().implode()
    held = holders(links)["rid"].implode()
    owned = _owned(links)
    told = main.select(
        "rid", *_KEY, "unique_people", "on_register", "person_id", "method", "match_probability",
        pl.col("person_id").is_in(register).alias("linked"),
        pl.col("rid").is_in(held).alias("holds"),
    )  # fmt: skip
    told = told.join(owned, on="rid", how="left")
    return told.join(recorded.quality(links.records), on="rid", how="left").sort("rid")


def _owned(links: Links) -> pl.DataFrame:
    """Return `rid`, `met`: whether a rule compares a record with the owner of its NHS number.

    Of at most `_ASKED` records a source that hold the number of somebody on the register.
    """
    known = holders(links).drop_nulls("owner").sort("rid")
    asked = known.filter(pl.int_range(pl.len()).over("source") < _ASKED)
    pairs = asked.select(rid_l="owner", rid_r="rid")
    met = rules_of_pairs(pairs, links.records)["rid_r"].unique().implode()
    return asked.select("rid", pl.col("rid").is_in(met).alias("met"))


def _of_unlinked(
    asked: pl.DataFrame, main: pl.DataFrame, links: Links, draws: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Return the draws of the people on no register: a row where one is of the register."""
    others = main.filter(~pl.col("on_register"))
    speaks = _speaking(others.filter(~pl.col("linked")), asked)
    found = []
    state = Open.of(others, speaks)
    shifts = imputed_candidates.shifts(rng, draws)
    for draw in range(draws):
        weighed = imputed_candidates.weighed(asked, shifts[draw])
        odds = speaks.select("rid").join(
            weighed.group_by("rid").agg(pl.col("odds").sum()),
            on="rid", how="left", maintain_order="left",
        )["odds"].fill_null(0.0).to_numpy()  # fmt: skip
        kind = classes(state, odds, rng)
        told = speaks.with_columns(kind=pl.Series(kind))
        hit = imputed_candidates.chosen(told.filter(kind=CANDIDATE), weighed, rng)
        lost = told.filter(kind=NEVER).select("person_id", to=pl.lit(None, pl.String))
        found.append(pl.concat([hit, lost]).with_columns(draw=pl.lit(draw, pl.Int64)))
    moved = pl.concat(found).join(others.select(*_KEY, "person_id"), on="person_id")
    return moved.select(*_KEY, "draw", person_id="to")


def _speaking(unlinked: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Return one record of each person on no register: the one whose candidates say most."""
    said = asked.group_by("rid").agg(pl.col("logit").max())
    told = unlinked.join(said, on="rid", how="left").with_columns(
        records=pl.len().over("person_id")
    )
    ordered = told.sort("logit", "rid", descending=[True, False], nulls_last=True)
    return ordered.unique("person_id", keep="first", maintain_order=True).sort("rid")


def _of_linked(main: pl.DataFrame, draws: int, rng: np.random.Generator) -> pl.DataFrame:
    """Return the draws of links that are false: the record alone (""), or never compared (null)."""
    linked = main.filter(~pl.col("on_register") & pl.col("linked"))
    model = linked["match_probability"].is_not_null().to_numpy()
    number = (linked["method"] == "nhs_number").to_numpy()
    expected = (1 - linked["match_probability"].fill_null(1.0)).to_numpy()
    found = []
    for draw in range(draws):
        factor = np.exp(rng.normal(*_FALSE_FACTOR))
        rate = np.where(number, rng.beta(*_FALSE["nhs_number"]), rng.beta(*_FALSE["pass"]))
        false = rng.random(len(rate)) < np.where(model, np.minimum(expected * factor, 0.5), rate)
        rows = linked.filter(pl.Series(false))
        there = pl.Series(rng.random(rows.height) < _ELSEWHERE)
        to = pl.when(there).then(pl.lit(None, pl.String)).otherwise(pl.lit(""))
        found.append(rows.select(*_KEY, draw=pl.lit(draw, pl.Int64), person_id=to))
    return pl.concat(found)


def _alone(rows: pl.DataFrame, key: Key) -> pl.DataFrame:
    """Return `person_id`, source, record_id of records that are somebody of their own."""
    named = rows.select(_KEY).unique().sort(_KEY).with_columns(person_id=record_name())
    return keyed_hash(named, "person_id", key, kind="person")


def _one_to_one(drawn: pl.DataFrame, main: pl.DataFrame) -> pl.DataFrame:
    """Leave out of a draw what would give a person a second record of a source of unique people."""
    unique = main.filter("unique_people")["source"].unique().implode()
    rows = drawn.with_columns(
        sole=pl.col("source").is_in(unique) & pl.col("person_id").is_not_null()
    )
    gone = drawn.select(*_KEY, "draw")
    taken = main.filter(~pl.col("on_register") & pl.col("linked"))
    held = rows.filter("sole").join(
        taken.select("source", "person_id", holder="record_id"), on=["source", "person_id"]
    )
    freed = held.join(
        gone, left_on=["source", "holder", "draw"], right_on=[*_KEY, "draw"], how="semi"
    )
    barred = held.join(freed, on=[*_KEY, "draw"], how="anti")
    rows = rows.join(barred, on=[*_KEY, "draw"], how="anti", maintain_order="left")
    claim = ["source", "person_id", "draw"]
    first = pl.col("record_id") == pl.col("record_id").min().over(claim)
    return rows.filter(first | ~pl.col("sole"))


def facts_alone(records: pl.DataFrame, alone: pl.DataFrame) -> pl.DataFrame:
    """Return the prepared records of `alone` as people of their own, on no register."""
    rows = records.filter(~pl.col("alias")).drop("person_id").join(alone, on=_KEY)
    return rows.with_columns(on_register=pl.lit(value=False))
