"""Names that were made, beside the published ones: forenames by year of birth, surnames by rank."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from benchmarks import synthetic_figures_published as published
from benchmarks.synthetic_figures_published import Floats, Published
from benchmarks.synthetic_figures_tables import Table, number, percent, table

_RANKED = (1934, 1944, 1954, 1964, 1974, 1984, 1994)
_COUNTED = (1996, 2000, 2004, 2008, 2012, 2016, 2020)
_SEX = {"boys": ("M", 1), "girls": ("F", 2)}
# Years of birth on each side that count as the year: one year alone has too few people.
_AROUND = 2
_SAMPLE = 10_000


def tables(people: pl.DataFrame, known: Published) -> dict[str, Table]:
    return {
        "forename ranks": _ranks(people, known),
        "forename shares": _shares(people, known),
        "surnames": _surnames(people),
        "letters": _letters(people),
    }


def charts(people: pl.DataFrame, known: Published) -> dict[str, Any]:
    year = 2016
    lines = {}
    for sex, (letter, code) in _SEX.items():
        of_year = _published(known, year, letter)["n"].to_numpy() / _births(year, letter)
        lines[sex] = {"england": _thinned(of_year), "made": _thinned(_frequencies(
            _born(people, year, code), 3))}  # fmt: skip
    england = [[1, 12000.0], [10, 3300.0], *([k, float(v)] for k, v in
               published.SURNAME_RANKS.items())]  # fmt: skip
    made = _thinned(1e6 * _counts(people["family_name"]) / people.height)
    return {"forenames": lines, "surnames": {"england": england, "made": made}, "year": year}


def _thinned(values: Floats) -> list[list[float]]:
    """Return (rank, value) at ranks that lie evenly on a log scale."""
    top = min(len(values), 20_000)
    ranks = np.unique(np.round(np.logspace(0, np.log10(top), 28)).astype(int))
    return [[int(rank), float(f"{values[rank - 1]:.3g}")] for rank in ranks]


def _counts(names: pl.Series) -> Floats:
    counted = names.drop_nulls().value_counts()["count"].sort(descending=True)
    return counted.to_numpy().astype(float)


def _frequencies(people: pl.DataFrame, least: int = 1) -> Floats:
    counts = _counts(people["given_name"])
    return counts[counts >= least] / people.height


def _born(people: pl.DataFrame, year: int, sex: int) -> pl.DataFrame:
    near = pl.col("date_of_birth").dt.year().is_between(year - _AROUND, year + _AROUND)
    return people.filter(near & (pl.col("sex") == sex) & pl.col("given_name").is_not_null())


def _order(people: pl.DataFrame) -> list[str]:
    counted = people["given_name"].value_counts()
    return counted.sort(["count", "given_name"], descending=[True, False])["given_name"].to_list()


def _agreement(made: list[str], wanted: list[str]) -> tuple[int, float]:
    """Return how many of the wanted names are among as many made, and Spearman's correlation."""
    place = {name: i for i, name in enumerate(made)}
    both = [name for name in wanted if name in place]
    rho = spearmanr([wanted.index(name) for name in both], [place[name] for name in both])
    return len(set(made[: len(wanted)]) & set(wanted)), float(rho.statistic)


def _wanted(known: Published, year: int, letter: str) -> list[str]:
    if year in _RANKED:
        rows = known.ranks.filter((pl.col("year") == year) & (pl.col("sex") == letter))
        return rows.sort("rank")["name"].to_list()
    return _published(known, year, letter)["name"].head(100).to_list()


def _published(known: Published, year: int, letter: str) -> pl.DataFrame:
    rows = known.forenames.filter((pl.col("year") == year) & (pl.col("sex") == letter))
    return rows.sort(["n", "name"], descending=[True, False])


def _births(year: int, letter: str) -> float:
    boys = published.BOYS * published.BIRTHS[year]
    return boys if letter == "M" else published.BIRTHS[year] - boys


def _ranks(people: pl.DataFrame, known: Published) -> Table:
    rows = []
    for year in (*_RANKED, *_COUNTED[1::2]):
        cells = []
        for letter, code in _SEX.values():
            made, wanted = _order(_born(people, year, code)), _wanted(known, year, letter)
            found, rho = _agreement(made, wanted)
            cells += [f"{found} of {len(wanted)}", number(rho, 2)]
        rows.append([str(year), *cells])
    return table(
        ["born", "boys: commonest names found", "boys: rank correlation",
         "girls: commonest names found", "girls: rank correlation"],
        rows,
    )  # fmt: skip


def _shares(people: pl.DataFrame, known: Published) -> Table:
    rows = []
    for year in _COUNTED[::2]:
        for sex, (letter, code) in _SEX.items():
            births = _births(year, letter)
            england = _published(known, year, letter)["n"].to_numpy() / births
            born = _born(people, year, code)
            made = _frequencies(born)
            pairs = (
                f"{100 * england[:k].sum():.1f} / {100 * made[:k].sum():.1f} %"
                for k in (1, 10, 100)
            )
            most = f"{_distinct(england, births):,.0f} / {_distinct(made, born.height):,.0f}"
            rows.append([f"{sex} {year}", *pairs, most])
    return table(
        ["", "commonest name: England / made", "10 commonest", "100 commonest",
         "different names in 10,000 births"],
        rows,
    )  # fmt: skip


def _distinct(shares: Floats, births: float) -> float:
    """Return how many names a sample of 10,000 births has.

    What is not in `shares` are published as names of fewer than three: each is taken to be given
    once, which makes the published number an upper bound. Where fewer people were made, the names
    of the others are not known and the sample is of all that were made, scaled.
    """
    once = round((1 - shares.sum()) * births)
    every = np.concatenate([shares, np.full(max(once, 0), 1 / births)])
    return float((1 - (1 - every) ** _SAMPLE).sum())


def _surnames(people: pl.DataFrame) -> Table:
    counts = _counts(people["family_name"])
    made = counts / counts.sum()
    rows = [
        ["the commonest (Smith)", percent(published.LEADING_SURNAMES[0] / 100, 2),
         percent(made[0], 2)],
        ["the 10 commonest together", percent(sum(published.LEADING_SURNAMES) / 100),
         percent(made[:10].sum())],
        *([f"at rank {rank:,}, of a million people", number(per_million),
           number(1e6 * (made[rank - 1] if rank <= len(made) else 0))]
          for rank, per_million in published.SURNAME_RANKS.items()),
        ["half the chance that two people bear one name", f"{published.SURNAME_ISONYMY:.5f}",
         f"{(made**2).sum() / 2:.5f}"],
    ]  # fmt: skip
    return table(["surname", "published", "made, England"], rows)


def _letters(people: pl.DataFrame) -> Table:
    def share(pattern: str, column: str) -> str:
        found = people[column].str.contains(pattern).fill_null(value=False).mean()
        return percent(float(found or 0), 2)

    given, family = "given_name", "family_name"
    rows = [
        ["a hyphen", share("-", given), share("-", family)],
        ["an apostrophe", share("'", given), share("'", family)],
        ["a blank", share(" ", given), share(" ", family)],
        ["a letter with an accent", share(r"[^\x00-\x7F]", given), share(r"[^\x00-\x7F]", family)],
    ]  # fmt: skip
    single = percent(float(people[given].is_null().mean() or 0), 2)
    rows.append(["no given name: one name alone", single, "–"])
    return table(["people whose name has", "given name", "family name"], rows)
