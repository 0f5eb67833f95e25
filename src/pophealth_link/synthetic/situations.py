"""The hard case that each person is: one word by which linkage may be judged."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Bools
from pophealth_link.synthetic.households import COUPLES, KIND, STUDENTS
from pophealth_link.synthetic.kin import SEPARATED
from pophealth_link.synthetic.members import HEAD, PARTNER

_INFANT_DAYS = 366


def add_situation(people: pl.DataFrame) -> pl.DataFrame:
    """Add situation: the first of these that a person is, or none.

    twin (a twin lives in the home), namesake (another of the family has the same given and family
    name), relative_off_register (alone of the household on no list), household_off_register,
    student, separated, temporary_accommodation, no_fixed_abode, looked_after (a child in a foster
    home), care_home, newborn (below one year), widowed (in the period), registered_elsewhere
    (where they used to live, or with the other parent), moved (in two years), renamed.
    """
    cases = _cases(people)
    result = pl.lit("none")
    for name, chosen in reversed(cases.items()):
        result = pl.when(pl.Series(chosen)).then(pl.lit(name)).otherwise(result)
    return people.with_columns(result.alias("situation"))


def _cases(people: pl.DataFrame) -> dict[str, Bools]:
    kind, off = people["kind"].to_numpy(), people["off_register"]
    parted = (people["tie"] == SEPARATED) | (people["former_partner"] >= 0)
    return {
        "twin": people["twin"].to_numpy(),
        "namesake": namesakes(people),
        "relative_off_register": (off == "relative").to_numpy(),
        "household_off_register": (off == "household").to_numpy(),
        "student": np.isin(kind, STUDENTS),
        "separated": parted.to_numpy(),
        "temporary_accommodation": people["temporary_accommodation"].to_numpy(),
        "no_fixed_abode": people["no_fixed_abode"].to_numpy(),
        "looked_after": _looked_after(people),
        "care_home": kind == KIND["care_home"],
        "newborn": people["age_days"].to_numpy() < _INFANT_DAYS,
        "widowed": _widowed(people),
        "registered_elsewhere": (people["registered_at"] != "home").to_numpy(),
        "moved": people["previous_postcode"].is_not_null().to_numpy(),
        "renamed": people["previous_family_name"].is_not_null().to_numpy(),
    }


def _looked_after(people: pl.DataFrame) -> Bools:
    """Return who lives with foster carers; nobody before children's social care was drawn."""
    if "carers_family_name" not in people.columns:
        return np.zeros(people.height, dtype=bool)
    return np.asarray(people["carers_family_name"].is_not_null().to_numpy(), dtype=bool)


def namesakes(people: pl.DataFrame) -> Bools:
    """Return who shares given and family name with another of the family."""
    named = people.select("family", "given_name", "family_name")
    twice = named.select(pl.struct(pl.all()).is_duplicated()).to_series()
    return (twice & people["given_name"].is_not_null()).to_numpy()


def _widowed(people: pl.DataFrame) -> Bools:
    """Return who lives on after a partner who died in the period."""
    role, household = people["role"].to_numpy(), people["household"].to_numpy()
    dead = people["date_of_death"].is_not_null().to_numpy()
    couple = np.isin(people["kind"].to_numpy(), COUPLES) & np.isin(role, (HEAD, PARTNER))
    lost = np.bincount(household[couple & dead], minlength=int(household.max()) + 1)
    return np.asarray(couple & ~dead & (lost[household] > 0))
