"""Work on the distinct values of a column: names and addresses repeat, and patterns are dear.

What is worked out is a function of series. Within an expression, a step that is used twice is
worked out twice, and a chain of such steps many times over.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

Made = Callable[[pl.Series], pl.Series]
Type = pl.DataType | type[pl.DataType]


def each(value: pl.Expr, made: Made, dtype: Type = pl.String) -> pl.Expr:
    """Return `made(value)` of type `dtype`, worked out once for each distinct text.

    `made` takes a series of texts without nulls and returns one of equal length; it must look at
    one text at a time. Null stays null.

    >>> frame = pl.DataFrame({"n": ["ann", "bob", "ann", None]})
    >>> frame.select(each(pl.col("n"), lambda n: n.str.to_uppercase()))["n"].to_list()
    ['ANN', 'BOB', 'ANN', None]
    """
    return value.cast(pl.String).map_batches(
        lambda texts: _each(texts, made, dtype), return_dtype=dtype
    )


def _each(texts: pl.Series, made: Made, dtype: Type) -> pl.Series:
    # Categories of its own: the numbers of a shared set would grow with all that was ever seen.
    coded = texts.cast(pl.Categorical(pl.Categories.random()))
    codes = coded.to_physical()
    highest = codes.max()
    count = highest + 1 if isinstance(highest, int) else 0
    numbers = pl.Series(texts.name, range(count), dtype=codes.dtype)
    values = numbers.cat.to(coded.dtype).cast(pl.String)
    return made(values).cast(dtype).gather(codes).alias(texts.name)


def where(texts: pl.Series, kept: pl.Series) -> pl.Series:
    """Return the texts with those null that are not kept or empty.

    >>> where(pl.Series(["a", "", "b"]), pl.Series([True, True, False])).to_list()
    ['a', None, None]
    """
    good = (kept & (texts != "")).fill_null(value=False)
    return texts.set(~good, None)


def filled(texts: pl.Series) -> pl.Series:
    """Return the texts with empty ones null."""
    return texts.set((texts == "").fill_null(value=False), None)


def first(*choices: pl.Series) -> pl.Series:
    """Return the first of the choices that is not null, place by place."""
    found = choices[0]
    for other in choices[1:]:
        found = found.zip_with(found.is_not_null(), other)
    return found


def only(texts: pl.Series, chosen: pl.Series, made: Made) -> pl.Series:
    """Return the texts with `made` of those chosen in their places.

    >>> only(pl.Series(["a/b", "c"]), pl.Series([True, False]),
    ...      lambda t: t.str.replace("/", "")).to_list()
    ['ab', 'c']
    """
    rows = chosen.fill_null(value=False).arg_true()
    return texts.clone().scatter(rows, made(texts.gather(rows))) if len(rows) else texts
