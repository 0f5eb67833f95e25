"""Who is named with whom: the home whose names a person shares, and its parents."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Bools, Ints, Rng, chance
from pophealth_link.synthetic.kin import SEPARATED, SPOUSE, STUDENT, leading
from pophealth_link.synthetic.members import CHILD, ELDER, FEMALE, HEAD, MALE, PARTNER
from pophealth_link.synthetic.profile import Profile

# The role of a former partner, who lives elsewhere.
FORMER = 5


@dataclass(frozen=True, slots=True)
class Homes:
    """Families for the purpose of names, wherever their members live.

    One value for each person: `home` (number of the family's household), `role` and `kind` there
    (a student is a child of the parents' home). One value for each home: `first`, a row of people
    who stands for it (0 for a home without people); rows of the `father`, `mother`, `grandfather`
    and `grandmother`, and the home of the father's brother (`uncle`); -1 for none.
    """

    home: Ints
    role: Ints
    kind: Ints
    first: Ints
    father: Ints
    mother: Ints
    grandfather: Ints
    grandmother: Ints
    uncle: Ints

    @property
    def child(self) -> Bools:
        """Who is a child of the home."""
        return np.asarray(self.role == CHILD)


def read_homes(people: pl.DataFrame) -> Homes:
    """Return the homes of people who have `household`, `family`, `tie` and `role`."""
    home, tie, sex = (people[name].to_numpy() for name in ("family", "tie", "sex"))
    household = people["household"].to_numpy()
    count = int(household.max()) + 1
    kinds = np.zeros(count, dtype=np.int64)
    kinds[household] = people["kind"].to_numpy()
    role = np.select(
        [tie == STUDENT, tie == SEPARATED, tie == SPOUSE],
        [CHILD, FORMER, PARTNER],
        default=people["role"].to_numpy(),
    )
    adult, elder = np.isin(role, (HEAD, PARTNER, FORMER)), role == ELDER
    first = np.zeros(count, dtype=np.int64)
    first[home[::-1]] = np.arange(len(home))[::-1]
    father, mother, grandfather, grandmother = (
        leading(np.flatnonzero(grown & (sex == which)), home, count)
        for grown in (adult, elder)
        for which in (MALE, FEMALE)
    )
    none = np.full(count, -1, dtype=np.int64)
    return Homes(home, role, kinds[home], first, father, mother, grandfather, grandmother, none)


def with_uncles(homes: Homes, people: pl.DataFrame, profile: Profile, rng: Rng) -> Homes:
    """Return the homes with some fathers' brothers: of the same tradition and the same LSOA."""
    lsoa, tradition = (people[name].to_numpy()[homes.first] for name in ("lsoa", "tradition"))
    order = np.lexsort((rng.random(len(lsoa)), tradition, lsoa))
    before = np.roll(order, 1)
    alike = (lsoa[order] == lsoa[before]) & (tradition[order] == tradition[before])
    alike[0] = False
    related = alike & chance(rng, profile.england["kin"]["relatives_near"], len(order))
    uncle = homes.uncle.copy()
    uncle[order[related]] = before[related]
    return replace(homes, uncle=uncle)


def with_values(values: pl.Series, rows: Ints, others: pl.Series) -> pl.Series:
    """Return a copy of the values with others in those rows.

    >>> with_values(pl.Series(["a", "b"]), np.array([1]), pl.Series(["c"])).to_list()
    ['a', 'c']
    """
    return values.clone().scatter(rows, others)
