"""Earlier releases of the same counts: what a reader has who keeps all of them."""

import polars as pl
import pytest
import world

from pophealth_link.disclosure import check, policy, relations
from pophealth_link.errors import DisclosureError
from pophealth_link.indicators import Catalogue, catalogue
from pophealth_link.indicators.footprints import CELL
from pophealth_link.indicators.overlap import register_sums
from pophealth_link.need import count, release
from pophealth_link.need.earlier import nearest, untaken
from pophealth_link.need.protection import sums_of

HES = policy("hes")
NAMED = (
    *("dementia_recorded", "severe_mental_illness_recorded", "eating_disorder_recorded"),
    *("depression_recorded", "smi_known_to_social_care"),
)
LISTED = Catalogue({name: catalogue()[name] for name in NAMED})
KEY = ["footprint_type", "footprint_code", "basis", "indicator", "stratum", "period"]


@pytest.fixture(scope="module")
def counted():
    given = world.inputs(size=6000, rows=5000)
    return given.unit_footprints, count(given, policy=HES, indicators=LISTED)


def released(units, counts, **more):
    return release(counts, HES, unit_footprints=units, indicators=LISTED, **more)[0]


def without(counts, family):
    return counts.filter(~pl.col("stratum").str.starts_with(family))


def of_both(counted, later, first):
    """What subtraction tells of the numerators that either release shows, with all of them."""
    units, counts = counted
    person = (pl.col("level") != "area") & pl.col("numerator").is_not_null()
    true = counts.filter(person).sort(CELL)
    shown = true.select(KEY)
    for name, frame in (("later", later), ("first", first)):
        shown = shown.join(
            frame.select(*KEY, pl.col("numerator").alias(name), pl.col("status").alias(f"{name}_s")),
            on=KEY, how="left", nulls_equal=True, maintain_order="left",
        )  # fmt: skip
    known = pl.coalesce("later", "first")
    shown = shown.with_columns(
        numerator=known, status=pl.when(known.is_null()).then("later_s").otherwise(pl.lit("ok"))
    )
    sums = {"sums": sums_of(LISTED), "identities": register_sums(LISTED.ids)}
    held = relations(true, units, **sums)
    return check(shown, HES, relations=held, counts=["numerator"], truth=true)


def test_two_releases_of_the_same_counts_tell_no_more_together_than_each(counted):
    """The first had no ethnic groups; those of the second ask for other counts to be withheld."""
    units, counts = counted
    first = released(units, without(counts, "ethnic"))
    alone = released(units, counts)
    assert of_both(counted, alone, alone).passed
    assert of_both(counted, alone, first).narrowed > 0
    aware = released(units, counts, previous=nearest([first], counts))
    assert of_both(counted, aware, first).passed
    assert of_both(counted, aware, aware).passed
    assert aware.height == alone.height


def test_what_no_withholding_can_mend_is_refused(counted):
    """A total that is out, of women and of men who are both few, cannot be taken back."""
    units, counts = counted
    first = released(units, without(counts, "sex"))
    assert of_both(counted, released(units, counts), first).narrowed > 0
    with pytest.raises(DisclosureError, match="can be told more closely"):
        released(units, counts, previous=nearest([first], counts))


def test_a_release_made_again_is_not_refused(counted):
    units, counts = counted
    first = released(units, counts)
    again = released(units, counts, previous=nearest([first], counts))
    assert of_both(counted, again, first).passed
    both = first.join(again, on=KEY, nulls_equal=True, suffix="_again")
    shown = both.drop_nulls(["numerator", "numerator_again"])
    assert shown.height > 500
    assert (shown["numerator"] == shown["numerator_again"]).all()


def cells(*rows):
    schema = {**dict.fromkeys(KEY, pl.String), "numerator": pl.Float64, "denominator": pl.Float64}
    full = [("pcn", code, "registered", "a", "all", when, n, d) for code, when, n, d in rows]
    return pl.DataFrame(full, schema=schema, orient="row")


def test_of_several_releases_the_number_is_taken_that_can_be_of_the_count():
    """130 of U1 was of other records; where one release withheld a count, the other told it."""
    counts = cells(("U1", "2026", 101.0, 998.0), ("U2", "2026", 40.0, 400.0))
    first = cells(("U1", "2026", 130.0, None), ("U2", "2026", None, 400.0))
    second = cells(("U1", "2026", 100.0, 1000.0), ("U2", "2026", 40.0, None))
    wanted = [(100.0, 1000.0), (40.0, 400.0)]
    for order in ([first, second], [second, first]):
        found = nearest(order, counts).sort("footprint_code")
        assert found.select("numerator", "denominator").rows() == wanted


def test_counts_that_only_an_earlier_release_has_are_counted():
    counts = cells(("U1", "2026", 101.0, 998.0))
    first = cells(("U1", "2026", 100.0, 1000.0), ("U9", "2026", 20.0, None))
    # Another period is another count, and a cell without any number tells none.
    second = cells(
        ("U9", "2025", 25.0, 90.0), ("U8", "2026", None, None), ("U9", "2026", 20.0, 5.0)
    )
    assert untaken([first], counts) == 1
    assert untaken([first, second], counts) == 1
    assert untaken([counts], counts) == 0
