"""What every statistic does with its frame: check columns and rows, add up groups, add results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

from pophealth_link.errors import DataError, Problem, UserError, nearest, raise_problems

FrameT = TypeVar("FrameT", pl.DataFrame, pl.LazyFrame)
By = str | Sequence[str] | None

RESULTS = ("value", "lower", "upper", "method")
# Counts that were split by shares and added up again may differ in their last digits.
ROUNDING = 1e-9
MISSING = "not calculated: missing value"
NO_DENOMINATOR = "not calculated: denominator is zero"


@dataclass(frozen=True, slots=True)
class Rule:
    """What no row may break: the column, what is wrong, where it is so, and what to do."""

    column: str
    what: str
    broken: pl.Expr
    fix: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row has no value: the text for `method`, and the rows that it holds for."""

    text: str
    applies: pl.Expr


def group_names(by: By) -> list[str]:
    """Return the grouping columns as a list; none, one or several may be given."""
    if by is None:
        return []
    return [by] if isinstance(by, str) else list(by)


def number(column: str) -> pl.Expr:
    """Return a column as 64-bit floats, whatever its numeric type."""
    return pl.col(column).cast(pl.Float64)


def same_type(frame: FrameT, result: pl.LazyFrame) -> FrameT:
    """Return `result` lazy where `frame` is lazy, else with its rows."""
    if isinstance(frame, pl.LazyFrame):
        return result
    return result.collect()


def check_settings(confidence: float, multiplier: float = 1) -> None:
    """Raise UserError unless confidence is between 0 and 1 and the multiplier above 0."""
    if not 0 < confidence < 1:
        raise UserError("`confidence` must lie between 0 and 1.", fix="give a share, such as 0.95.")
    if not (multiplier > 0 and math.isfinite(multiplier)):
        raise UserError("`multiplier` must be above 0.", fix="give what a value is per: 1, 100 …")


def check_columns(
    frame: pl.DataFrame | pl.LazyFrame,
    function: str,
    numeric: Iterable[str],
    by: Sequence[str] = (),
    *,
    added: Sequence[str] = (),
    kept: Sequence[str] = (),
) -> None:
    """Raise DataError where a column is absent or not numeric, or where a name stands for two.

    Groups (`by`) and counts that the result holds as well (`kept`) cannot bear the name of a column
    that is `added`.
    """
    schema = frame.collect_schema()
    problems = [
        *(_column_problem(name, schema, numeric=True) for name in dict.fromkeys(numeric)),
        *(_column_problem(name, schema, numeric=False) for name in dict.fromkeys(by)),
        *(
            Problem(
                DataError, f"`{name}`", "is the name of a result as well.", "rename the column."
            )
            for name in dict.fromkeys((*by, *kept))
            if name in added
        ),
    ]
    raise_problems(_subject(function), [each for each in problems if each is not None])


def _column_problem(name: str, schema: pl.Schema, *, numeric: bool) -> Problem | None:
    if name not in schema:
        return Problem(DataError, f"`{name}`", f"is not a column.{nearest(name, schema)}")
    dtype = schema[name]
    if not numeric or dtype.is_numeric() or dtype in (pl.Boolean, pl.Null):
        return None
    return Problem(
        DataError, f"`{name}`", f"holds {dtype.base_type()}.", "give a column of numbers."
    )


def _subject(function: str) -> str:
    return f"the frame given to stats.{function}"


def check_rows(
    frame: pl.DataFrame | pl.LazyFrame, function: str, rules: Sequence[Rule], rows: str = "rows"
) -> None:
    """Raise DataError, with counts only, where a row breaks a rule.

    The counts need the data: a lazy frame is run once for them, on the columns concerned.
    """
    counts = [rule.broken.sum().alias(str(i)) for i, rule in enumerate(rules)]
    broken = frame.lazy().select(*counts, pl.len().alias("rows")).collect().row(0, named=True)
    problems = [
        Problem(
            DataError,
            f"`{rule.column}`",
            f"{broken[str(i)]:,} of {broken['rows']:,} {rows} {rule.what}.",
            rule.fix,
        )
        for i, rule in enumerate(rules)
        if broken[str(i)]
    ]
    raise_problems(_subject(function), problems)


