"""What a report is made of, checked once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from pophealth_link.errors import DataError
from pophealth_link.schema import OUTPUT_TABLES, REFERENCE_TABLES
from pophealth_link.schema.outputs_inequality import INEQUALITY_TABLES
from pophealth_link.schema.outputs_modelled import MODELLED_TABLES
from pophealth_link.schema.outputs_services import SERVICE_OUTPUTS

MEASURE_COLUMNS = ("area_code", "indicator", "value")
BESIDE = {**INEQUALITY_TABLES, **SERVICE_OUTPUTS, **MODELLED_TABLES}
LOOKUP_COLUMNS = ("lsoa_code", "footprint_type", "footprint_code")


@dataclass(frozen=True, slots=True)
class ReferenceTable:
    """Where a table of the reference pack comes from, and the words that its licence asks for."""

    title: str
    publisher: str
    licence: str
    attribution: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInputs:
    """What a run hands to its report. Every number in it has passed the disclosure policy.

    `baseline` is the released baseline; `catalogue` maps an indicator's id to its declaration (an
    object with the attributes named in :func:`indicator_text`). `boundaries` holds LSOA polygons
    (schema `boundaries`, EPSG:27700); `lsoa_measures` the published values by LSOA (`area_code`,
    `indicator`, `value`); `resident_lookup` the footprints of each LSOA on the resident basis
    (`lsoa_code`, `footprint_type`, `footprint_code`). Any of the three may have no rows: then
    there are no maps of that kind. `card` is the linkage card as released; `index_summary` what the
    need index is made of, as `NeedIndex.summary` returns it; `reference_tables` say where the
    figures about areas come from. `tables`: what is released beside the baseline, by the name of
    its file without ``.csv`` (`inequality_groups`, `funnels` …, columns as in their schema); what
    is not there is said to be absent.
    """

    baseline: pl.DataFrame = field(repr=False)
    catalogue: Mapping[str, Any] = field(repr=False)
    boundaries: pl.DataFrame = field(repr=False)
    lsoa_measures: pl.DataFrame = field(repr=False)
    resident_lookup: pl.DataFrame = field(repr=False)
    card: Mapping[str, Any] = field(repr=False)
    title: str
    purpose: str
    as_of: date | str
    period: str
    policy: str
    reference: str
    warnings: Sequence[str] = ()
    synthetic: bool = False
    reference_tables: Sequence[ReferenceTable] = ()
    index_summary: Mapping[str, Any] | None = field(default=None, repr=False)
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Refuse frames that lack a column."""
        _require("baseline", self.baseline, OUTPUT_TABLES["baseline"].names)
        _require("boundaries", self.boundaries, REFERENCE_TABLES["boundaries"].names)
        _require("lsoa_measures", self.lsoa_measures, MEASURE_COLUMNS)
        _require("resident_lookup", self.resident_lookup, LOOKUP_COLUMNS)
        for name in sorted(set(self.tables) & set(BESIDE)):
            _require(name, self.tables[name], BESIDE[name].names)


@dataclass(frozen=True, slots=True)
class IndicatorText:
    """What the catalogue says of one indicator."""

    id: str
    title: str
    domain: str
    unit: str
    level: str
    about: str
    caution: str
    numerator: str
    denominator: str
    source: str
    statistic: str
    interval: str
    imputed_down: bool
    part: bool = False


def indicator_text(catalogue: Mapping[str, Any], indicator: str, unit: str) -> IndicatorText:
    """Return the catalogue's words for `indicator`; its id, and `unit`, where it has none.

    An entry is any object with some of the attributes of an indicator's declaration: `title`,
    `domain`, `unit`, `level`, `what_it_is`, `what_it_is_not`, `numerator`, `denominator`, `source`,
    `statistic`, `interval`, `imputed_down` and `part_of` (it is a part of another one).

    >>> indicator_text({}, "need_index", "score").title
    'Need index'
    """
    entry = catalogue.get(indicator)
    return IndicatorText(
        id=indicator,
        title=_attribute(entry, "title") or indicator.replace("_", " ").capitalize(),
        domain=_attribute(entry, "domain") or "other",
        unit=unit or _attribute(entry, "unit"),
        level=_attribute(entry, "level"),
        about=_attribute(entry, "what_it_is", "about"),
        caution=_attribute(entry, "what_it_is_not"),
        numerator=_attribute(entry, "numerator"),
        denominator=_attribute(entry, "denominator"),
        source=_attribute(entry, "source"),
        statistic=_attribute(entry, "statistic"),
        interval=_attribute(entry, "interval"),
        imputed_down=bool(getattr(entry, "imputed_down", False)),
        part=bool(getattr(entry, "part_of", ())),
    )


def _attribute(entry: object, *names: str) -> str:
    found = (getattr(entry, name, None) for name in names)
    return next((str(value) for value in found if value), "")


def _require(name: str, frame: pl.DataFrame, columns: Iterable[str]) -> None:
    absent = [column for column in columns if column not in frame.columns]
    if absent:
        raise DataError(
            f"`{name}` of the report lacks {len(absent)} of its columns.",
            f"absent: {', '.join(absent)}",
            fix="hand the frame over with the columns named in ReportInputs",
        )
