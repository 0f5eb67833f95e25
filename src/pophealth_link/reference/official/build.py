"""Make a reference pack from a folder of official downloads."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pophealth_link.errors import Problem, ReferenceDataError, raise_problems
from pophealth_link.folders import refuse_existing
from pophealth_link.reference.about import TableAbout
from pophealth_link.reference.official.catalogue import KINDS
from pophealth_link.reference.official.combine import Part, combined, n_areas
from pophealth_link.reference.official.kinds import Source, latest, vintage_of
from pophealth_link.reference.official.recognise import Unrecognised, recognise
from pophealth_link.reference.official.shapes import ShapeReader
from pophealth_link.reference.official.sheets import COMPANIONS, FORMS, sheets
from pophealth_link.reference.official.validity import validity
from pophealth_link.reference.pack import Pack, write
from pophealth_link.schema.reference import REFERENCE_TABLES

_ATTRIBUTION = (
    "Contains public sector information licensed under the Open Government Licence v3.0. Contains "
    "OS data © Crown copyright and database right. Contains Royal Mail data © Royal Mail copyright "
    "and database right."
)
_ARCHIVES = {".zip", ".7z", ".gz"}
_DATES = ("valid_from", "open_date", "close_date")
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Taken:
    """A file or sheet that was read: as what, and the rows it gives to each table.

    `lacks`: columns that such files may have and this one does not; a header may have changed.
    """

    shown: str
    kind: str
    vintage: str
    rows: Mapping[str, int]
    lacks: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return one line about it."""
        rows = ", ".join(f"{name} {count:,}" for name, count in sorted(self.rows.items()))
        return f"{self.shown}: {self.kind}, {self.vintage} → {rows}{self._without()}"

    def _without(self) -> str:
        if not self.lacks:
            return ""
        more = len(self.lacks) - _SHOWN
        rest = f" and {more:,} more" if more > 0 else ""
        return f"; not in it: {', '.join(self.lacks[:_SHOWN])}{rest}"


@dataclass(frozen=True, slots=True)
class Built:
    """A pack that was built, the files it was made of, and those that were not recognised."""

    pack: Pack
    taken: tuple[Taken, ...]
    unrecognised: tuple[Unrecognised, ...]

    def __str__(self) -> str:
        """Return what was read, what was not and why, and what the pack holds."""
        lines = ["Read:", *(f"  {each}" for each in self.taken)]
        if self.unrecognised:
            lines += ["Not recognised:", *(f"  {each}" for each in self.unrecognised)]
        lines.append(f"Reference pack {self.pack.name}:")
        about = self.pack.about
        lines += [f"  {name:<20} {about[name].rows:>10,} rows" for name in self.pack.tables]
        return "\n".join(lines)


def build(
    folder: Path,
    out: Path,
    *,
    name: str | None = None,
    shapes: ShapeReader | None = None,
    progress: Callable[[str], None] | None = None,
) -> Built:
    """Make the pack `out` from the official files in `folder` and the folders within it.

    Files are recognised by their columns, not by their names: CSV, workbooks, GeoPackage, GeoJSON,
    Shapefile and Parquet. `shapes` reads files of shapes; without it they are listed as not read.
    Raises :class:`ReferenceDataError` where no file is recognised, and with every problem of the
    files that are; :class:`OutputExistsError` where `out` exists.
    """
    refuse_existing(out)
    if not folder.is_dir():
        raise ReferenceDataError(
            f"the folder of official files {folder} does not exist.", fix="give --from DIR."
        )
    tell = progress or (lambda _: None)
    sources, unrecognised = _recognised(folder, shapes, tell)
    if not sources:
        raise ReferenceDataError(
            f"no file in {folder} is one that is known.",
            *map(str, unrecognised),
            fix="see the table of files in docs/reference-packs.md.",
        )
    parts, taken = _read(sources, tell)
    tell("putting tables together")
    frames = combined(parts)
    _require_columns(frames, parts)
    digests = {source.sheet.path: _digest(source.sheet.path) for source in sources}
    behind = {**parts, "areas": [*parts.get("hierarchy", ()), *parts.get("areas", ())]}
    about = {table: _about(table, behind[table], frames[table], digests) for table in frames}
    tell("writing")
    pack = write(frames, out, name=name or out.name, n_areas=n_areas(frames), about=about)
    return Built(pack, tuple(taken), tuple(unrecognised))


def _recognised(
    folder: Path, shapes: ShapeReader | None, tell: Callable[[str], None]
) -> tuple[list[Source], list[Unrecognised]]:
    sources: list[Source] = []
    unrecognised: list[Unrecognised] = []
    for path in _files(folder):
        tell(f"looking at {path.name}")
        found, others = _of_file(path, shapes)
        sources += found
        unrecognised += others
    return sources, unrecognised


