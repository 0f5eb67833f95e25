"""What the page shows of each domain and indicator, ready for the template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from pophealth_link.report import cells, domains, headlines, words
from pophealth_link.report.briefly import Brief, brief
from pophealth_link.report.charts import dot_chart
from pophealth_link.report.findings import Difference, difference
from pophealth_link.report.inputs import IndicatorText, ReportInputs, indicator_text
from pophealth_link.report.maps import Map, area_map, footprint_map
from pophealth_link.report.shapes import Sheet
from pophealth_link.report.small_multiples import FIFTHS, fifths_charts, of_panels, panels
from pophealth_link.report.tables import NumbersTable, numbers_table, quintile_table


@dataclass(frozen=True, slots=True)
class FifthsView:
    """An indicator by deprivation fifth: panels, table and the basis that they show."""

    charts: tuple[Markup, ...]
    table: NumbersTable
    basis: str


@dataclass(frozen=True, slots=True)
class IndicatorView:
    """One indicator. `absent` says why there are no numbers, `unmapped` why there is no map."""

    text: IndicatorText
    period: str
    absent: str = ""
    reading: Difference | None = None
    map: Map | None = None
    unmapped: str = ""
    chart: Markup | None = None
    table: NumbersTable | None = None
    fifths: FifthsView | None = None

    @property
    def no_intervals(self) -> str:
        """Why there are no intervals."""
        imputed = self.text.imputed_down
        return words.no_intervals(self.text.statistic, self.text.interval, imputed_down=imputed)


@dataclass(frozen=True, slots=True)
class DomainView:
    """One section: indicators with charts, others in a line; `lacking` ones are only named."""

    id: str
    title: str
    about: str
    indicators: tuple[IndicatorView, ...]
    lacking: tuple[IndicatorText, ...] = ()
    briefs: tuple[Brief, ...] = ()


def texts(inputs: ReportInputs) -> dict[str, IndicatorText]:
    """Return the words of each indicator of the baseline, in the order of the catalogue."""
    held = (
        inputs.baseline.select("indicator", "unit")
        .unique("indicator", keep="first")
        .sort("indicator")
    )
    units = dict(held.rows())
    order = {name: position for position, name in enumerate(inputs.catalogue)}
    named = sorted(units, key=lambda name: (order.get(name, len(order)), name))
    return {name: indicator_text(inputs.catalogue, name, units[name] or "") for name in named}


def domain_views(
    inputs: ReportInputs, rows: pl.DataFrame, held: Mapping[str, IndicatorText], sheet: Sheet
) -> list[DomainView]:
    """Return every section in reading order; `rows` is the baseline as made by ``released``."""
    section = {
        name: domains.domain_of(name, text.domain)
        for name, text in held.items()
        if headlines.listed(text)
    }
    empty = _without_data(rows)
    views = (
        _domain(domain, [held[name] for name, of in section.items() if of == domain.id], empty)
        for domain in domains.in_order(section.values())
    )
    frames = {
        str(key[0]): frame for key, frame in rows.partition_by("indicator", as_dict=True).items()
    }
    return [_filled(view, inputs, frames, sheet) for view in views]


@dataclass(frozen=True, slots=True)
class _Contents:
    """Which indicators a section shows, and how."""

    domain: domains.Domain
    large: tuple[IndicatorText, ...]
    small: tuple[IndicatorText, ...]
    lacking: tuple[IndicatorText, ...]


def _domain(domain: domains.Domain, texts: list[IndicatorText], empty: frozenset[str]) -> _Contents:
    held = [text for text in texts if text.id not in empty]
    return _Contents(
        domain,
        tuple(text for text in held if headlines.large(text)),
        tuple(text for text in held if not headlines.large(text)),
        tuple(text for text in texts if text.id in empty),
    )


def _filled(
    contents: _Contents, inputs: ReportInputs, frames: Mapping[str, pl.DataFrame], sheet: Sheet
) -> DomainView:
    return DomainView(
        *(contents.domain.id, contents.domain.title, contents.domain.about),
        tuple(_indicator(inputs, frames[text.id], text, sheet) for text in contents.large),
        contents.lacking,
        tuple(brief(frames[text.id], text) for text in contents.small),
    )


def _without_data(rows: pl.DataFrame) -> frozenset[str]:
    """Return the indicators of which no source and no reference holds anything."""
    everyone = rows.filter(pl.col("stratum") == "all")
    statuses = everyone.group_by("indicator").agg((pl.col("status") == "no_data").all().alias("no"))
    return frozenset(statuses.filter("no")["indicator"])


def _indicator(
    inputs: ReportInputs, rows: pl.DataFrame, text: IndicatorText, sheet: Sheet
) -> IndicatorView:
    everyone = rows.filter(pl.col("stratum") == "all")
    periods = everyone["period"].drop_nulls().unique().sort().to_list()
    period = words.dates_in_words(words.listed(periods))
    if not everyone["given"].any():
        return IndicatorView(text, period, absent=_absent(everyone))
    drawn = area_map(sheet, inputs.lsoa_measures, text) or footprint_map(sheet, everyone, text)
    return IndicatorView(
        text,
        period,
        reading=_reading(everyone, text),
        map=drawn,
        unmapped="" if drawn else _unmapped(everyone, text),
        chart=_chart(everyone, text),
        table=numbers_table(everyone, text.unit),
        fifths=_fifths(rows, text),
    )


def _chart(rows: pl.DataFrame, text: IndicatorText) -> Markup | None:
    """Return the chart; none where numbers are given only for people in no footprint."""
    drawable = rows.filter(~pl.col("reason"))["given"].any()
    return dot_chart(rows, title=text.title, unit=text.unit) if drawable else None


def _reading(rows: pl.DataFrame, text: IndicatorText) -> Difference | None:
    for kind in cells.footprint_types(rows.filter(~pl.col("reason"))):
        found = difference(rows, text, kind)
        if found:
            return found
    return None


def _fifths(rows: pl.DataFrame, text: IndicatorText) -> FifthsView | None:
    if text.domain == "deprivation":
        # Deprivation by fifth of deprivation would only say what the fifths are.
        return None
    by_fifth = rows.filter(pl.col("stratum").is_in(FIFTHS))
    basis = cells.main_basis(by_fifth)
    on_basis = rows.filter(pl.col("basis") == basis)
    shown = panels(on_basis)
    if not shown:
        return None
    table = quintile_table(of_panels(on_basis, shown).filter(pl.col("stratum") != "all"), text.unit)
    charts = fifths_charts(on_basis, title=text.title, unit=text.unit)
    return FifthsView(tuple(charts), table, basis)


def _absent(rows: pl.DataFrame) -> str:
    statuses = rows["status"].unique().sort().to_list()
    told = [words.STATUS_WORDS.get(status, "") or "not given" for status in statuses]
    return f"No number of this indicator can be shown ({words.listed(told)})."


def _unmapped(rows: pl.DataFrame, text: IndicatorText) -> str:
    if text.imputed_down or (rows["status"] == "imputed_down").any():
        return (
            "Not mapped: a local authority’s value stands in for all its parts, so a map would "
            "show differences that nobody measured."
        )
    return "Not mapped: there are no outlines for it, or fewer than two areas have a value."
