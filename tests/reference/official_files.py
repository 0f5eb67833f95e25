"""Small files in the forms of official downloads, written by the tests."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import geopandas as gpd
import polars as pl
import shapely

from pophealth_link.places.geometry import read_shapes, shape_columns, shape_layers
from pophealth_link.reference import Built, ShapeReader, build

SHAPES = ShapeReader(shape_layers, shape_columns, read_shapes)
Row = Sequence[object]


def write_csv(path: Path, *rows: Row, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows(rows)
    return path


def _cell(value: object) -> str:
    if isinstance(value, (int, float)):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


_SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def write_workbook(path: Path, sheets: Mapping[str, Sequence[Row]]) -> Path:
    """A workbook as ECMA-376 describes it, with numbers as numbers and texts as texts."""
    names = "".join(
        f'<sheet name="{escape(name)}" sheetId="{at}" r:id="r{at}"/>'
        for at, name in enumerate(sheets, 1)
    )
    targets = "".join(
        f'<Relationship Id="r{at}" Type="{_RELATIONS}/worksheet" Target="worksheets/s{at}.xml"/>'
        for at in range(1, len(sheets) + 1)
    )
    types = "".join(
        f'<Override PartName="/xl/worksheets/s{at}.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for at in range(1, len(sheets) + 1)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        f"{types}</Types>",
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r" '
        f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_SPREADSHEET}" xmlns:r="{_RELATIONS}">'
        f"<sheets>{names}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f"{targets}</Relationships>",
    }
    for at, rows in enumerate(sheets.values(), 1):
        body = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
        parts[f"xl/worksheets/s{at}.xml"] = (
            f'<worksheet xmlns="{_SPREADSHEET}"><sheetData>{body}</sheetData></worksheet>'
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as book:
        for name, content in parts.items():
            book.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{content}')
    return path


def write_shapes(path: Path, columns: Mapping[str, Sequence[object]], crs: str) -> Path:
    count = len(next(iter(columns.values())))
    squares = [shapely.box(at, 0, at + 1, 1) for at in range(count)]
    frame = gpd.GeoDataFrame(dict(columns), geometry=squares, crs=crs)
    frame.to_file(path)
    return path


def built(folder: Path) -> Built:
    return build(folder, folder.with_name(f"{folder.name}-pack"), shapes=SHAPES)


def rows(made: Built, table: str, *columns: str) -> list[tuple[object, ...]]:
    frame = made.pack.read(table)
    return frame.select(columns or frame.columns).rows()


def only(frame: pl.DataFrame, **values: object) -> pl.DataFrame:
    for name, value in values.items():
        frame = frame.filter(pl.col(name) == value)
    return frame


# ------------------------------------------------------------------ files that others build upon

LSOAS = ("E01000001", "E01000002", "E01033769")
LOOKUP_HEADER = ("LSOA21CD", "LSOA21NM", "LAD24CD", "LAD24NM")


def lookup(folder: Path) -> Path:
    """A lookup of LSOAs to authorities, without which there are no areas."""
    return write_csv(
        folder / "lookup.csv",
        LOOKUP_HEADER,
        *((code, f"Area {code}", "E09000001", "City of London") for code in LSOAS),
    )
