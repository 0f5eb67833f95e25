"""Which cells of a release add up to which: what differencing could subtract.

A relation is a sum of cells that is zero, children with sign +1 and parents with -1. Cells are
rows of the frame by position, and beyond them slivers: differences and overlaps of areas that no
row shows, yet that subtraction gives or bounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pophealth_link.disclosure.areas import area_relations
from pophealth_link.errors import DisclosureError

KEYS = ("footprint_type", "footprint_code", "basis", "indicator", "stratum")
ALL_STRATA = "all"
_CHILD, _PARENT = 1, -1


@dataclass(frozen=True, eq=False)
class Relations:
    """Additive relations between the cells of one frame.

    Fields:
        terms: `relation` (number), `cell` (row of the frame, or a sliver's number from `rows`
            upwards), `sign` (+1 child, -1 parent); sorted by relation and cell.
        rows: height of the frame.
        slivers: number of cells that no row shows.
        order: per row, its place when rows are sorted by their keys; ties are settled by it, so
            that nothing depends on row order.
    """

    terms: pl.DataFrame
    rows: int
    slivers: int
    order: pl.Series

    @classmethod
    def of(cls, terms: pl.DataFrame, rows: int, order: pl.Series | None = None) -> Relations:
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
        ).sort("relation", "cell")
        top = typed["cell"].max()
        slivers = max(0, top + 1 - rows) if isinstance(top, int) else 0
        places = pl.int_range(rows, eager=True) if order is None else order
        return cls(typed, rows, slivers, places)

    def __repr__(self) -> str:
        count = self.terms["relation"].n_unique()
        return f"Relations({count:,} relations, {self.rows:,} rows, {self.slivers:,} slivers)"


def relations(frame: pl.DataFrame, unit_footprints: pl.DataFrame | None = None) -> Relations:
    """Return the additive relations of a baseline, from its key columns alone.

    Three kinds, each within one indicator:
        strata: the stratum `all` is the sum of each family of strata (`quintile_1` … and
            `quintile_unknown`) of the same footprint and basis, or of the same sliver;
        totals: within a basis and stratum the rows of every footprint type, reasons included,
            add up to one total; the two bases have the same total, for nobody is left out;
        areas, where `unit_footprints` (the table of that name) is given: a footprint is the sum
            of the footprints of another type that lie wholly inside it, and of a sliver for the
            units that are left over; and where footprints of several types overlap, each is the
            sum of what they have in common, down to units that no footprint tells apart. A
            reason is thereby equal to itself in every type.
    A relation that the counts do not bear out is left aside when ranges are computed.

    Errors: :class:`DisclosureError` where a key column is absent, or a key occurs twice.
    """
    cells = _cells(frame)
    parts = [_strata(cells), *_totals(cells)]
    if unit_footprints is not None:
        overlaps, slivers = area_relations(cells, unit_footprints, frame.height)
        parts += [overlaps, _strata(slivers)]
    sign = pl.col("sign").cast(pl.Int64)
    terms = [part.select("group", "cell", sign, kind=pl.lit(i)) for i, part in enumerate(parts)]
    numbered = pl.concat(terms).with_columns(
        (pl.struct("kind", "group").rank("dense") - 1).cast(pl.Int64).alias("relation")
    )
    order = cells.sort(KEYS).with_row_index("place").sort("cell")["place"].cast(pl.Int64)
    return Relations.of(numbered, frame.height, order)


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
    """`all` = sum of each family of strata; a family is what stands before the last underscore."""
    within = ["footprint_type", "footprint_code", "basis", "indicator"]
    families = cells.filter(pl.col("stratum") != ALL_STRATA).with_columns(
        pl.col("stratum").str.replace(r"_[^_]*$", "").alias("family")
    )
    whole = cells.filter(pl.col("stratum") == ALL_STRATA)
    parents = families.select(*within, "family").unique().join(whole, on=within)
    known = families.join(parents.select(*within, "family"), on=[*within, "family"], how="semi")
    both = pl.concat(
        [
            parents.select(*within, "family", "cell", sign=pl.lit(_PARENT)),
            known.select(*within, "family", "cell", sign=pl.lit(_CHILD)),
        ]
    )
    return both.with_columns(_group(*within, "family"))


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
