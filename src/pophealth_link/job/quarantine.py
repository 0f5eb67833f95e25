"""Refused rows: which file of `quarantine/` holds those of which input file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pophealth_link.job.model import Job
from pophealth_link.job.progress import Progress
from pophealth_link.sources import Accepted

# What names an input file: its kind, its source, and its place among those of the source.
Input = tuple[str, str, int]
_LONGEST = 60  # characters, of up to four bytes each: file systems take 255 bytes


def people(source: str) -> Input:
    """Return what names a source's people, or the dwellings of a property source."""
    return ("people", source, 0)


def aliases(source: str) -> Input:
    """Return what names a source's aliases."""
    return ("aliases", source, 0)


def events(source: str, place: int) -> Input:
    """Return what names one of a source's files of events."""
    return ("events", source, place)


def footprints(kind: str) -> Input:
    """Return what names the file of a footprint type."""
    return ("footprints", kind, 0)


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The folder `quarantine/`, and the file name in it of each input file of the job."""

    folder: Path
    names: Mapping[Input, str]

    @classmethod
    def of(cls, job: Job, out: Path) -> Quarantine:
        """Return the quarantine of a job within the folder `out`."""
        return cls(out / "quarantine", file_names(job))

    def write(self, named: Input, accepted: Accepted) -> None:
        """Write the refused rows of an input file, if any."""
        if accepted.quarantine.height:
            self.folder.mkdir(parents=True, exist_ok=True)
            accepted.quarantine.write_parquet(self.folder / f"{self.names[named]}.parquet")


def file_names(job: Job) -> dict[Input, str]:
    """Return a file name without suffix for each input file, all different.

    A name that another file has already is numbered, in the order of the job.
    """
    found: dict[Input, str] = {}
    taken: set[str] = set()
    for named, wanted in _wanted(job):
        name, number = clean(wanted), 1
        while name.casefold() in taken:
            number += 1
            name = f"{clean(wanted)}-{number}"
        taken.add(name.casefold())
        found[named] = name
    return found


def _wanted(job: Job) -> Iterator[tuple[Input, str]]:
    for name in (*(s.name for s in job.sources), *(p.name for p in job.properties)):
        yield people(name), name
    for source in job.sources:
        yield aliases(source.name), f"{source.name}.aliases"
        for place, file in enumerate(source.events):
            yield events(source.name, place), f"{source.name}.{file.table.name}"
    for kind in job.spec.footprints.files:
        yield footprints(kind), f"footprints.{kind}"


def clean(name: str) -> str:
    """Return a source's name as a file name: letters, digits, `.`, `_` and `-` stay.

    >>> clean("../Adult social care")
    '_Adult_social_care'
    """
    plain = "".join(c if c.isalnum() or c in "._-" else "_" for c in name).lstrip(".")
    return plain[:_LONGEST] or "_"


# Of dates whose format is stated well seldom more than one in twenty is none. Assumed.
_FEW_SHARE, _FEW = 0.05, 10


def tell_unreadable(name: str, accepted: Accepted, progress: Progress) -> None:
    """Warn of values that could not be read, by column and reason, in counts."""
    rows = accepted.counts.rows_in
    for (column, reason), count in sorted(accepted.counts.unreadable.items()):
        told = f"{name}: {count:,} of {rows:,} values of {column} became missing ({reason})."
        # Where a format is wrong, what it still reads has day and month the wrong way round.
        doubt = " Is its format in [sources.formats] right? The others may be misread."
        many = count > max(_FEW_SHARE * rows, _FEW)
        progress.warn(told + doubt if many and reason == "not_a_date" else told)
