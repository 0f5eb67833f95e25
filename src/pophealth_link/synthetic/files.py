"""Writing a synthetic data set: files in the form of each source, truth, key and job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pophealth_link.folders import new_folder
from pophealth_link.synthetic.growing import GrowingFile, growing_file
from pophealth_link.synthetic.job_file import (
    BEDS_FILE,
    COSTS_FILE,
    KEY_FILE,
    file_name,
    job_text,
)
from pophealth_link.synthetic.service_inputs import beds, unit_costs
from pophealth_link.synthetic.sources import (
    ALIASES,
    PROPERTIES,
    PROPERTY_FORM,
    SOURCES,
    FileForm,
)
from pophealth_link.synthetic.spec import Synthetic, SynthSpec
from pophealth_link.synthetic.truth import project_key

JOB = "job.toml"
TRUTH, TRUE_PEOPLE, TRUE_COUNTS = "truth", "true_people", "true_counts"
_PARQUET = FileForm("parquet")
_SEX = {
    "codes": {},
    "letters": {"1": "M", "2": "F", "9": "I", "X": "U"},
    "words": {"1": "Male", "2": "Female", "9": "Indeterminate", "X": "Unknown"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The draft of a data folder, to which the parts of a population are added."""

    path: Path
    _stack: ExitStack = field(repr=False)
    _files: dict[str, GrowingFile] = field(default_factory=dict, repr=False)
    _filled: set[str] = field(default_factory=set, repr=False)

    @property
    def empty_sources(self) -> tuple[str, ...]:
        """The sources of whose records none was added."""
        return tuple(source.name for source in SOURCES if source.name not in self._filled)

    def add(self, part: Synthetic) -> None:
        """Append a part to the file of each table, to `truth` and to `true_people`."""
        for name, form in _forms().items():
            self._append(name, in_form(part.tables[name], form), form)
        self._append(TRUTH, part.truth, _PARQUET)
        self._append(TRUE_PEOPLE, part.people, _PARQUET)

    def add_counts(self, counts: pl.DataFrame) -> None:
        """Write the true counts of every indicator."""
        self._append(TRUE_COUNTS, counts, _PARQUET)

    def _append(self, name: str, rows: pl.DataFrame, form: FileForm) -> None:
        if name not in self._files:
            path = self.path / file_name(name, form.kind)
            self._files[name] = self._stack.enter_context(growing_file(path))
        self._files[name].append(rows)
        self._filled.update([name] if rows.height else [])


@contextmanager
def data_folder(out: Path, spec: SynthSpec, *, reference: str | None) -> Iterator[DataFolder]:
    """Yield the draft of a data folder with its job file and key; it becomes `out` at the end.

    `reference` goes into the job file as it is; without it the job uses the example region. The
    folder appears only when it is whole; after an error nothing is left. Raises
    `OutputExistsError` where it exists, `StorageError` where the disk is full.
    """
    with new_folder(out) as draft:
        _write_key(spec.seed, draft / KEY_FILE)
        beds(spec).write_csv(draft / BEDS_FILE)
        unit_costs(spec).write_csv(draft / COSTS_FILE)
        (draft / JOB).write_text(job_text(spec, reference), encoding="utf-8")
        with ExitStack() as stack:
            folder = DataFolder(draft, stack)
            yield folder
        # Which sources hold nobody is known at the end alone.
        text = job_text(spec, reference, folder.empty_sources)
        (draft / JOB).write_text(text, encoding="utf-8")


def write(synthetic: Synthetic, out: Path, *, reference: str | None) -> Path:
    """Write sources, truth, true people, a key and `job.toml` to the new folder; return it.

    See :func:`data_folder`. True counts are not among it: they need the counting of a job.
    """
    with data_folder(out, synthetic.spec, reference=reference) as folder:
        folder.add(synthetic)
    return out


def _forms() -> dict[str, FileForm]:
    """Return the form of the file of each table."""
    forms: dict[str, FileForm] = {}
    for source in SOURCES:
        forms[source.name] = source.form
        forms |= {table: FileForm(kind) for table, kind in source.events.items()}
    return forms | {ALIASES: _PARQUET, PROPERTIES: PROPERTY_FORM}


def in_form(table: pl.DataFrame, form: FileForm) -> pl.DataFrame:
    """Return a table as its source writes it: dates, sex, capitals, NHS numbers, column names."""
    if form.kind == "csv":
        days = [name for name, kind in table.schema.items() if kind == pl.Date]
        table = table.with_columns(pl.col(name).dt.strftime(form.dates) for name in days)
    if "sex" in table.columns:
        table = table.with_columns(pl.col("sex").replace(_SEX[form.sex]))
    if form.capitals:
        table = table.with_columns(pl.col("given_name", "family_name").str.to_uppercase())
    if form.spaced_numbers:
        parts = [pl.col("nhs_number").str.slice(*part) for part in ((0, 3), (3, 3), (6, 4))]
        table = table.with_columns(pl.concat_str(parts, separator=" ").alias("nhs_number"))
    return table.rename(dict(form.renamed))


def _write_key(seed: int, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(project_key(seed).secret + b"\n")
    path.chmod(0o600)
