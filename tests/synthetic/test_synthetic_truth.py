"""Truth: who each record is, the people who exist, and the homes."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from synthetic_places import TinyPack

from pophealth_link.privacy import Key, keyed_hash
from pophealth_link.schema.outputs import PERSON_FACTS
from pophealth_link.synthetic import Plan, Synthetic, SynthSpec, data_folder, make_part, plan
from pophealth_link.synthetic.population import draw_population
from pophealth_link.synthetic.sources import PROPERTIES, SOURCES

SPEC = SynthSpec(people=4_000, seed=9)
AS_OF = date(2026, 4, 1)
GROUPS = {
    **dict.fromkeys("ABC", "white"), **dict.fromkeys("DEFG", "mixed"),
    **dict.fromkeys("HJKLR", "asian"), **dict.fromkeys("MNP", "black"), "S": "other",
}  # fmt: skip


@pytest.fixture(scope="module")
def planned(pack: TinyPack) -> Plan:
    return plan(SPEC, pack)


@pytest.fixture(scope="module")
def small(planned: Plan) -> Synthetic:
    return make_part(planned, planned.parts[0])


@pytest.fixture(scope="module")
def drawn(planned: Plan) -> pl.DataFrame:
    """The people as they were drawn: services change only who has a home, and foster homes."""
    part = planned.parts[0]
    people = draw_population(part.spec, part.region, planned.profile, part.streams).people
    number = pl.col("person").cast(pl.String).str.zfill(8)
    return people.with_columns(person_id="P" + number)


def test_everybody_who_exists_has_one_row(small: Synthetic, drawn: pl.DataFrame) -> None:
    assert small.people["person_id"].equals(drawn["person_id"])
    assert set(PERSON_FACTS.names) <= set(small.people.columns)
    assert small.people["on_register"].equals(drawn["registered"].alias("on_register"))


def test_facts_are_the_true_ones(small: Synthetic, drawn: pl.DataFrame) -> None:
    both = small.people.join(
        drawn.select("person_id", "date_of_birth", "ethnic_category", "age"), on="person_id"
    )
    assert both["ethnic_group"].equals(
        both["ethnic_category"].replace_strict(GROUPS).alias("ethnic_group")
    )
    starts = both["age_band"].str.extract(r"^(\d+)").cast(pl.Int64)
    assert (starts <= both["age"]).all()
    ends = both["age_band"].str.extract(r"-(\d+)$").cast(pl.Int64)
    assert (both["age"] <= ends.fill_null(200)).filter(both["age_band"] != "15").all()
    assert (both["age"] == 15).filter(both["age_band"] == "15").all()


def test_the_dead_and_those_who_left_are_not_current(small: Synthetic, drawn: pl.DataFrame) -> None:
    gone = drawn.select(
        gone=(pl.col("date_of_death") < AS_OF) | (pl.col("date_to") < AS_OF).fill_null(value=False)
    )["gone"].fill_null(value=False)
    listed = drawn["registered"]
    assert small.people["current"].filter(listed).equals((~gone).filter(listed).alias("current"))
    assert (gone & listed).sum() > 20
    years = small.people["person_years"]
    assert years.is_between(0, 365 / 365.25 + 1e-6).all()
    assert (years.filter(gone & listed) < 0.999).mean() > 0.95


def test_who_has_no_fixed_abode_lives_in_no_area(small: Synthetic) -> None:
    roofless = small.people.filter(unplaced="no_fixed_abode")
    assert roofless.height > 3
    assert roofless["lsoa_code"].null_count() == roofless.height
    assert roofless["keyed_uprn"].null_count() == roofless.height
    outside = small.people.filter(unplaced="unknown_postcode")
    assert outside.height > 5
    assert set(small.people["unplaced"].drop_nulls()) <= {
        "no_fixed_abode",
        "no_postcode",
        "unknown_postcode",
    }


def test_homes_are_keyed_as_the_project_keys_them(
    small: Synthetic, pack: TinyPack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = tmp_path_factory.mktemp("keyed") / "out"
    with data_folder(out, SPEC, reference=None) as folder:
        folder.add(small)
    key = Key.from_file(out / "secrets/project.key")
    tax = pl.read_csv(out / "council_tax.csv", infer_schema=False)
    keyed = keyed_hash(tax, "uprn", key, kind="uprn").select("record_id", hashed="uprn")
    both = small.homes.join(keyed, on="record_id")
    assert both.height == tax.height
    assert both["hashed"].equals(both["keyed_uprn"].alias("hashed"))
    places = pack.read("postcodes").select("postcode", wanted="lsoa_code")
    lsoas = tax.join(places, on="postcode", maintain_order="left").select("record_id", "wanted")
    assert (
        small.homes.join(lsoas, on="record_id")
        .select(pl.col("lsoa_code") == pl.col("wanted"))
        .to_series()
    ).all()
    lives = small.people.filter(pl.col("lsoa_code").is_not_null())["keyed_uprn"]
    assert lives.is_in(small.homes["keyed_uprn"].implode()).mean() > 0.98


def test_truth_says_of_a_record_what_is_true_of_its_person(small: Synthetic) -> None:
    own = small.people.select(
        "person_id",
        "household_id",
        "ethnic_group",
        "sex",
        "age_band",
        "situation",
        fifth="quintile",
    )
    both = small.truth.join(own, on="person_id", suffix="_own")
    assert both.height == small.truth.height
    for column in ("household_id", "ethnic_group", "sex", "age_band", "situation"):
        assert (both[column] == both[f"{column}_own"]).all(), column
    known = both.filter(pl.col("fifth").is_not_null())
    assert (known["quintile"] == "quintile_" + known["fifth"].cast(pl.String)).all()
    assert (both.filter(pl.col("fifth").is_null())["quintile"] == "quintile_unknown").all()


def test_networks_are_those_of_the_true_practice(small: Synthetic, pack: TinyPack) -> None:
    networks = dict(pack.read("practice_pcn").select("practice_code", "pcn_code").iter_rows())
    for practice, network in small.truth.select("practice_code", "pcn_code").unique().iter_rows():
        expected = (
            "not_registered" if practice == "not_registered" else networks.get(practice, "no_pcn")
        )
        assert network == expected
    assert {"U99001", "U99002", "U99003", "no_pcn", "not_registered"} == set(
        small.truth["pcn_code"]
    )


def test_who_has_a_record_is_marked(small: Synthetic) -> None:
    known = small.people.filter("has_record")["person_id"]
    assert set(known) == set(small.truth["person_id"])
    assert small.people.filter("on_register")["has_record"].all()
    assert 0 < (~small.people["has_record"]).sum() < 0.05 * small.people.height


def test_situations_are_many(small: Synthetic) -> None:
    assert small.people["situation"].n_unique() >= 10
    assert small.people["situation"].null_count() == 0


def test_households_are_of_more_than_one_person_where_they_should_be(small: Synthetic) -> None:
    sizes = small.people.group_by("household_id").len()["len"]
    assert 2.0 < sizes.mean() < 2.7
    family = small.people.filter(pl.col("age_band") == "05-09")["household_id"]
    with_child = small.people.filter(pl.col("household_id").is_in(family.implode()))
    assert with_child.group_by("household_id").len()["len"].min() >= 2


def test_organisations_are_the_sources_own(small: Synthetic) -> None:
    for source in SOURCES:
        own = small.truth.filter(source=source.name)["organisation"]
        pattern = (
            r"^(A99|Z99|not_registered)" if source.organisation == "practice_code" else r"^E06"
        )
        assert own.str.contains(pattern).all(), source.name
    assert PROPERTIES not in set(small.truth["source"])
