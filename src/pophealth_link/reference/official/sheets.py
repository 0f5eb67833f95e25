"""Files as sheets: where the header is, and chosen columns as text, whatever the file's form."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from pophealth_link.errors import ReferenceDataError
from pophealth_link.reference.official.shapes import ShapeReader

Form = Literal["csv", "workbook", "parquet", "shapes"]
FORMS: Mapping[str, Form] = {
    ".csv": "csv",
    ".txt": "csv",
    ".xlsx": "workbook",
    ".xlsm": "workbook",
    ".xls": "workbook",
    ".ods": "workbook",
    ".parquet": "parquet",
    ".gpkg": "shapes",
    ".geojson": "shapes",
    ".shp": "shapes",
}
# Of a Shapefile only the .shp is opened; its companions are read with it.
COMPANIONS = frozenset({".dbf", ".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".xml", ".qmd"})
# Official workbooks have up to about ten rows of titles and notes above the header.
_TOP = 20
_HEAD_BYTES = 1 << 17
_MEASURE = re.compile(r"\s*;\s*measures:\s*value$")
_COLON = re.compile(r"\s*:\s*")
_SPACE = re.compile(r"[\s_]+")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The top of a table in a file: a CSV, one sheet of a workbook, or a layer of shapes.

    `top` holds the first rows as text, title rows and header included; a row that holds the
    header is one of them, or none where the file has no header. `layer`: of a file of shapes.
    """

    path: Path
    form: Form
    name: str
    top: tuple[tuple[str, ...], ...]
    layer: str = ""

    @property
    def shown(self) -> str:
        """The file's name, and the sheet's where it is one of several."""
        return f"{self.path.name} [{self.name}]" if self.name else self.path.name


def plain(header: str) -> str:
    r"""Return a header as it is compared: lower case, plain spaces, without Nomis's last words.

    >>> plain("Tenure of household:Owned; measures: Value")
    'tenure of household: owned'
    >>> plain("PCN\r\nCode "), plain("NUMBER_OF_PATIENTS")
    ('pcn code', 'number of patients')
    """
    text = _SPACE.sub(" ", header.replace("\ufeff", "")).strip().lower()
    return _COLON.sub(": ", _MEASURE.sub("", text))


def sheets(path: Path, reader: ShapeReader | None) -> list[Sheet]:
    """Return the sheets of a file; none where it holds nothing that can be opened."""
    form = FORMS[path.suffix.lower()]
    if form == "csv":
        return [Sheet(path, form, "", _top_of_csv(path))]
    if form == "workbook":
        return _workbook_sheets(path)
    if form == "parquet":
        return [_parquet_sheet(path)]
    if reader is None:
        return []
    layers = reader.layers(path)
    several = len(layers) > 1
    return [
        Sheet(path, form, name if several else "", (tuple(reader.columns(path, name)),), name)
        for name in layers
    ]


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _top_of_csv(path: Path) -> tuple[tuple[str, ...], ...]:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if len(head) == _HEAD_BYTES:
        head = head[: head.rfind(b"\n") + 1]
    rows = csv.reader(io.StringIO(_decoded(head), newline=""))
    found = []
    for row in rows:
        found.append(tuple(row))
        if len(found) == _TOP:
            break
    return tuple(found)


def _workbook_sheets(path: Path) -> list[Sheet]:
    fault, book = "", None
    try:
        import fastexcel
    except ImportError:
        fault = "needs the package fastexcel to be read."
    else:
        try:
            book = fastexcel.read_excel(path)
        except (fastexcel.FastExcelError, OSError):
            fault = "could not be read as a workbook."
    if book is None:
        raise ReferenceDataError(f"{path.name} {fault}")
    found = []
    for name in book.sheet_names:
        rows = _cells(book, name, rows=_TOP)
        if rows.width:
            top = tuple(tuple(cell or "" for cell in row) for row in rows.iter_rows())
            found.append(Sheet(path, "workbook", name, top))
    return found


def _cells(book: Any, sheet: str, rows: int | None = None, skip: int = 0) -> pl.DataFrame:
    held = book.load_sheet(sheet, header_row=None, skip_rows=skip, n_rows=rows, dtypes="string")
    frame = held.to_polars()
    named: pl.DataFrame = frame.rename({old: str(at) for at, old in enumerate(frame.columns)})
    return named


def _parquet_sheet(path: Path) -> Sheet:
    schema: pl.Schema | None = None
    try:
        schema = pl.read_parquet_schema(path)  # type: ignore[assignment]
    except (pl.exceptions.PolarsError, OSError):
        schema = None
    if schema is None:
        raise ReferenceDataError(f"{path.name} could not be read as Parquet.")
    form: Form = "shapes" if "geometry" in schema else "parquet"
    names = tuple(name for name in schema if name != "geometry")
    return Sheet(path, form, "", (names,))


def text(sheet: Sheet, header_row: int, columns: Mapping[str, int]) -> pl.DataFrame:
    """Return the columns at these positions, named and as text, below the header row.

    `header_row` is -1 where the file has no header. Empty cells and rows come back as nulls.
    """
    positions = sorted(set(columns.values()))
    if sheet.form == "csv":
        held = _csv_columns(sheet.path, header_row + 1, positions)
    elif sheet.form == "workbook":
        import fastexcel

        frame = _cells(fastexcel.read_excel(sheet.path), sheet.name, skip=header_row + 1)
        held = frame.select(str(at) for at in positions)
    else:
        names = sheet.top[0]
        lazy = pl.scan_parquet(sheet.path, glob=False).select(names[at] for at in positions)
        held = lazy.collect().rename({names[at]: str(at) for at in positions})
        held = held.cast(pl.String)
    cleaned = [_clean(str(at)).alias(name) for name, at in columns.items()]
    return held.select(cleaned).filter(~pl.all_horizontal(pl.all().is_null()))


def _clean(column: str) -> pl.Expr:
    trimmed = pl.col(column).str.strip_chars()
    return pl.when(trimmed != "").then(trimmed)


def _csv_columns(path: Path, skip: int, positions: Sequence[int]) -> pl.DataFrame:
    def read(source: Path | bytes) -> pl.DataFrame:
        return pl.read_csv(
            source,
            has_header=False,
            skip_rows=skip,
            columns=list(positions),
            infer_schema=False,
            truncate_ragged_lines=True,
        )

    frame: pl.DataFrame | None = None
    try:
        frame = read(path)
    except pl.exceptions.NoDataError:
        frame = pl.DataFrame(schema=[(str(at), pl.String) for at in positions])
    except pl.exceptions.ComputeError:
        frame = None
    if frame is None:
        # Not UTF-8: older downloads come in Windows-1252.
        frame = read(path.read_bytes().decode("cp1252", errors="replace").encode())
    return frame.rename({old: str(at) for old, at in zip(frame.columns, positions, strict=True)})


def shapes(sheet: Sheet, columns: Mapping[str, int], reader: ShapeReader) -> pl.DataFrame:
    """Return the attributes at these positions, named and as text, with `geometry`."""
    wanted = {name: sheet.top[0][at] for name, at in columns.items()}
    frame = reader.read(sheet.path, list(dict.fromkeys(wanted.values())), sheet.layer)
    return frame.select(
        *(pl.col(old).cast(pl.String).alias(name) for name, old in wanted.items()), "geometry"
    )
