"""Reconciling a run with published counts: reading both, and writing every difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pophealth_link import reference, sources
from pophealth_link.disclosure import safe_text
from pophealth_link.errors import DataError, JobError, nearest
from pophealth_link.folders import is_file, is_folder, new_folder, shown
from pophealth_link.job.analysing import PRACTICE_COUNTS_FILE
from pophealth_link.job.comparing import read_baseline
from pophealth_link.need.compare_sides import Baseline
from pophealth_link.need.published_counts import from_qof, last_day
from pophealth_link.need.reconcile import LIMIT, PRACTICE, reconcile
from pophealth_link.reference.official.registrations import year_of
from pophealth_link.reference.pack import PACK_FILE
from pophealth_link.schema.outputs_compare import AGREEMENT, PUBLISHED_COUNTS
from pophealth_link.schema.reference_counts import QOF
from pophealth_link.sources import TableFile

TABLE, BY_PRACTICE, PAGE = "reconciled.csv", "reconciled_practices.csv", "reconciliation.md"
_LINKED = "linked"
# The publication's own headers, and those of the reference's table.
_QOF_HEADERS = {
    "practice_code": "PRACTICE_CODE",
    "register": "GROUP_CODE",
    "numerator": "REGISTER",
    "denominator": "PRACTICE_LIST_SIZE",
    "list_type": "PATIENT_LIST_TYPE",
}
_NAMED = ("differs", "within_rounding")
_NOT_JUDGED = ("other_period", "other_practices", "not_given", "not_published")
_DECIMALS = 1


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What reconciling gave: every row, and the page that names every difference."""

    rows: pl.DataFrame = field(repr=False)
    page: str = field(repr=False)

    @property
    def differing(self) -> pl.DataFrame:
        """The rows that differ by more than the limit, those within rounding among them."""
        return self.rows.filter(pl.col("status").is_in(_NAMED))


def reconcile_run(
    run: str | Path,
    published: str | Path,
    *,
    out: str | Path | None = None,
    year: str | None = None,
    limit: float = LIMIT,
) -> Reconciliation:
    """Set a run's registers and activity beside published ones; name every difference.

    `run`: as for `compare`. `published`: a CSV or Parquet file of PUBLISHED_COUNTS or of the
    Quality and Outcomes Framework's registers by practice, or a reference pack that holds them.
    `year`: of a file that does not say which, such as 2020/21. With `out`, the rows and a page are
    written there. Where the run's own folder `linked` has its counts by practice, those are set
    beside the published ones too, exactly, in a file of their own that is not for release.

    Raises `JobError` and `DataError` for what is absent or wrong.
    """
    own = read_baseline(run)
    counts = read_published(Path(published), year)
    _require_known(counts, own, Path(published))
    found = reconcile(own, counts, practices=_practices(Path(run)), limit=limit)
    made = Reconciliation(found, _page(found, own, shown(Path(published)), limit))
    if out is not None:
        _write(made, Path(out))
    return made


def read_published(path: Path, year: str | None = None) -> pl.DataFrame:
    """Return the PUBLISHED_COUNTS in a file, a file of QOF registers or a reference pack."""
    if is_folder(path) and is_file(path / PACK_FILE):
        return _of_pack(path)
    columns = _headers(path)
    if set(_QOF_HEADERS.values()) <= columns:
        return from_qof(_qof(path, _QOF_HEADERS, year))
    if {"practice_code", "register", "numerator"} <= columns:
        return from_qof(_qof(path, {}, year))
    accepted = sources.read(TableFile(PUBLISHED_COUNTS, path, mapped=False), where=shown(path))
    if accepted.counts.quarantined:
        raise DataError(
            f"{shown(path)} has {accepted.counts.quarantined:,} rows that cannot be used.",
            fix="mend them, or leave them out.",
        )
    frame = accepted.frame.with_columns(pl.col("area_type").fill_null(PRACTICE))
    lacking = frame.filter(pl.col("numerator").is_null() | pl.col("source").is_null()).height
    if lacking:
        raise DataError(
            f"{lacking:,} of {frame.height:,} rows of {shown(path)} lack a count or its source.",
            fix="fill numerator and source, or leave the rows out.",
        )
    return frame


def _of_pack(path: Path) -> pl.DataFrame:
    pack = reference.load(path)
    if not pack.has(QOF.name):
        raise JobError(
            f"the reference pack {pack.name} holds no table `{QOF.name}`.",
            fix="name a file of published counts, or build the pack with QOF's registers.",
        )
    return from_qof(pack.read(QOF.name))


def _headers(path: Path) -> set[str]:
    try:
        if path.suffix.lower() == ".parquet":
            return set(pl.read_parquet_schema(path))
        return set(pl.scan_csv(path, infer_schema=False).collect_schema().names())
    except (OSError, pl.exceptions.PolarsError):
        # What is wrong with the file is told as it is read.
        return set()


