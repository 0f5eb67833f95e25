"""NHS numbers that were replaced: a file of old and current ones, followed before linkage."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pophealth_link import sources
from pophealth_link.errors import DataError
from pophealth_link.prepare import nhs_number
from pophealth_link.schema import Column, Table
from pophealth_link.sources import TableFile

OLD, CURRENT = "old_nhs_number", "nhs_number"
NUMBER_CHANGES = Table(
    "number_changes",
    "NHS numbers that were superseded or merged, one row per change.",
    "identifiable",
    (
        Column(OLD, "text", "The number that is no longer used.", required=True, identifier=True),
        Column(CURRENT, "text", "The number in its place.", required=True, identifier=True),
    ),
)
_FIX = f"give two numbers of ten digits a row, under the header {OLD},{CURRENT}."


def read(path: Path) -> pl.DataFrame:
    """Return `old_nhs_number` and `nhs_number`: each replaced number with its current one, sorted.

    A number that was replaced more than once is followed to the last. Rows whose numbers are the
    same say nothing. Raises `DataError`, in counts, where a value is no NHS number, where a number
    is replaced by two, and where changes lead back to themselves.
    """
    read = sources.read(TableFile(NUMBER_CHANGES, path), where="link.number_changes")
    if read.counts.quarantined:
        what = f"{read.counts.quarantined:,} of {read.counts.rows_in:,} rows are not two fields."
        raise DataError("link.number_changes cannot be followed.", what, fix=_FIX)
    changes = _valid(read.frame).filter(pl.col(OLD) != pl.col(CURRENT)).unique()
    torn = changes.filter(pl.col(CURRENT).n_unique().over(OLD) > 1)[OLD].n_unique()
    if torn:
        raise DataError(
            "link.number_changes cannot be followed.",
            f"{torn:,} numbers are replaced by more than one.",
            fix="keep the change that holds.",
        )
    return _followed(changes.sort(OLD))


def apply(people: pl.DataFrame, changes: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return people with their current numbers, and how many numbers were replaced.

    Numbers are found with or without blanks and hyphens; all others stay as they are written.

    >>> changed = pl.DataFrame({"old_nhs_number": ["9434765919"], "nhs_number": ["9434765870"]})
    >>> frame, replaced = apply(pl.DataFrame({"nhs_number": ["943 476 5919", "x"]}), changed)
    >>> frame["nhs_number"].to_list(), replaced
    (['9434765870', 'x'], 1)
    """
    if CURRENT not in people.columns or changes.is_empty():
        return people, 0
    found = people.select(nhs_number.digits(pl.col(CURRENT)).alias(OLD)).join(
        changes, on=OLD, how="left", maintain_order="left"
    )[CURRENT]
    replaced = found.len() - found.null_count()
    return people.with_columns(pl.coalesce(found, pl.col(CURRENT)).alias(CURRENT)), replaced


def with_former(numbers: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """Return a list of `nhs_number` with the current numbers of those in it, distinct and sorted.

    >>> changed = pl.DataFrame({"old_nhs_number": ["9434765919"], "nhs_number": ["9434765870"]})
    >>> with_former(pl.DataFrame({"nhs_number": ["9434765919"]}), changed)["nhs_number"].to_list()
    ['9434765870', '9434765919']
    """
    current = numbers.select(pl.col(CURRENT).alias(OLD)).join(changes, on=OLD).select(CURRENT)
    return pl.concat([numbers.select(CURRENT), current]).unique().sort(CURRENT)


def _valid(rows: pl.DataFrame) -> pl.DataFrame:
    made = rows.select(nhs_number.digits(pl.col(name)).alias(name) for name in (OLD, CURRENT))
    sound = pl.all_horizontal(nhs_number.is_valid(pl.col(name)) for name in (OLD, CURRENT))
    wrong = made.filter(~sound).height
    if wrong:
        raise DataError(
            "link.number_changes holds values that are not NHS numbers.",
            f"{wrong:,} of {rows.height:,} rows hold one with a wrong check digit or length.",
            fix=_FIX,
        )
    return made


def _followed(changes: pl.DataFrame) -> pl.DataFrame:
    """Return the changes with each number led to the last of its chain.

    Each turn doubles the steps that are behind, so that a chain of n changes takes log2(n) turns; a
    number that still is an old one after that is in a circle, or leads into one.
    """
    onward = changes.select(pl.col(OLD).alias(CURRENT), pl.col(CURRENT).alias("next"))
    for _ in range(changes.height.bit_length() + 1):
        led = changes.join(onward, on=CURRENT, how="left", maintain_order="left")
        changes = led.select(OLD, pl.coalesce("next", CURRENT).alias(CURRENT))
        onward = changes.select(pl.col(OLD).alias(CURRENT), pl.col(CURRENT).alias("next"))
    circling = changes.join(changes, left_on=CURRENT, right_on=OLD, how="semi").height
    if circling:
        raise DataError(
            "link.number_changes cannot be followed.",
            f"{circling:,} numbers are replaced in a circle, or lead into one.",
            fix="leave out the change that leads back.",
        )
    return changes
