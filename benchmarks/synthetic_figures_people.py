"""What was made of people and households, beside the census."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from benchmarks import synthetic_figures_published as published
from benchmarks.synthetic_figures_made import Made
from benchmarks.synthetic_figures_published import Floats, Published
from benchmarks.synthetic_figures_tables import FIFTHS, Table, number, percent, table, words
from pophealth_link.synthetic.profile import ETHNIC_GROUPS, TENURES

_COMMUNAL = ("care_home", "student_hall")
_ONE = ("single_older", "single")
_OTHER = ("three_generations", "shared", "student_house")


def tables(english: Made, region: Made, known: Published) -> dict[str, Table]:
    people, here = english.people, region.people
    return {
        "ages": _ages(people, here, known),
        "ages by fifth": _ages_by_fifth(people, known),
        "household size": _sizes(people, here),
        "household types": _types(people, here),
        "ethnic groups": _groups_by_fifth(people, "group", ETHNIC_GROUPS, known.ethnic),
        "tenure": _groups_by_fifth(households(people), "tenure", TENURES, known.tenure),
        "other facts": _facts(people, here),
        "situations": _situations(english, region),
    }


def charts(english: Made, known: Published) -> dict[str, Any]:
    people = english.people
    bands = [*range(0, 90, 5), 90]
    made = np.histogram(people["age"].to_numpy(), [*bands, 200])[0] / people.height
    years = known.single_years / known.single_years.sum()
    england = np.add.reduceat(years, bands)
    young, old = known.ages[1:, 0], known.ages[1:, 5]
    mine = by_fifth(people, _age_group(people), len(published.AGES))
    size = _size_shares(people)
    return {
        "ages": {"bands": bands, "made": _round(made), "england": _round(england)},
        "fifths": {
            "young": {"made": _round(mine[:, 0]), "england": _round(young)},
            "old": {"made": _round(mine[:, 5]), "england": _round(old)},
        },
        "sizes": {
            "names": list(published.HOUSEHOLD_SIZE),
            "made": _round(size),
            "england": list(published.HOUSEHOLD_SIZE.values()),
        },
    }


def by_fifth(people: pl.DataFrame, group: np.ndarray, groups: int) -> Floats:
    """Return the share of each group among the people of each fifth: five rows."""
    counts = np.zeros((6, groups))
    np.add.at(counts, (people["quintile"].to_numpy(), group), 1)
    return np.asarray(counts[1:] / counts[1:].sum(axis=1, keepdims=True))


def households(people: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each private household."""
    private = people.filter(~pl.col("kind").is_in(_COMMUNAL))
    return private.group_by("household").agg(
        pl.col("quintile", "tenure", "kind").first(), size=pl.len()
    ).sort("household")  # fmt: skip


def _age_group(people: pl.DataFrame) -> np.ndarray:
    return np.searchsorted(published.AGE_EDGES, people["age"].to_numpy(), side="right") - 1


def _round(values: Sequence[float] | Floats) -> list[float]:
    return [round(float(value), 4) for value in values]


def _ages(people: pl.DataFrame, here: pl.DataFrame, known: Published) -> Table:
    made, region = (
        np.bincount(_age_group(each), minlength=6) / each.height for each in (people, here)
    )
    rows = (
        [name, percent(known.ages[0, i]), percent(made[i]), percent(region[i])]
        for i, name in enumerate(published.AGES)
    )
    return table(["age", "England, Census 2021", "made, England", "made, example region"], rows)


def _ages_by_fifth(people: pl.DataFrame, known: Published) -> Table:
    made = by_fifth(people, _age_group(people), 6)
    columns = ["fifth", "0–15: England", "made", "16–34: England", "made", "65 and over: England",
               "made"]  # fmt: skip
    rows = (
        [
            FIFTHS[i],
            percent(known.ages[i + 1, 0]),
            percent(made[i, 0]),
            percent(known.ages[i + 1, 1:3].sum()),
            percent(made[i, 1:3].sum()),
            percent(known.ages[i + 1, 5]),
            percent(made[i, 5]),
        ]
        for i in range(5)
    )
    return table(columns, rows)


def _size_shares(people: pl.DataFrame) -> Floats:
    size = households(people)["size"].to_numpy()
    return np.bincount(np.minimum(size, 5), minlength=6)[1:] / len(size)


