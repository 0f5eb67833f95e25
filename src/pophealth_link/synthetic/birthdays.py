"""Birthdays of people whose birth was never registered: 1 January on every record."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Rng
from pophealth_link.synthetic.homes import Homes
from pophealth_link.synthetic.members import YEAR
from pophealth_link.synthetic.name_book import NameBook
from pophealth_link.synthetic.profile import Profile


def with_official_birthdays(
    people: pl.DataFrame, homes: Homes, book: NameBook, profile: Profile, rng: Rng
) -> pl.DataFrame:
    """Give some people of some traditions 1 January of the year of birth as date of birth.

    It is theirs on every document. Brothers and sisters have it together: they came together.
    """
    settings = profile.england["official_birthdays"]
    shares = np.array([settings["adults"].get(name, 0.0) for name in book.traditions])
    share = shares[people["tradition"].to_numpy()] * profile.ratio("official_birthdays")
    age = people["age"].to_numpy()
    share = share * np.where(age < 18, settings["child_ratio"], 1.0)
    level = rng.random(people.height)
    together = rng.random(len(homes.first))[homes.home]
    chosen = (np.where(homes.child, together, level) < share) & (age >= settings["from_age"])
    born = people["date_of_birth"]
    later = (born - born.dt.truncate("1y")).dt.total_days().to_numpy()
    days = people["age_days"].to_numpy() + np.where(chosen, later, 0)
    return people.with_columns(
        pl.when(pl.Series(chosen)).then(born.dt.truncate("1y")).otherwise(born)
        .alias("date_of_birth"),
        pl.Series("age_days", days),
        pl.Series("age", np.floor(days / YEAR).astype(np.int64)),
    )  # fmt: skip
