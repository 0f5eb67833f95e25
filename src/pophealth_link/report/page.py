"""The page: everything that the report says, in one file that asks for nothing from outside."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from markupsafe import Markup

from pophealth_link.report import cells, words
from pophealth_link.report.canvas import BASIS_COLOURS
from pophealth_link.report.exhibits import Part
from pophealth_link.report.inputs import IndicatorText, ReportInputs


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure: the number, what it is, and a note."""

    number: str
    what: str
    note: str = ""


def write_report(inputs: ReportInputs, path: str | os.PathLike[str]) -> None:
    """Write the report of a run as one HTML file.

    The file asks for nothing from outside, needs no script, and depends on nothing but `inputs`:
    the same inputs give the same bytes. It appears whole or not at all, in place of any file of
    that name; its folder must exist.
    """
    target = Path(path)
    page = render_report(inputs).encode("utf-8")
    handle, name = tempfile.mkstemp(prefix=".report-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(page)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def render_report(inputs: ReportInputs) -> str:
    """Return the report of a run as the text of one HTML page."""
    from pophealth_link.report.findings import differences, overview
    from pophealth_link.report.headlines import at_a_glance, large, listed
    from pophealth_link.report.linkage import linkage
    from pophealth_link.report.need_index import index_card
    from pophealth_link.report.ranks import index_exhibits
    from pophealth_link.report.shapes import sheet
    from pophealth_link.report.views import domain_views, texts

    rows = cells.released(inputs.baseline)
    everyone = rows.filter(pl.col("stratum") == "all")
    held, drawn, linked = texts(inputs), sheet(inputs), linkage(inputs.card)
    shown = {name: text for name, text in held.items() if listed(text) and large(text)}
    page: str = _template().render(
        inputs=inputs,
        as_of=words.date_words(inputs.as_of),
        places=_places(everyone),
        figures=_figures(everyone, linked.linked),
        differences={
            kind: differences(everyone, shown, kind, most)
            for kind, most in (("pcn", 6), ("icp", 3))
            if _codes(everyone, kind) > 1
        },
        overview=overview(everyone, at_a_glance(shown)),
        linkage=linked,
        parts=_parts(inputs, rows, held),
        ranks=index_exhibits(inputs),
        sheet=drawn,
        domains=domain_views(inputs, rows, held, drawn),
        index=index_card(inputs.index_summary, inputs.catalogue),
        policy=words.policy_in_words(inputs.policy),
        words=words,
        colours=BASIS_COLOURS,
        css=Markup(_text("report.css")),  # noqa: S704  (our own style sheet)
    )
    return page


def _parts(
    inputs: ReportInputs, rows: pl.DataFrame, held: Mapping[str, IndicatorText]
) -> list[Part]:
    """Return the sections of comparisons, in reading order."""
    from pophealth_link.report.certainty import certainty
    from pophealth_link.report.compared import compared
    from pophealth_link.report.expectation import expectation
    from pophealth_link.report.knowing import knowing
    from pophealth_link.report.pressures import pressures
    from pophealth_link.report.unequal import unequal

    return [
        certainty(rows, held),
        knowing(rows, held),
        unequal(inputs, held),
        compared(inputs, held),
        pressures(inputs),
        expectation(inputs, held),
    ]


def _template() -> Any:
    from jinja2 import DictLoader, Environment, StrictUndefined

    names = ("report.html", "parts.html")
    environment = Environment(
        loader=DictLoader({name: _text(name) for name in names}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _text(name: str) -> str:
    return files("pophealth_link.report").joinpath("templates", name).read_text("utf-8")


def _codes(rows: pl.DataFrame, kind: str) -> int:
    held = rows.filter((pl.col("footprint_type") == kind) & ~pl.col("reason"))
    return held["footprint_code"].n_unique()


def _places(rows: pl.DataFrame) -> str:
    """Return what the report covers: its authorities by name, its other footprints by number."""
    held = rows.filter(~pl.col("reason") & (pl.col("footprint_type") == "lad"))
    names = held["name"].unique().sort().to_list()
    authorities = words.listed(names) if len(names) <= 4 else f"{len(names)} local authorities"
    kinds = [
        k for k in cells.footprint_types(rows) if k not in {"lad", "whole"} and _codes(rows, k)
    ]
    counted = words.listed(f"{_codes(rows, k)} {_one_or_more(k, _codes(rows, k))}" for k in kinds)
    return ": ".join(each for each in (authorities, counted) if each) or "No area named"


def _one_or_more(kind: str, number: int) -> str:
    return words.type_short(kind) if number == 1 else words.type_plural(kind)


def _figures(rows: pl.DataFrame, linked: tuple[str, str]) -> list[Figure]:
    places = rows.filter(~pl.col("reason"))
    # Nothing anywhere, the rest withheld or empty, is no number to read.
    given = places.filter(pl.col("given") & (pl.col("value") != 0))["indicator"].n_unique()
    withheld = places.filter(pl.col("status").is_in(list(words.WITHHELD))).height
    pcns, icps = _codes(rows, "pcn"), _codes(rows, "icp")
    made = [
        Figure(linked[0], "of records linked to a person", linked[1]) if linked[0] else None,
        Figure(
            f"{pcns:,}",
            _one_or_more("pcn", pcns),
            f"in {icps:,} {_one_or_more('icp', icps)}" if icps else "",
        ),
        Figure(
            f"{given:,}",
            "indicators with numbers",
            f"of {rows['indicator'].n_unique():,} asked for",
        ),
        Figure(
            f"{withheld:,}",
            "numbers withheld",
            f"of {places.height:,}, to protect people or for want of links",
        ),
    ]
    return [each for each in made if each is not None]
