"""Comparing two baselines: reading them, and writing what changed into a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pophealth_link.disclosure import safe_text
from pophealth_link.errors import DataError, JobError, nearest
from pophealth_link.folders import is_file, is_folder, new_folder, shown
from pophealth_link.job.comparing_words import Told, page
from pophealth_link.need.compare import TOLERANCE, changes, footprints_of
from pophealth_link.need.compare_context import changed_definitions
from pophealth_link.need.compare_parts import change_parts
from pophealth_link.need.compare_sides import Baseline
from pophealth_link.need.did import Footprint, differences
from pophealth_link.need.snapshot import SNAPSHOT, read_snapshot
from pophealth_link.schema.outputs import BASELINE

BASELINE_FILE, RELEASABLE = "baseline.csv", "releasable"
PAGE = "comparison.md"
# Every version's baseline has these; columns that were added later may be absent.
_FIXED = (
    *("footprint_type", "footprint_code", "footprint_name", "basis", "indicator", "stratum"),
    *("numerator", "denominator", "value", "lower", "upper", "linkage_lower", "linkage_upper"),
    *("unit", "period", "status"),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing two baselines gave, by the name of its file without `.csv`; and its page."""

    tables: dict[str, pl.DataFrame] = field(repr=False)
    page: str = field(repr=False)

    @property
    def changes(self) -> pl.DataFrame:
        """The changes: see `need.compare.changes`."""
        return self.tables["changes"]


def compare(
    before: str | Path,
    after: str | Path,
    *,
    out: str | Path | None = None,
    areas: Sequence[str] = (),
    comparison: Sequence[str] = (),
    bridge: str | Path | None = None,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> Comparison:
    """Compare two baselines, each a run's folder, its `releasable/` or a baseline.csv.

    `areas` and `comparison`: footprints as `type:code`, for a difference in differences. `bridge`:
    a third baseline, of the earlier records counted in the later way. `tolerance`: see
    `common_footprints`. With `out`, the tables and a page are written into that folder, which must
    not exist. Only what was released is read.

    Raises `JobError` where a baseline or footprint is absent, `DataError` where one is damaged.
    """
    earlier, later = read_baseline(before), read_baseline(after)
    _require_tolerance(tolerance)
    common = footprints_of(earlier, later, tolerance=tolerance)
    changed = changes(earlier, later, common=common)
    tables = {
        "changes": changed,
        "common_footprints": common,
        "changed_definitions": changed_definitions(earlier.snapshot, later.snapshot),
    }
    if areas or comparison:
        arms = [_footprints(arm) for arm in (areas, comparison)]
        tables["differences"] = differences(changed, arms[0], arms[1], seed=seed)
    if bridge is not None:
        tables["change_parts"] = change_parts(earlier, read_baseline(bridge), later)
    words = page(Told(earlier, later, tables, tuple(areas), tuple(comparison)))
    made = Comparison(tables, words)
    if out is not None:
        _write(made, Path(out))
    return made


def read_baseline(path: str | Path) -> Baseline:
    """Return the baseline in a run's folder, its `releasable/` or a file, with its snapshot.

    Raises `JobError` where there is none, `DataError` where a column is absent or does not hold
    what it should.
    """
    given = Path(path)
    file = baseline_file(given)
    if file is None:
        raise JobError(
            f"{shown(given)} holds no baseline.",
            f"Neither {BASELINE_FILE} nor {RELEASABLE}/{BASELINE_FILE} is there.",
            fix="name the folder of a run, its folder `releasable`, or a baseline.csv.",
        )
    return Baseline(
        name=shown(given),
        cells=_cells(file),
        snapshot=read_snapshot(file.with_name(SNAPSHOT)),
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )


def baseline_file(given: Path) -> Path | None:
    """Return the baseline.csv in a run's folder, its `releasable/` or by itself; or nothing."""
    return next((each for each in _places(given) if is_file(each)), None)


def _places(given: Path) -> list[Path]:
    if not is_folder(given):
        return [given]
    # What `demo` made holds its run in a folder of that name.
    inside = [given, given / "run"]
    return [f for each in inside for f in (each / RELEASABLE / BASELINE_FILE, each / BASELINE_FILE)]


def _cells(file: Path) -> pl.DataFrame:
    frame = _text(file)
    absent = [name for name in _FIXED if name not in frame.columns]
    if absent:
        raise DataError(
            f"{shown(file)} is not a baseline: {len(absent):,} of its columns are absent.",
            *(f"{name}  absent.{nearest(name, frame.columns)}" for name in absent),
            fix="name the baseline.csv that a run released.",
        )
    whole = frame.with_columns(
        pl.lit(None, pl.String).alias(n) for n in BASELINE.names if n not in frame.columns
    )
    cells = whole.select(pl.col(c.name).cast(c.dtype, strict=False) for c in BASELINE.columns)
    _require_numbers(file, whole, cells)
    _require_unique(file, cells)
    return cells


def _text(file: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(file, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError):
        pass
    raise DataError(f"{shown(file)} cannot be read as CSV.", fix="take it anew from its run.")


def _require_numbers(file: Path, text: pl.DataFrame, cells: pl.DataFrame) -> None:
    lost = {
        c.name: cells[c.name].null_count() - text[c.name].null_count()
        for c in BASELINE.columns
        if c.kind == "number"
    }
    wrong = [f"{name}  {rows:,} values are no numbers." for name, rows in lost.items() if rows]
    if wrong:
        raise DataError(f"{shown(file)} is damaged.", *wrong, fix="take it anew from its run.")


def _require_unique(file: Path, cells: pl.DataFrame) -> None:
    repeats = cells.height - cells.select(BASELINE.unique).n_unique()
    if repeats or cells.is_empty():
        raise DataError(
            f"{shown(file)} is not a baseline.",
            f"It holds {cells.height:,} cells, {repeats:,} of them again.",
            fix="take it anew from its run.",
        )


def _require_tolerance(tolerance: float) -> None:
    if not 0 <= tolerance < 1:
        raise JobError("the tolerance is not a share.", fix="give 0 or more, and less than 1.")


def _footprints(words: Sequence[str]) -> list[Footprint]:
    """Return type and code of footprints written as `pcn:U12345`."""
    parted = [word.partition(":") for word in words]
    wrong = sum(1 for kind, mark, code in parted if not (kind and mark and code))
    if wrong:
        raise JobError(
            f"{wrong:,} of the footprints to compare are not written as TYPE:CODE.",
            fix="write them like pcn:U12345, as in changes.csv.",
        )
    return [(kind, code) for kind, _, code in parted]


def _write(made: Comparison, out: Path) -> None:
    with new_folder(out) as draft:
        for name, table in sorted(made.tables.items()):
            (draft / f"{name}.csv").write_bytes(safe_text(table).write_csv().encode())
        (draft / PAGE).write_text(made.page, encoding="utf-8")
