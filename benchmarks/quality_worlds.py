"""Populations with known truth, recorded worse and with their NHS numbers held otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from pophealth_link import reference, synthetic
from pophealth_link.link import Links, LinkSpec, People, link, people
from pophealth_link.link.records import register_of, stack
from pophealth_link.privacy import Key
from pophealth_link.synthetic.sources import ALIASES, SOURCES

RECORD = ["source", "record_id"]
_KEY = Key(b"protects nobody: none of them exists")
# Whoever agrees with the register in all of these is well recorded.
_WELL = ("first_given", "family", "date_of_birth", "home")
_PLACE = ("postcode", "address", "uprn")


@dataclass(frozen=True)
class World:
    """Sources, the truth of each of their records, and how they are linked."""

    sources: list[People] = field(repr=False)
    truth: pl.DataFrame = field(repr=False)
    links: Links = field(repr=False)


def relinked(sources: list[People], spec: LinkSpec | None = None) -> Links:
    return link(sources, spec, key=_KEY)


def world(count: int, seed: int, preset: str = "hard") -> World:
    spec = synthetic.SynthSpec(people=count, seed=seed, preset=preset)
    made = synthetic.generate(spec, reference.load(None))
    sources = [
        people(
            made.tables[each.name],
            source=each.name,
            setting=each.setting,  # type: ignore[arg-type]
            unique_people=each.unique_people,
            register=each.register,
            aliases=made.tables[ALIASES] if each.register else None,
        )
        for each in SOURCES
    ]
    return World(sources, made.truth, relinked(sources))


def without_numbers(sources: list[People]) -> list[People]:
    none = pl.lit(None, pl.String).alias("nhs_number")
    return [s if s.register else replace(s, frame=s.frame.with_columns(none)) for s in sources]


def worn(one: World, share: float, seed: int, *, visibly: bool) -> World:
    """Return the world with a share of the records outside the register ill-recorded.

    Few of them can be linked: visibly, they have an initial, a family name and no more; else they
    have the date of birth and the address of somebody else, which nobody can see.
    """
    rng = np.random.default_rng(seed)
    wear = _visibly if visibly else _unseen
    sources = [each if each.register else wear(each, share, rng) for each in one.sources]
    return World(sources, one.truth, relinked(sources))


def _visibly(source: People, share: float, rng: np.random.Generator) -> People:
    hit = pl.Series("hit", rng.random(source.frame.height) < share)
    gone = [pl.when(~hit).then(name).alias(name) for name in (*_PLACE, "date_of_birth")]
    initial = pl.when(hit).then(pl.col("given_name").str.head(1)).otherwise("given_name")
    return replace(source, frame=source.frame.with_columns(*gone, initial.alias("given_name")))


def _unseen(source: People, share: float, rng: np.random.Generator) -> People:
    hit = pl.Series("hit", rng.random(source.frame.height) < share)
    names = ["date_of_birth", *_PLACE]
    others = source.frame[rng.permutation(source.frame.height)].select(
        pl.col(names).name.prefix("other_")
    )
    both = pl.concat([source.frame, others], how="horizontal")
    swapped = both.with_columns(
        pl.when(hit).then(f"other_{name}").otherwise(name).alias(name) for name in names
    )
    return replace(source, frame=swapped.select(source.frame.columns))


def holding(one: World, *, well: float, ill: float, seed: int) -> list[People]:
    """Return the sources with numbers kept by chance, the chance by how well recorded."""
    told = _well_recorded(one).sort(RECORD)
    chance = pl.when("well").then(well).otherwise(ill)
    drawn = pl.Series("drawn", np.random.default_rng(seed).random(told.height))
    kept = told.with_columns(drawn).filter(pl.col("drawn") < chance).select(RECORD)
    return [each if each.register else _keep(each, kept) for each in one.sources]


def _keep(source: People, kept: pl.DataFrame) -> People:
    own = kept.filter(source=source.source)["record_id"].implode()
    number = pl.when(pl.col("record_id").is_in(own)).then("nhs_number").alias("nhs_number")
    return replace(source, frame=source.frame.with_columns(number))


def _well_recorded(one: World) -> pl.DataFrame:
    rows = stack(one.sources, register_of(one.sources)).filter(~pl.col("alias"))
    told = rows.join(one.truth.select(*RECORD, "person_id"), on=RECORD)
    register = told.filter("on_register").unique("person_id", keep="first", maintain_order=True)
    others = told.filter(~pl.col("on_register"))
    both = others.join(register, on="person_id", how="left", suffix="_true")
    same = ((pl.col(c) == pl.col(f"{c}_true")).fill_null(value=False) for c in _WELL)
    return both.select(*RECORD, pl.all_horizontal(same).alias("well"))
