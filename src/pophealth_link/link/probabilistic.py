"""The probabilistic pass: Splink on DuckDB weighs pairs of rows with a model of ours.

The only module that imports Splink. Source: Fellegi and Sunter, J Am Stat Assoc 1969;64:1183-1210.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from math import log2
from typing import Any

import polars as pl

from pophealth_link.link import agreement, blocking, posterior, rows
from pophealth_link.link.comparisons import (
    COMPARISONS,
    MACROS,
    YOUNG,
    Comparison,
    LevelRule,
    at_home,
    frequency_columns,
)
from pophealth_link.link.model import Level, Model

# Rare names would otherwise carry weight without end: seen once in a register of 100,000.
_LEAST_FREQUENCY = 1e-5
_SURE = 0.999999
# What is learnt of a source can raise a pair that the model alone takes for two people.
_LEARNT_FROM = 0.001
# What the levels of one dwelling may weigh more than their twins, all together.
_AT_HOME_BITS = 12.0


def weigh(
    left: pl.DataFrame,
    right: pl.DataFrame,
    model: Model,
    *,
    spine: pl.DataFrame | None = None,
    floor: float = 0.01,
    memory_limit: str | None = None,
) -> pl.DataFrame:
    """Return `rid_l`, `rid_r`, `weight`, `young` and the level of each comparison of candidates.

    `weight` is log2 of the odds of the pair against somebody taken at random off the register,
    prior included. Candidates are of two records, agree on a blocking rule and reach the odds of
    the probability `floor`; of a pair's rows those that weigh most count. Term frequencies and
    the shares of places come from the register: `spine`, or `left` where none is given. Beyond
    `memory_limit` (such as `4GB`) DuckDB works on disk. Ordered.
    """
    register = (left if spine is None else spine).filter(~pl.col("alias"))
    if left.is_empty() or right.is_empty():
        return _no_pairs()
    sides = [_numbered(rows.expand(left), "l"), _numbered(rows.expand(right, swapped=True), "r")]
    placed, least = model.at_register(register), log2(floor / (1 - floor))
    found = _predict(sides, settings(placed), register, least - _AT_HOME_BITS, memory_limit)
    named = at_home(found.with_columns(_named(each) for each in COMPARISONS.values()))
    weighed = named.with_columns(weight=(pl.col("match_weight") + _of_home(model)).round(6))
    apart = pl.col("rid_l") != pl.col("rid_r")
    best = agreement.best_rows(weighed.filter(apart & (pl.col("weight") >= least)))
    aged = best.join(_young(left, register), on="rid_l")
    return aged.select("rid_l", "rid_r", "weight", "young", *COMPARISONS).sort("rid_l", "rid_r")


def score(
    left: pl.DataFrame,
    right: pl.DataFrame,
    model: Model,
    *,
    spine: pl.DataFrame | None = None,
    share: float | None = None,
    floor: float = 0.01,
    memory_limit: str | None = None,
) -> pl.DataFrame:
    """Return `rid_l`, `rid_r`, `match_weight` of candidate pairs, ordered.

    The weight is log2 of the odds that the two are one person against the record being of nobody
    on the left (see `posterior`); rivals among candidates are `assign`'s. Arguments as of `weigh`.
    With a `share` that share of the records is expected on the left; without, the habits of each
    source are learnt. Pairs below the odds of the probability `floor` are then left out.
    """
    least = min(floor, _LEARNT_FROM)
    weighed = weigh(left, right, model, spine=spine, floor=least, memory_limit=memory_limit)
    sources = right.filter(~pl.col("alias")).select("source", rid_r="rid")
    placed = model.at_register((left if spine is None else spine).filter(~pl.col("alias")))
    found = posterior.against_nobody(weighed, placed, sources, share=share)
    return found.filter(pl.col("match_weight") >= round(log2(floor / (1 - floor)), 6))


def _no_pairs() -> pl.DataFrame:
    ids = {"rid_l": pl.UInt32, "rid_r": pl.UInt32, "weight": pl.Float64, "young": pl.Boolean}
    return pl.DataFrame(schema={**ids, **dict.fromkeys(COMPARISONS, pl.String)})


def _young(left: pl.DataFrame, register: pl.DataFrame) -> pl.DataFrame:
    """Return `rid_l`, `young` of the records on the left; who has no birthday may be young."""
    born = pl.col("birth_year") > pl.lit(register["birth_year"].max()) - YOUNG
    return left.filter(~pl.col("alias")).select(rid_l="rid", young=born.fill_null(value=True))


def _numbered(side: pl.DataFrame, letter: str) -> pl.DataFrame:
    """Return the rows with an id of their own, as Splink wants them."""
    number = pl.int_range(pl.len(), dtype=pl.UInt32)
    return side.with_columns(unique_id=pl.concat_str(pl.lit(letter), number))


def _predict(
    sides: Sequence[pl.DataFrame],
    built: dict[str, Any],
    register: pl.DataFrame,
    least: float,
    memory_limit: str | None,
) -> pl.DataFrame:
    import duckdb
    from splink import DuckDBAPI, Linker

    limits: dict[str, Any] = {"memory_limit": memory_limit} if memory_limit else {}
    with duckdb.connect(config=limits) as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for macro in MACROS:
            connection.execute(f"create macro {macro}")
        api = DuckDBAPI(connection)
        # Splink pastes display names into its SQL: fixed names, never those of the sources.
        frames = [
            api.register(each.to_arrow(), dataset_display_name=name)
            for each, name in zip(sides, ("left_side", "right_side"), strict=True)
        ]
        linker = Linker(frames, built, log_level=logging.ERROR, validate_settings=False)
        for column in frequency_columns():
            table = api.register(_frequencies(register, column).to_arrow())
            linker.table_management.register_term_frequency_lookup(table, column)
        found = linker.inference.predict(threshold_match_weight=least)
        gammas = ", ".join(f"gamma_{name}" for name in COMPARISONS)
        wanted = f"select rid_l, rid_r, match_weight, {gammas} from {found.physical_name}"
        return pl.DataFrame(connection.sql(wanted).pl())


def _frequencies(register: pl.DataFrame, column: str) -> pl.DataFrame:
    counts = register.select(pl.col(column)).drop_nulls().group_by(column).len()
    share = (pl.col("len") / pl.col("len").sum()).alias(f"tf_{column}")
    return counts.select(column, share).sort(column)


def _named(comparison: Comparison) -> pl.Expr:
    """Return the names of the levels that Splink numbers, the first by the greatest number."""
    levels = [rule.name for rule in comparison.rules]
    names: dict[int, str | None] = {len(levels) - 1 - i: name for i, name in enumerate(levels)}
    gamma = pl.col(f"gamma_{comparison.name}").cast(pl.Int32)
    return gamma.replace_strict(names | {-1: None}, return_dtype=pl.String).alias(comparison.name)


def _of_home(model: Model) -> pl.Expr:
    """Return what the levels of one dwelling weigh more than their twins, in bits.

    Splink weighs a pair wherever the two live: half the levels make it twice as fast.
    """
    return pl.sum_horizontal(
        pl.col(name)
        .replace_strict(_beyond_twins(model.levels[name]), default=0.0, return_dtype=pl.Float64)
        .fill_null(0.0)
        for name, comparison in COMPARISONS.items()
        if comparison.by_dwelling
    )


def _beyond_twins(levels: Sequence[Level]) -> dict[str, float]:
    half = len(levels) // 2
    twins = zip(levels[:half], levels[half:], strict=True)
    return {home.name: _true_bits(home) - _true_bits(other) for home, other in twins}


def _true_bits(level: Level) -> float:
    return log2(level.m) + level.adjust


def settings(model: Model) -> dict[str, Any]:
    """Return Splink settings for DuckDB built from a model that knows its register."""
    return {
        "link_type": "link_only",
        "unique_id_column_name": "unique_id",
        "probability_two_random_records_match": model.prior / (1 + model.prior),
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
        "additional_columns_to_retain": ["rid"],
        "comparisons": [_comparison(each, model) for each in COMPARISONS.values()],
        "blocking_rules_to_generate_predictions": [rule.sql for rule in blocking.RULES],
    }


def _comparison(comparison: Comparison, model: Model) -> dict[str, Any]:
    missing = {
        "sql_condition": comparison.missing,
        "label_for_charts": "missing",
        "is_null_level": True,
    }
    rest = [
        {
            "sql_condition": rule.condition,
            "label_for_charts": rule.name,
            "m_probability": min(level.m * 2**level.adjust, _SURE),
            "u_probability": level.u,
            **_frequency(rule),
        }
        for rule, level in zip(
            comparison.rules,
            model.levels[comparison.name][-len(comparison.rules) :],
            strict=True,
        )
    ]
    return {"output_column_name": comparison.name, "comparison_levels": [missing, *rest]}


def _frequency(rule: LevelRule) -> dict[str, Any]:
    if rule.frequency is None:
        return {}
    return {
        "tf_adjustment_column": rule.frequency,
        "tf_adjustment_weight": rule.frequency_weight,
        "tf_minimum_u_value": _LEAST_FREQUENCY,
        "disable_tf_exact_match_detection": True,
    }
