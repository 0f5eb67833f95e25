"""The data dictionary as text, for the command line."""

from __future__ import annotations

import textwrap

import polars as pl

from pophealth_link.errors import JobError, nearest
from pophealth_link.indicators import Indicator, catalogue
from pophealth_link.job.describing_presets import describe_preset
from pophealth_link.link import attributes
from pophealth_link.schema import CODE_LISTS, TABLES
from pophealth_link.schema.describe import describe as describe_one
from pophealth_link.sources import preset_names

_WIDTH = 100


def describe(name: str | None = None) -> str:
    """Return what there is to describe, or one table, code list or preset, indicators, attributes.

    A name that ends in `.toml` is the file of a preset of the job's own.
    Raises `JobError` with the nearest name where there is none.
    """
    if name is None:
        return "\n".join(
            [
                "Tables:      " + ", ".join(TABLES),
                "Code lists:  " + ", ".join(CODE_LISTS),
                "Presets:     " + ", ".join(preset_names()),
                "Indicators:  describe indicators",
                "Attributes:  describe attributes (whose word is taken where sources differ)",
            ]
        )
    if name == "indicators":
        return "\n\n".join(_indicator(each) for each in catalogue())
    if name == "attributes":
        return "\n\n".join(_attribute(rule) for rule in _rows(attributes.rules()))
    if name in preset_names() or name.endswith(".toml"):
        return describe_preset(name)
    if name not in {*TABLES, *CODE_LISTS}:
        close = nearest(name, [*TABLES, *CODE_LISTS, *preset_names()])
        raise JobError(f"`{name}` is not a table, a code list or a preset.{close}")
    found = describe_one(name)
    head = TABLES[name].meaning if name in TABLES else CODE_LISTS[name].meaning
    first, *rest = found.drop("table", strict=False).columns
    return "\n\n".join([f"{name}: {head}", *(_row(row, first, rest) for row in _rows(found))])


def _rows(frame: pl.DataFrame) -> list[dict[str, object]]:
    return list(frame.iter_rows(named=True))


def _row(row: dict[str, object], first: str, rest: list[str]) -> str:
    told = [f"{n}: {row[n]}" for n in rest if row[n] not in (None, False, "")]
    return _block(str(row[first]), " · ".join(told))


def _attribute(rule: dict[str, object]) -> str:
    told = [f"{rule['wins']}.", f"{rule['reason']}"]
    told += [f"{what}: {rule[name]}." for name, what in _ATTRIBUTE.items() if rule[name]]
    return _block(str(rule["attribute"]), " ".join(told))


_ATTRIBUTE = {
    "order": "Order after the register",
    "weak": "Wins only where nothing else is said",
    "silent": "Says nothing",
}


def _indicator(each: Indicator) -> str:
    lines = f"{each.title} ({each.unit}; {each.level}, {each.domain}). {each.what_it_is}"
    return _block(each.id, f"{lines} {each.what_it_is_not} Source: {each.source}")


def _block(head: str, text: str) -> str:
    return head + "\n" + textwrap.indent(textwrap.fill(text, _WIDTH - 4), "    ")
