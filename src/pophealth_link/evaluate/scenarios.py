"""The tests of implausible scenarios, on links and on people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from pophealth_link.link import Links
from pophealth_link.link.attributes import ethnic_group

COUNTS = (
    "scenario", "source", "checked", "found", "checked_by_number", "found_by_number",
    "checked_at_random", "found_at_random",
)  # fmt: skip
# What no comparison of the linkage looks at, so that links were not chosen for agreeing in it.
UNUSED = ("other_practice", "other_ethnic_group")
_ALL = "all"
# Letters and calls to the bereaved are no contacts with the dead; the unborn are known to services
# (both assumed).
_GRACE, _UNBORN = timedelta(days=30), timedelta(days=280)
# The oldest person whose age was proved was 122; in England about one in a million passes 110.
_OLDEST = 115
# Ages at childbirth outside these are a handful a year in England and Wales (assumed).
_YOUNGEST_MOTHER, _OLDEST_MOTHER = 12, 58
_DAYS_A_YEAR = 365.25
# Nobody of the source would have as many records once in twenty such sources.
_CHANCE = 0.05
_KEY = ["source", "record_id"]
_FACTS = (
    "sex", "date_of_birth", "placeholder_birth", "date_of_death", "date_from", "nhs_number",
    "practice_code", "ethnic_category",
)  # fmt: skip
# Codes for no practice, or for one that is not known.
_NO_PRACTICE = ("V81997", "V81998", "V81999")


@dataclass(frozen=True, slots=True)
class Test:
    """Whether a scenario can be told of a pair (`checked`), and whether it is so (`found`)."""

    checked: pl.Expr
    found: pl.Expr


def linked_pairs(links: Links) -> pl.DataFrame:
    """Return each record linked to the register beside its register row, whose columns end in `_l`.

    Ordered by `rid`; where a person has two register rows, the first. A number that was
    contradicted, on either side, is null.
    """
    main = links.records.filter(~pl.col("alias"))
    wrong = links.pairs.filter(pl.col("decision") == "contradicted").select(
        source="source_r", record_id="record_id_r", wrong=pl.lit(value=True)
    )
    marked = main.join(wrong.unique(), on=_KEY, how="left", maintain_order="left")
    sound = pl.when(pl.col("wrong").is_null()).then("nhs_number").alias("nhs_number")
    told = marked.with_columns(sound).select(
        "rid", *_KEY, "person_id", "method", "on_register", *_FACTS
    )
    register = told.filter("on_register").sort("rid").unique("person_id", keep="first")
    left = register.select("person_id", *(pl.col(name).alias(f"{name}_l") for name in _FACTS))
    return told.filter(~pl.col("on_register")).join(left, on="person_id").sort("rid")


def with_uses(pairs: pl.DataFrame, events: pl.DataFrame | None) -> pl.DataFrame:
    """Add `first_use`, `last_use`: the first and last day on which the record tells of a contact.

    `events`: source, record_id, date; the day from which the record holds is a contact too.
    """
    begins = pl.col("date_from")
    if events is None:
        return pairs.with_columns(first_use=begins, last_use=begins)
    day = pl.col("date").cast(pl.Date)
    used = events.group_by(_KEY).agg(day.min().alias("first"), day.max().alias("last"))
    return pairs.join(used, on=_KEY, how="left", maintain_order="left").with_columns(
        pl.min_horizontal("first", begins).alias("first_use"),
        pl.max_horizontal("last", begins).alias("last_use"),
    )


def at_random(pairs: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return the records, each with the register row of another record of its source, drawn."""
    left = [name for name in pairs.columns if name.endswith("_l")]
    ticket = pl.Series("ticket", rng.permutation(pairs.height))
    ordered = pairs.with_columns(ticket).sort("source", "ticket").with_row_index("place")
    # Each takes the row of the one before it, the first of a source that of its last.
    before = pl.col("place").shift(1).over("source")
    other = ordered.select(pl.coalesce(before, pl.col("place").last().over("source")))
    drawn = ordered.select(left)[other.to_series()]
    return pl.concat([ordered.drop(*left, "ticket", "place"), drawn], how="horizontal").sort("rid")


def tests(as_of: date) -> Mapping[str, Test]:
    """Return the test of each scenario of a link, on pairs with `first_use` and `last_use`."""
    born, died = pl.col("date_of_birth_l"), pl.col("date_of_death_l")
    used = pl.col("last_use").is_not_null()
    both = {name: _both(pl.col(name), pl.col(f"{name}_l")) for name in _FACTS}
    group, group_l = (ethnic_group(pl.col(f"ethnic_category{end}")) for end in ("", "_l"))
    sexes = pl.all_horizontal(pl.col("sex", "sex_l").is_in(["1", "2"]))
    named = both["practice_code"] & ~pl.any_horizontal(
        pl.col("practice_code", "practice_code_l").is_in(list(_NO_PRACTICE))
    )
    return {
        "contact_after_death": Test(used & died.is_not_null(), pl.col("last_use") > died + _GRACE),
        "contact_before_birth": Test(
            used & born.is_not_null(), pl.col("first_use") < born - _UNBORN
        ),
        "impossible_age": Test(
            born.is_not_null(), died.is_null() & (_years(born, pl.lit(as_of)) > _OLDEST)
        ),
        "other_sex_and_birthday": Test(
            sexes & both["date_of_birth"],
            (pl.col("sex") != pl.col("sex_l")) & (pl.col("date_of_birth") != born),
        ),
        "two_numbers": Test(both["nhs_number"], pl.col("nhs_number") != pl.col("nhs_number_l")),
        "other_practice": Test(named, pl.col("practice_code") != pl.col("practice_code_l")),
        "other_ethnic_group": Test(_both(group, group_l), group != group_l),
    }


