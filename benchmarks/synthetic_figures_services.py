"""Conditions and the use of services that were made, beside published rates and gradients."""

from __future__ import annotations

from typing import Any

import polars as pl

from benchmarks import synthetic_figures_published as published
from benchmarks.synthetic_figures_made import Made
from benchmarks.synthetic_figures_published import Published
from benchmarks.synthetic_figures_tables import Table, number, percent, table, words

_HOUSEHOLDS = 23_436_085  # England, Census 2021


def tables(english: Made, region: Made, known: Published) -> dict[str, Table]:
    return {
        "conditions": _conditions(english, known),
        "services": _services(english, region),
        "service gradients": _gradients(english),
    }


def charts(english: Made, known: Published) -> dict[str, Any]:
    made = _condition_shares(english)
    return {
        "conditions": {
            words(name): {
                "england": [round(float(100 * v), 3) for v in known.conditions[name][1:]],
                "made": [round(100 * v, 3) for v in made[name][1:]],
            }
            for name in published.CONDITIONS
        }
    }


def _condition_shares(made: Made) -> dict[str, list[float]]:
    """Return the recorded share of those on the register: of all, then of each fifth."""
    events = made.tables["condition_events"].filter(pl.col("resolved_date").is_null())
    people = made.people.filter("registered")
    who = made.truth.filter(pl.col("source") == "gp_register").select("record_id", "person_id")
    held = events.join(who, on="record_id").select("person_id", "condition").unique()
    shares = {}
    for name, (_, _, age) in published.CONDITIONS.items():
        with_it = held.filter(pl.col("condition") == name)["person_id"]
        of_age = people.filter(pl.col("age") >= age).with_columns(
            has=pl.col("person_id").is_in(with_it.implode())
        )
        fifths = of_age.filter(pl.col("quintile") > 0).group_by("quintile").agg(
            pl.col("has").mean()
        ).sort("quintile")["has"].to_list()  # fmt: skip
        shares[name] = [float(of_age["has"].mean() or 0), *fifths]
    return shares


def _conditions(english: Made, known: Published) -> Table:
    made = _condition_shares(english)
    rows = []
    for name in published.CONDITIONS:
        england, mine = known.conditions[name], made[name]
        rows.append(
            [words(name), percent(england[0], 2), percent(mine[0], 2),
             number(england[1] / england[5], 2), number(mine[1] / mine[5], 2)]
        )  # fmt: skip
    return table(
        ["recorded condition", "England, QOF 2020/21", "made, England",
         "most to least deprived fifth of practices, England",
         "most to least deprived fifth of people, made"],
        rows,
    )  # fmt: skip


def _known_to(made: Made, source: str) -> pl.Series:
    return made.truth.filter(pl.col("source") == source)["person_id"].unique()


def _on(made: Made, name: str) -> pl.DataFrame:
    """Return the events of a table that hold on the last day of the period."""
    last = pl.lit(made.spec.period[1])
    holds = (pl.col("start_date") <= last) & (
        pl.col("end_date").is_null() | (pl.col("end_date") > last)
    )
    return made.tables[name].filter(holds)


def _households(made: Made, events: pl.DataFrame) -> int:
    """Return how many households the events are of."""
    who = made.truth.select("record_id", "household_id")
    return events.join(who, on="record_id")["household_id"].n_unique()


def _measures(made: Made) -> dict[str, str]:
    people = made.people
    adults = people.filter(pl.col("age") >= 18).height
    children = people.height - adults
    homes = people.filter(pl.col("kind") != "care_home")["household"].n_unique()
    care = _on(made, "childrens_social_care_events")
    duties = made.tables["homelessness_cases"].filter(
        pl.col("start_date").is_between(*made.spec.period)
    )

    def of_children(category: str) -> str:
        records = care.filter(pl.col("category") == category)["record_id"].n_unique()
        return number(10_000 * records / children, 0)

    return {
        "referral": percent(_known_to(made, "mental_health_trust").len() / people.height),
        "admissions": number(100_000 * made.tables["admissions"].height / people.height),
        "social care": number(
            100_000 * _on(made, "social_care_events")["record_id"].n_unique() / adults
        ),
        "need": of_children("child_in_need"),
        "plan": of_children("child_protection"),
        "looked after": of_children("looked_after"),
        "housing": percent(_households(made, _on(made, "housing_applications")) / homes),
        "duty": percent(_households(made, duties) / homes, 2),
        "placed": percent(_households(made, _on(made, "temporary_accommodation")) / homes, 2),
    }


def _services(english: Made, region: Made) -> Table:
    made, here = _measures(english), _measures(region)
    rows = [
        ("people with an open mental-health referral in the year", "6.6 % (2023-24)", "referral"),
        ("hospital admissions of 100,000 people", "29,260 (2014-15)", "admissions"),
        ("adults with long-term social care, of 100,000", "1,460 (December 2024)", "social care"),
        ("children in need, neither protected nor looked after, of 10,000", "220 (March 2025)",
         "need"),
        ("children with a protection plan, of 10,000", "42 (March 2020)", "plan"),
        ("children looked after, of 10,000", "70 (March 2024)", "looked after"),
        ("households on a housing register", "5.6 % (March 2024)", "housing"),
        ("households owed a homelessness duty in the year", "1.39 % (2023-24)", "duty"),
        ("households in temporary accommodation",
         f"{100 * 117_450 / _HOUSEHOLDS:.2f} % (March 2024)", "placed"),
    ]  # fmt: skip
    return table(
        ["", "published", "made, England", "made, example region"],
        ([label, figure, made[key], here[key]] for label, figure, key in rows),
    )


def _gradients(english: Made) -> Table:
    """Return how much oftener the most deprived fifth, and each ethnic group, is known."""
    rows = []
    sources = ("mental_health_trust", "acute", "social_care", "childrens_social_care",
               "housing_register", "homelessness")  # fmt: skip
    for source in sources:
        known = _known_to(english, source)
        people = english.people.with_columns(has=pl.col("person_id").is_in(known.implode()))
        if source == "childrens_social_care":
            people = people.filter(pl.col("age") < 18)
        fifth = dict(people.group_by("quintile").agg(pl.col("has").mean()).iter_rows())
        group = dict(people.group_by("group").agg(pl.col("has").mean()).iter_rows())
        ratios = (number(group[name] / group["white"], 2) for name in
                  ("mixed", "asian", "black", "other"))  # fmt: skip
        rows.append([words(source), percent(float(people["has"].mean() or 0)),
                     number(fifth[1] / fifth[5], 2), *ratios])  # fmt: skip
    return table(
        ["known to", "people", "most to least deprived fifth", "mixed to white", "Asian to white",
         "Black to white", "other to white"],
        rows,
    )  # fmt: skip
