"""Which cells add up to which: found from keys and nesting, true of the counts they come from."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.disclosure import Relations, relations
from pophealth_link.disclosure.additive import KEYS
from pophealth_link.errors import DisclosureError

UNITS = pl.DataFrame(
    [
        ("registered", unit, kind, code, 1.0)
        for unit, pcn, icp, lad in [
            ("A1", "U1", "north", "L1"),
            ("A2", "U1", "north", "L2"),
            ("A3", "U2", "north", "L1"),
            ("A4", "U3", "south", "L2"),
            ("not_registered",) * 4,
        ]
        for kind, code in (("pcn", pcn), ("icp", icp), ("lad", lad))
    ]
    + [("registered", f"A{i}", "whole", "whole", 1.0) for i in range(1, 5)]
    + [("registered", "not_registered", "whole", "not_registered", 1.0)],
    schema=["basis", "unit", "footprint_type", "footprint_code", "share"],
    orient="row",
)


def baseline(counts: pl.DataFrame, units: pl.DataFrame = UNITS) -> pl.DataFrame:
    """Roll people counts (basis, unit, stratum, n) up, with the stratum `all`."""
    whole = counts.group_by("basis", "unit").agg(pl.col("n").sum(), stratum=pl.lit("all"))
    each = pl.concat([counts, whole.select(counts.columns)])
    keys = ["footprint_type", "footprint_code", "basis", "stratum"]
    rolled = (
        each.join(units, on=["basis", "unit"])
        .group_by(keys)
        .agg((pl.col("n") * pl.col("share")).sum().alias("n"))
    )
    return rolled.with_columns(indicator=pl.lit("depression_recorded")).sort(KEYS)


COUNTS = pl.DataFrame(
    [
        ("registered", unit, stratum, 10 * i + j)
        for i, unit in enumerate(["A1", "A2", "A3", "A4", "not_registered"])
        for j, stratum in enumerate(["quintile_1", "quintile_5", "quintile_unknown"])
    ],
    schema=["basis", "unit", "stratum", "n"],
    orient="row",
)


def sums(frame: pl.DataFrame, found: Relations) -> pl.DataFrame:
    """Per relation: Σ sign·count over rows, and whether it has a sliver."""
    rows = frame.with_row_index("cell").select(pl.col("cell").cast(pl.Int64), "n")
    return (
        found.terms.join(rows, on="cell", how="left")
        .group_by("relation")
        .agg(
            (pl.col("n") * pl.col("sign")).sum().alias("sum"),
            (pl.col("cell") >= found.rows).any().alias("open"),
            ((pl.col("cell") >= found.rows) & (pl.col("sign") < 0)).any().alias("taken"),
        )
    )


def named(frame: pl.DataFrame, found: Relations) -> set[tuple[frozenset[str], frozenset[str]]]:
    """Relations as (parents, children) of `type/code/stratum`; slivers are called `sliver`."""
    names = frame.select(
        pl.concat_str("footprint_type", "footprint_code", "stratum", separator="/")
    ).to_series()
    terms = found.terms.with_columns(
        pl.when(pl.col("cell") < found.rows)
        .then(names.gather(pl.Series(found.terms["cell"].clip(0, found.rows - 1))))
        .otherwise(pl.lit("sliver"))
        .alias("name")
    )
    return {
        (
            frozenset(part.filter(sign=-1)["name"]),
            frozenset(part.filter(sign=1)["name"]),
        )
        for _, part in terms.group_by("relation")
    }


def test_strata_add_up_to_all() -> None:
    frame = baseline(COUNTS)
    strata = ("quintile_1", "quintile_5", "quintile_unknown")
    expected = (frozenset({"pcn/U1/all"}), frozenset(f"pcn/U1/{each}" for each in strata))
    assert expected in named(frame, relations(frame))


def test_footprint_types_have_one_total_and_reasons_cancel() -> None:
    frame = baseline(COUNTS)
    found = named(frame, relations(frame))
    whole = frozenset({"whole/whole/all"})
    assert (whole, frozenset({"pcn/U1/all", "pcn/U2/all", "pcn/U3/all"})) in found
    assert (whole, frozenset({"icp/north/all", "icp/south/all"})) in found
    assert (whole, frozenset({"lad/L1/all", "lad/L2/all"})) in found


def test_nesting_gives_parts_slivers_and_equals() -> None:
    frame = baseline(COUNTS)
    found = named(frame, relations(frame, UNITS))
    assert (frozenset({"icp/north/all"}), frozenset({"pcn/U1/all", "pcn/U2/all"})) in found
    # L1 is U2 and the half of U1 that no row shows.
    assert (frozenset({"lad/L1/all"}), frozenset({"pcn/U2/all", "sliver"})) in found
    equals = {"pcn/not_registered/all", "icp/not_registered/all", "lad/not_registered/all"}
    first = frozenset({"icp/not_registered/all"})
    assert {b for a, b in found if a == first and b <= equals} == {
        frozenset({each}) for each in equals - first
    }


def test_overlaps_are_cells_and_footprints_their_sums() -> None:
    frame = baseline(COUNTS)
    found = relations(frame, UNITS)
    # U1 is halved between L1 and L2; each half is one sliver, whichever way it is come by.
    halves = found.terms.filter(pl.col("cell") >= found.rows)["cell"].n_unique()
    assert halves == found.slivers == 2 * frame["stratum"].n_unique()
    assert (frozenset({"pcn/U1/all"}), frozenset({"sliver"})) in named(frame, found)
    # The sliver of `all` is the sum of those of the strata.
    assert (frozenset({"sliver"}), frozenset({"sliver"})) in named(frame, found)


def test_both_bases_have_one_total() -> None:
    resident = COUNTS.with_columns(basis=pl.lit("resident"))
    units = pl.concat([UNITS, UNITS.with_columns(basis=pl.lit("resident"))])
    frame = baseline(pl.concat([COUNTS, resident]), units)
    found = relations(frame)
    rows = frame.with_row_index("cell").with_columns(pl.col("cell").cast(pl.Int64))
    bases = found.terms.join(rows, on="cell").group_by("relation").agg(pl.col("basis").unique())
    assert bases.filter(pl.col("basis").list.len() == 2).height == 4


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=15, max_size=15))
def test_relations_hold_for_the_counts_they_come_from(values) -> None:
    frame = baseline(COUNTS.with_columns(n=pl.Series(values)))
    got = sums(frame, relations(frame, UNITS))
    assert (got.filter(~pl.col("open"))["sum"] == 0).all()
    assert (got.filter(pl.col("open") & ~pl.col("taken"))["sum"] <= 0).all()


def test_shared_units_are_split_and_still_add_up() -> None:
    shared = UNITS.filter(~((pl.col("unit") == "A3") & (pl.col("footprint_type") == "icp")))
    halves = pl.DataFrame(
        [("registered", "A3", "icp", code, 0.5) for code in ("north", "south")],
        schema=shared.schema,
        orient="row",
    )
    units = pl.concat([shared, halves])
    frame = baseline(COUNTS, units)
    got = sums(frame, relations(frame, units))
    assert got.filter(~pl.col("open"))["sum"].abs().max() < 1e-9
    assert (got.filter(pl.col("open") & ~pl.col("taken"))["sum"] <= 0).all()
    # U2 is A3 alone, so neither half of the ICPs holds it.
    inside = [b for a, b in named(frame, relations(frame, units)) if a == {"icp/north/all"}]
    assert frozenset({"pcn/U1/all", "sliver"}) in inside


def test_row_order_does_not_matter() -> None:
    frame = baseline(COUNTS)
    other = frame.sample(fraction=1.0, shuffle=True, seed=1)
    assert named(frame, relations(frame, UNITS)) == named(other, relations(other, UNITS))


def test_repeated_and_absent_keys_are_refused() -> None:
    frame = baseline(COUNTS)
    with pytest.raises(DisclosureError, match="1 rows repeat a key"):
        relations(pl.concat([frame, frame.head(1)]))
    with pytest.raises(DisclosureError, match=r"Absent: basis\."):
        relations(frame.drop("basis"))
    with pytest.raises(DisclosureError, match="Absent: sign"):
        Relations.of(pl.DataFrame({"relation": [0], "cell": [0]}), rows=1)


def test_repr_shows_counts_only() -> None:
    frame = baseline(COUNTS)
    assert "U1" not in repr(relations(frame))
