"""A preset as text: what an extract is, its files, and which of its columns fill which table."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from pophealth_link.schema import TABLES
from pophealth_link.sources import Preset, preset
from pophealth_link.sources.preset import PresetTable
from pophealth_link.sources.shape import Part, Whole

_WIDTH = 100


def describe_preset(name: str) -> str:
    """Return all that the preset of that name says. Raises `JobError` where there is none.

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
        lines.append(f"NHS numbers: {made.nhs_number_kind}")
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
        taken = f"{_list(each.take)} from {_list(each.files)} by {_list(each.on)}"
        last = f", the last by {_list(each.latest_by)}" if each.latest_by else ""
        yield "looked up", taken + last
    for column, values in part.where.items():
        yield "only rows where", f"{column} is one of {_list(_quoted(values))}"
    yield from ((column, _list(names)) for column, names in part.columns.items())
    for column, items in part.combine.items():
        joined = " joined by a hyphen" if len(items) > 1 else ""
        yield column, _list([each.replace("|", " or ") for each in items]) + joined
    yield from ((column, f'always "{text}"') for column, text in part.constants.items())
    for column, patterns in part.stack.items():
        numbered = f"; {part.position} numbers them" if part.position else ""
        yield column, f"a row for each filled column like {_list(patterns)}{numbered}"
    yield "condition, by the job's codelist, from", _list(part.codelist)
    yield from ((f"values of {column}", _pairs(each)) for column, each in part.values.items())
    yield "only rows that have", _list(part.require)
    yield "dates", _list(part.dates)
    yield from ((f"dates of {column}", _list(each)) for column, each in part.formats.items())
    yield "missing", _list(_quoted(part.missing))


def _of_whole(whole: Whole) -> Iterator[tuple[str, str]]:
    if whole.latest:
        by = _list(whole.latest.by) or "place in the files"
        yield "one row for each", f"{_list(whole.latest.of)}: the last by {by}"
    if whole.open:
        until = _list((*whole.open.until, *whole.open.month))
        yield "open in an old submission", f"{whole.open.end} is the submission's end, by {until}"
    if whole.spells:
        yield (
            "episodes of one",
            f"{_list(whole.spells.of)} are one spell, in order of " + _list(whole.spells.order),
        )
        yield "the last episode's", _list(whole.spells.last)
        yield "the greatest", _list(whole.spells.greatest)
    if whole.priority:
        days = f"{whole.priority.start} to {whole.priority.end}"
        yield "days told by two parts", f"count as the first part tells them ({days})"


def _list(texts: Sequence[str]) -> str:
    return ", ".join(texts)


def _quoted(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(f'"{each}"' if each else "empty" for each in texts)


def _pairs(values: Mapping[str, str]) -> str:
    return "; ".join(f'"{value}" = {code}' for value, code in values.items())
