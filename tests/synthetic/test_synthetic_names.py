"""Names: as common as published by year of birth and by rank, with a long tail, in many forms."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from pophealth_link.published import reference_file
from pophealth_link.synthetic.name_book import (
    NameBook,
    Parts,
    compose,
    draw_given,
    draw_surnames,
    load_names,
    ranks,
)
from pophealth_link.synthetic.profile import load_profile

FILES = ("forenames", "forename_parts", "surnames", "surname_parts", "tails", "variants", "streets")
MALE, FEMALE = 1, 2


@pytest.fixture(scope="module")
def book() -> NameBook:
    return load_names()


def british(book: NameBook, sex: int, year: int, size: int = 20_000, seed: int = 4) -> pl.Series:
    tradition = np.full(size, book.number("british"))
    rng = np.random.default_rng(seed)
    return draw_given(book, tradition, np.full(size, sex), np.full(size, year), rng)


def surnames(book: NameBook, tradition: str, size: int = 200_000) -> pl.Series:
    composed = load_profile("typical").england["names"]["composed_surnames"]
    numbers = np.full(size, book.number(tradition))
    return draw_surnames(book, numbers, composed, np.random.default_rng(8))


@pytest.mark.parametrize("name", FILES)
def test_each_list_has_its_source_and_is_what_the_source_describes(name: str) -> None:
    path = reference_file(f"names_{name}.csv")
    about = tomllib.loads(Path(str(path).replace(".csv", ".source.toml")).read_text("utf-8"))
    assert about["file"] == path.name
    assert about["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert about["licence"]


def test_the_lists_hold_names_with_a_weight(book: NameBook) -> None:
    for rows in (book.forenames, book.surnames):
        assert rows["name"].null_count() == 0
        assert (rows["name"] == rows["name"].str.strip_chars()).all()
        assert (rows["weight"] > 0).all()
    assert not book.surnames.select("tradition", "name").is_duplicated().any()
    fashion = book.forenames.drop_nulls("peak")
    assert (fashion["spread"] >= 3).all()
    per_sex = book.forenames.group_by("tradition", "sex").agg(pl.col("name").n_unique())
    assert per_sex.height == 2 * len(book.traditions)
    assert (per_sex["name"] >= 25).all()


def test_the_same_generator_gives_the_same_names(book: NameBook) -> None:
    assert british(book, MALE, 1980).equals(british(book, MALE, 1980))
    assert not british(book, MALE, 1980).equals(british(book, MALE, 1980, seed=5))


@pytest.mark.parametrize("year", [1934, 1954, 1974, 1994])
@pytest.mark.parametrize(("letter", "sex"), [("M", MALE), ("F", FEMALE)])
def test_forenames_rank_as_published(
    book: NameBook, open_data: Path, year: int, letter: str, sex: int
) -> None:
    ranked = pl.read_parquet(open_data / "names/england_wales_forename_ranks_1904_1994.parquet")
    wanted = ranked.filter((pl.col("year") == year) & (pl.col("sex") == letter)).sort("rank")
    check_order(british(book, sex, year), wanted["name"].to_list(), least=78)


@pytest.mark.parametrize("year", [1996, 2008, 2020])
@pytest.mark.parametrize(("letter", "sex"), [("M", MALE), ("F", FEMALE)])
def test_forenames_of_the_young_rank_as_published(
    book: NameBook, open_data: Path, year: int, letter: str, sex: int
) -> None:
    counts = pl.read_parquet(open_data / "names/england_wales_forenames_1996_2020.parquet")
    of_year = counts.filter((pl.col("year") == year) & (pl.col("sex") == letter)).sort("rank")
    check_order(british(book, sex, year), of_year["name"].head(100).to_list(), least=72)


def test_nobody_needs_no_name(book: NameBook) -> None:
    nobody = np.zeros(0, dtype=np.int64)
    rng = np.random.default_rng(1)
    assert draw_given(book, nobody, nobody, nobody, rng).len() == 0
    assert draw_surnames(book, nobody, {"british": 0.5}, rng).len() == 0


def check_order(drawn: pl.Series, wanted: list[str], least: int) -> None:
    """The commonest names are nearly the published ones, in nearly their order."""
    counted = drawn.value_counts().sort(["count", drawn.name], descending=[True, False])
    order = counted[drawn.name].to_list()
    assert len(set(order[: len(wanted)]) & set(wanted)) >= least
    both = [name for name in wanted if name in order]
    rho = spearmanr([wanted.index(name) for name in both], [order.index(name) for name in both])
    assert rho.statistic > 0.75


def test_names_of_the_young_are_more_varied(book: NameBook) -> None:
    """Of boys born in 1996 some 73 % had one of the 100 commonest names, in 2020 some 47 %."""

    def share(year: int) -> float:
        counts = british(book, MALE, year).value_counts()["count"].sort(descending=True)
        return float(counts.head(100).sum() / counts.sum())

    assert share(1950) > share(1996) > share(2020) + 0.1
    assert british(book, FEMALE, 2020, 10_000).n_unique() > 1_500
    hyphens = [float(british(book, FEMALE, y).str.contains("-").mean() or 0) for y in (1940, 2012)]
    assert hyphens[0] < 0.01 < hyphens[1] < 0.06


def test_british_surnames_fall_with_rank_as_published(book: NameBook) -> None:
    """Surname Profiler, Great Britain 1998: bearers per million at some ranks."""
    published = {43: 2171, 128: 942, 390: 420, 1318: 146, 2340: 73, 4605: 30, 11886: 9}
    drawn = surnames(book, "british", 1_000_000)
    counts = drawn.value_counts()["count"].sort(descending=True).to_numpy()
    for rank, per_million in published.items():
        assert 0.6 * per_million < counts[rank - 1] < 1.5 * per_million, rank
    share = counts / counts.sum()
    assert 0.010 < share[0] < 0.016  # Smith: 1.20 % of the United Kingdom in 1996
    assert 0.045 < share[:10].sum() < 0.075  # 5.8 %
    # Lasker 1983: half the chance that two people bear one name, 0.00048.
    assert 0.0003 < (share**2).sum() / 2 < 0.0007


def test_many_surnames_are_borne_once(book: NameBook) -> None:
    """On electoral registers some 42 % of surnames occur once (Guild of One-Name Studies)."""
    counts = surnames(book, "british").value_counts()["count"]
    assert counts.len() > 15_000
    assert 0.3 < float((counts == 1).mean() or 0) < 0.75


def test_some_traditions_have_few_surnames_and_others_many(book: NameBook) -> None:
    top = {}
    for name in ("chinese", "muslim_south_asian", "west_african", "british"):
        counts = surnames(book, name, 50_000).value_counts()["count"].sort(descending=True)
        top[name] = counts.head(20).sum() / 50_000
    assert top["chinese"] > top["muslim_south_asian"] > top["west_african"] > top["british"]


def test_names_come_in_many_forms(book: NameBook) -> None:
    everything = pl.concat([surnames(book, name, 20_000) for name in book.traditions])
    for form in (r"[^\x00-\x7F]", "'", "-", " "):
        assert everything.str.contains(form).any(), form
    chinese = np.full(2_000, book.number("chinese"))
    given_names = draw_given(
        book, chinese, np.full(2_000, MALE), np.full(2_000, 1980), np.random.default_rng(1)
    )
    assert given_names.str.contains(" ").any()


PARTS = st.lists(st.text("abcd", min_size=1, max_size=3), min_size=1, max_size=6, unique=True)


@settings(max_examples=60, deadline=None)
@given(starts=PARTS, middles=st.one_of(st.just([]), PARTS), ends=PARTS, seed=st.integers(0, 99))
def test_composed_names_consist_of_their_parts(
    starts: list[str], middles: list[str], ends: list[str], seed: int
) -> None:
    text = {"dtype": pl.String}
    parts = Parts(pl.Series(starts, **text), pl.Series(middles, **text), pl.Series(ends, **text))
    made = compose(parts, 300, 5, 1.4, np.random.default_rng(seed))
    short = {a + b for a in starts for b in ends}
    long = {a + m + b for a in starts for m in middles for b in ends}
    assert set(made) <= short | long
    assert len(made) == 300
    assert parts.count == len(starts) * len(ends) * (1 + len(middles))


def test_every_name_that_can_be_composed_is(book: NameBook) -> None:
    parts = Parts(pl.Series(["Ash", "Beck"]), pl.Series(["er", "ing"]), pl.Series(["ton", "ley"]))
    made = compose(parts, 5_000, 1, 1.1, np.random.default_rng(3))
    assert made.n_unique() == 12


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 5_000), before=st.integers(0, 400), slope=st.floats(1.05, 2.5))
def test_ranks_are_within_bounds(count: int, before: int, slope: float) -> None:
    drawn = ranks(count, 500, before, slope, np.random.default_rng(0))
    assert drawn.min() >= 0
    assert drawn.max() < count


def test_frequency_falls_as_a_power_of_rank() -> None:
    """Of ranks from 0, a tenth and a hundredth: the density between them, integrated by hand."""
    count, before, slope = 10_000, 100, 1.5
    drawn = ranks(count, 400_000, before, slope, np.random.default_rng(2))
    whole = before**-0.5 - (before + count) ** -0.5
    for low, high in ((0, 100), (100, 1_000), (1_000, 10_000)):
        exact = ((before + low) ** -0.5 - (before + high) ** -0.5) / whole
        found = float(((drawn >= low) & (drawn < high)).mean())
        assert found == pytest.approx(exact, abs=0.004)
