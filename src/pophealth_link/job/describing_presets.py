"""A preset as text: what an extract is, its files, and which of its columns fill which table."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from pophealth_link.schema import TABLES
from pophealth_link.sources import Preset, preset
from pophealth_link.sources.preset import PresetTable
from pophealth_link.sources.shape import Part, Whole, alternatives, may_lack

_WIDTH = 100


def describe_preset(name: str) -> str:
    """Return all that the preset of that name, or in that file, says.

    Raises `JobError` where there is none.

    >>> describe_preset("council_tax").partition(":")[0]
    'council_tax'
    """
    made = preset(name)
    tables = (_table(each, told) for each, told in made.tables.items())
    return "\n\n".join([_head(made), *tables])


def _head(made: Preset) -> str:
    people = "one record a person" if made.unique_people else "a person may have several records"
    setting = [f"setting {made.setting}; {people}"] if made.setting else []
    facts = [f"Source of the names: {made.source}.", "; ".join(setting)]
    lines = [f"{made.name}: {made.meaning}", *(each for each in facts if each)]
    if "people" in made.tables:
        other = {"clear": "token", "token": "clear"}[made.nhs_number_kind]
        others = _list([str(name) for name in made.told.get(f"{other}_numbers", ())])
        further = f"; {other} in {others}" if others else ""
        lines.append(f"NHS numbers: {made.nhs_number_kind}{further}")
    return "\n".join(line for each in lines for line in textwrap.wrap(each, _WIDTH))


def _table(name: str, told: PresetTable) -> str:
    lines = [f"{name}: {TABLES[name].meaning}"]
    for number, part in enumerate(told.parts, start=1):
        lines += [f"  part {number}"] if len(told.parts) > 1 else []
        lines += [_line(what, text) for what, text in _of_part(part) if text]
    lines += [_line(what, text) for what, text in _of_whole(told.whole) if text]
    return "\n".join(lines)


def _line(what: str, text: str) -> str:
    start = f"    {what}: "
    return textwrap.fill(text, _WIDTH, initial_indent=start, subsequent_indent=" " * 8)


def _of_part(part: Part) -> Iterator[tuple[str, str]]:
    yield "files", _list(part.files)
    for each in part.lookup:
        taken = f"{_list(each.take)} from {_list(each.files)} by {_names(each.on)}"
        last = f", the last by {_list(each.latest_by)}" if each.latest_by else ""
        yield "looked up", taken + (", a row for each that differs" if each.each else last)
    for column, values in part.where.items():
        yield "only rows where", f"{column} is one of {_list(_quoted(values))}"
    yield from _columns(part)
    for column, width in part.pad.items():
        yield f"digits of {column}", f"{width}, the first of which may be a lost 0"
    yield from ((column, f'always "{text}"') for column, text in part.constants.items())
    for column, patterns in part.stack.items():
        numbered = f"; {part.position} numbers them" if part.position else ""
        apart = f", for each value that one of {part.apart} sets apart" if part.apart else ""
        yield column, f"a row for each filled column like {_list(patterns)}{apart}{numbered}"
    yield "condition, by the job's codelist, from", _list(part.codelist)
    yield from ((f"values of {column}", _pairs(each)) for column, each in part.values.items())
    yield "only rows that have", _list(part.require)
    yield "only rows that have any of", _names(part.require_any)
    yield "dates", _list(part.dates)
    yield from ((f"dates of {column}", _list(each)) for column, each in part.formats.items())
    yield "missing", _list(_quoted(part.missing))


def _columns(part: Part) -> Iterator[tuple[str, str]]:
    """Yield each contract column with its names, and what it is put together from without them."""
    for column in dict.fromkeys((*part.columns, *part.combine)):
        items = part.combine.get(column, ())
        joined = " joined by a hyphen" if len(items) > 1 else ""
        told = [_list(part.columns[column])] if column in part.columns else []
        yield column, "; else ".join([*told, *([_names(items) + joined] if items else [])])


def _of_whole(whole: Whole) -> Iterator[tuple[str, str]]:
    if whole.latest:
        by = _list(whole.latest.by) or "place in the files"
        yield "one row for each", f"{_names(whole.latest.of)}: the last by {by}"
        if whole.latest.otherwise:
            yield "where these are empty, for each", _names(whole.latest.otherwise)
    if whole.open:
        until = _list((*whole.open.until, *whole.open.month))
        within = f", within {_names(whole.open.within)}" if whole.open.within else ""
        told = f"{whole.open.end} is the submission's end, by {until}{within}"
        yield "open in an old submission", told
    if whole.spells:
        yield (
            "episodes of one",
            f"{_names(whole.spells.of)} are one spell, in order of " + _list(whole.spells.order),
        )
        if whole.spells.otherwise:
            yield "where these are empty, episodes of one", _names(whole.spells.otherwise)
        yield "the last episode's", _list(whole.spells.last)
        yield "the greatest", _list(whole.spells.greatest)
    if whole.priority:
        days = f"{whole.priority.start} to {whole.priority.end}"
        yield "days told by two parts", f"count as the first part tells them ({days})"


def _list(texts: Sequence[str]) -> str:
    return ", ".join(texts)


def _names(items: Sequence[str]) -> str:
    """Return columns with their alternatives; one that may be absent is said to be so."""
    may = {True: " (where there is one)", False: ""}
    return _list([" or ".join(alternatives(each)) + may[may_lack(each)] for each in items])


def _quoted(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(f'"{each}"' if each else "empty" for each in texts)


def _pairs(values: Mapping[str, str]) -> str:
    return "; ".join(f'"{value}" = {code}' for value, code in values.items())
