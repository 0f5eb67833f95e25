"""A linkage model of our own: m and u per named level, free of any SQL dialect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link.errors import LinkageError
from pophealth_link.link.comparisons import COMPARISONS, JOINT

FORMAT = 3


@dataclass(frozen=True, slots=True)
class Level:
    """How likely a named level of agreement is: `m` among true pairs, `u` among others.

    `adjust` corrects its weight, in bits, for what m and u leave out: mistakes come together, so
    that levels are not independent among true pairs. For a level of one dwelling `u` is that of
    somebody else who lives there.
    """

    name: str
    m: float
    u: float
    adjust: float = 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """m and u of every level, what is expected of records, provenance.

    `on_register` is the share of records expected to be of somebody on the register, a start that
    a linkage adapts to each source; `mates` the share of the others that live with somebody who
    is, where everybody shares a dwelling. `joint` holds the bits that comparisons together add to
    the weight of a mate (`comparisons.JOINT`): twins differ in the given name alone.
    `register_size` and `sharing`, the share of its people who share a dwelling, are the register's.
    """

    levels: Mapping[str, tuple[Level, ...]]
    on_register: float
    provenance: Mapping[str, Any]
    mates: float = 0.2
    joint: Mapping[str, float] = field(default_factory=dict)
    register_size: int = 2
    sharing: float = 1.0

    def __post_init__(self) -> None:
        problems = [line for name in COMPARISONS for line in _check(name, self.levels.get(name))]
        if unknown := set(self.joint) - set(JOINT):
            problems.append(f"joint: {', '.join(sorted(unknown))} is not known.")
        problems += [
            f"joint.{k} must be a number." for k, v in self.joint.items() if not isfinite(v)
        ]
        shares = {"on_register": self.on_register, "mates": self.mates}
        problems += [f"{k} must lie between 0 and 1." for k, v in shares.items() if not 0 < v < 1]
        if problems:
            raise LinkageError("the linkage model cannot be used.", *problems)

    @property
    def prior(self) -> float:
        """The odds that a record is a given register person rather than nobody on the register."""
        return self.on_register / (1 - self.on_register) / max(self.register_size, 2)

    def u_of_anybody(self, comparison: str) -> tuple[float, ...]:
        """Return the u of each level for somebody taken at random, wherever the two live."""
        u = tuple(level.u for level in self.levels[comparison])
        return u[len(u) // 2 :] * 2 if COMPARISONS[comparison].by_dwelling else u

    def at_register(self, register: pl.DataFrame) -> Model:
        """Return the model for this register: its size, and how often its people share a place.

        `register` holds prepared records (`rid`, `alias`, `uprn`, `home`, `house`, `sector`,
        `outward`). u of the household's levels is the probability that two of its people agree.
        """
        main = register.filter(~pl.col("alias"))
        shares = place_shares(main)
        household = tuple(
            replace(level, u=shares[level.name]) for level in self.levels["household"]
        )
        levels = {**self.levels, "household": household}
        return replace(self, levels=levels, register_size=main.height, sharing=share_at_home(main))


def place_shares(people: pl.DataFrame) -> dict[str, float]:
    """Return the probability that two people share a dwelling, only a postcode, and so on.

    To have seen nobody share a place does not mean that nobody does: no probability is less than if
    every second person shared it with one other, but for the dwelling, where it is half a pair in
    the register, for a mate who is on no register is weighed apart.

    >>> homes = pl.DataFrame({"uprn": ["1", "1", "2"], "home": ["A", "A", "A"],
    ...     "house": ["1", "1", "2"], "sector": ["A"] * 3, "outward": ["A"] * 3})
    >>> round(place_shares(homes)["dwelling"], 3)
    0.333
    """
    nested = [_share(people.select(_dwelling())), _share(people.select("home"))]
    nested += [min(nested[1] + _share_near(people), 1.0)]
    nested += [max(nested[2], _share(people.select(place))) for place in ("sector", "outward")]
    apart = [nested[0], *(max(wide - near, 0.0) for near, wide in pairwise(nested)), 1 - nested[-1]]
    half_a_pair = 1 / max(people.height * (people.height - 1), 2)
    least = [half_a_pair, *[0.5 / max(people.height, 1)] * (len(apart) - 1)]
    names = (rule.name for rule in COMPARISONS["household"].levels)
    return {
        name: min(max(share, low), 1 - low)
        for name, share, low in zip(names, apart, least, strict=True)
    }


def share_at_home(people: pl.DataFrame) -> float:
    """Return the share of people who share their dwelling with another, of those who have one.

    Never less than half a person: to have seen no households does not mean that there are none.

    >>> homes = pl.DataFrame({"uprn": ["1", "1", "2", None], "home": None, "house": None},
    ...     schema=dict.fromkeys(["uprn", "home", "house"], pl.String))
    >>> round(share_at_home(homes), 3)
    0.667
    """
    homes = people.select(_dwelling().alias("dwelling")).drop_nulls()
    shared = homes.filter(pl.len().over("dwelling") > 1).height
    return max(shared, 0.5) / max(homes.height, 1)


def _dwelling() -> pl.Expr:
    """Return what people of one dwelling have in common, also where few of them have its UPRN."""
    line = pl.concat_str("home", "house", separator=" ")
    known = pl.when(line.is_not_null()).then(pl.col("uprn").min().over("home", "house"))
    return pl.coalesce("uprn", known, line)


def _share_near(people: pl.DataFrame) -> float:
    """Return the probability that two people's postcodes differ in one character of the unit."""
    unit = people.filter(pl.col("outward").is_not_null()).select(
        pl.col("home").str.head(-1).alias("last"),
        pl.concat_str(pl.col("home").str.head(-2), pl.col("home").str.tail(1)).alias("letter"),
        pl.concat_str("outward", pl.col("home").str.tail(2)).alias("digit"),
        "home",
    )
    same = _share(unit.select("home"))
    return sum(max(_share(unit.select(c)) - same, 0.0) for c in ("last", "letter", "digit"))


