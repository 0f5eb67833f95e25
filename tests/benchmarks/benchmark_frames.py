"""A register of six people, and answers about records of two sources."""

import polars as pl
from benchmarks.answer import ANSWER

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
