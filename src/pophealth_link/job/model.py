"""A job, ready to be read: settings, sources with presets applied, the policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pophealth_link import reference, sources
from pophealth_link.disclosure import Policy
from pophealth_link.folders import is_file
from pophealth_link.indicators import codelists
from pophealth_link.job.comparing import baseline_file
from pophealth_link.job.spec import NAMED_MODELS, JobSpec
from pophealth_link.link import previous_index
from pophealth_link.privacy import Key
from pophealth_link.sources import PropertySource, Source

Half = Literal["link", "analyse"]
# The name of the key that a run makes for itself, in its folder `linked`.
OWN_KEY = "project.key"


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
        """Return the project's key, or null where the job names none and inherits none."""
        privacy = self.spec.privacy
        if privacy.key_file:
            return Key.from_file(self.resolve(privacy.key_file))
        if privacy.key_env:
            return Key.from_env(privacy.key_env)
        return Key.from_file(self.inherited_key) if self.inherited_key else None

    @property
    def inherited_key(self) -> Path | None:
        """The key that the run of `link.previous_index` made, where the job names none."""
        privacy, earlier = self.spec.privacy, self.spec.link.previous_index
        if earlier is None or privacy.key_file or privacy.key_env:
            return None
        kept = self.resolve(earlier) / OWN_KEY
        return kept if is_file(kept) else None

    @property
    def previous_releases(self) -> tuple[Path, ...]:
        """The earlier releases that this one is checked with: folders of runs, or their files."""
        return tuple(map(self.resolve, self.spec.disclosure.previous_release))

    def files(self, half: Half) -> Iterator[Path]:
        """Yield the data files that a half of the run reads."""
        for source in self.sources:
            if half == "link":
                yield from sources.paths_of(source.people)
                yield from sources.paths_of(source.aliases) if source.aliases else []
            else:
                yield from (path for each in source.events for path in sources.paths_of(each))
        yield from (path for p in self.properties for path in sources.paths_of(p.dwellings))
        if half == "analyse":
            yield from (self.resolve(f.path) for f in self.spec.footprints.files.values())
            yield from map(self.resolve, self.spec.need.files.values())
            yield from self._code_lists()
            yield from filter(None, map(baseline_file, self.previous_releases))
            return
        if self.spec.privacy.opt_outs:
            yield self.resolve(self.spec.privacy.opt_outs)
        if self.spec.link.model not in NAMED_MODELS:
            yield self.resolve(self.spec.link.model)
        if self.spec.link.decisions:
            yield self.resolve(self.spec.link.decisions)
        if self.spec.link.number_changes:
            yield self.resolve(self.spec.link.number_changes)
        if self.spec.link.previous_index:
            yield from previous_index.files(self.resolve(self.spec.link.previous_index))

    def _code_lists(self) -> Iterator[Path]:
        """Yield the code lists by file that the job's own indicators name."""
        written = self.spec.need.catalogue
        yield from codelists.files_named(self.resolve(written)) if written else ()
