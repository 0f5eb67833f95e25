"""What stacked submissions know of a person: the last value that says something, by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import polars as pl

from pophealth_link.schema import PEOPLE
from pophealth_link.schema.codes import NO_FIXED_ABODE, PSEUDO_POSTCODE_AREA
from pophealth_link.sources.comparing import ordered_by

# Columns whose values only make sense together: they come from one row, the last that has the
# first of them, or any of an address. A registration is as the last row has it: one without an end
# is open again.
_BIRTH = ("date_of_birth", "birth_precision")
_ADDRESS = ("postcode", "address", "uprn", "lsoa_code")
_REGISTRATION = ("date_from", "date_to")
# Values that never override another (NHS Data Model and Dictionary; HES Data Dictionary: 0 and 9).
_SILENT = {
    "sex": ("X", "0", "9", "NOT KNOWN", "UNKNOWN", "NOT STATED", "NOT SPECIFIED", "INDETERMINATE"),
    "ethnic_category": ("Z", "99", "NOT STATED", "NOT KNOWN", "UNKNOWN", "REFUSED"),
}


class InTime(Protocol):
    """How rows are ordered in time."""

    @property
    def by(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def place(self) -> str: ...  # noqa: D102
    @property
    def formats(self) -> Sequence[str]: ...  # noqa: D102


def told_last(
    rows: pl.DataFrame, last: pl.DataFrame, keys: Sequence[str], order: InTime
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the last row of each person with what it leaves out from the last that tells it.

    Also how many values were taken from an earlier row, by column.
    """
    several = rows.filter(pl.len().over(keys) > 1)
    if several.is_empty():
        return last, {}
    ordered = ordered_by(several, order.by, order.place, order.formats)
    made = ordered.group_by(keys, maintain_order=True).agg(_told(rows.columns, keys))
    for group in (_BIRTH, _ADDRESS):
        made = made.unnest(f"@{group[0]}") if f"@{group[0]}" in made.columns else made
    made = made.select(rows.columns)
    before = last.join(made, on=order.place, how="semi").sort(order.place)
    after = made.sort(order.place)
    changed = {
        name: count
        for name in PEOPLE.names
        if name in rows.columns and name not in keys
        if (count := int((before[name].ne_missing(after[name])).sum()))
    }
    others = last.join(made, on=order.place, how="anti")
    return pl.concat([others, made]).sort(order.place), changed


def _told(columns: Sequence[str], keys: Sequence[str]) -> Iterator[pl.Expr]:
    """Yield what the ordered rows of a person tell, column by column or several together."""
    grouped = {*_BIRTH, *_ADDRESS, *keys}
    born = [name for name in _BIRTH if name in columns]
    home = [name for name in _ADDRESS if name in columns]
    if _BIRTH[0] in born:
        yield _together(born, pl.col(_BIRTH[0]).is_not_null()).alias(f"@{_BIRTH[0]}")
    if home:
        told = pl.any_horizontal(_says(name).is_not_null() for name in home)
        yield _together(home, told).alias(f"@{_ADDRESS[0]}")
    for name in columns:
        if name in grouped:
            continue
        asis = name not in PEOPLE.names or name in _REGISTRATION
        yield pl.col(name).last() if asis else _last_known(name)


def _together(names: Sequence[str], told: pl.Expr) -> pl.Expr:
    """Return the columns as the last row has them of which something is told, else the last."""
    every = pl.struct(names)
    return pl.coalesce(every.filter(told).last(), every.last())


def _last_known(name: str) -> pl.Expr:
    said = _says(name).drop_nulls().last()
    return pl.coalesce(said, pl.col(name).drop_nulls().last())


def _says(name: str) -> pl.Expr:
    """Return the values of a column that say something."""
    column = pl.col(name)
    if name in _SILENT:
        return pl.when(~column.str.strip_chars().str.to_uppercase().is_in(_SILENT[name])).then(
            column
        )
    if name != "postcode":
        return column
    plain = column.str.replace_all(r"\s", "").str.to_uppercase()
    nowhere = plain.str.starts_with(PSEUDO_POSTCODE_AREA) & (
        plain != NO_FIXED_ABODE.replace(" ", "")
    )
    return pl.when(~nowhere).then(column)
