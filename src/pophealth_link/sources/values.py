"""From text to the types of a table; what cannot be read becomes missing and is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from pophealth_link.schema import CodeList, Column, Table
from pophealth_link.sources.dates import DEFAULT_FORMATS, likely_format, read_dates

# `prepare` standardises these for linkage and needs them as the source wrote them.
_AS_WRITTEN = frozenset({("people", "sex"), ("people", "ethnic_category")})
_REASONS = {
    "date": "not_a_date",
    "integer": "not_a_number",
    "number": "not_a_number",
    "boolean": "not_a_boolean",
    "code": "not_in_code_list",
}
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}


@dataclass(frozen=True, slots=True)
class Tally:
    """Values by column: how many there are, how many could not be read, a format for the dates."""

    values: Counter[str] = field(default_factory=Counter)
    unread: Counter[tuple[str, str]] = field(default_factory=Counter)
    hints: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        """Return the tally of both."""
        return Tally(
            self.values + other.values,
            self.unread + other.unread,
            {**other.hints, **self.hints},
        )


def convert(
    clean: pl.DataFrame, table: Table, formats: Mapping[str, tuple[str, ...]]
) -> tuple[pl.DataFrame, Tally]:
    """Return a clean frame with its columns in the types of `table`, and the tally of values.

    Columns that `table` does not declare stay as they are.
    """
    columns = [table.column(name) for name in clean.columns if name in table.names]
    typed = clean.with_columns(_typed(clean, table, column, formats) for column in columns)
    values = {each.name: clean.height - clean[each.name].null_count() for each in columns}
    unread = {
        (each.name, _REASONS[each.kind]): typed[each.name].null_count()
        - clean[each.name].null_count()
        for each in columns
        if each.kind in _REASONS
    }
    hints = {
        each.name: found
        for each in columns
        if each.kind == "date" and 0 < values[each.name] == unread[each.name, "not_a_date"]
        if (found := likely_format(clean[each.name].drop_nulls()))
    }
    return typed, Tally(Counter(values), Counter({k: n for k, n in unread.items() if n}), hints)


def formats_of(column: str, formats: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the date formats that hold for a column."""
    return formats.get(column, DEFAULT_FORMATS)


def _is_text(frame: pl.DataFrame, name: str) -> bool:
    return frame.schema[name] == pl.String


def _typed(
    frame: pl.DataFrame, table: Table, column: Column, formats: Mapping[str, tuple[str, ...]]
) -> pl.Expr:
    text = pl.col(column.name)
    if not _is_text(frame, column.name) or (table.name, column.name) in _AS_WRITTEN:
        return text
    if column.kind == "date":
        made = read_dates(text, formats_of(column.name, formats))
    elif column.kind == "boolean":
        lower = text.str.to_lowercase()
        made = lower.replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)
    elif column.kind in ("integer", "number"):
        made = _number(text, whole=column.kind == "integer")
    elif column.kind == "code" and column.codes is not None:
        made = _code(text, column.codes)
    else:
        made = text
    return made.alias(column.name)


def _number(text: pl.Expr, *, whole: bool) -> pl.Expr:
    number = text.cast(pl.Float64, strict=False)
    finite = pl.when(number.is_finite()).then(number)
    if not whole:
        return finite
    exact = text.cast(pl.Int64, strict=False)
    rounded = finite.round()
    return pl.coalesce(exact, pl.when(rounded == finite).then(rounded).cast(pl.Int64, strict=False))


def _code(text: pl.Expr, codes: CodeList) -> pl.Expr:
    """Return the code that `text` means: in any case, with or without leading zeros, or in words.

    A code that only differs from another in leading zeros must be given in full.
    """
    words = {meaning.upper(): code for code, meaning in codes.codes.items()}
    exact = {**words, **{code.upper(): code for code in codes.codes}}
    short = Counter(_unpadded(code) for code in codes.codes)
    padded = {_unpadded(code): code for code in codes.codes if short[_unpadded(code)] == 1}
    upper = text.str.to_uppercase()
    all_zero = upper.str.contains("^0*$")
    bare = pl.when(all_zero).then(upper).otherwise(upper.str.strip_chars_start("0"))
    return pl.coalesce(
        upper.replace_strict(exact, default=None, return_dtype=pl.String),
        bare.replace_strict(padded, default=None, return_dtype=pl.String),
    )


def _unpadded(code: str) -> str:
    return code.upper().lstrip("0") or code
