"""Files that grow by one table after another: CSV by lines, Parquet by row groups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import polars as pl


class GrowingFile(Protocol):
    """A file to which tables of the same columns are appended."""

    def append(self, rows: pl.DataFrame) -> None:
        """Write the rows after those that are there."""


class _Csv:
    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._handle = stack.enter_context(path.open("wb"))
        self._is_new = True

    def append(self, rows: pl.DataFrame) -> None:
        rows.write_csv(self._handle, include_header=self._is_new)
        self._is_new = False


class _Parquet:
    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._path, self._stack = path, stack
        self._writer: Any = None

    def append(self, rows: pl.DataFrame) -> None:
        from pyarrow.parquet import ParquetWriter

        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._writer is None:
            made = ParquetWriter(self._path, table.schema, compression="zstd")
            self._writer = self._stack.enter_context(made)
        self._writer.write_table(table)


@contextmanager
def growing_file(path: Path) -> Iterator[GrowingFile]:
    """Yield a file of that name's kind, new and empty; it is whole when the block ends.

    A Parquet file is there with its first table.
    """
    with ExitStack() as stack:
        yield _Csv(path, stack) if path.suffix == ".csv" else _Parquet(path, stack)
