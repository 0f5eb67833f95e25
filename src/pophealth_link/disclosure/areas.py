"""Overlapping footprints: what they have in common, what is left over, and how it all adds up.

Units (practices, LSOAs) that lie in the same footprints of every type, with the same shares, are
one atom: no sum or difference of footprints tells them apart. Every area here is a set of parts,
a part being an atom and the share of it that the area holds. Equal sets are one area, whichever
footprints or differences they come from.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

_FOOTPRINT = ["basis", "footprint_type", "footprint_code"]
_CONTEXT = ["basis", "indicator", "stratum"]
_SHARE_DECIMALS = 6
_SHARE_TOLERANCE = 10.0**-_SHARE_DECIMALS
_CHILD, _PARENT = 1, -1


def area_relations(
    cells: pl.DataFrame, units: pl.DataFrame, rows: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return `group`, `cell` and `sign` of the sums between overlapping areas, and the slivers.

    `cells`: the key columns and `cell`; `units`: the table `unit_footprints`. Areas that no row
    shows are slivers: they become cells from `rows` upwards, one for each indicator and stratum,
    with the columns of `cells`, type empty and the area's number for a code. The sums:
        an area is the footprints of one type that lie wholly inside it, and what is left over;
        an area that no other footprint lies inside is the sum of its parts;
        footprints that are the same area are equal.
    Whatever else can be had by subtraction is a union of parts: if it were known to be small, so
    would be each of its parts, and these are cells.
    """
    held = _atoms(cells, units)
    if held.is_empty():
        return _no_terms(cells), cells.clear()
    first = _Areas.of_footprints(held)
    areas, sums = _all_sums(first)
    shown = first.footprints.join(
        cells, on=_FOOTPRINT, how="inner", validate="1:m", maintain_order="left_right"
    )
    shown = shown.sort("area", "indicator", "stratum", "footprint_type", "footprint_code")
    terms, slivers = _in_contexts(_with_basis(sums, areas, held), first, shown, rows)
    return pl.concat([terms, _equalities(shown, terms["group"].max())]), slivers.select(
        cells.columns
    )


def _no_terms(cells: pl.DataFrame) -> pl.DataFrame:
    whole = pl.lit(0, pl.Int64)
    return cells.clear().select(whole.alias("group"), "cell", whole.alias("sign"))


