"""Linkage accuracy against truth: recall and false links, overall, by source and by subgroup.

Recall = records that truly are someone on the register and carry that person's id / records that
truly are someone on the register. False links = records that carry the id of a register person
whom they are not / records that carry the id of one. Intervals are Wilson's at 95 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pophealth_link.errors import DataError, Problem, nearest, raise_problems
from pophealth_link.evaluate.rates import with_rate

_KEY = ["source", "record_id"]
_TRUTH_COLUMNS = (*_KEY, "person_id")
_INDEX_COLUMNS = (*_KEY, "person_id", "method")


def score(
    person_index: pl.DataFrame, truth: pl.DataFrame, *, by: Sequence[str] = ()
) -> pl.DataFrame:
    """Return accuracy: a row overall, one per source, per pass and per value of each of `by`.

    `by` names columns of `truth`. Columns: `dimension`, `group`, `linkable`, `correct`, `linked`,
    `false`, `missed` (linkable records that do not carry their person's id); `recall`,
    `false_links` and `precision` (1 - false links), `missed_matches` (1 - recall) and `f1`, each
    with its limits in `_lower` and `_upper`. Rates are null where nothing could be linked, or
    nothing was. Counts are of records outside the register. Of a pass (dimension `pass`, the
    method of the index) recall is the share of all that is linkable which it found, so that the
    recalls of the passes add up; it has neither `missed` nor F1. Raises `DataError` where a column
    is absent, a source or record id is not text, a column of `by` holds lists, a record is there
    twice, or a record of the index has no truth.

    The limits of F1 are those of F* = F1/(2 - F1), which is a proportion: true links of all that
    are linked or linkable (Hand, Christen and Kirielle, Mach Learn 2021;110:451-456).

    >>> index = pl.DataFrame({"source": ["gp", "a"], "record_id": ["1", "2"],
    ...     "person_id": ["p", "p"], "method": ["register", "nhs_number"]})
    >>> truth = pl.DataFrame({"source": ["gp", "a"], "record_id": ["1", "2"],
    ...     "person_id": ["t", "t"]})
    >>> score(index, truth)["recall"].to_list()
    [1.0, 1.0, 1.0]
    """
    problems = [*_problems(person_index, _INDEX_COLUMNS, "person index")]
    problems += _problems(truth, (*_TRUTH_COLUMNS, *by), "truth") + _groupless(truth, by)
    raise_problems("the score", problems)
    named = {name: f"by {name}" for name in dict.fromkeys(by) if name != "source"}
    graded = grade(person_index, truth.with_columns(pl.col(a).alias(b) for a, b in named.items()))
    dimensions = [("all", pl.lit("all")), ("source", pl.col("source"))]
    dimensions += [(name, pl.col(own).cast(pl.String)) for name, own in named.items()]
    tables = [_tally(graded, name, group) for name, group in dimensions]
    passes = [] if "pass" in named else [_by_pass(graded)]
    return _with_rates(pl.concat([*tables[:2], *passes, *tables[2:]]))


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


def grade(person_index: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Return each record outside the register with `linkable`, `linked`, `correct`.

    `truth` holds source, record_id, person_id, and may hold columns whose names begin with `by `,
    which are kept. Raises `DataError` where a record of the index has no truth.
    """
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


def _by_pass(graded: pl.DataFrame) -> pl.DataFrame:
    """Return what each pass linked, beside all that is linkable."""
    linked = graded.filter("linked")
    whole = pl.lit(graded["linkable"].sum(), pl.Int64).alias("linkable")
    return _tally(linked, "pass", pl.col("method")).with_columns(whole)


def _with_rates(tallied: pl.DataFrame) -> pl.DataFrame:
    of_pass = pl.col("dimension") == "pass"
    missed = pl.col("linkable") - pl.col("correct")
    told = tallied.with_columns(pl.when(~of_pass).then(missed).alias("missed"))
    told = with_rate(told, "correct", "linkable", "recall")
    told = with_rate(told, "false", "linked", "false_links")
    told = told.with_columns(
        *_complement("false_links", "precision"), *_complement("recall", "missed_matches")
    )
    # The harmonic mean of precision and recall, in counts, by way of F*.
    either = pl.col("linked") + pl.col("linkable") - pl.col("correct")
    known = (pl.col("linked") > 0) & (pl.col("linkable") > 0) & ~of_pass
    told = told.with_columns(pl.when(known).then(either).alias("either"))
    told = with_rate(told, "correct", "either", "f1")
    limits = ("f1", "f1_lower", "f1_upper")
    return told.drop("either").with_columns(
        (2 * pl.col(name) / (1 + pl.col(name))).alias(name) for name in limits
    )


def _complement(rate: str, name: str) -> list[pl.Expr]:
    """Return 1 - a rate and its limits."""
    pairs = {"": "", "_lower": "_upper", "_upper": "_lower"}
    return [(1 - pl.col(f"{rate}{of}")).alias(f"{name}{end}") for end, of in pairs.items()]
