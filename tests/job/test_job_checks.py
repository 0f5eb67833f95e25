"""`check` and `run` agree: what is wrong is told by `load`, which both call, before anything runs."""

import polars as pl
import pytest
from small_job import write_small_job

from pophealth_link import job as jobs
from pophealth_link import reference
from pophealth_link.errors import UserError
from pophealth_link.job import contents
from pophealth_link.job.checking import check
from pophealth_link.link import linkage


@pytest.fixture
def job(tmp_path):
    return write_small_job(tmp_path / "data")


def edit(job, old, new):
    text = job.read_text()
    assert old in text
    job.write_text(text.replace(old, new))


def with_file(job, table, name, content):
    (job.parent / name).write_text(content)
    edit(job, "[privacy]\n", table + "\n[privacy]\n")


PRACTICE = reference.load(None).read("practices")["practice_code"][0]
LADS = sorted(set(reference.load(None).read("areas")["lad_code"].to_list()))
HEAD = "practice_code,pcn_code,footprint_code,footprint_name,share\n"


def footprints(name, rows):
    return lambda job: with_file(job, f'[footprints.{name}]\npath = "f.csv"', "f.csv", HEAD + rows)


def no_identifiers(job):
    (job.parent / "care.csv").write_text("record_id,sex\nc1,1\n")
    edit(job, 'given_name = "forename"\ndate_of_birth = "born"\n', "")


def opt_outs(content):
    def spoil(job):
        (job.parent / "gone.csv").write_text(content)
        edit(job, "[privacy]\n", '[privacy]\nopt_outs = "gone.csv"\n')

    return spoil


def link_table(text, **files):
    """A job with more lines in `[link]`, and the files that they name."""

    def spoil(job):
        for name, content in files.items():
            (job.parent / f"{name}.csv").write_text(content)
        edit(job, "[privacy]\n", f"[link]\n{text}\n[privacy]\n")

    return spoil


def own_pass(name, *keys):
    return link_table(f'[[link.passes]]\nname = "{name}"\nkeys = {list(keys)}')


def index_without_key(job):
    (job.parent / "earlier").mkdir()
    index = pl.DataFrame(
        {"source": ["gp"], "record_id": ["g1"], "person_id": ["p"], "method": ["register"],
         "match_probability": [None]}, schema_overrides={"match_probability": pl.Float64},
    )  # fmt: skip
    index.write_parquet(job.parent / "earlier/person_index.parquet")
    link_table('previous_index = "earlier"')(job)
    edit(job, '[privacy]\nkey_file = "project.key"\n', "")


def need_file(setting, content):
    return lambda job: with_file(job, f'[need]\n{setting} = "n.csv"', "n.csv", content)


