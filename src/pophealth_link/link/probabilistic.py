"""The probabilistic pass: Splink on DuckDB scores pairs with a model of ours.

The only module that imports Splink. Source: Fellegi and Sunter, J Am Stat Assoc 1969;64:1183-1210.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import polars as pl

from pophealth_link.errors import LinkageError
from pophealth_link.link.comparisons import (
    BLOCKING_RULES,
    COLUMNS,
    COMPARISONS,
    SWAPPED_BLOCK,
    Comparison,
)
from pophealth_link.link.model import Level, Model

# Rare names would otherwise carry weight without end: seen once in a register of 100,000.
_LEAST_FREQUENCY = 1e-5
_FREQUENCY_COLUMNS = ("first_given", "family")


def score(
    left: pl.DataFrame,
    right: pl.DataFrame,
    model: Model,
    *,
    spine: pl.DataFrame | None = None,
    floor: float = 0.01,
    memory_limit: str | None = None,
) -> pl.DataFrame:
    """Return `rid_l`, `rid_r`, `match_weight` (bits), `match_probability` of candidate pairs.

    Candidates agree on at least one blocking rule and reach the probability `floor`. Where a
    record has aliases the best of its rows counts. Term frequencies come from the register:
    `spine`, or `left` where none is given. Beyond `memory_limit` (such as `4GB`) DuckDB works on
    disk.
    """
    if left.is_empty() or right.is_empty():
        return _no_pairs()
    register = left if spine is None else spine
    rows = [_rows(left, "r"), _rows(right, "o")]
    built = settings(model.at_register(register))
    found = _predict(rows, built, register, floor, memory_limit)
    best = found.group_by("rid_l", "rid_r").agg(
        pl.col("match_weight").max().round(6), pl.col("match_probability").max().round(9)
    )
    return best.sort("rid_l", "rid_r")


def _no_pairs() -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            "rid_l": pl.UInt32,
            "rid_r": pl.UInt32,
            "match_weight": pl.Float64,
            "match_probability": pl.Float64,
        }
    )


def _rows(records: pl.DataFrame, side: str) -> pl.DataFrame:
    """Return one row per record and alias with an id of its own, as Splink wants them."""
    return (
        records.select("rid", *COLUMNS)
        .with_row_index("row")
        .with_columns(pl.concat_str(pl.lit(side), pl.col("row")).alias("unique_id"))
    )


def _predict(
    rows: Sequence[pl.DataFrame],
    built: dict[str, Any],
    register: pl.DataFrame,
    floor: float,
    memory_limit: str | None,
) -> pl.DataFrame:
    import duckdb
    from splink import DuckDBAPI, Linker

    limits: dict[str, Any] = {"memory_limit": memory_limit} if memory_limit else {}
    with duckdb.connect(config=limits) as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        api = DuckDBAPI(connection)
        # Splink pastes display names into its SQL: fixed names, never those of the sources.
        frames = [
            api.register(each.drop("row").to_arrow(), dataset_display_name=name)
            for each, name in zip(rows, ("register_side", "source_side"), strict=True)
        ]
        linker = Linker(frames, built, log_level=logging.ERROR)
        for column in _FREQUENCY_COLUMNS:
            table = api.register(_frequencies(register, column).to_arrow())
            linker.table_management.register_term_frequency_lookup(table, column)
        found = linker.inference.predict(threshold_match_probability=floor)
        scored = pl.DataFrame(pl.from_arrow(found.as_pyarrow_table()))
    return _by_record(scored, rows)


def _frequencies(register: pl.DataFrame, column: str) -> pl.DataFrame:
    counts = register.select(pl.col(column)).drop_nulls().group_by(column).len()
    share = (pl.col("len") / pl.col("len").sum()).alias(f"tf_{column}")
    return counts.select(column, share).sort(column)


def _by_record(scored: pl.DataFrame, rows: Sequence[pl.DataFrame]) -> pl.DataFrame:
    ids = pl.concat(each.select("unique_id", "rid") for each in rows)
    swap = pl.col("unique_id_l").str.starts_with("o")
    left = pl.when(swap).then("unique_id_r").otherwise("unique_id_l")
    right = pl.when(swap).then("unique_id_l").otherwise("unique_id_r")
    pairs = scored.select(
        left.alias("left"), right.alias("right"), "match_weight", "match_probability"
    )
    return pairs.join(ids.rename({"unique_id": "left", "rid": "rid_l"}), on="left").join(
        ids.rename({"unique_id": "right", "rid": "rid_r"}), on="right"
    )


def settings(model: Model) -> dict[str, Any]:
    """Return Splink settings for DuckDB built from a model that knows its register."""
    return {
        "link_type": "link_only",
        "unique_id_column_name": "unique_id",
        "probability_two_random_records_match": model.prior,
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
        "comparisons": [_comparison(c, model.levels[c.name]) for c in COMPARISONS.values()],
        "blocking_rules_to_generate_predictions": blocking_rules(),
    }


def blocking_rules() -> list[str]:
    """Return the blocking rules as SQL over `l` and `r`."""
    equal = [" and ".join(f"l.{c} = r.{c}" for c in rule) for rule in BLOCKING_RULES]
    return [*equal, SWAPPED_BLOCK]


def _comparison(comparison: Comparison, levels: Sequence[Level]) -> dict[str, Any]:
    missing = {
        "sql_condition": comparison.missing,
        "label_for_charts": "missing",
        "is_null_level": True,
    }
    rest = [
        {
            "sql_condition": rule.condition,
            "label_for_charts": rule.name,
            "m_probability": level.m,
            "u_probability": level.u,
            **_frequency(rule.frequency),
        }
        for rule, level in zip(comparison.levels, levels, strict=True)
    ]
    return {"output_column_name": comparison.name, "comparison_levels": [missing, *rest]}


def _frequency(column: str | None) -> dict[str, Any]:
    if column is None:
        return {}
    return {
        "tf_adjustment_column": column,
        "tf_adjustment_weight": 1.0,
        "tf_minimum_u_value": _LEAST_FREQUENCY,
    }


def comparisons_per_rule(register: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return `rule`, `pairs`: how many pairs each blocking rule proposes, before overlap.

    Aliases count as Splink compares them: as rows of their own.
    """
    equal = [(" + ".join(rule), rule, rule) for rule in BLOCKING_RULES]
    swapped = ("first_given", "family"), ("family", "first_given")
    rules = [*equal, ("first_given and family swapped", *swapped)]
    counted = [_pairs_of(register, others, left, right) for _, left, right in rules]
    return pl.DataFrame({"rule": [name for name, _, _ in rules], "pairs": counted})


def _pairs_of(
    register: pl.DataFrame, others: pl.DataFrame, left_on: Sequence[str], right_on: Sequence[str]
) -> int:
    left = register.select(left_on).drop_nulls().group_by(left_on).len()
    right = others.select(right_on).drop_nulls().group_by(right_on).len()
    both = left.join(right, left_on=list(left_on), right_on=list(right_on), suffix="_r")
    return int(both.select((pl.col("len").cast(pl.Int64) * pl.col("len_r")).sum()).item() or 0)


def refuse_over_budget(counts: pl.DataFrame, max_pairs: int) -> None:
    """Raise `LinkageError` where the blocking rules propose more pairs than the budget."""
    over = counts.filter(pl.col("pairs") > max_pairs)
    if over.height:
        raise LinkageError(
            f"{over.height} blocking rules propose more than {max_pairs:,} comparisons each.",
            *(f"{rule}: {pairs:,}" for rule, pairs in over.iter_rows()),
            fix="raise link.max_pairs, or mend a column that holds one value for many people.",
        )
