"""Accuracy against truth, by the definitions of the interface, counted by hand."""

import json
import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pophealth_link import cli as command_line
from pophealth_link import reference, synthetic
from pophealth_link.errors import DataError
from pophealth_link.evaluate import score, score_files

INDEX = pl.DataFrame(
    [
        ("gp", "1", "A", "register"),
        ("gp", "2", "B", "register"),
        ("gp", "3", "C", "register"),
        ("care", "r", "A", "nhs_number"),  # right
        ("care", "w", "B", "probabilistic"),  # wrong: it is the third person
        ("care", "m", "M", "unlinked"),  # missed: it is the second person
        ("care", "n", "N", "unlinked"),  # right: on no register
        ("care", "f", "C", "probabilistic"),  # wrong: on no register
    ],
    schema=["source", "record_id", "person_id", "method"],
    orient="row",
)
TRUTH = pl.DataFrame(
    [
        ("gp", "1", "t1", "x"),
        ("gp", "2", "t2", "x"),
        ("gp", "3", "t3", "y"),
        ("care", "r", "t1", "x"),
        ("care", "w", "t3", "y"),
        ("care", "m", "t2", "x"),
        ("care", "n", "t9", "y"),
        ("care", "f", "t8", None),
    ],
    schema=["source", "record_id", "person_id", "group"],
    orient="row",
)


def test_recall_and_false_links_by_hand():
    row = score(INDEX, TRUTH).filter(dimension="all").row(0, named=True)
    # Linkable: r, w, m. Linked: r, w, f.
    assert (row["linkable"], row["correct"], row["linked"], row["false"]) == (3, 1, 3, 2)
    assert row["recall"] == pytest.approx(1 / 3)
    assert row["false_links"] == pytest.approx(2 / 3)
    assert row["precision"] == pytest.approx(1 / 3)
    assert row["f1"] == pytest.approx(1 / 3)
    assert row["recall_lower"] < 1 / 3 < row["recall_upper"]


def test_f1_has_the_limits_of_the_true_share_of_all_that_is_linked_or_linkable():
    """Linked or linkable: r, w, m and f, w counting twice, as it is missed and falsely linked."""
    row = score(INDEX, TRUTH).filter(dimension="all").row(0, named=True)
    low, high = (2 * limit / (1 + limit) for limit in wilson(1, 5))
    assert (row["f1_lower"], row["f1_upper"]) == pytest.approx((low, high))
    assert low < row["f1"] < high


def test_missed_matches_are_what_recall_leaves():
    row = score(INDEX, TRUTH).filter(dimension="all").row(0, named=True)
    assert (row["missed"], row["missed_matches"]) == (2, pytest.approx(2 / 3))
    assert row["missed_matches_lower"] == pytest.approx(1 - wilson(1, 3)[1])


def test_each_pass_has_its_links_and_its_share_of_recall():
    passes = score(INDEX, TRUTH).filter(dimension="pass").sort("group")
    told = passes.select("group", "linkable", "correct", "linked", "false")
    assert told.rows() == [("nhs_number", 3, 1, 1, 0), ("probabilistic", 3, 0, 2, 2)]
    assert passes["recall"].to_list() == [pytest.approx(1 / 3), 0]
    assert passes["false_links"].to_list() == [0, 1]
    assert passes["missed"].to_list() == passes["f1"].to_list() == [None, None]
    whole = score(INDEX, TRUTH).filter(dimension="all")
    assert passes["recall"].sum() == pytest.approx(whole["recall"].item())


def test_a_column_of_truth_named_pass_is_told_instead():
    named = score(INDEX, TRUTH.with_columns(pl.col("group").alias("pass")), by=["pass"])
    assert set(named.filter(dimension="pass")["group"]) == {"x", "y", "unknown"}


def test_subgroups_come_from_truth_and_add_up():
    scored = score(INDEX, TRUTH, by=["group"])
    groups = scored.filter(dimension="group")
    assert groups["group"].to_list() == ["unknown", "x", "y"]
    whole = scored.filter(dimension="all")
    for count in ("linkable", "correct", "linked", "false"):
        assert groups[count].sum() == whole[count][0]


def test_a_group_without_linkable_records_has_no_recall():
    scored = score(INDEX, TRUTH, by=["group"]).filter(group="unknown").row(0, named=True)
    assert scored["linkable"] == 0
    assert scored["recall"] is None


@pytest.mark.parametrize(
    ("truth", "by"), [(TRUTH.drop("person_id"), []), (TRUTH, ["ethnic"]), (TRUTH.head(5), [])]
)
def test_truth_that_does_not_fit_is_refused(truth, by):
    with pytest.raises(DataError):
        score(INDEX, truth, by=by)