def finite(*columns: str) -> list[Rule]:
    """Return the rules that the columns hold no NaN and no infinity."""
    fix = "make what is not known null."
    return [Rule(each, "are not finite", ~number(each).is_finite(), fix) for each in columns]


def counts(*columns: str) -> list[Rule]:
    """Return the rules that the columns hold finite numbers from 0 up."""
    fix = "counts, people and weights are 0 or more."
    below = [Rule(each, "are below 0", number(each) < 0, fix) for each in columns]
    return [*finite(*columns), *below]


def part_of(numerator: str, denominator: str, fix: str = "") -> Rule:
    """Return the rule that a numerator is at most its denominator, but for rounding of shares."""
    return Rule(
        numerator,
        f"are above their denominator `{denominator}`",
        number(numerator) > number(denominator) * (1 + ROUNDING),
        fix or "count the same people in both, or use `rate` for events.",
    )


def whole_or_float(frame: pl.LazyFrame, columns: Iterable[str]) -> pl.LazyFrame:
    """Return the frame with the columns as 64-bit integers, or floats where they have fractions."""
    schema = frame.collect_schema()
    return frame.with_columns(
        pl.col(name).cast(
            pl.Int64 if schema[name].is_integer() or schema[name] == pl.Boolean else pl.Float64
        )
        for name in dict.fromkeys(columns)
    )


def ordered(values: pl.Expr) -> pl.Expr:
    """Return a group's values as one ascending list.

    What is worked out on it has the same bits for any row order and number of threads; the
    optimiser drops a plain sort before a sum.
    """
    return values.implode().list.sort()


def ordered_sum(values: pl.Expr) -> pl.Expr:
    """Return a group's sum, added in ascending order."""
    # The sum of no floats is -0.0, and 0 more than that is 0.0.
    return ordered(values).list.sum() + 0


def total(column: str, *, whole: bool) -> pl.Expr:
    """Return a group's sum, null where any of its values is null; whole numbers need no order."""
    values = pl.col(column)
    added = values.sum() if whole else ordered_sum(values)
    return pl.when(values.null_count() == 0).then(added).alias(column)


def per_group(frame: pl.LazyFrame, by: Sequence[str], results: Sequence[pl.Expr]) -> pl.LazyFrame:
    """Return one row per group in order of the groups, or one row where there are none."""
    if not by:
        return frame.select(results)
    return frame.group_by(by).agg(results).sort(by)


def group_totals(frame: pl.LazyFrame, by: Sequence[str], columns: Sequence[str]) -> pl.LazyFrame:
    """Return the sums of the columns by group."""
    typed = whole_or_float(frame, columns)
    schema = typed.collect_schema()
    sums = [total(name, whole=schema[name].is_integer()) for name in dict.fromkeys(columns)]
    return per_group(typed, by, sums)


def within(expression: pl.Expr, by: Sequence[str]) -> pl.Expr:
    """Return the expression worked out in each group; over the frame where there are none."""
    return expression.over(by) if by else expression


def any_null(*columns: str) -> pl.Expr:
    """Return whether a row misses any of the columns."""
    return pl.any_horizontal(pl.col(name).is_null() for name in columns)


def with_results(
    frame: pl.LazyFrame,
    *,
    value: pl.Expr,
    limits: tuple[pl.Expr, pl.Expr],
    method: pl.Expr,
    reasons: Sequence[Reason],
) -> pl.LazyFrame:
    """Add `value`, `lower`, `upper` and `method`; where a reason applies, only the reason.

    Columns of these names that the frame has already are replaced.
    """
    why = pl.coalesce(pl.when(each.applies).then(pl.lit(each.text)) for each in reasons)
    numbers = dict(zip(RESULTS, (value, *limits), strict=False))
    return frame.with_columns(
        *(pl.when(why.is_null()).then(expr).alias(name) for name, expr in numbers.items()),
        pl.coalesce(why, method).alias("method"),
    )