def _sizes(people: pl.DataFrame, here: pl.DataFrame) -> Table:
    made, region = _size_shares(people), _size_shares(here)
    rows = [
        [name, percent(share), percent(made[i]), percent(region[i])]
        for i, (name, share) in enumerate(published.HOUSEHOLD_SIZE.items())
    ]
    means = (households(each)["size"].to_numpy() for each in (people, here))
    rows.append(["mean", "2.4", *(number(float(each.mean()), 2) for each in means)])
    return table(
        [
            "people in the household",
            "England, Census 2021",
            "made, England",
            "made, example region",
        ],
        rows,
    )


def _types(people: pl.DataFrame, here: pl.DataFrame) -> Table:
    kinds = [households(each)["kind"] for each in (people, here)]
    one, other = ([float(kind.is_in(which).mean() or 0) for kind in kinds]
                  for which in (_ONE, _OTHER))  # fmt: skip
    family = [1 - a - b for a, b in zip(one, other, strict=True)]
    made = {"one person": one, "one family": family, "other": other}
    rows = [
        [name, percent(share), *map(percent, made[name])]
        for name, share in published.HOUSEHOLD_TYPES.items()
    ]
    lone = ("lone_parent", "lone_parent_adult_children")
    rows.append(["of one family: lone parents", "11.1 %",
                 *(percent(float(kind.is_in(lone).mean() or 0)) for kind in kinds)])  # fmt: skip
    return table(
        ["household", "England and Wales, Census 2021", "made, England", "made, example region"],
        rows,
    )


def _groups_by_fifth(rows: pl.DataFrame, column: str, names: Sequence[str], known: Floats) -> Table:
    number_of = {name: i for i, name in enumerate(names)}
    group = rows[column].replace_strict(number_of, return_dtype=pl.Int64).to_numpy()
    made = by_fifth(rows, group, len(names))
    whole = np.bincount(group, minlength=len(names)) / rows.height
    both = [("all", known[0], whole), *zip(FIFTHS, known[1:], made, strict=True)]
    return table(
        ["fifth", *(f"{name.replace('_', ' ')}: England / made" for name in names)],
        (
            [label, *(f"{100 * a:.1f} / {100 * b:.1f} %" for a, b in zip(old, new, strict=True))]
            for label, old, new in both
        ),
    )


def _facts(people: pl.DataFrame, here: pl.DataFrame) -> Table:
    published_figures = [
        ("people who moved home in the last year", "about 10 %", _moved),
        ("children born in a multiple birth, of 1,000", "28.8", _twins),
        ("people of 65 and over in care homes", "2.5 %", _in_care_homes),
        ("couples of two of the five ethnic groups", "9 % of people in couples (detailed groups)",
         _mixed_couples),
        ("people on no list of a practice", "at most 4.25 %", _off_register),
    ]  # fmt: skip
    rows = ([name, figure, measure(people), measure(here)]
            for name, figure, measure in published_figures)  # fmt: skip
    return table(["", "published", "made, England", "made, example region"], rows)


def _moved(people: pl.DataFrame) -> str:
    last = people["moved_on"].max()
    year = pl.col("moved_on") > pl.lit(last).dt.offset_by("-1y")
    return percent(float(people.select(year.fill_null(value=False).mean()).item()))


def _twins(people: pl.DataFrame) -> str:
    young = people.filter((pl.col("age") < 18) & (pl.col("role") == 2))
    born = young.group_by("household", "date_of_birth").len()
    twins = born.filter(pl.col("len") > 1)["len"].sum()
    return number(1000 * twins / young.height, 1)


def _in_care_homes(people: pl.DataFrame) -> str:
    older = people.filter(pl.col("age") >= 65)
    return percent(float((older["kind"] == "care_home").mean() or 0))


def _mixed_couples(people: pl.DataFrame) -> str:
    head = people.filter(pl.col("role") == 0).select("household", mine="group")
    pairs = people.filter(pl.col("role") == 1).join(head, on="household")
    return percent(float((pairs["group"] != pairs["mine"]).mean() or 0))


def _off_register(people: pl.DataFrame) -> str:
    return percent(float((~people["registered"]).mean() or 0))


def _situations(english: Made, region: Made) -> Table:
    """Return the hard cases of each 10,000 people; a person has one of them."""
    counted = [
        dict(each.all_true["situation"].value_counts().iter_rows()) for each in (english, region)
    ]
    sizes = [each.all_true.height for each in (english, region)]
    names = sorted(set(counted[0]) - {"none"}, key=lambda name: (-counted[0][name], name))
    return table(
        ["hard case", "made, England", "made, example region"],
        (
            [words(name),
             *(number(10_000 * counts.get(name, 0) / size) for counts, size in
               zip(counted, sizes, strict=True))]
            for name in names
        ),
    )  # fmt: skip
