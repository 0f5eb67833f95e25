"""At which level of each comparison given pairs agree."""

from __future__ import annotations

import polars as pl

from pophealth_link.link.comparisons import COLUMNS, COMPARISONS, Comparison


def levels(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return `rid_l`, `rid_r` and the level of each comparison; null where it says nothing.

    A level of two records of one dwelling ends in `AT_HOME`.

    `pairs` holds `rid_l` and `rid_r`; `records` is the table of prepared records, of which alias
    rows are left out. Distinct pairs in, the same pairs out, ordered.
    """
    import duckdb

    main = records.filter(~pl.col("alias")).select("rid", *COLUMNS)
    chosen = ", ".join(f"({_case(each)}) as {each.name}" for each in COMPARISONS.values())
    with duckdb.connect() as connection:
        connection.register("pairs", pairs.select("rid_l", "rid_r").unique().to_arrow())
        connection.register("records", main.to_arrow())
        found = connection.sql(
            f"with wide as (select {_both_sides()} from pairs p"
            " join records l on l.rid = p.rid_l join records r on r.rid = p.rid_r)"
            f" select rid_l, rid_r, {chosen} from wide order by rid_l, rid_r"
        )
        return pl.DataFrame(found.pl())


def _both_sides() -> str:
    each = ", ".join(f"l.{c} as {c}_l, r.{c} as {c}_r" for c in COLUMNS)
    return f"p.rid_l, p.rid_r, {each}"


def _case(comparison: Comparison) -> str:
    named = " ".join(
        f"when {level.condition} then '{level.name}'" for level in comparison.levels[:-1]
    )
    return (
        f"case when {comparison.missing} then null {named} else '{comparison.levels[-1].name}' end"
    )
