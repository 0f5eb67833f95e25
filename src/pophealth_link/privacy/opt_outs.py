"""National data opt-out: read the list, and remove whole people by NHS number.

What is wrong with a list is counted; a line of it is never shown, not even as a header.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pophealth_link.errors import DataError, JobError

COLUMN = "nhs_number"
_TEN_DIGITS = r"^[0-9]{10}$"
_SEPARATORS = r"[\s\-]"
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


def remove(people: pl.DataFrame, opt_outs: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return the rows of people who have not opted out, and how many people were removed.

    A person is a `record_id` where the frame has that column: all its rows go when one of them
    holds an opted-out number. Without `record_id` each row is a person. Without `nhs_number`
    nobody can be recognised and nobody is removed. Row order is kept.

    >>> people = pl.DataFrame({"record_id": ["1", "2"], "nhs_number": ["943 476 5919", None]})
    >>> kept, removed = remove(people, pl.DataFrame({"nhs_number": ["9434765919"]}))
    >>> (kept["record_id"].to_list(), removed)
    (['2'], 1)
    """
    if COLUMN not in people.columns:
        return people, 0
    number = pl.col(COLUMN).cast(pl.String).str.replace_all(_SEPARATORS, "")
    listed = number.is_in(opt_outs[COLUMN].implode()).fill_null(value=False)
    if "record_id" not in people.columns:
        kept = people.filter(~listed)
        return kept, people.height - kept.height
    gone = people.filter(listed)["record_id"].drop_nulls().unique()
    out = listed | pl.col("record_id").is_in(gone.implode()).fill_null(value=False)
    unnamed = people.filter(listed & pl.col("record_id").is_null()).height
    return people.filter(~out), gone.len() + unnamed


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
