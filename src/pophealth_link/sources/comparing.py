"""What a text tells: nothing, or when its row is: as a day, as a number, or as it is."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pophealth_link.sources.dates import DEFAULT_FORMATS, read_dates


def without_blanks(frame: pl.DataFrame, missing: Sequence[str]) -> pl.DataFrame:
    """Return `frame` with outer blanks off text; empty text, NULL and `missing` are missing.

    >>> without_blanks(pl.DataFrame({"a": [" x ", "", "-"]}), ["-"])["a"].to_list()
    ['x', None, None]
    """
    nothing = pl.Series(["", "NULL", *(each.strip() for each in missing)])
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    stripped = {name: pl.col(name).str.strip_chars() for name in texts}
    return frame.with_columns(
        pl.when(~text.is_in(nothing.implode())).then(text).alias(name)
        for name, text in stripped.items()
    )


def ordered_by(
    frame: pl.DataFrame, names: Sequence[str], place: str, formats: Sequence[str]
) -> pl.DataFrame:
    """Return the rows from the earliest to the latest by the columns `names`, then by `place`.

    A text is compared as a day where it is one under `formats`, else as a number, else as it is;
    what is missing is earliest. Columns that are not there say nothing.

    >>> rows = pl.DataFrame({"by": ["9", "10", None], "place": [0, 1, 2]})
    >>> ordered_by(rows, ["by"], "place", ())["place"].to_list()
    [2, 0, 1]
    """
    present = [name for name in names if name in frame.columns]
    keys = [key for name in present for key in _keys(frame, name, formats or DEFAULT_FORMATS)]
    return frame.sort(*keys, pl.col(place), nulls_last=False)


def _keys(frame: pl.DataFrame, name: str, formats: Sequence[str]) -> list[pl.Expr]:
    column = pl.col(name)
    if frame.schema[name] != pl.String:
        return [column]
    text = column.str.strip_chars()
    number = text.cast(pl.Float64, strict=False)
    return [read_dates(text, formats), pl.when(number.is_finite()).then(number), text]
