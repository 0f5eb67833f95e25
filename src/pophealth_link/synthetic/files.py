"""Writing a synthetic data set: files in the form of each source, truth, key and job."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pophealth_link.folders import new_folder
from pophealth_link.synthetic.draws import Streams
from pophealth_link.synthetic.job_file import KEY_FILE, file_name, job_text
from pophealth_link.synthetic.sources import (
    ALIASES,
    PROPERTIES,
    PROPERTY_FORM,
    SOURCES,
    FileForm,
)
from pophealth_link.synthetic.spec import Synthetic

_SEX = {
    "codes": {},
    "letters": {"1": "M", "2": "F", "9": "I", "X": "U"},
    "words": {"1": "Male", "2": "Female", "9": "Indeterminate", "X": "Unknown"},
}  # fmt: skip
_KEY_BYTES = 32


def write(synthetic: Synthetic, out: Path, *, reference: str | None) -> Path:
    """Write sources, `truth.parquet`, a key and `job.toml` to the new folder `out`; return it.

    `reference` goes into the job file as it is; without it the job uses the example region. The
    folder appears only when it is whole. Raises `OutputExistsError` where it exists.
    """
    with new_folder(out) as draft:
        _write_all(synthetic, draft, reference)
    return out


def _write_all(synthetic: Synthetic, folder: Path, reference: str | None) -> None:
    tables = synthetic.tables
    for source in SOURCES:
        _write_table(tables[source.name], folder, source.name, source.form)
        for table, kind in source.events.items():
            _write_table(tables[table], folder, table, FileForm(kind))
    _write_table(tables[ALIASES], folder, ALIASES, FileForm("parquet"))
    _write_table(tables[PROPERTIES], folder, PROPERTIES, PROPERTY_FORM)
    _write_table(synthetic.truth, folder, "truth", FileForm("parquet"))
    _write_key(synthetic.spec.seed, folder / KEY_FILE)
    text = job_text(synthetic.spec, reference)
    (folder / "job.toml").write_text(text, encoding="utf-8")


def _write_table(table: pl.DataFrame, folder: Path, name: str, form: FileForm) -> None:
    path = folder / file_name(name, form.kind)
    written = in_form(table, form)
    if form.kind == "parquet":
        written.write_parquet(path, compression="zstd")
    else:
        written.write_csv(path)


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
    """Write a key that the seed gives: it protects nobody, for nobody in the data exists."""
    path.parent.mkdir()
    path.write_text(Streams(seed).stage("key").bytes(_KEY_BYTES).hex() + "\n", encoding="ascii")
    path.chmod(0o600)
