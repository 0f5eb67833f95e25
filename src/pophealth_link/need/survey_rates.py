"""A survey's rates by cell and deprivation, raked to its margins, with draws of their error."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from pophealth_link.errors import DataError
from pophealth_link.need.raking import Floats, rake
from pophealth_link.need.survey_checks import LAST_AGE

DRAWS = 1_000
# Variance over that of a simple random sample where a table does not say: assumed.
ASSUMED_DESIGN_EFFECT = 1.5
AGES, SEXES, FIFTHS = LAST_AGE + 1, ("female", "male"), 5
_Z = 1.959963984540054
_LEAST = 1e-6
# Half a respondent over the upper limit of a count of none (exact Poisson, 95 %).
_HALF = 0.5 / 3.6888794541139363
KINDS = ("published", "respondents", "assumed", "none")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """The cells that are reported together: those of one margin, or of the same ages.

    `cells`: their places in `Rates`; `age_to`: empty for "and over"; `limits`: see LIMITS;
    `raked`: the margin's rate in per cent, if there is one.
    """

    age_from: int
    age_to: int | None
    sex: str
    cells: tuple[int, ...]
    limits: str
    raked: float | None


@dataclass(frozen=True)
class Rates:
    """Rates (0 to 1) of one set of a survey.

    `masks`: cells × ages × sexes, 1 where a cell holds them; `point`: cells × quintiles; `draws`:
    draws × cells × quintiles; `parts`: what is reported; `deprivation`: the set has rates by it.
    """

    masks: Floats = field(repr=False)
    point: Floats = field(repr=False)
    draws: Floats = field(repr=False)
    parts: tuple[Part, ...]
    deprivation: bool


def nation_people(nation: pl.DataFrame) -> Floats:
    """Return people by single year of age (0 to 90 and over), sex (female, male) and quintile.

    `nation`: age, sex (all, female, male), quintile (empty: not known), people. What is not known
    is assumed: half of an age are women, and a fifth of it lives in each quintile.
    """
    people = np.zeros((AGES, len(SEXES), FIFTHS))
    for age, sex, fifth, count in nation.select("age", "sex", "quintile", "people").iter_rows():
        sexes = range(2) if sex == "all" else [SEXES.index(sex)]
        fifths = range(FIFTHS) if fifth is None else [fifth - 1]
        share = count / (len(sexes) * len(fifths))
        people[min(age, LAST_AGE), min(sexes) : max(sexes) + 1, min(fifths) : max(fifths) + 1] += (
            share
        )
    return people


def set_rates(rows: pl.DataFrame, nation: Floats, seed: int) -> Rates:
    """Return the raked rates of one set of SURVEY_RATES (one survey, year, condition, measure).

    Cells of a margin are multiplied so that the nation's people of them have the margin's rate; a
    cell of the role `rest` gets what the margin leaves. Rates by deprivation are raked with the
    cells over the nation, their level being that of the cells. Draws are normal on the logit scale:
    the error is that of the published limits, else √(design effect / (n·p·(1 − p))) of the n
    respondents, p being at least half a respondent of n. A margin without limits leaves the draws
    of its cells as they vary. Raises `DataError` where a margin cannot be met.
    """
    table = list(rows.iter_rows(named=True))
    cells = [row for row in table if row["role"] in ("rate", "rest")]
    margins = [row for row in table if row["role"] == "margin"]
    fifths = sorted((r for r in table if r["role"] == "deprivation"), key=lambda r: r["quintile"])
    masks = np.stack([mask(row) for row in cells])
    people = np.einsum("cas,asq->cq", masks, nation)
    draw = _Drawing(np.random.default_rng([seed, _number(cells[0])]), nation, cells)
    point, draws = draw.rates(cells)
    homes = [_home(row, margins) for row in cells]
    kinds = [draw.kind(row) for row in cells]
    weights = people.sum(axis=1)
    for place, margin in enumerate(margins):
        own = [n for n, home in enumerate(homes) if home == place]
        _meet(draw, margin, [cells[n] for n in own], own, weights, point, draws)
    by_fifth = _by_fifth(draw, fifths, masks, people, point, draws)
    return Rates(masks, *by_fifth, _parts(cells, homes, margins, kinds, draw), bool(fifths))


def mask(row: Row) -> Floats:
    """Return ages × sexes, 1 for those that the row holds."""
    held = np.zeros((AGES, len(SEXES)))
    last = LAST_AGE if row["age_to"] is None else min(row["age_to"], LAST_AGE)
    sexes = slice(None) if row["sex"] == "all" else SEXES.index(row["sex"])
    held[row["age_from"] : last + 1, sexes] = 1.0
    return held


def _number(row: Row) -> int:
    """Return a number for the set, so that its draws depend on no other set."""
    name = "|".join(str(row[key]) for key in ("survey", "year", "condition", "measure"))
    return zlib.crc32(name.encode())


@dataclass(frozen=True)
class _Drawing:
    generator: np.random.Generator
    nation: Floats
    cells: Sequence[Row]

    def kind(self, row: Row) -> str:
        if row["lower"] is not None:
            return KINDS[0]
        if row["base"] is not None:
            return KINDS[1]
        return KINDS[2] if row["sample"] is not None and row["rate"] is not None else KINDS[3]

    def one(self, row: Row) -> tuple[float, Floats]:
        """Return a row's rate and its draws: all the same where nothing tells its error.

        Draws of a rate of none, or of all, are about half a respondent more, or fewer: nobody among
        few is no certainty.
        """
        rate = row["rate"] / 100
        noise = self.generator.standard_normal(DRAWS)
        if self.kind(row) == KINDS[3]:
            return rate, np.full(DRAWS, rate)
        middle, error = self._drawn(row, rate)
        return rate, 1 / (1 + np.exp(-(middle + error * noise)))

    def rates(self, rows: Sequence[Row]) -> tuple[Floats, Floats]:
        """Return the rates and draws × rows; those of the role `rest` are 0 as yet."""
        none = (0.0, np.zeros(DRAWS))
        found = [none if row["rate"] is None else self.one(row) for row in rows]
        return np.array([rate for rate, _ in found]), np.stack([d for _, d in found], axis=1)

    def _drawn(self, row: Row, rate: float) -> tuple[float, float]:
        """Return the middle and the standard error of the draws on the logit scale."""
        if row["lower"] is not None:
            low, high = row["lower"] / 100, row["upper"] / 100
            if low <= 0:
                middle = _logit(max(rate, _HALF * high))
                return middle, (_logit(high) - middle) / _Z
            if high >= 1:
                middle = _logit(1 - max(1 - rate, _HALF * (1 - low)))
                return middle, (middle - _logit(low)) / _Z
            return _logit(rate), (_logit(high) - _logit(low)) / (2 * _Z)
        effect = row["design_effect"] or ASSUMED_DESIGN_EFFECT
        size = row["base"] if row["base"] is not None else self._assumed_base(row)
        inside = min(max(rate, 0.5 / size), 1 - 0.5 / size)
        return _logit(inside), float(np.sqrt(effect / (size * inside * (1 - inside))))

    def _assumed_base(self, row: Row) -> float:
        """Return the whole sample × the row's share of the nation of the sample's ages."""
        ages = {"age_from": row["sample_age_from"], "age_to": row["sample_age_to"], "sex": "all"}
        if ages["age_from"] is None:
            own = [cell["age_to"] for cell in self.cells]
            last = None if None in own else max(own)
            first = min(cell["age_from"] for cell in self.cells)
            ages |= {"age_from": first, "age_to": last}
        whole = np.einsum("as,asq->", mask(ages), self.nation)
        part = np.einsum("as,asq->", mask(row), self.nation)
        return max(float(row["sample"] * part / whole), 1.0)


def _logit(share: float) -> float:
    inside = min(max(share, _LEAST), 1 - _LEAST)
    return float(np.log(inside / (1 - inside)))


def _home(row: Row, margins: Sequence[Row]) -> int | None:
    """Return the place of the margin that holds the row."""
    held = mask(row)
    return next((n for n, m in enumerate(margins) if (mask(m) >= held).all()), None)


def _meet(
    draw: _Drawing,
    margin: Row,
    cells: Sequence[Row],
    own: Sequence[int],
    weights: Floats,
    point: Floats,
    draws: Floats,
) -> None:
    """Make the cells of a margin agree with it, in place."""
    rate, drawn = draw.one(margin)
    people = weights[list(own)]
    _require_people(people, margin)
    rest = [place for place, cell in zip(own, cells, strict=True) if cell["role"] == "rest"]
    if rest:
        left = weights[rest[0]]
        point[rest[0]] = (rate * people.sum() - point[list(own)] @ people) / left
        spread = (drawn * people.sum() - draws[:, list(own)] @ people) / left
        draws[:, rest[0]] = spread.clip(0, 1)
    else:
        held = float(point[list(own)] @ people)
        if held <= 0 < rate:
            raise _not_met(margin, "all of its rates are 0 %")
        factor = rate * people.sum() / held if held > 0 else 1.0
        point[list(own)] *= factor
        if draw.kind(margin) == KINDS[3]:
            draws[:, list(own)] *= factor
        else:
            draws[:, list(own)] = _scaled(draws[:, list(own)], drawn, people)
    _require_rates(point[list(own)], margin)


def _scaled(draws: Floats, drawn: Floats, people: Floats) -> Floats:
    """Return draws × cells with the margin's rate in each; where all of a draw is 0, that rate."""
    cases = draws @ people
    some = cases > 0
    scale = np.divide(drawn * people.sum(), cases, out=np.zeros_like(cases), where=some)
    found: Floats = np.where(
        some[:, np.newaxis], draws * scale[:, np.newaxis], drawn[:, np.newaxis]
    )
    return found


