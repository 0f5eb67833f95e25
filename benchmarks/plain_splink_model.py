"""Training and scoring of the yardstick with Splink on DuckDB.

u comes from random pairs of the register and all sources, m from expectation-maximisation on each
source by itself, as its recording has its own faults. Random pairs are all pairs of a seeded sample
of records, so that Splink samples nothing further; EM runs on one thread: the same data give the
same weights.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb
import polars as pl
from splink import DuckDBAPI, Linker, SettingsCreator
from splink.internals.exceptions import EMTrainingException

from benchmarks.plain_splink_settings import SIDES, Plan, same

Model = Mapping[str, Any]

SEED = 20_010
# 10 million random pairs: enough to see what happens to one pair in a million.
_SAMPLED = (5_000, 2_000)
# The share of a source that is on the register, for the odds before anything is compared; assumed.
_ON_REGISTER = 0.9
# EM gives a level that it met in no match an m of nothing, which no agreement elsewhere could make
# up for: nothing that people write down is as sure as that. Assumed.
_LEAST_M = 0.001
# Pairs below this weight in bits are not kept: far below any threshold.
FLOOR = -25.0


def learnt_u(plan: Plan, register: pl.DataFrame, others: pl.DataFrame) -> Model:
    """Return the model of a plan with u from random pairs of first rows."""
    samples = [
        rows.sample(min(size, rows.height), seed=SEED)
        for rows, size in zip((register, others), _SAMPLED, strict=True)
    ]
    pairs = samples[0].height * samples[1].height
    with _linker(plan, _blank(plan), *samples, frequencies=samples[0], threads=None) as linker:
        linker.training.estimate_u_using_random_sampling(
            max_pairs=pairs + 1, seed=SEED, min_count_per_level=None, num_chunks=10
        )
        model = linker.misc.save_model_to_json()
    return _with_least(model, "u_probability", 0.5 / pairs)


def learnt_m(plan: Plan, model: Model, register: pl.DataFrame, others: pl.DataFrame) -> Model:
    """Return a model with m of one source; where a rule meets no pairs, Splink's own m stays."""
    with _linker(plan, model, register, others, frequencies=register, threads=1) as linker:
        for columns in _teaching(plan, register, others):
            try:
                linker.training.estimate_parameters_using_expectation_maximisation(
                    same(*columns), estimate_without_term_frequencies=True
                )
            except EMTrainingException:  # no two records agree on what the rule asks
                continue
        trained = linker.misc.save_model_to_json()
    odds = {"probability_two_random_records_match": min(_ON_REGISTER / register.height, 0.5)}
    return {**_with_least(trained, "m_probability", _LEAST_M), **odds}


def _teaching(plan: Plan, register: pl.DataFrame, others: pl.DataFrame) -> list[tuple[str, ...]]:
    """Return the training rules on known columns that leave something known to compare."""
    known = {
        column
        for column in register.columns
        if column in others.columns
        and all(rows[column].null_count() < rows.height for rows in (register, others))
    }
    return [
        rule
        for rule in plan.training
        if known.issuperset(rule)
        and any(known & set(side) and not set(side) & set(rule) for side in SIDES)
    ]


def weighed(plan: Plan, model: Model, register: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return `record_id`, `register_record_id`, `weight` in bits of all pairs above the floor.

    Of the rows of a person, former names and addresses included, the best counts.
    """
    first = register.filter("first")
    with _linker(plan, model, register, others, frequencies=first, threads=None) as linker:
        found = linker.inference.predict(threshold_match_weight=FLOOR)
        scored = pl.DataFrame(found.as_pyarrow_table())
    turned = pl.col("unique_id_l").str.starts_with("o")
    left, right = pl.col("record_id_l"), pl.col("record_id_r")
    return (
        scored.select(
            pl.when(turned).then(left).otherwise(right).alias("record_id"),
            pl.when(turned).then(right).otherwise(left).alias("register_record_id"),
            pl.col("match_weight").round(6).alias("weight"),
        )
        .group_by("record_id", "register_record_id")
        .agg(pl.col("weight").max())
        .sort("record_id", "weight", "register_record_id", descending=[False, True, False])
    )


def _blank(plan: Plan) -> SettingsCreator:
    return SettingsCreator(
        link_type="link_only",
        comparisons=plan.comparisons(),
        blocking_rules_to_generate_predictions=list(plan.blocking),
        retain_matching_columns=False,
        additional_columns_to_retain=["record_id"],
    )


@contextmanager
def _linker(
    plan: Plan,
    model: Model | SettingsCreator,
    register: pl.DataFrame,
    others: pl.DataFrame,
    *,
    frequencies: pl.DataFrame,
    threads: int | None,
) -> Iterator[Linker]:
    """Open Splink on two frames, with term frequencies from the register alone."""
    limits: dict[str, Any] = {"threads": threads} if threads else {}
    settings = model if isinstance(model, SettingsCreator) else dict(model)
    with duckdb.connect(config=limits) as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Splink's own, of what is not trained yet
        api = DuckDBAPI(connection)
        sides = [
            api.register(_rows(rows, side), dataset_display_name=name)
            for rows, side, name in (
                (register, "r", "a_register"),
                (others, "o", "b_others"),
            )
        ]
        linker = Linker(sides, settings, log_level=logging.ERROR)
        for column in plan.frequencies:
            table = api.register(_frequencies(frequencies, column))
            linker.table_management.register_term_frequency_lookup(table, column)
        yield linker


def _rows(rows: pl.DataFrame, side: str) -> Any:
    number = pl.int_range(pl.len()).cast(pl.String)
    return rows.with_columns(pl.concat_str(pl.lit(side), number).alias("unique_id")).to_arrow()


def _frequencies(register: pl.DataFrame, column: str) -> Any:
    counts = register.select(column).drop_nulls().group_by(column).len().sort(column)
    share = pl.col("len") / pl.col("len").sum()
    return counts.select(column, share.alias(f"tf_{column}")).to_arrow()


def _with_least(model: Model, name: str, least: float) -> dict[str, Any]:
    """Return a model in which no level that was met too seldom has less than `least`."""
    comparisons = [
        {
            **comparison,
            "comparison_levels": [
                level
                if level.get("is_null_level")
                else {**level, name: max(level.get(name) or 0.0, least)}
                for level in comparison["comparison_levels"]
            ],
        }
        for comparison in model["comparisons"]
    ]
    return {**model, "comparisons": comparisons}