@pytest.mark.parametrize(
    ("index", "truth", "words"),
    [
        (INDEX.drop("method"), TRUTH, "person index  has no column `method`"),
        (INDEX.drop("record_id"), TRUTH, "`record_id`"),
        (INDEX.with_columns(record_id=pl.lit(1)), TRUTH, "person index  `record_id` is not text"),
        (INDEX, TRUTH.with_columns(record_id=pl.lit(1)), "truth  `record_id` is not text"),
        (INDEX, pl.concat([TRUTH, TRUTH.tail(1)]), "truth  2 rows are of records"),
        (pl.concat([INDEX, INDEX.tail(1)]), TRUTH, "person index  2 rows are of records"),
    ],
)
def test_frames_that_cannot_be_scored_are_refused(index, truth, words):
    with pytest.raises(DataError) as caught:
        score(index, truth)
    assert words in str(caught.value)


def test_files_that_cannot_be_scored_are_refused(tmp_path):
    INDEX.write_parquet(tmp_path / "index.parquet")
    TRUTH.with_columns(record_id=pl.int_range(pl.len())).write_parquet(tmp_path / "truth.parquet")
    with pytest.raises(DataError, match="not text"):
        score_files(tmp_path / "index.parquet", tmp_path / "truth.parquet")
    with pytest.raises(DataError, match="does not exist"):
        score_files(tmp_path / ("x" * 300), tmp_path / "truth.parquet")


def wilson(events, of, z=1.959963984540054):
    """Wilson's limits as published: Journal of the American Statistical Association 1927."""
    share, square = events / of, z * z / of
    middle = share + square / 2
    half = z * math.sqrt(share * (1 - share) / of + square / (4 * of))
    return (middle - half) / (1 + square), (middle + half) / (1 + square)


def test_limits_are_wilsons():
    row = score(INDEX, TRUTH).filter(dimension="all").row(0, named=True)
    assert (row["recall_lower"], row["recall_upper"]) == pytest.approx(wilson(1, 3))
    assert (row["false_links_lower"], row["false_links_upper"]) == pytest.approx(wilson(2, 3))
    assert (row["precision_lower"], row["precision_upper"]) == pytest.approx(wilson(1, 3))


RECORD = st.tuples(st.integers(0, 6), st.integers(0, 9), st.sampled_from("ab"))


@given(st.lists(RECORD, min_size=1, max_size=40))
def test_counts_are_those_of_the_definitions(records):
    """Register people 0 to 6; each record is truly one of 0 to 9 and was linked to one of 0 to 6
    or, from 7 on in truth, to nobody on the register."""
    register = [("gp", f"g{n}", f"p{n}", "register") for n in range(7)]
    others = [
        ("care", str(i), f"p{linked}", "reviewed") for i, (linked, _, _) in enumerate(records)
    ]
    index = pl.DataFrame(register + others, schema=INDEX.schema, orient="row")
    truth = [("gp", f"g{n}", f"t{n}", "a") for n in range(7)]
    truth += [("care", str(i), f"t{own}", group) for i, (_, own, group) in enumerate(records)]
    scored = score(index, pl.DataFrame(truth, schema=TRUTH.schema, orient="row"), by=["group"])
    for group in ("a", "b"):
        some = [(linked, own) for linked, own, of in records if of == group]
        row = scored.filter(dimension="group", group=group)
        if not some:
            assert row.is_empty()
            continue
        right = sum(linked == own for linked, own in some)
        assert row.select("linkable", "correct", "linked", "false").row(0) == (
            sum(own < 7 for _, own in some), right, len(some), len(some) - right,
        )  # fmt: skip
        f1 = row["f1"].item()
        if f1 is not None:
            recall, precision = row["recall"].item(), row["precision"].item()
            both = recall + precision
            assert f1 == pytest.approx(2 * recall * precision / both if both else 0.0)


