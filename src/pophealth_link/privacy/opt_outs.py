"""National data opt-out: read the list, and remove whole people by NHS number.

What is wrong with a list is counted; a line of it is never shown, not even as a header.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pophealth_link.errors import DataError, JobError

COLUMN = "nhs_number"
_TEN_DIGITS = r"^[0-9]{10}$"
_SEPARATORS = r"[\s\x{a0}\-]"
_FIX = "give one NHS number of ten digits per line, under the header nhs_number."


def read(path: str | Path) -> pl.DataFrame:
    """Read a CSV list of opted-out people: one column `nhs_number`, distinct, sorted, ten digits.

    Spaces and hyphens within a number are dropped and blank lines ignored; further columns are
    ignored. A list with a line that is not a number is refused as a whole, because the person
    whom that line meant would stay in.

    Errors: :class:`JobError` where the file cannot be read; :class:`DataError` where it lacks the
    header, or where values are not ten digits (their count is given).
    Source: NHS England, National data opt-out.
    """
    path = Path(path)
    if not path.is_file():
        raise JobError(f"{path} does not exist.", fix="name the list in [privacy] opt_outs.")
    listed = _read_text(path)
    if listed is None or COLUMN not in listed.columns:
        raise DataError(f"{path} is not a CSV list with a column `{COLUMN}`.", fix=_FIX)
    return _ten_digits(listed, path)


def remove(
    people: pl.DataFrame, opt_outs: pl.DataFrame, *, further: pl.Series | None = None
) -> tuple[pl.DataFrame, int]:
    """Return the rows of people who have not opted out, and how many people were removed.

    A person is a `record_id` where the frame has that column: all its rows go when one of them
    holds an opted-out number, or when `further` (record ids, as from :func:`record_ids`) names it.
    Without `record_id` each row is a person. Without `nhs_number` nobody can be recognised by
    number. Row order is kept.

    >>> people = pl.DataFrame({"record_id": ["1", "2"], "nhs_number": ["943 476 5919", None]})
    >>> kept, removed = remove(people, pl.DataFrame({"nhs_number": ["9434765919"]}))
    >>> (kept["record_id"].to_list(), removed)
    (['2'], 1)
    """
    listed = _listed(people, opt_outs)
    if "record_id" not in people.columns:
        kept = people.filter(~listed)
        return kept, people.height - kept.height
    ids = record_ids(people, opt_outs)
    ids = ids if further is None else pl.concat([ids, further.cast(ids.dtype)])
    gone = listed | pl.col("record_id").is_in(ids.implode()).fill_null(value=False)
    left = people.filter(gone)
    unnamed = left["record_id"].null_count()
    return people.filter(~gone), left["record_id"].drop_nulls().n_unique() + unnamed


def record_ids(frame: pl.DataFrame, opt_outs: pl.DataFrame) -> pl.Series:
    """Return the distinct `record_id` of rows that hold an opted-out number.

    For further rows about people, such as their previous numbers.

    >>> rows = pl.DataFrame({"record_id": ["1", "2"], "nhs_number": ["943 476 5919", None]})
    >>> record_ids(rows, pl.DataFrame({"nhs_number": ["9434765919"]})).to_list()
    ['1']
    """
    return frame.filter(_listed(frame, opt_outs))["record_id"].drop_nulls().unique().sort()


def _listed(frame: pl.DataFrame, opt_outs: pl.DataFrame) -> pl.Expr:
    if COLUMN not in frame.columns:
        return pl.lit(value=False)
    number = pl.col(COLUMN).cast(pl.String).str.replace_all(_SEPARATORS, "")
    return number.is_in(opt_outs[COLUMN].implode()).fill_null(value=False)


def _read_text(path: Path) -> pl.DataFrame | None:
    """Read every column as text; None where the file is not a readable table."""
    try:
        return pl.read_csv(
            path, infer_schema=False, truncate_ragged_lines=True, encoding="utf8-lossy"
        ).rename(lambda name: name.strip().lower(), strict=False)
    except (pl.exceptions.PolarsError, OSError):
        return None


def _ten_digits(listed: pl.DataFrame, path: Path) -> pl.DataFrame:
    number = pl.col(COLUMN).str.replace_all(_SEPARATORS, "")
    numbers = listed.select(number).filter(pl.col(COLUMN).str.len_bytes() > 0)
    wrong = numbers.filter(~pl.col(COLUMN).str.contains(_TEN_DIGITS)).height
    if wrong:
        raise DataError(
            f"`{COLUMN}` in {path} holds values that are not NHS numbers.",
            f"{wrong:,} of {numbers.height:,} values are not ten digits.",
            fix=_FIX,
        )
    return numbers.unique().sort(COLUMN)
