"""What the other pairs say of a pair: rivals for the record, for the person, and who lives along.

A second model sees each of a record's best candidates with all of these, so that it answers
"given all the candidates, is this the one?".
"""

from __future__ import annotations

import polars as pl

from benchmarks.ceiling_rows import Known

_BEST = 5
_LIKELY = 0.0
_PAIR = ["rid_l", "rid_r"]
_ALIKE = ("dwelling", "birth_text", "family", "first_given", "sex", "home")


def in_context(scored: pl.DataFrame, known: Known, asked: pl.DataFrame) -> pl.DataFrame:
    """Return the best few pairs of each record with what surrounds them, ordered.

    `scored` holds `rid_l`, `rid_r`, `logit` of the first model.
    """
    facts = asked.select("source", "unique_people", "dwelling", rid_r="rid")
    whole = scored.select(*_PAIR, "logit").join(facts, on="rid_r").sort("rid_r", "rid_l")
    ranked = _among_candidates(_among_records(whole))
    best = ranked.filter(pl.col("place") <= _BEST)
    with_second = _beside_runner_up(best, known.people)
    companions = _companions(whole, known, asked)
    return (
        with_second.join(companions, on=_PAIR, how="left")
        .with_columns(pl.col("along_here", "along_away").fill_null(0))
        .drop("source", "unique_people", "dwelling", "other")
        .sort("rid_r", "rid_l")
    )


def lead(column: str, *over: str) -> pl.Expr:
    """Return by how much a value leads the greatest of the others over a group; null if alone."""
    value = pl.col(column)
    second = value.top_k(2).min().over(over)
    other = pl.when(value.arg_max().over(over) == pl.int_range(pl.len()).over(over))
    return pl.when(pl.len().over(over) > 1).then(
        value - other.then(second).otherwise(value.max().over(over))
    )


def _among_candidates(whole: pl.DataFrame) -> pl.DataFrame:
    chance = 1 / (1 + (-pl.col("logit")).exp())
    order = pl.col("logit").rank("ordinal", descending=True).over("rid_r")
    return whole.with_columns(
        order.cast(pl.Int32).alias("place"),
        lead("logit", "rid_r").alias("lead"),
        (chance.sum().over("rid_r") - chance).alias("others_sum"),
        (chance > 0.01).sum().over("rid_r").cast(pl.Int32).alias("others_likely"),
    )


def _among_records(whole: pl.DataFrame) -> pl.DataFrame:
    """Add how a record fares among those of its source, and of others, that want the person."""
    own = lead("logit", "rid_l", "source")
    return whole.with_columns(
        pl.when("unique_people").then(own).alias("lead_in_source"),
        lead("logit", "rid_l").alias("lead_in_all"),
        (pl.col("logit") > _LIKELY).sum().over("rid_l").cast(pl.Int32).alias("wanted_by"),
    )


def _beside_runner_up(best: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Add in what the strongest other candidate of the record is like this one."""
    first = best.filter(pl.col("place") == 1).select("rid_r", first="rid_l")
    second = best.filter(pl.col("place") == 2).select("rid_r", second="rid_l")
    other = pl.when(pl.col("rid_l") == pl.col("first")).then("second").otherwise("first")
    named = (
        best.join(first, on="rid_r", how="left")
        .join(second, on="rid_r", how="left")
        .with_columns(other.alias("other"))
        .drop("first", "second")
    )
    facts = people.select("rid", *_ALIKE)
    mine = facts.rename({"rid": "rid_l", **{c: f"{c}_mine" for c in _ALIKE}})
    theirs = facts.rename({"rid": "other", **{c: f"{c}_theirs" for c in _ALIKE}})
    both = named.join(mine, on="rid_l", how="left").join(theirs, on="other", how="left")
    return both.with_columns(
        (pl.col(f"{c}_mine") == pl.col(f"{c}_theirs")).cast(pl.Int8).alias(f"other_{c}")
        for c in _ALIKE
    ).drop(*(f"{c}_{whose}" for c in _ALIKE for whose in ("mine", "theirs")))


def _companions(whole: pl.DataFrame, known: Known, asked: pl.DataFrame) -> pl.DataFrame:
    """Return how many other records of the record's dwelling are of the person's, and are not.

    A record at the same dwelling counts where its NHS number, or a likely match, says whose it is.
    """
    homes = known.people.select("dwelling", rid_l="rid")
    likely = whole.filter(pl.col("logit") > _LIKELY).sort("logit", descending=True)
    matched = likely.unique("rid_r", keep="first", maintain_order=True).select(*_PAIR)
    by_number = known.linked.join(asked.select(rid_r="rid"), on="rid_r", how="anti")
    whose = pl.concat([matched, by_number.select(*_PAIR)]).join(
        homes.rename({"dwelling": "whose_home"}), on="rid_l"
    )
    place = known.asked.select("dwelling", rid_r="rid").drop_nulls()
    along = whose.join(place, on="rid_r").select(
        "dwelling", "whose_home", along_r="rid_r", along_l="rid_l"
    )
    pairs = whole.select(*_PAIR, "dwelling").join(homes.rename({"dwelling": "home_l"}), on="rid_l")
    met = pairs.join(along, on="dwelling").filter(
        (pl.col("along_r") != pl.col("rid_r")) & (pl.col("along_l") != pl.col("rid_l"))
    )
    here = (pl.col("whose_home") == pl.col("home_l")).fill_null(value=False)
    return met.group_by(_PAIR).agg(
        here.sum().cast(pl.Int32).alias("along_here"),
        (~here).sum().cast(pl.Int32).alias("along_away"),
    )
