"""All records of all sources in one table of prepared identifiers, one number (`rid`) a record."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pophealth_link.errors import LinkageError
from pophealth_link.link.comparisons import COLUMNS
from pophealth_link.link.inputs import People
from pophealth_link.prepare import names
from pophealth_link.prepare import records as prepare_records

_KEPT = (
    "source", "record_id", "unique_people", "on_register", "alias", "nhs_number",
    "nhs_number_status", "given", "middle", *COLUMNS, "ethnic_category", "practice_code",
    "postcode", "address", "date_of_death", "date_from", "date_to", "setting",
)  # fmt: skip


PSEUDONYM = "token:"


def register_of(sources: Sequence[People]) -> People:
    """Return the source that is the register: the one marked, else the first that can be.

    Raises `LinkageError` where two sources share a name, or none or several can be the register.
    """
    names_given = [each.source for each in sources]
    if len(set(names_given)) < len(names_given):
        raise LinkageError("two sources have the same name.", fix="give each source its own name.")
    marked = [each for each in sources if each.register]
    able = [s for s in sources if s.setting == "primary_care" and s.unique_people]
    chosen = marked or able[:1]
    if len(chosen) != 1 or not chosen[0].unique_people:
        raise LinkageError(
            f"there must be one register; {len(chosen)} of {len(sources)} sources can be it.",
            "The register holds each person once: setting primary_care, unique_people = true.",
            fix="mark one source with register = true and unique_people = true.",
        )
    return chosen[0]


def stack(sources: Sequence[People], register: People) -> pl.DataFrame:
    """Return every record of every source, prepared, ordered by source and record id.

    `rid` numbers the records from 0; rows with `alias` hold previous names and addresses of the
    same `rid`. Neither the order of the sources nor that of their rows matters.
    """
    rows = pl.concat(_prepared(each, register) for each in sources)
    main = rows.filter(~pl.col("alias")).sort("source", "record_id").with_row_index("rid")
    former = rows.filter("alias").join(
        main.select("rid", "source", "record_id"), on=["source", "record_id"], how="inner"
    )
    filled = _fill_from_record(former, main)
    return pl.concat([main, filled.select(main.columns)]).sort("rid", "alias", maintain_order=True)


def _prepared(people: People, register: People) -> pl.DataFrame:
    frames = [(people.frame, False), (people.aliases, True)]
    parts = [
        prepare_records.standardise(frame.lazy(), kind=people.nhs_number_kind).with_columns(
            pl.lit(alias).alias("alias")
        )
        for frame, alias in frames
        if frame is not None
    ]
    marked = pl.concat(parts, how="diagonal_relaxed").with_columns(
        pl.lit(people.source).alias("source"),
        pl.lit(people.setting).alias("setting"),
        pl.lit(people.unique_people).alias("unique_people"),
        pl.lit(people.source == register.source).alias("on_register"),
        pl.col("date_of_birth").dt.strftime("%Y%m%d").alias("birth_text"),
        pl.col("date_of_birth").dt.year().alias("birth_year"),
    )
    return _with_formal_names(marked.with_columns(_own_kind(people))).select(_KEPT)


def _own_kind(people: People) -> pl.Expr:
    """Return the number, a token marked as one: it is never compared with a number in clear."""
    number = pl.col("nhs_number")
    marked = pl.concat_str(pl.lit(PSEUDONYM), number).alias("nhs_number")
    return number if people.nhs_number_kind == "clear" else marked


def _with_formal_names(rows: pl.LazyFrame) -> pl.DataFrame:
    records = rows.collect()
    distinct = records.select(pl.col("first_given").unique()).drop_nulls()
    formal = names.formal_names(distinct, "first_given").rename({"first_given_formal": "formal"})
    return records.join(formal, on="first_given", how="left")


def _fill_from_record(former: pl.DataFrame, main: pl.DataFrame) -> pl.DataFrame:
    """Fill what an alias row leaves out from its record, but for the number, which it never has."""
    # An alias that gives an address gives the whole of it.
    place = ("home", "house", "uprn", "sector", "outward")
    moved = pl.any_horizontal(pl.col(c).is_not_null() for c in ("home", "uprn"))
    both = former.join(main, on="rid", how="left", suffix="_main", maintain_order="left")
    fillable = [c for c in COLUMNS if c not in (*place, "placeholder_birth")]
    return both.with_columns(
        *(pl.coalesce(c, f"{c}_main").alias(c) for c in fillable),
        *(pl.when(moved).then(pl.col(c)).otherwise(pl.col(f"{c}_main")).alias(c) for c in place),
        pl.coalesce("given", "given_main").alias("given"),
        pl.col("placeholder_birth_main").alias("placeholder_birth"),
        pl.lit(None, dtype=pl.String).alias("nhs_number"),
    )