def _require_rates(found: Floats, margin: Row) -> None:
    if not ((found >= 0) & (found <= 1)).all():
        raise _not_met(margin, "a rate would lie beyond 0 to 100 %")


def _require_people(people: Floats, margin: Row) -> None:
    if not (people > 0).all():
        raise _not_met(margin, "the nation has nobody of a row's ages and sex")


def _not_met(margin: Row, why: str) -> DataError:
    return DataError(
        "a margin of a survey table does not go with its rates.",
        f"Ages {margin['age_from']} to {margin['age_to'] or 'the oldest'}: {why}.",
        fix="give the rates and the margin of one table, in per cent",
    )


def _by_fifth(
    draw: _Drawing,
    fifths: Sequence[Row],
    masks: Floats,
    people: Floats,
    point: Floats,
    draws: Floats,
) -> tuple[Floats, Floats]:
    """Return cells × quintiles and draws × cells × quintiles."""
    even = np.repeat(point[:, np.newaxis], FIFTHS, axis=1)
    evens = np.repeat(draws[:, :, np.newaxis], FIFTHS, axis=2)
    if not fifths:
        return even, evens
    of = mask(fifths[0])
    told = (masks <= of).all(axis=(1, 2))
    part = people[told]
    rates, drawn = draw.rates(fifths)
    size = part.sum(axis=1)
    columns = np.einsum("as,asq->q", of, draw.nation)
    even[told] = _raked(part, point[told] * size, rates * columns, even[told])
    evens[:, told] = _raked(part, draws[:, told] * size, drawn * columns, evens[:, told])
    return even.clip(0, 1), evens.clip(0, 1)