COST = "item,indicator,unit_cost,price_year,date,source\nA day,{},700,2024/25,2025-06-30,x\n"
BEDS = "site,ward_type,open_beds,date,source,footprint_type,footprint_code\nA,adult_acute,9,2025-01-01,x,{}\n"
PAIRS = "source_l,record_id_l,source_r,record_id_r,decision\n"
CASES = {
    "no register": (lambda j: edit(j, "register = true\nunique_people = true", ""), 13, ["register"]),
    "register twice over": (lambda j: edit(j, "unique_people = true", ""), 13, ["register"]),
    "opt-outs": (opt_outs("nhs_number\nMARKED\n"), 11, ["opt_outs", "1 of 1 values"]),
    "model": (
        lambda j: with_file(j, '[link]\nmodel = "m.json"', "m.json", "{}"),
        13,
        ["link.model", "m.json"],
    ),
    "absent model": (link_table('model = "no.json"'), 10, ["link.model", "no.json does not exist"]),
    "unknown key": (own_pass("own", "famly"), 10, ["link.passes[0].keys", "Did you mean `family`?"]),
    "contract column": (own_pass("own", "postcode"), 10, ["`postcode` is not a key", "`home`"]),
    "reserved name": (own_pass("reviewed", "family"), 10, ["link.passes[0].name", "another method"]),
    "name of a built-in pass": (
        own_pass("name_birth_postcode", "family"), 10, ["link.passes[0].name", "a pass before it"],
    ),
    "absent decisions": (link_table('decisions = "no.csv"'), 10, ["link.decisions", "no.csv"]),
    "decisions without a column": (
        link_table('decisions = "d.csv"', d="source_l,decision\nMARKED,yes\n"), 11,
        ["link.decisions", "record_id_r"],
    ),
    "decisions of an unknown source": (
        link_table('decisions = "d.csv"', d=PAIRS + "gp,1,MARKED,2,yes\n"), 11,
        ["link.decisions", "1 rows name a source"],
    ),
    "decisions with another word": (
        link_table('decisions = "d.csv"', d=PAIRS + "gp,1,care,2,MARKED\n"), 11,
        ["link.decisions", "1 of 1 decisions are neither yes nor no"],
    ),
    "absent index": (link_table('previous_index = "no"'), 10, ["link.previous_index", "no does not exist"]),
    "index that is none": (
        lambda j: ((j.parent / "earlier").mkdir(), link_table('previous_index = "earlier"')(j)), 13,
        ["link.previous_index", "no person index"],
    ),
    "index without its key": (index_without_key, 10, ["privacy", "key of its run"]),
    "no pass": (no_identifiers, 13, ["care", "no columns by which any pass"]),
    **{
        f"footprint {name}": (footprints(name, f"{PRACTICE},,A,B,1\n"), 10, [f"footprints.{name}"])
        for name in ("lad", "pcn", "icb", "whole")
    },
    "nobody's footprint": (footprints("icp", f",,A,B,1\n{PRACTICE},,A,B,1\n"), 11, ["1 of 2 rows", "no practice, PCN or area"]),
    "no code": (footprints("icp", f"{PRACTICE},,,B,1\n"), 11, ["1 of 1 rows", "footprint_code"]),
    "no share": (footprints("icp", f"{PRACTICE},,A,B,half\n"), 11, ["1 of 1 rows", "share"]),
    "shares": (footprints("icp", f"{PRACTICE},,A,B,0.7\n"), 12, ["sum to 1"]),
    "cost of no indicator": (
        need_file("unit_costs", COST.format("out_of_area_dayz")), 10,
        ["need.unit_costs", "out_of_area_dayz", "Did you mean `out_of_area_days`?"],
    ),
    "cost of people": (
        need_file("unit_costs", COST.format("depression_recorded")), 10,
        ["need.unit_costs", "depression_recorded", "not an indicator of events or days"],
    ),
    "beds of no footprint": (
        need_file("beds", BEDS.format("icb,ICP99")), 11,
        ["need.beds", "1 of 1 rows with a footprint name 1 "],
    ),
    "beds of an area that is not the job's": (
        lambda j: (
            need_file("beds", BEDS.format(f"lad,{LADS[1]}"))(j),
            edit(j, "[privacy]\n", f'[footprints]\nlocal_authorities = ["{LADS[0]}"]\nbasis = ["resident"]\n[privacy]\n'),
        ), 11, ["need.beds", "1 of 1 rows with a footprint name 1 "],
    ),
    "authority": (
        lambda j: edit(j, "[privacy]\n", '[footprints]\nlocal_authorities = ["E09999999"]\n[privacy]\n'),
        10,
        ["local_authorities", "E09999999"],
    ),
    "two keys": (lambda j: edit(j, "[privacy]\n", '[privacy]\nkey_env = "MARKED"\n'), 10, ["key_file and key_env"]),
    "no variable": (lambda j: edit(j, 'key_file = "project.key"', 'key_env = "MARKED"'), 10, ["environment variable"]),
    "long path": (lambda j: edit(j, "project.key", "k" * 300), 10, ["privacy.key_file"]),
}  # fmt: skip


def run(job):
    return jobs.run(job, out=job.parent.parent / "deep/er/out")


@pytest.mark.parametrize("verb", [check, run])
@pytest.mark.parametrize("case", CASES)
def test_check_and_run_refuse_alike(job, case, verb):
    spoil, code, words = CASES[case]
    spoil(job)
    with pytest.raises(UserError) as caught:
        verb(job)
    assert caught.value.exit_code == code
    for word in words:
        assert word in str(caught.value)
    assert "MARKED" not in str(caught.value)
    assert [path.name for path in job.parent.parent.iterdir()] == ["data"]


