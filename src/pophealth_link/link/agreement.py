"""At which level of each comparison given pairs agree."""

from __future__ import annotations

from math import log2

import polars as pl

from pophealth_link.link import rows
from pophealth_link.link.comparisons import AT_HOME, COMPARISONS, MACROS, Comparison, at_home
from pophealth_link.link.model import Model


def levels(pairs: pl.DataFrame, records: pl.DataFrame, model: Model | None = None) -> pl.DataFrame:
    """Return `rid_l`, `rid_r` and the level of each comparison; null where it says nothing.

    A level of two records of one dwelling ends in `AT_HOME`. `pairs` holds `rid_l` and `rid_r`;
    `records` is the table of prepared records. With a `model` a pair agrees through whichever of
    its rows (former, previous and swapped names) weigh most; without, as the records are written.
    Distinct pairs in, the same pairs out, ordered.
    """
    if model is not None:
        return _through_best(pairs, records, weight(model))
    written = pl.col("row_kind") == "straight"
    sides = (rows.expand(each).filter(written) for each in _sides(pairs, records))
    return _compared(_distinct(pairs), *sides).sort("rid_l", "rid_r")


def likest(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return what `levels` does, through whichever rows disagree in the fewest comparisons."""
    disagreements = pl.sum_horizontal(disagrees(name).cast(pl.Int32) for name in COMPARISONS)
    return _through_best(pairs, records, -disagreements)


def across_rows(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return what `levels` does, once for each two rows in which a pair is compared."""
    left, right = _sides(pairs, records)
    return _compared(_distinct(pairs), rows.expand(left), rows.expand(right, swapped=True))


def disagrees(name: str) -> pl.Expr:
    """Return whether the level of a comparison speaks of two people; false where it is silent."""
    plain = pl.col(name).str.strip_suffix(AT_HOME)
    return plain.is_in(COMPARISONS[name].unlike).fill_null(value=False)


def _through_best(pairs: pl.DataFrame, records: pl.DataFrame, worth: pl.Expr) -> pl.DataFrame:
    found = across_rows(pairs, records).with_columns(weight=worth)
    return best_rows(found).drop("weight").sort("rid_l", "rid_r")


def _distinct(pairs: pl.DataFrame) -> pl.DataFrame:
    return pairs.select("rid_l", "rid_r").unique()


def _sides(pairs: pl.DataFrame, records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    wanted = (pairs.select(pl.col(c).unique().alias("rid")) for c in ("rid_l", "rid_r"))
    left, right = (records.join(each, on="rid", how="semi") for each in wanted)
    return left, right


def weight(model: Model) -> pl.Expr:
    """Return the weight of a pair against anybody, in bits, from the levels of its comparisons."""
    return pl.sum_horizontal(
        pl.col(name).replace_strict(_bits(model, name), return_dtype=pl.Float64).fill_null(0.0)
        for name in COMPARISONS
    ).round(6)


def _bits(model: Model, name: str) -> dict[str, float]:
    levels = zip(model.levels[name], model.u_of_anybody(name), strict=True)
    return {level.name: log2(level.m / u) + level.adjust for level, u in levels}


def best_rows(compared: pl.DataFrame) -> pl.DataFrame:
    """Return of each pair the rows that weigh most; of equals, the first in order of levels."""
    ordered = compared.sort("weight", *COMPARISONS, descending=[True] + [False] * len(COMPARISONS))
    return ordered.unique(["rid_l", "rid_r"], keep="first", maintain_order=True)


def _compared(pairs: pl.DataFrame, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Return the levels of each pair, once for each two of its rows."""
    import duckdb

    chosen = ", ".join(f"({_case(each)}) as {each.name}" for each in COMPARISONS.values())
    with duckdb.connect() as connection:
        for macro in MACROS:
            connection.execute(f"create temp macro {macro}")
        connection.register("pairs", pairs.to_arrow())
        connection.register("lefts", left.to_arrow())
        connection.register("rights", right.to_arrow())
        found = connection.sql(
            f"with wide as (select {_both_sides()} from pairs p"
            " join lefts l on l.rid = p.rid_l join rights r on r.rid = p.rid_r)"
            f" select rid_l, rid_r, {chosen} from wide"
        )
        return at_home(pl.DataFrame(found.pl()))


def _both_sides() -> str:
    each = ", ".join(f"l.{c} as {c}_l, r.{c} as {c}_r" for c in rows.ROW_COLUMNS)
    return f"p.rid_l, p.rid_r, {each}"


def _case(comparison: Comparison) -> str:
    named = " ".join(
        f"when {level.condition} then '{level.name}'" for level in comparison.rules[:-1]
    )
    return (
        f"case when {comparison.missing} then null {named} else '{comparison.rules[-1].name}' end"
    )