def _both(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    return left.is_not_null() & right.is_not_null()


def _years(first: pl.Expr, last: pl.Expr) -> pl.Expr:
    return (last - first).dt.total_days() / _DAYS_A_YEAR


def of_people(
    links: Links,
    *,
    as_of: date,
    spells: pl.DataFrame | None = None,
    mothers: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return `scenario`, `source`, `checked`, `found` of the scenarios of people."""
    main = links.records.filter(~pl.col("alias"))
    parts = [*_records_each(main), _registrations(main, as_of)]
    if spells is not None:
        parts.append(_stays(main, spells, as_of))
    if mothers is not None:
        parts.append(_mothers(main, mothers))
    return pl.concat(parts)


def _row(scenario: str, source: str, checked: int, found: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"scenario": [scenario], "source": [source], "checked": [checked], "found": [found]}
    )


def _records_each(main: pl.DataFrame) -> list[pl.DataFrame]:
    """Return, by source, who has two records where one is the rule, or more than chance gives."""
    counted = main.group_by("source", "person_id").agg(
        pl.len().alias("n"), pl.col("unique_people").first()
    )
    rows = []
    for (source,), people in counted.sort("source").group_by("source", maintain_order=True):
        once = bool(people["unique_people"].first())
        more = people["n"] - 1
        most = 1 if once else unlikely(people.height, int(more.sum()))
        name = "two_records" if once else "many_records"
        rows.append(_row(name, str(source), people.height, int((more >= most).sum())))
    return rows


def unlikely(people: int, further: int) -> int:
    """Return the number of further records that chance would hardly give any of the people.

    With `further` records spread at random over the people, the least number that one person in
    them all exceeds or reaches with a probability below 5 % (Poisson).

    >>> unlikely(1000, 100)
    4
    """
    mean = further / max(people, 1)
    least, tail, term = 0, 1.0, math.exp(-mean)
    while people * tail >= _CHANCE:
        tail -= term
        least += 1
        term *= mean / least
    return max(least, 1)


def _registrations(main: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return who has two rows on the register whose dates overlap."""
    rows = main.filter("on_register").select(
        "person_id",
        "rid",
        pl.col("date_from").fill_null(date.min).alias("start"),
        pl.min_horizontal(
            pl.col("date_to").fill_null(as_of), pl.col("date_of_death").fill_null(as_of)
        ).alias("end"),
    )
    found = _overlapping(rows, nights=0)
    source = main.filter("on_register")["source"].first()
    return _row("two_registrations", str(source), rows["person_id"].n_unique(), found)


def _stays(main: pl.DataFrame, spells: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return who lies in two beds: stays of two records that share at least two nights.

    The day of a transfer belongs to both stays.
    """
    held = spells.select(
        *_KEY,
        pl.col("start_date").alias("start"),
        pl.col("end_date").fill_null(as_of).alias("end"),
    ).join(main.select("person_id", "rid", *_KEY), on=_KEY)
    several = held.filter(pl.col("rid").n_unique().over("person_id") > 1)
    found = _overlapping(several, nights=2)
    return _row("overlapping_stays", _ALL, several["person_id"].n_unique(), found)


def _overlapping(rows: pl.DataFrame, *, nights: int) -> int:
    """Return how many people have spells of two records that overlap by `nights` or more."""
    several = rows.filter(pl.col("rid").n_unique().over("person_id") > 1)
    pairs = several.join(several, on="person_id", suffix="_b").filter(
        pl.col("rid") < pl.col("rid_b")
    )
    shared = pl.min_horizontal("end", "end_b") - pl.max_horizontal("start", "start_b")
    return pairs.filter(shared.dt.total_days() >= nights)["person_id"].n_unique()


def _mothers(main: pl.DataFrame, mothers: pl.DataFrame) -> pl.DataFrame:
    """Return children whose mother was too young or too old at their birth, by the register."""
    born = _born(main)
    people = main.select(*_KEY, "person_id")
    parents = people.select(pl.all().name.prefix("mother_"))
    both = mothers.join(people, on=_KEY).join(parents, on=["mother_source", "mother_record_id"])
    dated = both.join(born, on="person_id").join(
        born.rename({"person_id": "mother_person_id", "born": "mother_born"}),
        on="mother_person_id",
    )
    age = _years(pl.col("mother_born"), pl.col("born"))
    found = dated.filter((age < _YOUNGEST_MOTHER) | (age >= _OLDEST_MOTHER + 1))
    return _row("impossible_mother", _ALL, dated.height, found.height)


def _born(main: pl.DataFrame) -> pl.DataFrame:
    """Return `person_id`, `born`: the register's date of birth, else that of the first record."""
    dated = main.filter(pl.col("date_of_birth").is_not_null() & ~pl.col("placeholder_birth"))
    first = dated.sort(~pl.col("on_register"), "rid").unique("person_id", keep="first")
    return first.select("person_id", born="date_of_birth")
