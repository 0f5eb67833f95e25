"""Which blocking rules would have compared given pairs of records."""

from __future__ import annotations

import polars as pl

from pophealth_link.link import rows
from pophealth_link.link.blocking import RULES


def rules_of_pairs(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return `rid_l`, `rid_r`, `rule`: one row for each rule that would compare the pair.

    `pairs` holds `rid_l` (register) and `rid_r`; `records` the prepared records. Where a record
    stands in several rows (aliases, previous names), any of them may meet a rule. A pair that no
    rule compares has no row. Ordered.
    """
    import duckdb

    asked = pairs.select(pl.col("rid_l", "rid_r").cast(pl.UInt32)).unique()
    left = rows.expand(_of(records, asked["rid_l"]))
    right = rows.expand(_of(records, asked["rid_r"]), swapped=True)
    met = ", ".join(f"bool_or({rule.sql}) as r{place}" for place, rule in enumerate(RULES))
    with duckdb.connect() as connection:
        for name, frame in (("pairs", asked), ("left_rows", left), ("right_rows", right)):
            connection.register(name, frame.to_arrow())
        wide = connection.sql(
            f"select rid_l, rid_r, {met} from pairs"
            " join left_rows l on l.rid = rid_l join right_rows r on r.rid = rid_r group by all"
        ).pl()
    tall = pl.DataFrame(wide).unpivot(index=["rid_l", "rid_r"], variable_name="place")
    names = {f"r{place}": rule.name for place, rule in enumerate(RULES)}
    told = pl.col("place").replace_strict(names, return_dtype=pl.String).alias("rule")
    found = tall.filter(pl.col("value").fill_null(value=False)).select("rid_l", "rid_r", told)
    return found.sort("rid_l", "rid_r", "rule")


def _of(records: pl.DataFrame, rids: pl.Series) -> pl.DataFrame:
    return records.join(rids.unique().alias("rid").to_frame(), on="rid", how="semi")
