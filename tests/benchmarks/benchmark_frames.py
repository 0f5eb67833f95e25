"""A register of six people, answers about records of two sources, and what every answer keeps."""

import polars as pl
from benchmarks.answer import ANSWER

from benchmarks import extracts
from pophealth_link.link import People

PEOPLE = ("p0", "p1", "p2", "p3", "p4", "p5")


def sources(rows):
    """The register and the sources of rows (source, person, match, score, accepted, group)."""
    gp = pl.DataFrame({"record_id": [f"g{i}" for i in range(len(PEOPLE))]})
    made = [People("gp", gp.with_columns(nhs_number=pl.lit("1")), "primary_care", True, True)]
    for name in sorted({row[0] for row in rows}):
        ids = [str(i) for i, row in enumerate(rows) if row[0] == name]
        held = pl.lit("1" if name == "with" else None, pl.String)
        frame = pl.DataFrame({"record_id": ids}).with_columns(nhs_number=held)
        made.append(People(name, frame, "local_authority"))
    return made


def truth(rows):
    register = [("gp", f"g{i}", person, "x") for i, person in enumerate(PEOPLE)]
    others = [(row[0], str(i), row[1], row[5]) for i, row in enumerate(rows)]
    return pl.DataFrame(
        register + others, schema=["source", "record_id", "person_id", "group_of"], orient="row"
    ).with_columns(pl.col("group_of").cast(pl.String))


def answer(rows):
    told = [
        (row[0], str(i), None if row[2] is None else f"g{row[2]}", row[3], row[4])
        for i, row in enumerate(rows)
    ]
    return pl.DataFrame(told, schema=ANSWER, orient="row")


def check_answer(found, folder, *, precision, recall):
    """Check an answer about made people: whole, possible, and right often enough.

    `recall` is that of the council sources without numbers.
    """
    assert found.schema == ANSWER
    people = extracts.extracts(folder)
    spine = extracts.register(people)
    others = [each for each in people if not each.register]
    asked = {(each.source, record) for each in others for record in each.frame["record_id"]}
    assert set(found.select("source", "record_id").iter_rows()) == asked
    assert found.height == len(asked)
    matched = found["register_record_id"].drop_nulls()
    assert matched.is_in(spine.frame["record_id"].implode()).all()
    once = [each.source for each in others if each.unique_people]
    held = found.filter(pl.col("source").is_in(once)).drop_nulls("register_record_id")
    assert not held.select("source", "register_record_id").is_duplicated().any()
    known = extracts.truth(folder)
    who = known.filter(source=spine.source).select(
        register_record_id="record_id", found="person_id"
    )
    links = found.filter("accepted").join(known, on=["source", "record_id"])
    links = links.join(who, on="register_record_id")
    right = links.filter(pl.col("found") == pl.col("person_id"))
    assert right.height / links.height > precision
    bare = known.filter(pl.col("source").is_in(["housing_register", "homelessness"]))
    linkable = bare.join(who, left_on="person_id", right_on="found", how="semi")
    by_model = right.join(linkable, on=["source", "record_id"], how="semi")
    assert by_model.height / linkable.height > recall
