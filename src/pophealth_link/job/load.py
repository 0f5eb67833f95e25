"""From a job file to files that can be read: presets applied, paths resolved, problems gathered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

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
from pophealth_link.schema import DWELLINGS, EVENT_TABLES, PEOPLE
from pophealth_link.sources import (
    ALIASES,
    NO_PRESET,
    Only,
    Preset,
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
        problems += _check_source(source, f"sources[{i}]", halves, rules)
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
    found, absent = _found_events(spec, preset, [each.table.name for each in named], folder)
    return Source(
        name=spec.name,
        # Where none is told a problem is on its way: any valid setting serves until then.
        setting=spec.setting or preset.setting or "local_authority",
        people=_people(spec, preset, where, folder, problems),
        events=(*named, *found),
        unique_people=unique,
        register=spec.register_,
        nhs_number_kind=spec.nhs_number_kind or preset.nhs_number_kind,
        superseded_numbers=spec.superseded_numbers,
        aliases=(
            preset.apply(TableFile(ALIASES, folder / spec.aliases, alias_columns, alias_formats))
            if spec.aliases
            else None
        ),
        absent_tables=absent,
    )


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


def _found_events(
    spec: SourceSpec, preset: Preset, named: Sequence[str], folder: Path
) -> tuple[list[TableFile], tuple[str, ...]]:
    """Return the event tables that the preset finds at the source's path, and those it does not.

    A table that the job names itself is not looked for.
    """
    if not spec.path:
        return [], ()
    return _tables_at(folder / spec.path, preset, named, _codelist(spec.codelist, None, folder))


def _tables_at(
    path: Path, preset: Preset, named: Sequence[str], codelist: Path | None
) -> tuple[list[TableFile], tuple[str, ...]]:
    tables = [each for each in preset.tables if each in EVENT_TABLES and each not in named]
    made = [
        preset.apply_to_all(TableFile(EVENT_TABLES[each], path, codelist=codelist))
        for each in tables
    ]
    found = [f for f in made if preset.tables[f.table.name].required or _is_told(f)]
    there = [file.table.name for file in found]
    return found, tuple(each for each in tables if each not in there)


def _is_told(file: TableFile) -> bool:
    """Return whether a table's files are there, or one that holds other tables has its columns."""
    if any(part.files for part in file.parts) or not sources.is_there(file):
        return sources.is_there(file)
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
        found, _ = _tables_at(folder / spec.path, own, (), codelist)
        if own.name and not found:
            what = f"the preset {own.name} finds no table of events at {spec.path}."
            problems.append(Problem(JobError, where, what))
        return found
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
    source: Source, where: str, halves: Sequence[Half], rules: Sequence[DeterministicPass]
) -> list[Problem]:
    problems: list[Problem] = []
    if "link" in halves:
        problems += sources.check(source.people, f"{where}.people", only="identifiers")
        # What a file that cannot be read could be linked by is not known.
        problems += [] if problems else contents.unlinkable(source, rules, f"{where}.people")
        if source.aliases:
            problems += sources.check(source.aliases, f"{where}.aliases")
    if "analyse" in halves:
        for i, events in enumerate(source.events):
            problems += sources.check(events, f"{where}.events[{i}]")
    return problems