def _qof(path: Path, columns: dict[str, str], year: str | None) -> pl.DataFrame:
    file = TableFile(QOF, path, columns=columns, mapped=False)
    frame = sources.read(file, where=shown(path)).frame
    told = year or year_of(path.stem)
    held = frame.with_columns(pl.col("period").fill_null(pl.lit(told, pl.String)))
    unread = [each for each in held["period"].unique().to_list() if last_day(each or "") is None]
    if unread:
        raise JobError(
            f"{shown(path)} does not say of which year its registers are.",
            fix="say so, --year 2020/21",
        )
    return held


def _require_known(counts: pl.DataFrame, own: Baseline, path: Path) -> None:
    known = own.cells["indicator"].unique().sort().to_list()
    named = counts["indicator"].unique().drop_nulls().sort().to_list()
    unknown = [name for name in named if name not in known]
    if unknown:
        raise DataError(
            f"{shown(path)} has {len(unknown):,} indicators that the baseline does not have.",
            *(f"{name}{nearest(name, known)}" for name in unknown),
            fix="name indicators of the catalogue: `pophealth-link describe indicators`.",
        )


def _practices(run: Path) -> pl.DataFrame | None:
    """Return the run's own counts by practice, where its folder `linked` holds them."""
    found = [each / _LINKED / PRACTICE_COUNTS_FILE for each in (run, run / "run")]
    path = next((each for each in found if is_file(each)), None)
    return pl.read_parquet(path) if path else None


def _write(made: Reconciliation, out: Path) -> None:
    inside = pl.col("footprint_type") == PRACTICE
    exact = made.rows.filter(inside & pl.col("footprint_name").is_null())
    rest = made.rows.join(exact, on=made.rows.columns, how="anti", nulls_equal=True)
    with new_folder(out) as draft:
        (draft / TABLE).write_bytes(safe_text(rest).write_csv().encode())
        if exact.height:
            (draft / BY_PRACTICE).write_bytes(safe_text(exact).write_csv().encode())
        (draft / PAGE).write_text(made.page, encoding="utf-8")


def _page(rows: pl.DataFrame, own: Baseline, published: str, limit: float) -> str:
    # The page may be released: exact counts of practices are not on it.
    released = rows.filter(
        (pl.col("footprint_type") != PRACTICE) | pl.col("footprint_name").is_not_null()
    )
    return "\n".join(_lines(released, own, published, limit))


def _lines(rows: pl.DataFrame, own: Baseline, published: str, limit: float) -> Iterator[str]:
    yield from ("# A run beside published counts", "")
    yield from (f"Run: {own.name}. Published: {published}. Limit: {limit:g} %.", "")
    yield from ("| status | rows | |", "|---|---|---|")
    for name, count in rows["status"].value_counts().sort("status").iter_rows():
        yield f"| {name} | {count:,} | {AGREEMENT.codes[name]} |"
    named = rows.filter(pl.col("status").is_in(_NAMED)).sort(
        pl.col("difference").abs(),
        "footprint_type",
        "footprint_code",
        descending=[True, False, False],
    )
    yield from ("", f"## Differences above {limit:g} %", "")
    yield from (_judged(rows, named.height), "")
    hidden = rows.filter(pl.col("status") == "agrees_as_released").height
    if hidden:
        of = "one row, which agrees" if hidden == 1 else f"{hidden:,} rows, which agree"
        yield from (f"Of {of} as released, rounding may hide such a difference.", "")
    if named.is_empty():
        return
    yield "| type | code | name | indicator | own | published | difference % | of the lists % | |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in named.iter_rows(named=True):
        yield _line(row)
    yield ""


def _judged(rows: pl.DataFrame, named: int) -> str:
    """Return how many rows differ of those that were judged, and how many were not."""
    missed = rows.filter(pl.col("status").is_in(_NOT_JUDGED)).height
    judged = rows.height - missed
    if not judged:
        return f"No row was judged, of {rows.height:,}."
    of = "the row that was judged" if judged == 1 else f"the {judged:,} rows that were judged"
    return (
        f"{f'{named:,}' if named else 'None'} of {of}; "
        f"{missed:,} {'row was' if missed == 1 else 'rows were'} not judged."
    )


def _line(row: dict[str, object]) -> str:
    cells = [row["footprint_type"], row["footprint_code"], row["footprint_name"], row["indicator"]]
    cells += [row["own"], row["published"], row["difference"], row["denominator_difference"]]
    told = [
        f"{round(each, _DECIMALS):,}" if isinstance(each, float) else str(each or "")
        for each in cells
    ]
    words = "rounding may explain it" if row["status"] == "within_rounding" else ""
    return f"| {' | '.join(text.replace('|', ' ') for text in (*told, words))} |"
