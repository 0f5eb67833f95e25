"""From a job file to files that can be read: presets applied, paths resolved, problems gathered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pophealth_link import disclosure, sources
from pophealth_link.disclosure import Policy
from pophealth_link.errors import JobError, Problem, UserError, nearest
from pophealth_link.folders import is_file, is_folder, shown
from pophealth_link.job import contents, link_settings
from pophealth_link.job.model import Half, Job
from pophealth_link.job.spec import (
    NAMED_MODELS,
    EventsSpec,
    JobSpec,
    PropertySpec,
    SourceSpec,
    parse,
)
from pophealth_link.link.passes import DEFAULT_PASSES, DeterministicPass
from pophealth_link.schema import DWELLINGS, EVENT_TABLES, PEOPLE, Table
from pophealth_link.sources import (
    ALIASES,
    NO_PRESET,
    Only,
    Preset,
    PresetTable,
    PropertySource,
    Source,
    TableFile,
)

# Which columns of a file a half reads.
READS: Mapping[Half, Only] = {"link": "identifiers", "analyse": "attributes"}


def load(path: Path, halves: Sequence[Half] = ("link", "analyse")) -> Job:
    """Return the job, having checked settings, headers and contracts of what `halves` read.

    Raises one error with every problem found, under the lowest exit code: settings and absent
    files 10, contents 11, reference data 12, what cannot be linked 13.
    """
    spec = parse(path)
    folder = path.parent
    problems: list[Problem] = [*_names(spec), *_outside_files(spec, folder, halves)]
    policy = _policy(spec, problems)
    made = tuple(_source(s, i, folder, problems) for i, s in enumerate(spec.sources))
    properties = tuple(_properties(p, i, folder, problems) for i, p in enumerate(spec.properties))
    wrong = link_settings.pass_problems(spec.link)
    problems += wrong
    rules = DEFAULT_PASSES if wrong else link_settings.passes(spec.link)
    for i, source in enumerate(made):
        others = [*made[:i], *made[i + 1 :]]
        problems += _check_source(source, others, f"sources[{i}]", halves, rules)
    for i, each in enumerate(properties):
        problems += [
            problem
            for half in halves
            for problem in sources.check(each.dwellings, f"properties[{i}]", only=READS[half])
        ]
    if policy is None:
        sources.refuse(shown(path), _once(problems))
        raise JobError(f"{shown(path)} states no disclosure policy.")
    job = Job(path, spec, made, properties, policy)
    problems += contents.problems(job, halves)
    sources.refuse(shown(path), _once(problems))
    return job


def _once(problems: Sequence[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))


def _names(spec: JobSpec) -> list[Problem]:
    names = [s.name for s in spec.sources] + [p.name for p in spec.properties]
    twice = sorted({name for name in names if names.count(name) > 1})
    what = "is the name of more than one source."
    told = [Problem(JobError, "sources", f"{name} {what}") for name in twice]
    if sum(source.register_ for source in spec.sources) > 1:
        told.append(Problem(JobError, "sources", "more than one has register = true."))
    return told


def _outside_files(spec: JobSpec, folder: Path, halves: Sequence[Half]) -> list[Problem]:
    """Return problems of the files that are neither sources nor properties."""
    privacy, link = spec.privacy, spec.link
    named: list[tuple[str, str | None]] = []
    if "link" in halves:
        named += [("privacy.key_file", privacy.key_file), ("privacy.opt_outs", privacy.opt_outs)]
        named += [("link.model", link.model)] if link.model not in NAMED_MODELS else []
        named += [("link.decisions", link.decisions), ("link.number_changes", link.number_changes)]
    if "analyse" in halves:
        named += spec.need.files.items()
    # A path that is too long is absent, not an error of the file system.
    problems = [_absent(where, p) for where, p in named if p and not is_file(folder / p)]
    earlier = link.previous_index if "link" in halves else None
    if earlier and not (is_file(folder / earlier) or is_folder(folder / earlier)):
        problems.append(_absent("link.previous_index", earlier))
    if spec.reference and not is_folder(folder / spec.reference):
        problems.append(_absent("reference", spec.reference))
    return problems


def _absent(where: str, path: str) -> Problem:
    return Problem(JobError, where, f"{path} does not exist (looked in the job file's folder).")


def _policy(spec: JobSpec, problems: list[Problem]) -> Policy | None:
    try:
        return disclosure.policy(spec.disclosure.policy)
    except UserError as error:
        told = " ".join([error.headline, *error.lines])
    problems.append(Problem(JobError, "disclosure.policy", told))
    return None


def _source(spec: SourceSpec, place: int, folder: Path, problems: list[Problem]) -> Source:
    where = f"sources[{place}]"
    preset = _preset(spec.preset, f"{where}.preset", folder, problems)
    if spec.preset and preset.name and not (spec.setting or preset.setting):
        what = f"is missing: the preset {preset.name} says none."
        problems.append(Problem(JobError, f"{where}.setting", what))
    # An alias row has the columns of its people, those of facts left out.
    alias_columns = {k: v for k, v in spec.columns.items() if k in ALIASES.names}
    alias_formats = {k: v for k, v in spec.formats.items() if k in ALIASES.names}
    unique = preset.unique_people if spec.unique_people is None else spec.unique_people
    named = [e for i, each in enumerate(spec.events) for e in _events(
        each, spec, preset, f"{where}.events[{i}]", folder, problems
    )]  # fmt: skip
    found = _found_events(spec, preset, [each.table.name for each in named], folder)
    people = _people(spec, preset, where, folder, problems)
    return Source(
        name=spec.name,
        # Where none is told a problem is on its way: any valid setting serves until then.
        setting=spec.setting or preset.setting or "local_authority",
        people=people,
        events=(*named, *found.tables),
        unique_people=unique,
        register=spec.register_,
        nhs_number_kind=spec.nhs_number_kind or _kind(preset, people, where, problems),
        superseded_numbers=spec.superseded_numbers,
        aliases=(
            preset.apply(TableFile(ALIASES, folder / spec.aliases, alias_columns, alias_formats))
            if spec.aliases
            else None
        ),
        absent_tables=found.absent,
        notices=found.notices,
    )


def _kind(
    preset: Preset, people: TableFile, where: str, problems: list[Problem]
) -> Literal["clear", "token"]:
    """Return what kind of NHS number the column holds that is read, else what the preset says."""
    names = sources.columns_used(people, "nhs_number") if preset.kinds else ()
    kinds = {preset.kinds.get(name.casefold(), preset.nhs_number_kind) for name in names}
    if len(kinds) > 1:
        what = f"numbers in clear and tokens are in different files ({', '.join(names)})."
        fix = "give each its own source, or say which column, [sources.columns] nhs_number."
        problems.append(Problem(JobError, f"{where}.nhs_number_kind", what, fix))
    return min(kinds, default=preset.nhs_number_kind)


def _people(
    spec: SourceSpec, preset: Preset, where: str, folder: Path, problems: list[Problem]
) -> TableFile:
    """Return the file of people: named by itself, or found where the preset says."""
    if spec.people:
        return preset.apply(TableFile(PEOPLE, folder / spec.people, spec.columns, spec.formats))
    if preset.name and "people" not in preset.tables:
        what = f"the preset {preset.name} holds no people, but {', '.join(preset.tables)}."
        fix = (
            f'name it under the source of its people, [[sources.events]] preset = "{preset.name}".'
        )
        problems.append(Problem(JobError, f"{where}.preset", what, fix))
    file = TableFile(PEOPLE, folder / str(spec.path), spec.columns, spec.formats)
    return preset.apply_to_all(file)


@dataclass(frozen=True, slots=True)
class _Found:
    """The tables of events at a path, the names of those that are not, and what to tell of them."""

    tables: list[TableFile] = field(default_factory=list)
    absent: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def _found_events(spec: SourceSpec, preset: Preset, named: Sequence[str], folder: Path) -> _Found:
    """Return the event tables that the preset finds at the source's path, and those it does not.

    A table that the job names itself is not looked for. The columns and formats of the source hold
    for each table that has them.
    """
    if not spec.path:
        return _Found()
    codelist = _codelist(spec.codelist, None, folder)
    return _tables_at(folder / spec.path, preset, named, codelist, (spec.columns, spec.formats))


def _tables_at(
    path: Path,
    preset: Preset,
    named: Sequence[str],
    codelist: Path | None,
    told: tuple[Mapping[str, str], Mapping[str, tuple[str, ...]]] = ({}, {}),
) -> _Found:
    names = [each for each in preset.tables if each in EVENT_TABLES and each not in named]
    made = [_shared_file(EVENT_TABLES[each], path, codelist, told) for each in names]
    applied = [preset.apply_to_all(file) for file in made]
    there = {f.table.name: f for f in applied if _is_told(f, preset.tables[f.table.name])}
    absent = tuple(each for each in names if each not in there)
    lost = [f for f in applied if f.table.name in absent and sources.is_there(f)]
    notices = [
        f"{path.name} is not read for {file.table.name}: {problem.what}"
        for file in lost
        if not preset.tables[file.table.name].optional
        for problem in sources.check(file, "")[:1]
    ]
    return _Found(list(there.values()), absent, tuple(notices))


def _shared_file(
    table: Table,
    path: Path,
    codelist: Path | None,
    told: tuple[Mapping[str, str], Mapping[str, tuple[str, ...]]],
) -> TableFile:
    columns = {name: each for name, each in told[0].items() if name in table.names}
    formats = {name: each for name, each in told[1].items() if name in table.names}
    return TableFile(table, path, columns, formats, codelist=codelist, shared=True)


def _is_told(file: TableFile, known: PresetTable) -> bool:
    """Return whether a table is looked for at its path: then what it lacks is a problem.

    It is where its files are there; or where one file holds several tables, unless the columns
    of a table are absent that is `optional`, or that is known by another name of the file.
    """
    if any(part.files for part in file.parts):
        return known.required or sources.is_there(file)
    if not sources.is_there(file):
        return known.required
    if known.required or (known.is_named(file.path) and not known.optional):
        return True
    return all(problem.kind is JobError for problem in sources.check(file, ""))


def _codelist(own: str | None, shared: str | None, folder: Path) -> Path | None:
    written = own or shared
    return folder / written if written else None


def _events(
    spec: EventsSpec,
    source: SourceSpec,
    preset: Preset,
    where: str,
    folder: Path,
    problems: list[Problem],
) -> list[TableFile]:
    """Return the tables that `[[sources.events]]` names: one, or those of its own preset."""
    own = _preset(spec.preset, f"{where}.preset", folder, problems) if spec.preset else preset
    codelist = _codelist(spec.codelist, source.codelist, folder)
    if spec.table is None:
        found = _tables_at(folder / spec.path, own, (), codelist)
        if own.name and not found.tables:
            what = f"the preset {own.name} finds no table of events at {spec.path}."
            problems.append(Problem(JobError, where, what))
        return found.tables
    table = EVENT_TABLES.get(spec.table)
    if table is None:
        hint = nearest(spec.table, EVENT_TABLES) or f" Tables: {', '.join(EVENT_TABLES)}."
        problems.append(Problem(JobError, f"{where}.table", f"not a table of events.{hint}"))
        return []
    file = TableFile(table, folder / spec.path, spec.columns, spec.formats, codelist=codelist)
    return [own.apply(file)]


def _properties(
    spec: PropertySpec, place: int, folder: Path, problems: list[Problem]
) -> PropertySource:
    preset = _preset(spec.preset, f"properties[{place}].preset", folder, problems)
    file = TableFile(DWELLINGS, folder / spec.path, spec.columns, spec.formats)
    return PropertySource(spec.name, preset.apply(file))


def _preset(name: str | None, where: str, folder: Path, problems: list[Problem]) -> Preset:
    """Return the preset of that name; one that says nothing where none is named or it is wrong."""
    wrong = sources.preset_problems(name, where, folder) if name else []
    problems.extend(wrong)
    return sources.preset(name, folder) if name and not wrong else NO_PRESET


def _check_source(
    source: Source,
    others: Sequence[Source],
    where: str,
    halves: Sequence[Half],
    rules: Sequence[DeterministicPass],
) -> list[Problem]:
    problems: list[Problem] = []
    if "link" in halves:
        problems += sources.check(source.people, f"{where}.people", only="identifiers")
        # What a file that cannot be read could be linked by is not known.
        problems += [] if problems else contents.unlinkable(source, others, rules, where)
        if source.aliases:
            problems += sources.check(source.aliases, f"{where}.aliases")
    if "analyse" in halves:
        for i, events in enumerate(source.events):
            problems += sources.check(events, f"{where}.events[{i}]")
    return problems
