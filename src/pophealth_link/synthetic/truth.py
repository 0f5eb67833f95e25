"""Who each record truly is, with the groups by which linkage is judged."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.schema.codes import AGE_BAND_STARTS
from pophealth_link.synthetic.profile import ETHNIC_GROUPS


def truth_rows(people: pl.DataFrame, records: pl.DataFrame, source: str) -> pl.DataFrame:
    """Return source, record_id, person_id, ethnic_group, sex, age_band, quintile of records."""
    rows = records["person"].to_numpy()
    facts = people[rows]
    number = facts["person"].cast(pl.String).str.zfill(8)
    quintile = facts["quintile"].to_numpy()
    names = np.array(["quintile_unknown", *(f"quintile_{n}" for n in range(1, 6))])
    unplaced = facts["no_fixed_abode"].to_numpy() | facts["lives_outside"].to_numpy()
    return pl.DataFrame(
        {
            "source": [source] * len(rows),
            "record_id": records["record_id"],
            "person_id": "P" + number,
            "ethnic_group": pl.Series(np.array(ETHNIC_GROUPS)[facts["group"].to_numpy()]),
            "sex": facts["sex"].cast(pl.String),
            "age_band": age_bands(facts["age"]),
            "quintile": pl.Series(names[np.where(unplaced, 0, quintile)]),
        },
        schema_overrides={"source": pl.String},
    )


def age_bands(age: pl.Series) -> pl.Series:
    """Return the age band of completed years.

    >>> age_bands(pl.Series([0, 17, 90])).to_list()
    ['00-04', '16-17', '90+']
    """
    starts = list(AGE_BAND_STARTS.values())
    found = np.searchsorted(starts, age.to_numpy(), side="right") - 1
    return pl.Series(np.array(list(AGE_BAND_STARTS))[found])
