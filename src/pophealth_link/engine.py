"""The one door to whole tables: Narwhals' lazy API over whichever engine holds the frame."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import polars as pl

# Any frame that Narwhals can make lazy: Polars, a DuckDB relation, a Spark frame.
Frame = Any


def lazy(frame: Frame) -> nw.LazyFrame[Any]:
    """Return `frame` as a lazy Narwhals frame; a frame that is one already stays as it is.

    >>> lazy(pl.DataFrame({"a": [1]})).collect_schema().names()
    ['a']
    """
    if isinstance(frame, nw.LazyFrame):
        return frame
    wrapped: nw.LazyFrame[Any] = nw.from_native(frame).lazy()
    return wrapped


def collect(frame: nw.LazyFrame[Any]) -> pl.DataFrame:
    """Run the plan and return its rows as a Polars frame.

    >>> collect(lazy(pl.DataFrame({"a": [1]}))).shape
    (1, 1)
    """
    result = frame.collect("polars").to_native()
    return result if isinstance(result, pl.DataFrame) else pl.DataFrame(result)