def _share(places: pl.DataFrame) -> float:
    """Return the probability that two different people, both with a place, have the same one."""
    counts = places.to_series().drop_nulls().value_counts()["count"].cast(pl.Float64)
    known = float(counts.sum())
    pairs = float((counts * (counts - 1)).sum())
    return pairs / (known * (known - 1)) if known > 1 else 0.0


def _check(name: str, levels: tuple[Level, ...] | None) -> list[str]:
    declared = tuple(level.name for level in COMPARISONS[name].levels)
    if levels is None or tuple(level.name for level in levels) != declared:
        return [f"{name}: its levels must be {', '.join(declared)}, in that order."]
    bad = [f"{name}.{v.name}" for v in levels if not (0 < v.m < 1 and 0 < v.u <= 1)]
    odd = [f"{name}.{v.name}" for v in levels if not isfinite(v.adjust)]
    problems = [f"{', '.join(bad)}: m and u must lie between 0 and 1."] if bad else []
    problems += [f"{', '.join(odd)}: adjust must be a number."] if odd else []
    high = [f"{name}.{v.name}" for v in levels if not bad and v.m * 2**v.adjust >= 1]
    return problems + ([f"{', '.join(high)}: m with its adjustment passes 1."] if high else [])


def save(model: Model, path: Path) -> None:
    """Write the model as JSON."""
    levels = {name: [asdict(level) for level in each] for name, each in model.levels.items()}
    body = {
        "format": FORMAT,
        "on_register": model.on_register,
        "mates": model.mates,
        "joint": dict(model.joint),
        "comparisons": levels,
        "provenance": dict(model.provenance),
    }
    path.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")


def load(source: str | Path) -> Model:
    """Return the shipped model (`default`) or one saved before.

    Raises `LinkageError` where the file is absent, is not such a model, or lacks a level.

    >>> load("default").on_register > 0.5
    True
    """
    path = Path(__file__).with_name("default_model.json") if source == "default" else Path(source)
    body = _parse(path)
    if body is None:
        raise LinkageError(
            f"the linkage model {path.name} could not be read.",
            f"It must be a JSON file of format {FORMAT}, as written by an earlier run.",
            fix='set link.model = "default", or name a model file.',
        )
    return body


def _parse(path: Path) -> Model | None:
    """Return the model in the file, or null where the file does not hold one."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body["format"] != FORMAT:
            return None
        levels = {
            name: tuple(Level(**level) for level in each)
            for name, each in body["comparisons"].items()
        }
        return Model(levels, body["on_register"], body["provenance"], body["mates"], body["joint"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
