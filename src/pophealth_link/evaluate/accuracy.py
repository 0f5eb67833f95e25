"""Linkage accuracy against truth: recall and false links, overall, by source and by subgroup.

Recall = records that truly are someone on the register and carry that person's id / records that
truly are someone on the register. False links = records that carry the id of a register person
whom they are not / records that carry the id of one. Intervals are Wilson's at 95 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pophealth_link.errors import DataError, Problem, nearest, raise_problems
from pophealth_link.stats import proportion

_KEY = ["source", "record_id"]
_TRUTH_COLUMNS = (*_KEY, "person_id")
_INDEX_COLUMNS = (*_KEY, "person_id", "method")


def score(
    person_index: pl.DataFrame, truth: pl.DataFrame, *, by: Sequence[str] = ()
) -> pl.DataFrame:
    """Return accuracy: one row overall, one per source, one per value of each column of `by`.

    `by` names columns of `truth`. Columns: `dimension`, `group`, `linkable`, `correct`, `linked`,
    `false`; `recall`, `false_links` and `precision` (1 - false links), each with its limits in
    `_lower` and `_upper`; `f1`. Rates are null where nothing could be linked, or nothing was.
    Counts are of records outside the register. Raises `DataError` where a column is absent, a
    source or record id is not text, a column of `by` holds lists, a record is there twice, or a
    record of the index has no truth.

    >>> index = pl.DataFrame({"source": ["gp", "a"], "record_id": ["1", "2"],
    ...     "person_id": ["p", "p"], "method": ["register", "nhs_number"]})
    >>> truth = pl.DataFrame({"source": ["gp", "a"], "record_id": ["1", "2"],
    ...     "person_id": ["t", "t"]})
    >>> score(index, truth)["recall"].to_list()
    [1.0, 1.0]
    """
    problems = [*_problems(person_index, _INDEX_COLUMNS, "person index")]
    problems += _problems(truth, (*_TRUTH_COLUMNS, *by), "truth") + _groupless(truth, by)
    raise_problems("the score", problems)
    named = {name: f"by {name}" for name in dict.fromkeys(by) if name != "source"}
    graded = _grade(person_index, truth.with_columns(pl.col(a).alias(b) for a, b in named.items()))
    dimensions = [("all", pl.lit("all")), ("source", pl.col("source"))]
    dimensions += [(name, pl.col(own).cast(pl.String)) for name, own in named.items()]
    tables = [_tally(graded, name, group) for name, group in dimensions]
    return _with_rates(pl.concat(tables))


def _problems(frame: pl.DataFrame, columns: Sequence[str], what: str) -> list[Problem]:
    """Return what forbids scoring with a frame: columns, their types, records told twice."""
    absent = [name for name in dict.fromkeys(columns) if name not in frame.columns]
    found = [
        Problem(DataError, what, f"has no column `{name}`.{nearest(name, frame.columns)}")
        for name in absent
    ]
    number = [n for n in _KEY if n in frame.columns and frame.schema[n] != pl.String()]
    fix = "write it as text, as in the job's files."
    found += [Problem(DataError, what, f"`{name}` is not text.", fix) for name in number]
    if not found:
        rows = frame.select(pl.struct(_KEY).is_duplicated().sum()).item()
        told = f"{rows:,} rows are of records that are there more than once."
        found += [Problem(DataError, what, told, "keep one row for each.")] if rows else []
    return found


def _groupless(truth: pl.DataFrame, by: Sequence[str]) -> list[Problem]:
    """Return a problem for each column to score by whose values are no groups."""
    kinds = {name: truth.schema[name] for name in by if name in truth.columns}
    return [
        Problem(DataError, "truth", f"`{name}` holds lists or bytes, not groups.")
        for name, kind in kinds.items()
        if kind.is_nested() or kind in (pl.Binary, pl.Object)
    ]


def _grade(person_index: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Return each record outside the register with `linkable`, `linked`, `correct`."""
    own = [name for name in truth.columns if name.startswith("by ")]
    known = truth.select(*_KEY, pl.col("person_id").alias("true_person"), *own)
    both = person_index.select(*_KEY, "person_id", "method").join(known, on=_KEY, how="left")
    lost = both["true_person"].null_count()
    if lost:
        raise DataError(
            f"{lost:,} of {both.height:,} records of the person index have no truth.",
            fix="give the truth file that was made with these sources.",
        )
    register = both.filter(pl.col("method") == "register")
    right = register.select("person_id", "true_person", correct=pl.lit(value=True)).unique()
    return (
        both.filter(pl.col("method") != "register")
        .join(right, on=["person_id", "true_person"], how="left")
        .with_columns(
            pl.col("true_person").is_in(register["true_person"].implode()).alias("linkable"),
            pl.col("person_id").is_in(register["person_id"].implode()).alias("linked"),
            pl.col("correct").fill_null(value=False),
        )
    )


def _tally(graded: pl.DataFrame, dimension: str, group: pl.Expr) -> pl.DataFrame:
    return (
        graded.with_columns(group.fill_null("unknown").alias("group"))
        .group_by("group")
        .agg(
            pl.col("linkable").sum().cast(pl.Int64),
            (pl.col("linkable") & pl.col("correct")).sum().cast(pl.Int64).alias("correct"),
            pl.col("linked").sum().cast(pl.Int64),
            (pl.col("linked") & ~pl.col("correct")).sum().cast(pl.Int64).alias("false"),
        )
        .select(pl.lit(dimension).alias("dimension"), pl.all())
        .sort("group")
    )


def _with_rates(tallied: pl.DataFrame) -> pl.DataFrame:
    recall = _rate(tallied, "correct", "linkable", "recall")
    false = _rate(tallied, "false", "linked", "false_links")
    both = pl.concat([tallied, recall, false], how="horizontal")
    sizes = pl.col("linked") + pl.col("linkable")
    known = (pl.col("linked") > 0) & (pl.col("linkable") > 0)
    return both.with_columns(
        (1 - pl.col("false_links")).alias("precision"),
        (1 - pl.col("false_links_upper")).alias("precision_lower"),
        (1 - pl.col("false_links_lower")).alias("precision_upper"),
        # The harmonic mean of precision and recall, in counts.
        pl.when(known).then(2 * pl.col("correct") / sizes).alias("f1"),
    )


def _rate(tallied: pl.DataFrame, numerator: str, denominator: str, name: str) -> pl.DataFrame:
    rated = proportion(tallied, numerator, denominator)
    return rated.select(
        pl.col("value").alias(name),
        pl.col("lower").alias(f"{name}_lower"),
        pl.col("upper").alias(f"{name}_upper"),
    )
