"""The strata of people: families of groups, each of which adds up to everyone or to a group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pophealth_link.schema.codes import AGE_BAND_STARTS, ETHNIC_GROUP

ALL = "all"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Family:
    """Groups of people by one column of PEOPLE_PLACED, of which everyone is in exactly one.

    `groups`: the last part of a stratum's name → the values of `column` that make it; whoever has
    none of them is in `unknown`. `within`: for a family that divides groups of another one, the
    stratum that each group is a part of; whoever is in none of its groups is in none of its strata.
    """

    name: str
    meaning: str
    column: str
    groups: Mapping[str, tuple[str, ...]]
    within: Mapping[str, str] | None = None

    @property
    def strata(self) -> tuple[str, ...]:
        """The names of its strata, `unknown` last, in a family that everyone is in."""
        names = (*self.groups, *(() if self.within else (UNKNOWN,)))
        return tuple(f"{self.name}_{group}" for group in names)

    @property
    def values(self) -> Mapping[str, str]:
        """Each value of the column with its stratum."""
        return {
            value: f"{self.name}_{group}"
            for group, values in self.groups.items()
            for value in values
        }

    def sum_of(self, stratum: str) -> str:
        """Return the stratum that this one, with others of the family, adds up to."""
        return self.within[stratum.removeprefix(f"{self.name}_")] if self.within else ALL


def bands(first: int, last: int = 200) -> tuple[str, ...]:
    """Return the age bands of the ages from `first` to `last`, both included.

    >>> bands(15, 17)
    ('15', '16-17')
    """
    return tuple(band for band, start in AGE_BAND_STARTS.items() if first <= start <= last)


# Ages of services: children (to 17), young people (to 25), working age, older people (65 and over).
_AGES = {"0_17": (0, 17), "18_25": (18, 25), "26_64": (26, 64), "65_over": (65, 200)}
_FINER = {
    **{"26_44": (26, 44), "45_64": (45, 64)},
    **{"65_74": (65, 74), "75_84": (75, 84), "85_over": (85, 200)},
}

QUINTILE = Family(
    "quintile",
    "National fifth of deprivation of the LSOA of residence, 1 most deprived",
    "quintile",
    {str(fifth): (str(fifth),) for fifth in range(1, 6)},
)
SEX = Family("sex", "Sex as recorded", "sex", {"male": ("1",), "female": ("2",)})
AGE = Family(
    "age",
    "Age on the day",
    "age_band",
    {name: bands(*ages) for name, ages in _AGES.items()},
)
BAND = Family(
    "band",
    "Finer ages, for standardisation: parts of age_26_64 and age_65_over",
    "age_band",
    {name: bands(*ages) for name, ages in _FINER.items()},
    {name: "age_26_64" if last <= 64 else "age_65_over" for name, (_, last) in _FINER.items()},
)
ETHNIC = Family(
    "ethnic",
    "Ethnic group, five groups of the census",
    "ethnic_group",
    {group: (group,) for group in ETHNIC_GROUP.codes if group != UNKNOWN},
)
FAMILIES: Mapping[str, Family] = {each.name: each for each in (QUINTILE, SEX, AGE, BAND, ETHNIC)}
# What an indicator may ask for by name: `age` brings the finer ages with it.
CHOICES = (ALL, QUINTILE.name, SEX.name, AGE.name, ETHNIC.name)
# The narrowest ages that together are everyone whose age is known.
FINEST_AGES = ("age_0_17", "age_18_25", *BAND.strata)


def family_of(stratum: str) -> str:
    """Return the family of a stratum; `all` is its own.

    >>> family_of("age_0_17")
    'age'
    """
    return stratum.split("_", 1)[0]


def parent_of(stratum: str) -> str:
    """Return the stratum that this one, with the others of its family, adds up to.

    >>> parent_of("band_75_84"), parent_of("sex_female")
    ('age_65_over', 'all')
    """
    family = FAMILIES.get(family_of(stratum))
    within = family.within if family else None
    return within.get(stratum.split("_", 1)[1], ALL) if within else ALL


def outside_ages(first: int, last: int) -> frozenset[str]:
    """Return the strata by age in which nobody from `first` to `last` can be.

    >>> sorted(outside_ages(26, 44))[:3]
    ['age_0_17', 'age_18_25', 'age_65_over']
    """
    held = set(bands(first, last))
    return frozenset(
        f"{family.name}_{group}"
        for family in (AGE, BAND)
        for group, values in family.groups.items()
        if not held & set(values)
    )
