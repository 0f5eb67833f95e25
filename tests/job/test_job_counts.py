"""Released counts against counts made apart, straight from the files."""

import math

import polars as pl
import pytest
from small_job import AS_OF, PEOPLE, write_small_job

from pophealth_link import job as jobs


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("counts")
    job = write_small_job(folder / "data")
    # Of 600 people `hes` withholds most counts; this policy shows each as the middle of its six.
    job.write_text(job.read_text().replace('"hes"', '"midpoint6"'))
    return job.parent, jobs.run(job, out=folder / "run")


@pytest.fixture(scope="module")
def baseline(done):
    _, run = done
    return pl.read_csv(run.folder / "releasable/baseline.csv", infer_schema_length=None)


def whole(baseline, indicator, basis="registered"):
    return baseline.filter(
        indicator=indicator, basis=basis, footprint_code="whole", stratum="all"
    ).row(0, named=True)


def midpoint_6(count):
    return 0 if count == 0 else 6 * math.ceil(count / 6) - 3


def test_recorded_depression(done, baseline):
    data, _ = done
    born = dict(
        pl.read_parquet(data / "gp.parquet").select("record_id", "date_of_birth").iter_rows()
    )
    adult = {
        record
        for record, day in born.items()
        if (AS_OF.year - day.year - ((AS_OF.month, AS_OF.day) < (day.month, day.day))) >= 18
    }
    with_it = pl.read_csv(data / "conditions.csv").filter(condition="depression")["record_id"]
    cell = whole(baseline, "depression_recorded")
    assert cell["numerator"] == midpoint_6(len(adult & set(with_it)))
    assert cell["denominator"] == midpoint_6(len(adult))


def test_contacts_attended_of_registered_people(done, baseline):
    data, _ = done
    contacts = pl.read_csv(data / "contacts.csv", infer_schema=False)
    attended = contacts.filter(attendance="5").height
    cell = whole(baseline, "mental_health_contacts")
    assert cell["numerator"] == midpoint_6(attended)
    # The year before the day, each person for all of it.
    assert cell["denominator"] == midpoint_6(PEOPLE)


def test_dwellings_with_the_discount(done, baseline):
    data, _ = done
    homes = pl.read_csv(data / "council_tax.csv", infer_schema=False)
    count = homes.filter(single_person_discount="true").height
    cell = whole(baseline, "single_person_discount")
    assert (cell["numerator"], cell["denominator"]) == (midpoint_6(count), midpoint_6(homes.height))


def test_everybody_is_in_the_sum_of_each_kind_of_footprint(done):
    _, run = done
    people = pl.read_parquet(run.folder / "linked/people.parquet")
    assert people.filter("on_register").height == PEOPLE
    for column in (c for c in people.columns if c.startswith(("registered_", "resident_"))):
        assert people[column].null_count() == 0, column


def test_a_source_that_the_job_lacks_is_no_data_and_never_zero(baseline):
    absent = baseline.filter(
        pl.col("indicator").is_in(["temporary_accommodation", "delayed_discharge_days"])
    )
    assert absent["status"].unique().to_list() == ["no_data"]
    assert absent["value"].null_count() == absent.height
