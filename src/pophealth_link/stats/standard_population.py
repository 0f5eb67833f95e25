"""The European Standard Population."""

from __future__ import annotations

import polars as pl

from pophealth_link.published import reference_file

_SCHEMA = {"age_band": pl.String, "age_start": pl.Int64, "standard_population": pl.Int64}


def european_standard_population() -> pl.DataFrame:
    """Return the European Standard Population 2013, one row per band, 0–4 to 90+.

    Columns: `age_band` (`00-04` … `90+`), `age_start` (years), `standard_population` (people, of
    100,000). It serves both sexes. Bands that are finer than five years (`15`, `16-17`) are added
    up to its bands before a rate is standardised.

    Raises ReferenceDataError where the table is not where the library was installed.

    Source: Eurostat, Revision of the European Standard Population, 2013 edition.

    >>> european_standard_population()["standard_population"].sum()
    100000
    """
    return pl.read_csv(reference_file("european_standard_population_2013.csv"), schema=_SCHEMA)