def test_nothing_right_is_an_f1_of_0_and_valid_json(tmp_path):
    INDEX.write_parquet(tmp_path / "index.parquet")
    wrong = TRUTH.with_columns(
        person_id=pl.when(pl.col("record_id") == "r").then(pl.lit("t2")).otherwise("person_id")
    )
    wrong.write_csv(tmp_path / "truth.CSV")
    told = score_files(
        tmp_path / "index.parquet", tmp_path / "truth.CSV", by=["group"], as_json=True
    )
    rows = json.loads(told, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    whole = next(row for row in rows if row["dimension"] == "all")
    assert (whole["correct"], whole["recall"], whole["precision"], whole["f1"]) == (0, 0, 0, 0)
    unknown = next(row for row in rows if row["group"] == "unknown")
    assert (unknown["recall"], unknown["f1"]) == (None, None)


def test_csv_and_parquet_truth_score_alike(tmp_path):
    INDEX.write_parquet(tmp_path / "index.parquet")
    TRUTH.write_csv(tmp_path / "truth.csv")
    TRUTH.write_parquet(tmp_path / "truth.parquet")
    texts = {
        score_files(tmp_path / "index.parquet", tmp_path / f"truth.{kind}", by=["group"], as_json=json_)
        for kind in ("csv", "parquet") for json_ in (False,)
    }  # fmt: skip
    assert len(texts) == 1


def test_the_table_has_every_measure_and_its_limits(tmp_path):
    INDEX.write_parquet(tmp_path / "index.parquet")
    TRUTH.write_parquet(tmp_path / "truth.parquet")
    text = score_files(tmp_path / "index.parquet", tmp_path / "truth.parquet", by=["group"])
    head, *rows = text.splitlines()
    assert head.split() == [
        "by",
        "group",
        "linkable",
        "recall",
        "linked",
        "false",
        "links",
        "precision",
        "F1",
    ]
    assert [row.split()[:2] for row in rows] == [
        ["all", "all"], ["source", "care"], ["pass", "nhs_number"], ["pass", "probabilistic"],
        ["group", "unknown"], ["group", "x"], ["group", "y"],
    ]  # fmt: skip
    low, high = wilson(1, 3)
    assert rows[0].split()[3:7] == ["0.3333", f"({low:.4f}", "to", f"{high:.4f})"]
    assert rows[0].split()[-1] == "0.3333"
    assert len({len(row) for row in (head, *rows)}) == 1


def test_columns_of_truth_never_meet_those_of_the_index():
    """A column of truth may be called as one of the index, or as one of the answer."""
    extra = TRUTH.with_columns(method="group", linked="group", correct="group", recall="group")
    names = ["method", "linked", "correct", "recall", "group", "group", "source", "person_id"]
    scored = score(INDEX, extra, by=names)
    plain = score(INDEX, TRUTH, by=["group"]).filter(dimension="group").drop("dimension")
    for name in ("method", "linked", "correct", "recall", "group"):
        assert scored.filter(dimension=name).drop("dimension").equals(plain), name
    assert scored.filter(dimension="source").height == 1
    assert scored.filter(dimension="person_id")["group"].to_list() == ["t1", "t2", "t3", "t8", "t9"]


def test_two_register_records_of_one_person_are_both_that_person():
    twice = pl.concat(
        [
            INDEX,
            pl.DataFrame(
                [("gp", "1b", "A2", "register"), ("care", "s", "A2", "nhs_number")],
                schema=INDEX.schema,
                orient="row",
            ),
        ]
    )
    truth = pl.concat(
        [
            TRUTH,
            pl.DataFrame(
                [("gp", "1b", "t1", "x"), ("care", "s", "t1", "x")],
                schema=TRUTH.schema,
                orient="row",
            ),
        ]
    )
    row = score(twice, truth).filter(dimension="all").row(0, named=True)
    assert (row["linkable"], row["correct"], row["linked"], row["false"]) == (4, 2, 4, 2)


@pytest.mark.parametrize(
    "column", [pl.Series([[1]] * 8), pl.Series([b"x"] * 8), pl.Series([{"a": 1}] * 8)]
)
def test_columns_without_groups_are_refused(column):
    with pytest.raises(DataError, match="not groups"):
        score(INDEX, TRUTH.with_columns(column.alias("many")), by=["many"])


def test_numbers_dates_and_truth_values_are_groups():
    typed = TRUTH.with_columns(
        number=pl.int_range(pl.len()) % 2, flag=pl.col("group") == "x", day=pl.date(2026, 4, 1)
    )
    scored = score(INDEX, typed, by=["number", "flag", "day"])
    assert scored.filter(dimension="number")["group"].to_list() == ["0", "1"]
    assert scored.filter(dimension="flag")["group"].to_list() == ["false", "true", "unknown"]
    assert scored.filter(dimension="day")["group"].to_list() == ["2026-04-01"]


@pytest.mark.parametrize(
    ("by", "code", "words"),
    [
        (["ethnic_grop"], 11, "Did you mean `ethnic_group`?"),
        (["ethnic_group", "situation", "organisation", "pcn_code", "practice_code", "age_band", "sex", "quintile"], 0, ""),
    ],
)  # fmt: skip
def test_the_command_scores_by_what_synth_writes(by, code, words, tmp_path, capsys):
    made = synthetic.generate(synthetic.SynthSpec(people=400, seed=2), reference.load(None))
    synthetic.write(made, tmp_path / "data", reference=None)
    register = pl.when(pl.col("source") == "gp_register").then(pl.lit("register"))
    made.truth.select(
        "source", "record_id", "person_id", register.otherwise(pl.lit("reviewed")).alias("method")
    ).write_parquet(tmp_path / "index.parquet")
    options = [part for name in by for part in ("--by", name)]
    paths = [str(tmp_path / "index.parquet"), str(tmp_path / "data/truth.parquet")]
    assert command_line._run(["score", *paths, *options, "--json"]) == code
    told = capsys.readouterr()
    assert words in told.err
    if code == 0:
        rows = json.loads(told.out)
        assert {row["dimension"] for row in rows} == {"all", "source", "pass", *by}
        assert {row["recall"] for row in rows} <= {1.0, None}
        assert {row["false"] for row in rows} == {0}
