"""Names of an invented town: lists by how common a name is, a composed tail, Zipf-Mandelbrot.

A word of a name is a number: its place in `Names.words`. A pool is a list of words with weights;
the pools lie end to end in one cumulative array, so that any mix of pools is drawn from at once.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
MALE, FEMALE = 1, 2
# Forenames change by generation: the first years of birth of the second and the third.
ERAS = (1955, 1988)
_ERA_NAMES = ("old", "mid", "new")
_FEMININE = (("ski", "ska"), ("cki", "cka"))


@dataclass(frozen=True, slots=True)
class Community:
    """What a community does with names, and when its people came; see `names.toml`."""

    name: str
    category: str
    arrivals: tuple[tuple[float, ...], ...]
    strange: float
    takes: float
    doubles: float
    inherit: float
    after: float
    near: float
    kids: float
    new_year: float = 0.0
    first: float = 0.0
    chain: float = 0.0
    family_first: float = 0.0
    western: float = 0.0
    local: float = 0.0
    gendered: bool = False
    patronymic: bool = False
    chained: bool = False
    two_names: bool = False


@dataclass(frozen=True, slots=True)
class Pool:
    """Words drawn from by pool number: `upto` rises from p to p + 1 over the words of pool p."""

    words: Ints
    upto: Floats

    def draw(self, pools: Ints, rng: np.random.Generator) -> Ints:
        """Return a word from each of `pools`; −1 where the pool is negative."""
        # Just under 1, so that rounding never reaches the next pool.
        place = np.searchsorted(self.upto, pools + rng.random(len(pools)) * (1 - 1e-9), "right")
        return np.where(pools >= 0, self.words[np.minimum(place, len(self.words) - 1)], -1)


@dataclass(frozen=True, slots=True)
class Names:
    """The communities, every word, and the pools of forenames, middle and family names."""

    communities: tuple[Community, ...]
    words: npt.NDArray[np.str_]
    given: Pool
    middle: Pool
    family: Pool
    has_middle: Bools
    first: Ints
    feminine: Ints
    masculine: Ints
    known_as: Ints
    spellings: tuple[tuple[str, ...], ...]

    def customs(self, custom: str) -> Floats:
        """Return a custom of all communities by community number, true as 1."""
        return np.array([float(getattr(each, custom)) for each in self.communities])


@dataclass(slots=True)
class _Lexicon:
    """Words numbered as they come."""

    numbers: dict[str, int] = field(default_factory=dict)

    def of(self, words: list[str]) -> list[int]:
        return [self.numbers.setdefault(word, len(self.numbers)) for word in words]


def read_names(seed: int) -> Names:
    """Return the names of the town of `seed`: which composed names are common is drawn by it."""
    body = tomllib.loads((Path(__file__).parent / "names.toml").read_text(encoding="utf-8"))
    known, sets = body.pop("known_as"), body.pop("spellings")["sets"]
    rng, lexicon = np.random.default_rng([seed, 1]), _Lexicon()
    given = [_given(each, sex, era) for each in body.values() for sex in "mf" for era in range(3)]
    family = [_family(each, sex, rng) for each in body.values() for sex in "mf"]
    middle = [_words(each, f"middle_{sex}") for each in body.values() for sex in ("men", "women")]
    skews = [(each["skew"], each["head"]) for each in body.values()]
    pools = (
        _pool(given, [(0.75, 3)] * len(given), lexicon),
        _pool([each or ["-"] for each in middle], [(1.0, 0)] * len(middle), lexicon),
        _pool(family, [each for each in skews for _ in "mf"], lexicon),
    )
    firsts = [each.get("first_name", "") for each in body.values()]
    first = np.array([lexicon.of([each])[0] if each else -1 for each in firsts])
    formal = {lexicon.of([name])[0]: lexicon.of(short.split()) for name, short in known.items()}
    feminine, masculine = _gendered(lexicon)
    return Names(
        tuple(_community(name, each) for name, each in body.items()),
        np.array(list(lexicon.numbers)),
        *pools,
        np.array([bool(each) for each in middle]),
        first,
        feminine,
        masculine,
        _known_as(formal, len(lexicon.numbers)),
        tuple(tuple(each.split()) for each in sets),
    )


def _community(name: str, body: dict[str, object]) -> Community:
    kept = {key: each for key, each in body.items() if key in Community.__dataclass_fields__}
    arrivals = tuple(tuple(each) for each in kept.pop("arrivals"))  # type: ignore[attr-defined]
    return Community(name=name, arrivals=arrivals, **kept)  # type: ignore[arg-type]


def _words(body: dict[str, str], key: str) -> list[str]:
    return body.get(key, "").split()


def _given(body: dict[str, str], sex: str, era: int) -> list[str]:
    if "parts" in body:
        parts = _words(body, "parts")
        return [f"{one} {two}" for one, two in product(parts, parts) if one != two]
    key = "men" if sex == "m" else "women"
    return _words(body, f"{key}_{_ERA_NAMES[era]}") or _words(body, key)


def _family(body: dict[str, str], sex: str, rng: np.random.Generator) -> list[str]:
    """Return family names from the most to the least common: the listed, then the composed."""
    pairs = product(_words(body, "stems"), _words(body, "ends"))
    tail = [a + (b if a in {"Mac", "Mc"} else b.lower()) for a, b in pairs]
    shuffled = [tail[place] for place in rng.permutation(len(tail))]
    listed = _words(body, "family_women") if sex == "f" else []
    return list(dict.fromkeys([*(listed or _words(body, "family")), *shuffled]))


def _pool(lists: list[list[str]], skews: list[tuple[float, float]], lexicon: _Lexicon) -> Pool:
    """Return the pool of `lists`, the word of rank r weighing 1 / (r + shift) ** exponent."""
    words, upto = [], []
    for number, (each, (exponent, shift)) in enumerate(zip(lists, skews, strict=True)):
        weight = np.cumsum(1 / (np.arange(1, len(each) + 1) + shift) ** exponent)
        words.append(lexicon.of(each))
        upto.append(number + weight / weight[-1])
    return Pool(np.concatenate(words).astype(np.int64), np.concatenate(upto))


def _gendered(lexicon: _Lexicon) -> tuple[Ints, Ints]:
    """Return word → its feminine form, and word → its masculine form; itself where it has none."""
    pairs = [
        (word, word.removesuffix(man) + woman)
        for word in list(lexicon.numbers)
        for man, woman in _FEMININE
        if word.endswith(man)
    ]
    men, women = lexicon.of([man for man, _ in pairs]), lexicon.of([woman for _, woman in pairs])
    feminine, masculine = np.arange(len(lexicon.numbers)), np.arange(len(lexicon.numbers))
    feminine[men], masculine[women] = women, men
    return feminine, masculine


def _known_as(formal: dict[int, list[int]], count: int) -> Ints:
    """Return an array (words, 3) of the short forms of each word, repeated to three; −1: none."""
    table = np.full((count, 3), -1)
    for word, forms in formal.items():
        table[word] = (forms * 3)[:3]
    return table