def _files(folder: Path) -> Iterable[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.suffix.lower() not in COMPANIONS:
            yield path


def _of_file(path: Path, shapes: ShapeReader | None) -> tuple[list[Source], list[Unrecognised]]:
    suffix = path.suffix.lower()
    if suffix not in FORMS:
        why = "is an archive: unpack it" if suffix in _ARCHIVES else "is of no form that is read"
        return [], [Unrecognised(path.name, "", (why,))]
    try:
        held = sheets(path, shapes)
    except ReferenceDataError as error:
        return [], [Unrecognised(path.name, "", (error.headline,))]
    answers = [recognise(sheet, KINDS, shapes) for sheet in held]
    sources = [each for each in answers if isinstance(each, Source)]
    others = [each for each in answers if isinstance(each, Unrecognised)]
    if sources:
        # Of a workbook, sheets of notes are passed over, and those that are nearly known are told.
        return sources, [each for each in others if each.nearest]
    nothing = Unrecognised(path.name, "", ("holds nothing that is read",))
    return [], [min(others, key=lambda u: (not u.nearest, len(u.missing)), default=nothing)]


def _read(
    sources: Sequence[Source], tell: Callable[[str], None]
) -> tuple[dict[str, list[Part]], list[Taken]]:
    parts: dict[str, list[Part]] = {}
    taken: list[Taken] = []
    problems: list[Problem] = []
    for source in sources:
        tell(f"reading {source.sheet.shown} ({source.kind.title})")
        try:
            frames = source.kind.read(source)
        except ReferenceDataError as error:
            told = " ".join((error.headline, *error.lines))
            what = told.removeprefix(f"{source.sheet.shown}: ")
            problems.append(Problem(ReferenceDataError, source.sheet.shown, what, error.fix))
            continue
        newness = _newness(source, frames)
        rows = {table: frame.height for table, frame in frames.items()}
        vintage = _vintage(source, frames)
        taken.append(Taken(source.sheet.shown, source.kind.title, vintage, rows, source.lacks()))
        for table, frame in frames.items():
            parts.setdefault(table, []).append(Part(source, frame, newness))
    raise_problems("the folder of official files", problems)
    return parts, taken


def _require_columns(
    frames: Mapping[str, pl.DataFrame], parts: Mapping[str, Sequence[Part]]
) -> None:
    """Refuse tables that no file gives a required column of, naming the files that were read."""
    if not frames:
        raise ReferenceDataError(
            "none of the files that are known holds a row for a table.",
            *(part.source.sheet.shown for held in parts.values() for part in held),
            fix="see the table of files in docs/reference-packs.md.",
        )
    problems = [
        Problem(
            ReferenceDataError, name, f"no file gives `{column}` (read: {_names(parts, name)})."
        )
        for name, frame in sorted(frames.items())
        for column in REFERENCE_TABLES[name].required
        if column not in frame.columns
    ]
    raise_problems("the folder of official files", problems)


def _names(parts: Mapping[str, Sequence[Part]], table: str) -> str:
    return ", ".join(dict.fromkeys(part.source.sheet.shown for part in parts.get(table, ())))


def _newness(source: Source, frames: Mapping[str, pl.DataFrame]) -> int:
    """Return a number that is higher for newer files of the same kind."""
    days = [day for frame in frames.values() if (day := latest(frame, *_DATES))]
    periods = [
        str(frame["period"].max())
        for frame in frames.values()
        if "period" in frame.columns and frame["period"].null_count() < frame.height
    ]
    numbers = [day.year * 10_000 + day.month * 100 + day.day for day in days]
    numbers += [int(re.sub(r"\D", "", period)[:8].ljust(8, "0") or 0) for period in periods]
    numbers += [year * 10_000 for year in _header_years(source)]
    return max(numbers, default=0)


def _header_years(source: Source) -> list[int]:
    if source.header_row < 0:
        return []
    headers = (h for name in source.columns for h in source.headers(name))
    # Census areas keep their year for a decade: the year of a release is another.
    census = r"(oa|lsoa|msoa|wz|ruc|oac)\d\d"
    coded = (
        header
        for header in headers
        if re.fullmatch(r"[a-z]+\d\d(cd|nm|cdh|ind)?", header) and not re.match(census, header)
    )
    return [year for header in coded if (year := vintage_of(header))]


def _vintage(source: Source, frames: Mapping[str, pl.DataFrame]) -> str:
    """Return what the file describes, as its kind, periods, headers, name or dates say."""
    if source.kind.vintage:
        return source.kind.vintage
    for frame in frames.values():
        if "period" in frame.columns:
            known = frame["period"].drop_nulls()
            if known.len():
                return str(known.max())
    named = re.search(r"(?<!\d)(20\d\d)(?!\d)", source.words())
    years = _header_years(source)
    if years:
        return str(max(years))
    if named:
        return named.group(1)
    days = [day for frame in frames.values() if (day := latest(frame, *_DATES))]
    return f"to {max(days).isoformat()}" if days else "not stated"


def _about(
    table: str, parts: Sequence[Part], frame: pl.DataFrame, digests: Mapping[Path, str]
) -> TableAbout:
    def each(values: Iterable[str]) -> str:
        return "; ".join(dict.fromkeys(values))

    kinds = [part.source.kind for part in parts]
    starts, ends = validity(table, frame)
    return TableAbout(
        publisher=each(kind.publisher for kind in kinds),
        title=each(kind.title for kind in kinds),
        licence=each(kind.licence for kind in kinds),
        vintage=each(sorted({_vintage(p.source, {"": p.frame}) for p in parts})),
        valid_from=starts,
        valid_to=ends,
        attribution=_ATTRIBUTION,
        files=each(f"{p.source.sheet.shown} sha256:{digests[p.source.sheet.path]}" for p in parts),
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
