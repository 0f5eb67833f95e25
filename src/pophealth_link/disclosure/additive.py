"""Which cells of a release add up to which: what differencing could subtract.

A relation is a sum of cells that is zero, children with sign +1 and parents with -1. Cells are
rows of the frame by position, and beyond them slivers: differences and overlaps of areas that no
row shows, yet that subtraction gives or bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pophealth_link.disclosure.areas import area_relations
from pophealth_link.disclosure.ranges import EVERY_BLOCK
from pophealth_link.errors import DisclosureError
from pophealth_link.schema.strata import family_of, parent_of

KEYS = ("footprint_type", "footprint_code", "basis", "indicator", "stratum")
ALL_STRATA = "all"
_CHILD, _PARENT = 1, -1
# Cells of a place by indicator and stratum, each with the sign by which their sum is zero.
Identity = Mapping[tuple[str, str], int]
# Exact ranges of slivers by these families as well take three times as long, and withhold no more
# where the footprints that are given by them are inside one another, as those of a baseline are.
_BY_PROPAGATION = ("sex", "age", "ethnic")


@dataclass(frozen=True, eq=False)
class Relations:
    """Additive relations between the cells of one frame.

    Fields:
        terms: `relation` (number), `cell` (row of the frame, or a sliver's number from `rows`
            upwards), `sign` (+1 child, -1 parent), and `block`, alike for a relation; sorted by
            relation and cell.
        rows: height of the frame.
        slivers: number of cells that no row shows.
        order: per row, its place when rows are sorted by their keys; ties are settled by it, so
            that nothing depends on row order.
        headline: per row, whether it is of the stratum `all` and of no part of another indicator:
            where there is a choice, it is withheld last.

    Relations within one family of strata, with those of `all`, are a block; so are the sums between
    indicators. `block` has a bit for each block that the relation belongs to: what is looked at
    exactly at once, see `disclosure.exact`. Relations within the families of sex, age and ethnic
    group are of no block: propagation alone narrows by them.
    """

    terms: pl.DataFrame
    rows: int
    slivers: int
    order: pl.Series
    headline: pl.Series

    @classmethod
    def of(
        cls,
        terms: pl.DataFrame,
        rows: int,
        order: pl.Series | None = None,
        headline: pl.Series | None = None,
    ) -> Relations:
        """Return relations from a frame of terms; ties go by row number unless `order` is given.

        >>> terms = pl.DataFrame({"relation": 0, "cell": [0, 1, 2], "sign": [-1, 1, 1]})
        >>> Relations.of(terms, rows=3).slivers
        0
        """
        _require_terms(terms)
        typed = terms.select(
            pl.col("relation").cast(pl.Int64),
            pl.col("cell").cast(pl.Int64),
            pl.col("sign").cast(pl.Int64),
            pl.col("block").cast(pl.Int64)
            if "block" in terms.columns
            else pl.lit(EVERY_BLOCK).alias("block"),
        ).sort("relation", "cell")
        top = typed["cell"].max()
        slivers = max(0, top + 1 - rows) if isinstance(top, int) else 0
        places = pl.int_range(rows, eager=True) if order is None else order
        none = pl.repeat(value=False, n=rows, dtype=pl.Boolean, eager=True)
        return cls(typed, rows, slivers, places, none if headline is None else headline)

    def __repr__(self) -> str:
        count = self.terms["relation"].n_unique()
        return f"Relations({count:,} relations, {self.rows:,} rows, {self.slivers:,} slivers)"


def relations(
    frame: pl.DataFrame,
    unit_footprints: pl.DataFrame | None = None,
    *,
    sums: Mapping[str, Sequence[str]] | None = None,
    identities: Sequence[Identity] = (),
) -> Relations:
    """Return the additive relations of a baseline, from its key columns alone.

    Three kinds, each within one indicator, and two between indicators:
        strata: the stratum `all` is the sum of each family of strata (`quintile_1` … and
            `quintile_unknown`, `sex_male` …) of the same footprint and basis, or of the same
            sliver; a family is what stands before the first underscore, and one that divides a
            stratum of another family adds up to that one (see `schema.strata`);
        totals: within a basis and stratum the rows of every footprint type, reasons included,
            add up to one total; the two bases have the same total, for nobody is left out;
        areas, where `unit_footprints` (the table of that name) is given: a footprint is the sum
            of the footprints of another type that lie wholly inside it, and of a sliver for the
            units that are left over; and where footprints of several types overlap, each is the
            sum of what they have in common, down to units that no footprint tells apart. A
            reason is thereby equal to itself in every type;
        sums, where given (an indicator → those that add up to it): in every place and stratum that
            has all of them, and in every sliver;
        identities, where given: the like, between cells of any indicators and strata.
    A relation that the counts do not bear out is left aside when ranges are computed.

    Errors: :class:`DisclosureError` where a key column is absent, or a key occurs twice.
    """
    cells = _cells(frame)
    declared = sums or {}
    parts = [_strata(cells), *_totals(cells)]
    between = [_between(cells, declared), _identical(cells, identities)]
    known = [cells]
    if unit_footprints is not None:
        overlaps, slivers = area_relations(cells, unit_footprints, frame.height)
        parts += [overlaps, _strata(slivers)]
        between += [_between(slivers, declared), _identical(slivers, identities)]
        known = [cells, slivers]
    terms = [
        part.select("group", "cell", pl.col("sign").cast(pl.Int64), kind=pl.lit(number))
        for number, part in enumerate([*between, *parts])
    ]
    numbered = pl.concat(terms).with_columns(
        (pl.struct("kind", "group").rank("dense") - 1).cast(pl.Int64).alias("relation")
    )
    blocks = _with_blocks(numbered, pl.concat(known), len(between))
    order = cells.sort(KEYS).with_row_index("place").sort("cell")["place"].cast(pl.Int64)
    parts_of_sums = [part for parts in declared.values() for part in parts]
    headline = (pl.col("stratum") == ALL_STRATA) & ~pl.col("indicator").is_in(parts_of_sums)
    return Relations.of(blocks, frame.height, order, cells.select(headline).to_series())


def _with_blocks(terms: pl.DataFrame, cells: pl.DataFrame, between: int) -> pl.DataFrame:
    """Add `block`; relations of the first `between` kinds are sums between indicators."""
    names = sorted({_family(name) for name in cells["stratum"].unique()} - {ALL_STRATA})
    exact = [name for name in names if name not in _BY_PROPAGATION]
    bits = dict.fromkeys(names, 0) | {name: 2 << number for number, name in enumerate(exact)}
    told = {name: bits.get(_family(name), EVERY_BLOCK) for name in cells["stratum"].unique()}
    own = cells.select("cell", bit=pl.col("stratum").replace_strict(told, return_dtype=pl.Int64))
    # A relation of `all` alone is of every block; one with strata of a family is of that block.
    held = terms.join(own, on="cell", how="left", maintain_order="left")
    block = pl.col("bit").min().over("relation")
    sums = pl.col("kind") < between
    return held.with_columns(pl.when(sums).then(pl.lit(1)).otherwise(block).alias("block"))


def _family(stratum: str) -> str:
    """Return the family whose block a stratum is in: that of the stratum that its own divides."""
    parent = parent_of(stratum)
    return family_of(stratum if parent == ALL_STRATA else parent)


def _cells(frame: pl.DataFrame) -> pl.DataFrame:
    absent = [name for name in KEYS if name not in frame.columns]
    if absent:
        raise DisclosureError("the baseline lacks key columns.", f"Absent: {', '.join(absent)}.")
    cells = frame.select(pl.col(name).cast(pl.String).fill_null("") for name in KEYS)
    twice = frame.height - cells.n_unique()
    if twice:
        raise DisclosureError(
            "keys of the baseline are not unique.", f"{twice:,} rows repeat a key."
        )
    return cells.with_columns(pl.int_range(frame.height, dtype=pl.Int64).alias("cell"))


def _group(*names: str) -> pl.Expr:
    """Return a number for each group of equal values, whatever the row order."""
    return pl.struct(*names).rank("dense").cast(pl.Int64).alias("group")


def _strata(cells: pl.DataFrame) -> pl.DataFrame:
    """Return the terms by which each family of strata adds up to the one it divides."""
    within = ["footprint_type", "footprint_code", "basis", "indicator"]
    names = cells["stratum"].unique()
    told = pl.DataFrame(
        {
            "stratum": names,
            "family": [family_of(name) for name in names],
            "parent": [parent_of(name) for name in names],
        },
        schema=dict.fromkeys(("stratum", "family", "parent"), pl.String),
    )
    own = [*within, "family", "parent"]
    families = cells.filter(pl.col("stratum") != ALL_STRATA).join(told, on="stratum")
    sums = cells.rename({"stratum": "parent"})
    parents = families.select(own).unique().join(sums, on=[*within, "parent"])
    known = families.join(parents.select(own), on=own, how="semi")
    return _terms(known, parents, own)


def _between(cells: pl.DataFrame, sums: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Return the terms by which indicators add up to another, wherever all of them are."""
    within = ["footprint_type", "footprint_code", "basis", "stratum"]
    pairs = [(parent, child, len(parts)) for parent, parts in sums.items() for child in parts]
    schema = {"parent": pl.String, "indicator": pl.String, "parts": pl.Int64}
    named = pl.DataFrame(pairs, schema=schema, orient="row")
    own = [*within, "parent"]
    children = cells.join(named, on="indicator")
    children = children.filter(pl.len().over(own) == pl.col("parts"))
    parents = cells.rename({"indicator": "parent"}).join(
        children.select(own).unique(), on=own, how="semi"
    )
    known = children.join(parents.select(own), on=own, how="semi")
    return _terms(known, parents, own)