def _atoms(cells: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Return `basis`, `atom`, footprint and `share`; only footprints that some row shows count."""
    shares = (
        units.join(cells.select(_FOOTPRINT).unique(), on=_FOOTPRINT, how="semi")
        .group_by(*_FOOTPRINT, "unit")
        .agg(pl.col("share").sum().round(_SHARE_DECIMALS))
        .filter(pl.col("share") > _SHARE_TOLERANCE)
    )
    place = pl.concat_str("footprint_type", "footprint_code", "share", separator="\x1f")
    kinds = shares.group_by("basis", "unit").agg(place.sort().str.join("\x1e").alias("places"))
    numbers = kinds.with_columns(pl.struct("basis", "places").rank("dense").alias("atom"))
    return (
        shares.join(numbers.select("basis", "unit", "atom"), on=["basis", "unit"])
        .select(*_FOOTPRINT, pl.col("atom").cast(pl.Int64), "share")
        .unique()
    )


@dataclass(frozen=True)
class _Areas:
    """Areas by number.

    Fields: `keys`: `key` (the area's parts as text) and `area`; `parts`: `area`, `atom`, `share`;
    `footprints`: `basis`, `footprint_type`, `footprint_code`, `area`.
    """

    keys: pl.DataFrame
    parts: pl.DataFrame
    footprints: pl.DataFrame

    @classmethod
    def of_footprints(cls, held: pl.DataFrame) -> _Areas:
        """Return the areas that are footprints."""
        empty = pl.DataFrame(schema={"key": pl.String, "area": pl.Int64})
        parts = held.clear().select(pl.col("atom").alias("area"), "atom", "share")
        named, areas = cls(empty, parts, held.select(_FOOTPRINT).clear()).adding(held, _FOOTPRINT)
        return _Areas(areas.keys, areas.parts, named)

    def adding(self, parts: pl.DataFrame, owner: list[str]) -> tuple[pl.DataFrame, _Areas]:
        """Return the area of each owner of parts, and all areas, the new ones numbered on."""
        keyed = parts.group_by(owner).agg(_key())
        fresh = keyed.select("key").unique().join(self.keys, on="key", how="anti").sort("key")
        keys = pl.concat(
            [self.keys, fresh.with_columns(_numbers().alias("area") + self.keys.height)]
        )
        owners = keyed.join(keys, on="key").drop("key")
        found = parts.join(owners, on=owner).select("area", "atom", "share").unique()
        new = found.filter(pl.col("area") >= self.keys.height)
        return owners, _Areas(keys, pl.concat([self.parts, new]), self.footprints)

    def compound(self) -> pl.DataFrame:
        """Return the numbers of the areas that have several parts."""
        return self.parts.group_by("area").agg(pl.len().alias("parts")).filter(pl.col("parts") > 1)


def _numbers() -> pl.Expr:
    return pl.int_range(pl.len(), dtype=pl.Int64)


def _key() -> pl.Expr:
    part = pl.concat_str("atom", pl.col("share").round(_SHARE_DECIMALS), separator=":")
    return part.sort().str.join(";").alias("key")


def _all_sums(first: _Areas) -> tuple[_Areas, pl.DataFrame]:
    """Return all areas, and the sums between them: `sum`, `area`, `sign`.

    What is left over of a footprint is an area of its own; what is left over of such an area in
    turn is given by its parts, so there is no end of areas to take apart.
    """
    pairs, left = _inside(first, first.footprints.select("area").unique())
    owners, areas = first.adding(left, ["outer", "inner_type"])
    nested = _sums_of(pairs, owners)
    slivers = areas.keys.select("area").join(first.keys, on="area", how="anti")
    pairs, left = _inside(areas, slivers, compound_only=True)
    owners, areas = areas.adding(left, ["outer", "inner_type", "atom"])
    again = _sums_of(pairs, owners)
    rest = areas.compound().join(pl.concat([nested, again]), left_on="area", right_on="parent",
                                 how="anti")  # fmt: skip
    parts = areas.parts.join(rest, on="area", how="semi").rename({"area": "outer"})
    owners, areas = areas.adding(parts, ["outer", "atom"])
    simple = owners.select(pl.col("outer").alias("parent"), inner_type=pl.lit(""), child="area")
    return areas, _distinct(pl.concat([nested, again, simple]))


def _sums_of(pairs: pl.DataFrame, owners: pl.DataFrame) -> pl.DataFrame:
    """Return `parent`, `inner_type` and `child` per child: those inside and what is left over."""
    return pl.concat(
        [
            pairs.select("inner_type", parent="outer", child="inner"),
            owners.select("inner_type", parent="outer", child="area"),
        ]
    ).select("parent", "inner_type", "child")


def _distinct(sums: pl.DataFrame) -> pl.DataFrame:
    """Return the sums numbered, without repeats: the same children of the same parent."""
    lists = (
        sums.group_by("parent", "inner_type")
        .agg(pl.col("child").sort())
        .select("parent", "child")
        .with_columns(pl.col("child").cast(pl.List(pl.String)).list.join(",").alias("key"))
        .unique(["parent", "key"])
        .sort("parent", "key")
        .with_columns(_numbers().alias("sum"))
    )
    children = lists.explode("child").select("sum", area="child", sign=pl.lit(_CHILD))
    parents = lists.select("sum", area="parent", sign=pl.lit(_PARENT))
    return pl.concat([parents, children])


def _inside(
    areas: _Areas, outers: pl.DataFrame, *, compound_only: bool = False
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Footprints that lie wholly inside the outer areas, and the parts that they leave over.

    Returns `outer`, `inner_type`, `inner`; and `outer`, `inner_type`, `atom`, `share`. An inner
    footprint has no larger a share of any atom, nor have all inner ones of a type together.
    """
    kinds = areas.footprints.select("area", inner_type="footprint_type").unique()
    if compound_only:
        kinds = kinds.join(areas.compound(), on="area", how="semi")
    inner = areas.parts.join(kinds, on="area").rename({"area": "inner", "share": "part"})
    outer = areas.parts.join(outers, on="area", how="semi").rename(
        {"area": "outer", "share": "room"}
    )
    size = areas.parts.group_by(pl.col("area").alias("inner")).agg(pl.len().alias("parts"))
    fits = pl.col("part") <= pl.col("room") + _SHARE_TOLERANCE
    pairs = (
        inner.join(outer, on="atom")
        .filter(fits & (pl.col("inner") != pl.col("outer")))
        .group_by("outer", "inner_type", "inner")
        .agg(pl.len().alias("held"))
        .join(size, on="inner")
        .filter(pl.col("held") == pl.col("parts"))
        .select("outer", "inner_type", "inner")
    )
    return _left_over(pairs, inner, outer)


def _left_over(
    pairs: pl.DataFrame, inner: pl.DataFrame, outer: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    on = ["outer", "inner_type"]
    filled = (
        pairs.join(inner, on=["inner", "inner_type"])
        .group_by(*on, "atom")
        .agg(pl.col("part").sum())
    )
    room = (
        pairs.select(on)
        .unique()
        .join(outer, on="outer")
        .join(filled, on=[*on, "atom"], how="left")
        .with_columns((pl.col("room") - pl.col("part").fill_null(0.0)).alias("share"))
    )
    too_full = room.filter(pl.col("share") < -_SHARE_TOLERANCE).select(on).unique()
    left = room.filter(pl.col("share") > _SHARE_TOLERANCE).join(too_full, on=on, how="anti")
    kept = pairs.join(too_full, on=on, how="anti")
    return kept, left.select(*on, "atom", pl.col("share").round(_SHARE_DECIMALS))


def _with_basis(sums: pl.DataFrame, areas: _Areas, held: pl.DataFrame) -> pl.DataFrame:
    bases = areas.parts.join(held.select("atom", "basis").unique(), on="atom")
    return sums.join(bases.select("area", "basis").unique(), on="area")


def _in_contexts(
    sums: pl.DataFrame, first: _Areas, shown: pl.DataFrame, rows: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Repeat the sums for each indicator and stratum; areas that no row shows become cells."""
    on = ["area", "indicator", "stratum"]
    cell = shown.group_by(on, maintain_order=True).agg(pl.col("cell").first())
    terms = sums.join(shown.select(_CONTEXT).unique(), on="basis").join(cell, on=on, how="left")
    unseen = (pl.col("sign") == _PARENT) & pl.col("cell").is_null()
    without = terms.filter(unseen & pl.col("area").is_in(first.footprints["area"].implode()))
    terms = terms.join(without, on=["sum", *_CONTEXT], how="anti")
    slivers = (
        terms.filter(pl.col("cell").is_null())
        .select(*on, "basis", footprint_type=pl.lit(""), footprint_code="area")
        .unique()
        .sort(on)
        .with_columns((_numbers() + rows).alias("cell"), pl.col("footprint_code").cast(pl.String))
    )
    both = terms.join(slivers.select(*on, sliver="cell"), on=on, how="left").select(
        pl.struct("sum", "indicator", "stratum").rank("dense").cast(pl.Int64).alias("group"),
        pl.coalesce("cell", "sliver").alias("cell"),
        pl.col("sign").cast(pl.Int64),
    )
    return both, slivers


def _equalities(shown: pl.DataFrame, groups: object) -> pl.DataFrame:
    """Each further footprint of an area equals the first one that a row shows."""
    on = ["area", "indicator", "stratum"]
    start = groups + 1 if isinstance(groups, int) else 0
    equal = shown.with_columns(pl.col("cell").first().over(on).alias("rep")).filter(
        pl.col("cell") != pl.col("rep")
    )
    numbered = equal.with_columns(_numbers().alias("group") + start)
    return pl.concat(
        [
            numbered.select("group", "cell", sign=pl.lit(_CHILD, pl.Int64)),
            numbered.select("group", cell="rep", sign=pl.lit(_PARENT, pl.Int64)),
        ]
    )
