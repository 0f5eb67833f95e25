"""From a job file to files that can be read: presets applied, paths resolved, problems gathered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pophealth_link import disclosure, reference, sources
from pophealth_link.disclosure import Policy
from pophealth_link.errors import JobError, Problem, UserError, nearest
from pophealth_link.job.spec import EventsSpec, JobSpec, PropertySpec, SourceSpec, parse
from pophealth_link.privacy import Key
from pophealth_link.schema import DWELLINGS, EVENT_TABLES, PEOPLE
from pophealth_link.schema.reference import FOOTPRINTS
from pophealth_link.sources import ALIASES, Preset, PropertySource, Source, TableFile

Half = Literal["link", "analyse"]


@dataclass(frozen=True, slots=True)
class Job:
    """A job file with its sources and properties, ready to be read."""

    path: Path
    spec: JobSpec
    sources: tuple[Source, ...]
    properties: tuple[PropertySource, ...]
    policy: Policy

    @property
    def folder(self) -> Path:
        """The folder that the job's paths are relative to."""
        return self.path.parent

    def resolve(self, written: str) -> Path:
        """Return a path of the job file as a path from here."""
        return self.folder / written

    def read_reference(self) -> reference.Pack:
        """Return the reference pack that the job names, else the embedded example region."""
        return reference.load(self.resolve(self.spec.reference) if self.spec.reference else None)

    def read_key(self) -> Key | None:
        """Return the project's key, or null where the job names none."""
        privacy = self.spec.privacy
        if privacy.key_file:
            return Key.from_file(self.resolve(privacy.key_file))
        return Key.from_env(privacy.key_env) if privacy.key_env else None

    def files(self, half: Half) -> Iterator[Path]:
        """Yield the data files that a half of the run reads."""
        for source in self.sources:
            if half == "link":
                yield source.people.path
                yield from [source.aliases.path] if source.aliases else []
            else:
                yield from (events.path for events in source.events)
        yield from (each.dwellings.path for each in self.properties)
        if half == "analyse":
            yield from (self.resolve(f.path) for f in self.spec.footprints.files.values())
        elif self.spec.privacy.opt_outs:
            yield self.resolve(self.spec.privacy.opt_outs)


def load(path: Path, halves: Sequence[Half] = ("link", "analyse")) -> Job:
    """Return the job, having checked settings, headers and contracts of what `halves` read.

    Raises one error with every problem found, under the lowest exit code: settings and absent
    files 10, contents 11, reference data 12.
    """
    spec = parse(path)
    folder = path.parent
    problems: list[Problem] = [*_names(spec), *_outside_files(spec, folder, halves)]
    policy = _policy(spec, problems)
    made = tuple(_source(s, i, folder, problems) for i, s in enumerate(spec.sources))
    properties = tuple(_properties(p, i, folder, problems) for i, p in enumerate(spec.properties))
    for i, source in enumerate(made):
        problems += _check_source(source, f"sources[{i}]", halves)
    for i, each in enumerate(properties):
        problems += sources.check(each.dwellings, f"properties[{i}]")
    if "analyse" in halves:
        problems += _footprint_files(spec, folder)
    sources.refuse(path.name, _once(problems))
    if policy is None:
        raise JobError(f"{path.name} states no disclosure policy.")
    return Job(path, spec, made, properties, policy)


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
    privacy = spec.privacy
    named = [("privacy.key_file", privacy.key_file)]
    if "link" in halves:
        named.append(("privacy.opt_outs", privacy.opt_outs))
    if spec.link.model not in ("default", "train"):
        named.append(("link.model", spec.link.model))
    problems = [_absent(where, p) for where, p in named if p and not (folder / p).is_file()]
    if spec.link.model == "train":
        problems.append(
            Problem(JobError, "link.model", '"train" is not available in this version.')
        )
    if spec.reference and not (folder / spec.reference).is_dir():
        problems.append(_absent("reference", spec.reference))
    return problems


def _footprint_files(spec: JobSpec, folder: Path) -> list[Problem]:
    return [
        problem
        for kind, file in spec.footprints.files.items()
        for problem in sources.check(
            TableFile(FOOTPRINTS, folder / file.path), f"footprints.{kind}.path"
        )
    ]


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
    preset = _preset(spec.preset, f"sources[{place}].preset", problems)
    if spec.preset and preset.name and not (spec.setting or preset.setting):
        what = f"is missing: the preset {preset.name} says none."
        problems.append(Problem(JobError, f"sources[{place}].setting", what))
    events = [_events(e, preset, place, i, folder, problems) for i, e in enumerate(spec.events)]
    # An alias row has the columns of its people, those of facts left out.
    alias_columns = {k: v for k, v in spec.columns.items() if k in ALIASES.names}
    alias_formats = {k: v for k, v in spec.formats.items() if k in ALIASES.names}
    unique = preset.unique_people if spec.unique_people is None else spec.unique_people
    return Source(
        name=spec.name,
        # Where none is told a problem is on its way: any valid setting serves until then.
        setting=spec.setting or preset.setting or "local_authority",
        people=preset.apply(TableFile(PEOPLE, folder / spec.people, spec.columns, spec.formats)),
        events=tuple(each for each in events if each),
        unique_people=unique,
        register=spec.register_,
        nhs_number_kind=spec.nhs_number_kind or preset.nhs_number_kind,
        aliases=(
            preset.apply(TableFile(ALIASES, folder / spec.aliases, alias_columns, alias_formats))
            if spec.aliases
            else None
        ),
    )


def _events(
    spec: EventsSpec,
    preset: Preset,
    source: int,
    place: int,
    folder: Path,
    problems: list[Problem],
) -> TableFile | None:
    table = EVENT_TABLES.get(spec.table)
    if table is None:
        where = f"sources[{source}].events[{place}].table"
        hint = nearest(spec.table, EVENT_TABLES) or f" Tables: {', '.join(EVENT_TABLES)}."
        problems.append(Problem(JobError, where, f"not a table of events.{hint}"))
        return None
    return preset.apply(TableFile(table, folder / spec.path, spec.columns, spec.formats))


def _properties(
    spec: PropertySpec, place: int, folder: Path, problems: list[Problem]
) -> PropertySource:
    preset = _preset(spec.preset, f"properties[{place}].preset", problems)
    file = TableFile(DWELLINGS, folder / spec.path, spec.columns, spec.formats)
    return PropertySource(spec.name, preset.apply(file))


def _preset(name: str | None, where: str, problems: list[Problem]) -> Preset:
    """Return the preset of that name; one that says nothing where none is named or known."""
    wrong = sources.preset_problems(name, where) if name else []
    problems.extend(wrong)
    if name and not wrong:
        return sources.preset(name)
    return Preset("", "", "", unique_people=False, nhs_number_kind="clear", tables={})


def _check_source(source: Source, where: str, halves: Sequence[Half]) -> list[Problem]:
    problems: list[Problem] = []
    if "link" in halves:
        problems += sources.check(source.people, f"{where}.people")
        if source.aliases:
            problems += sources.check(source.aliases, f"{where}.aliases")
    if "analyse" in halves:
        for i, events in enumerate(source.events):
            problems += sources.check(events, f"{where}.events[{i}]")
    return problems