def _identical(cells: pl.DataFrame, identities: Sequence[Identity]) -> pl.DataFrame:
    """Return the terms of each identity, wherever all of its cells are."""
    within = ["footprint_type", "footprint_code", "basis"]
    named = pl.DataFrame(
        [
            (number, *key, sign, len(each))
            for number, each in enumerate(identities)
            for key, sign in each.items()
        ],
        schema={
            **{"identity": pl.Int64, "indicator": pl.String, "stratum": pl.String},
            **{"sign": pl.Int32, "parts": pl.Int64},
        },
        orient="row",
    )
    own = [*within, "identity"]
    found = cells.join(named, on=["indicator", "stratum"])
    known = found.filter(pl.len().over(own) == pl.col("parts"))
    return known.select(*own, "cell", "sign").with_columns(_group(*own))


def _terms(children: pl.DataFrame, parents: pl.DataFrame, own: list[str]) -> pl.DataFrame:
    """Return the terms of one relation for each group of `own`: its children, and their sum."""
    both = pl.concat(
        [
            parents.select(*own, "cell", sign=pl.lit(_PARENT)),
            children.select(*own, "cell", sign=pl.lit(_CHILD)),
        ]
    )
    return both.with_columns(_group(*own))


def _totals(cells: pl.DataFrame) -> list[pl.DataFrame]:
    """Sum over each footprint type = sum over the type with the fewest codes (`whole`).

    Codes that every type of a basis has are reasons: the same people on both sides, so they
    cancel and the ranges that follow are the narrower for it.
    """
    codes = cells.select("basis", "footprint_type", "footprint_code").unique()
    types = codes.group_by("basis", "footprint_type").agg(pl.len().alias("codes"))
    count = types.group_by("basis").agg(pl.len().alias("types"))
    first = types.sort("basis", "codes", "footprint_type").group_by("basis").first()
    shared = (
        codes.group_by("basis", "footprint_code")
        .agg(pl.len().alias("in_types"))
        .join(count, on="basis")
        .filter((pl.col("in_types") == pl.col("types")) & (pl.col("types") > 1))
    )
    on_type, on_code = ["basis", "footprint_type"], ["basis", "footprint_code"]
    reference = cells.join(first.select(on_type), on=on_type, how="semi")
    own = cells.join(shared, on=on_code, how="anti")
    others = own.join(first.select(on_type), on=on_type, how="anti")
    return [
        _against(others, reference.join(shared, on=on_code, how="anti"), ["basis"]),
        _against(
            reference.filter(pl.col("basis") == "resident").with_columns(basis=pl.lit("both")),
            reference.filter(pl.col("basis") == "registered").with_columns(basis=pl.lit("both")),
            [],
        ),
    ]


def _against(children: pl.DataFrame, parents: pl.DataFrame, extra: list[str]) -> pl.DataFrame:
    """One relation per footprint type of the children: their sum = the sum of the parents."""
    on = [*extra, "indicator", "stratum"]
    left = children.join(parents.select(on).unique(), on=on, how="semi")
    groups = left.select(*on, pl.col("footprint_type").alias("of_type")).unique()
    right = parents.join(groups, on=on)
    both = pl.concat(
        [
            left.select(*on, "cell", of_type="footprint_type", sign=pl.lit(_CHILD)),
            right.select(*on, "cell", "of_type", sign=pl.lit(_PARENT)),
        ]
    )
    return both.with_columns(_group(*on, "of_type"))


def _require_terms(terms: pl.DataFrame) -> None:
    absent = [name for name in ("relation", "cell", "sign") if name not in terms.columns]
    if absent:
        raise DisclosureError("the relations lack columns.", f"Absent: {', '.join(absent)}.")
