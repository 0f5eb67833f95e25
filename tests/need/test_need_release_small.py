"""What a release refuses and leaves out, on a handful of made-up rows."""

import polars as pl
import pytest

from pophealth_link.disclosure import Policy
from pophealth_link.errors import DisclosureError
from pophealth_link.indicators import Catalogue, catalogue
from pophealth_link.need import release
from pophealth_link.need.linkage_release import WEAK
from pophealth_link.need.release import _among_weak

EXACT = Policy("exact", base=1, first_shown=8)
PLACE = {
    **{"footprint_type": "whole", "footprint_code": "whole", "footprint_name": "Whole"},
    **{"basis": "resident", "period": "2026-04-01", "status": "ok", "level": "person"},
}


def counts(indicator: str, numerators: dict[str, float], **columns: object) -> pl.DataFrame:
    """Return raw counts of one indicator in one place, a row for each stratum."""
    cells = [(stratum, number, 10 * number, number) for stratum, number in numerators.items()]
    names = ("stratum", "numerator", "denominator", "contributors")
    rows = pl.DataFrame(cells, schema=names, orient="row").with_columns(
        pl.col(names[1:]).cast(pl.Float64),
        indicator=pl.lit(indicator),
        dominated=pl.lit(value=False),
        dispersion=pl.lit(None, pl.Float64),
        coverage=pl.lit(None, pl.Float64),
        reason=pl.lit(None, pl.String),
        policy=pl.lit("exact"),
    )
    return rows.with_columns(
        pl.lit(value).alias(name) for name, value in {**PLACE, **columns}.items()
    )


def listed(*names: str) -> Catalogue:
    return Catalogue({name: catalogue()[name] for name in names})


def test_strata_that_do_not_cover_everyone_are_refused_by_number_and_name():
    rows = counts("dementia_recorded", {"all": 100, "sex_male": 40, "sex_female": 50})
    with pytest.raises(DisclosureError, match="1 families of strata do not add up") as caught:
        release(rows, EXACT, indicators=listed("dementia_recorded"))
    assert "dementia_recorded" in str(caught.value)
    whole = counts("dementia_recorded", {"all": 90, "sex_male": 40, "sex_female": 50})
    assert release(whole, EXACT, indicators=listed("dementia_recorded"))[0].height == 3


@pytest.mark.parametrize(("dominated", "told"), [(True, False), (False, True)])
def test_over_dispersion_is_not_told_where_few_people_dominate_the_whole(dominated, told):
    rows = counts("occupied_bed_days", {"all": 100}, dispersion=29.3, dominated=dominated)
    given, summary = release(rows, EXACT, indicators=listed("occupied_bed_days"))
    (fact,) = summary["indicators"]
    assert ("over_dispersion" in fact) is told
    assert (given["lower"].item() is not None) is told


def test_the_people_of_an_indicator_of_weak_linkage_are_no_denominator_either():
    among = "smi_health_check_bmi"
    parent = catalogue()[among].among
    assert parent is not None
    rows = pl.concat(
        [
            counts(parent, {"all": 100}, **{WEAK: True}, status="linkage_too_weak"),
            counts(among, {"all": 50}, **{WEAK: False}),
        ]
    )
    done = _among_weak(rows, listed(parent, among)).filter(indicator=among)
    assert done.select("status", "numerator", "denominator").row(0) == (
        "linkage_too_weak",
        None,
        None,
    )