def _raked(people: Floats, rows: Floats, columns: Floats, otherwise: Floats) -> Floats:
    """Return rates: cases raked to both margins over people; `otherwise` where nobody is."""
    cases = rake(otherwise * people, rows, columns)
    rates: Floats = np.divide(cases, people, out=otherwise.copy(), where=people > 0)
    return rates


def _parts(
    cells: Sequence[Row],
    homes: Sequence[int | None],
    margins: Sequence[Row],
    kinds: Sequence[str],
    draw: _Drawing,
) -> tuple[Part, ...]:
    """Return what is reported, by first age; and all of it together where there is no hole."""
    spans: dict[tuple[int, int | None], list[int]] = {}
    for place, (cell, home) in enumerate(zip(cells, homes, strict=True)):
        of = cell if home is None else margins[home]
        spans.setdefault((of["age_from"], of["age_to"]), []).append(place)
    ordered = sorted(spans.items(), key=lambda item: item[0][0])
    parts = [_part(*item, cells, homes, margins, kinds, draw) for item in ordered]
    joined = all(a.age_to is not None and a.age_to + 1 == b.age_from
                 for a, b in pairwise(parts))  # fmt: skip
    if len(parts) > 1 and joined and len({part.sex for part in parts}) == 1:
        worst = max((part.limits for part in parts), key=KINDS.index)
        every = tuple(place for part in parts for place in part.cells)
        first, last = parts[0], parts[-1]
        parts.append(Part(first.age_from, last.age_to, first.sex, every, worst, None))
    return tuple(parts)


def _part(
    span: tuple[int, int | None],
    places: Sequence[int],
    cells: Sequence[Row],
    homes: Sequence[int | None],
    margins: Sequence[Row],
    kinds: Sequence[str],
    draw: _Drawing,
) -> Part:
    sexes = {cells[place]["sex"] for place in places}
    sex = sexes.pop() if len(sexes) == 1 else "all"
    own = [homes[place] for place in places if homes[place] is not None]
    limits = max((kinds[p] for p in places if cells[p]["role"] == "rate"), key=KINDS.index,
                 default=KINDS[3])  # fmt: skip
    if not own:
        return Part(*span, sex, tuple(places), limits, None)
    margin = margins[own[0] or 0]
    whole = draw.kind(margin)
    rest = any(cells[place]["role"] == "rest" for place in places)
    return Part(*span, sex, tuple(places), whole if rest or whole != KINDS[3] else limits,
                margin["rate"])  # fmt: skip
