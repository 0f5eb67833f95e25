"""Warnings about footprints: sizes outside the guides, and weak best fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw
import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.places.frames import shaped
from pophealth_link.places.parts import PART_MARK
from pophealth_link.places.units import REGISTERED, is_reason
from pophealth_link.schema.reference import PRACTICES


@dataclass(frozen=True, slots=True)
class SizeGuide:
    """The registered patients that a footprint of a type is meant to have."""

    label: str
    low: int
    high: int
    wording: str

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high:
            raise ValueError("a size guide needs 0 ≤ low < high")


# PCN: Network Contract Directed Enhanced Service, a typical population of 30,000 to 50,000. ICP:
# planned at about 80,000; half as much again or a third less still counts as about that.
SIZE_GUIDES: Mapping[str, SizeGuide] = {
    "pcn": SizeGuide("PCNs", 30_000, 50_000, "30,000 to 50,000"),
    "icp": SizeGuide("ICPs", 50_000, 120_000, "about 80,000 (50,000 to 120,000)"),
}


def size_warnings(
    unit_footprints: pl.DataFrame,
    practices: Frame,
    people: Frame | None = None,
    *,
    guides: Mapping[str, SizeGuide] = SIZE_GUIDES,
) -> list[str]:
    """Return one warning per footprint type that has footprints outside its guide.

    `unit_footprints`: rows of the registered basis. A footprint's size is the sum of its
    practices' published `list_size` times share, a practice whose parts are all in the same one
    taken once. Where a practice in it has none, or is split person by person in this type, the
    people counted in it stand in (`people`: PEOPLE_PLACED, only those `current`), to the nearest
    thousand, since a count of ours is not a published one; without either it is not judged.
    """
    rows = _once(unit_footprints.filter(pl.col("basis") == REGISTERED)).filter(~is_reason())
    sizes = shaped(practices, PRACTICES, ("practice_code", "list_size"))
    lists = collect(sizes.group_by("practice_code").agg(nw.col("list_size").max()))
    rows = rows.join(lists, left_on="practice", right_on="practice_code", how="left")
    taken = pl.when(~pl.col("split")).then(pl.col("list_size") * pl.col("first"))
    rows = rows.with_columns(taken.alias("list_size"))
    rows = rows.join(_counted(people), on="unit", how="left")
    measured = _measured(rows)
    found = (_warning(measured.filter(footprint_type=kind), g) for kind, g in guides.items())
    return [text for text in found if text]


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `practice`, `split`: its parts are in different footprints of the type, and `first`.

    A practice in parts has one list: where they are in the same footprints, the first part has it.
    """
    owner = ["practice", "footprint_type"]
    rows = rows.with_columns(pl.col("unit").str.split(PART_MARK).list.first().alias("practice"))
    # Every part has as many rows as there are footprints and shares: all have the same.
    same = pl.struct("footprint_code", "share").n_unique() * pl.col("unit").n_unique() == pl.len()
    first = pl.col("unit") == pl.col("unit").min()
    return rows.with_columns(
        (~same).over(owner).alias("split"), first.over(owner).cast(pl.Int64).alias("first")
    )


def _counted(people: Frame | None) -> pl.DataFrame:
    if people is None:
        return pl.DataFrame(schema={"unit": pl.String, "counted": pl.Int64})
    plan = lazy(people)
    if "current" in plan.collect_schema().names():
        plan = plan.filter(nw.col("current"))
    units = plan.group_by("registered_unit").agg(nw.len().alias("counted"))
    return collect(units.rename({"registered_unit": "unit"})).cast({"counted": pl.Int64})


def _measured(rows: pl.DataFrame) -> pl.DataFrame:
    share = pl.col("share")
    published = (pl.col("list_size") * share).sum().round(0).cast(pl.Int64)
    # People are counted where any practice of the footprint has some in the job's sources.
    counted = (pl.col("counted") * share).sum().round(0).cast(pl.Int64)
    groups = rows.group_by("footprint_type", "footprint_code").agg(
        pl.col("footprint_name").min(),
        pl.when(pl.col("list_size").is_not_null().all()).then(published).alias("published"),
        pl.when(pl.col("counted").is_not_null().any()).then(counted).alias("counted"),
    )
    return groups.with_columns(pl.coalesce("published", "counted").alias("people")).sort(
        "footprint_type", "footprint_code"
    )


def _warning(rows: pl.DataFrame, guide: SizeGuide) -> str | None:
    judged = rows.drop_nulls("people")
    outside = judged.filter(~pl.col("people").is_between(guide.low, guide.high))
    if outside.is_empty():
        return None
    names = outside["footprint_name"], outside["published"], outside["people"]
    sizes = ", ".join(
        f"{name} ({size:,})" if size is not None else f"{name} ({_thousands(count)} counted)"
        for name, size, count in zip(*names, strict=True)
    )
    return (
        f"{outside.height:,} of {judged.height:,} {guide.label} lie outside the guide of "
        f"{guide.wording} registered patients: {sizes}."
    )


def _thousands(count: int) -> str:
    return "under 1,000" if count < 1_000 else f"about {round(count, -3):,}"


def best_fit_warnings(best_fit: pl.DataFrame, *, least: float = 0.5) -> list[str]:
    """Return one warning per footprint type that has LSOAs whose best share is under `least`.

    Best fit is for maps: where a footprint holds less than half of an LSOA's patients, most of the
    people there are in others.

    >>> fit = pl.DataFrame({"footprint_type": ["pcn", "pcn"], "best_share": [0.9, 0.4]})
    >>> best_fit_warnings(fit)
    ['1 of 2 LSOAs have a best share under 50 % (pcn): most of their patients are elsewhere.']
    """
    weak = (pl.col("best_share") < least).sum().alias("weak")
    groups = best_fit.group_by("footprint_type").agg(weak, pl.len()).sort("footprint_type")
    return [
        f"{low:,} of {every:,} LSOAs have a best share under {least:.0%} ({kind}): most of their "
        "patients are elsewhere.".replace("%", " %")
        for kind, low, every in groups.iter_rows()
        if low
    ]