def test_problems_of_settings_and_of_content_are_told_together(job):
    CASES["opt-outs"][0](job)
    CASES["no code"][0](job)
    edit(job, '"hes"', '"hess"')
    (job.parent / "contacts.csv").unlink()
    with pytest.raises(UserError) as caught:
        check(job)
    assert caught.value.exit_code == 10
    for word in ("disclosure.policy", "contacts.csv"):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("X1,,A,B,1\nX2,,A,B,1\n,Y1,A,B,1\n", "3 of 3 rows put nobody in a footprint"),
        (f"{PRACTICE},,A,B,1,2010-01-01,2011-01-01\nX2,,A,B,1,2010-01-01,2011-01-01\n", "none of its 2 rows holds on 2026-04-01"),
        (f"{PRACTICE},,A,B,1\nX1,,A,B,1\n", "1 of 2 rows put nobody in a footprint"),
        (f"{PRACTICE},,A,B,1\n", None),
    ],
)  # fmt: skip
def test_footprints_that_hold_nobody_are_warned_of(job, rows, words):
    head = HEAD.replace("share", "share,valid_from,valid_to") if "2010" in rows else HEAD
    with_file(job, '[footprints.icp]\npath = "f.csv"', "f.csv", head + rows)
    checked = jobs.load(job)
    told = contents.check_against(checked, checked.read_reference(), ("link", "analyse"))
    assert ([words in each for each in told] == [True]) if words else told == []
    assert ("warning" in check(job)) is bool(words)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("family", "home"), "no given name and no date of birth"),
        (("first_given", "uprn"), "no date of birth"),
        (("given", "date_of_birth", "practice_code"), None),
    ],
)
def test_a_pass_that_would_link_a_household_is_warned_of(job, keys, words):
    own_pass("own", *keys)(job)
    told = check(job)
    assert ("warning" in told) is bool(words)
    assert words is None or f"the pass own has {words} among its keys" in told


def test_too_little_memory_is_said(job, tmp_path):
    edit(job, "seed = 1", 'seed = 1\nmemory_limit = "1MB"')
    care = pl.read_csv(job.parent / "care.csv", infer_schema=False)
    # Without a postcode they are left to the probabilistic pass.
    care.drop("postcode").write_csv(job.parent / "care.csv")
    with pytest.raises(UserError) as caught:
        jobs.link(job, out=tmp_path / "out")
    assert caught.value.exit_code == 13
    assert "memory_limit" in str(caught.value)


def test_another_error_of_the_linkage_is_not_taken_for_a_lack_of_memory(job, tmp_path, monkeypatch):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(linkage, "register_of", fail)
    with pytest.raises(ZeroDivisionError):
        jobs.link(job, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("as_of", "told"),
    [("2026-04-01", False), ("2027-03-01", False), ("2062-04-01", True), ("2016-04-01", True)],
)
def test_a_day_far_from_the_period_is_warned_of(job, as_of, told):
    edit(job, "as_of = 2026-04-01", f"as_of = {as_of}\nperiod = [2025-04-01, 2026-03-31]")
    assert (f"as_of ({as_of}) is not within a year after the period" in check(job)) is told


def test_beds_of_each_footprint_of_the_job_are_taken(job):
    """By type: a practice's network, an authority, the job's own place, the whole area."""
    codes = {"pcn": reference.load(None).read("practice_pcn")["pcn_code"][0], "lad": LADS[0]}
    rows = [f"S{n},adult_acute,9,2025-01-01,x,{k},{c}" for n, (k, c) in enumerate(codes.items())]
    rows += ["S8,adult_acute,9,2025-01-01,x,,", "S9,adult_acute,9,2025-01-01,x,icp,A"]
    footprints("icp", f"{PRACTICE},,A,B,1\n")(job)
    need_file("beds", BEDS.splitlines()[0] + "\n" + "\n".join(rows) + "\n")(job)
    check(job)
