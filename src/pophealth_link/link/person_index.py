"""The person index: every record with its person, how that was decided, and a stable id."""

from __future__ import annotations

import polars as pl

from pophealth_link.privacy import Key, keyed_hash

REGISTER, UNLINKED = "register", "unlinked"
NHS_NUMBER, PROBABILISTIC = "nhs_number", "probabilistic"
# The name in `pairs` of the probabilistic pass among records that are on no register.
OFF_REGISTER = "off_register"
# The unit separator cannot stand in a source's name, so no two records share a text.
_SEPARATOR = "\x1f"


def units(records: pl.DataFrame, links: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return `rid`, `unit` of the records whose person is settled, ordered by `rid`.

    Settled are register rows, the records that `links` (`rid_l`, `rid_r`) join to them, and the
    `known` (`rid`, `unit`) of an earlier run, whose person a new register row may be.
    """
    rows = records.filter(pl.col("on_register") & ~pl.col("alias")).select("rid")
    told = known.select("rid", "unit")
    joined = links.join(told, left_on="rid_r", right_on="rid").select("unit", rid="rid_l").unique()
    register = (
        rows.join(told, on="rid", how="left")
        .join(joined, on="rid", how="left", suffix="_joined")
        .select("rid", pl.coalesce("unit", "unit_joined", "rid").alias("unit"))
    )
    linked = links.join(register, left_on="rid_l", right_on="rid").select("unit", rid="rid_r")
    every = pl.concat([told, register, linked.select("rid", "unit")])
    return every.unique("rid", keep="first", maintain_order=True).sort("rid")


def assign_people(
    records: pl.DataFrame, pairs: pl.DataFrame, people: pl.DataFrame, known: pl.DataFrame
) -> pl.DataFrame:
    """Return `rid`, `person` (a `rid` that stands for the person), `method`, `match_probability`.

    `pairs` are the accepted ones of all passes (`rid_l`, `rid_r`, `pass`, `match_probability`),
    `people` (`rid`, `person`) tells who is whose, `known` what an earlier run decided: it stays,
    but for who was unlinked then and is linked now.
    """
    main = records.filter(~pl.col("alias")).select("rid", "on_register")
    told = known.select("rid", decided="method", before="match_probability")
    linked = pairs.select(pl.concat_list("rid_l", "rid_r").explode().alias("rid")).unique()
    again = told.filter(pl.col("decided") == UNLINKED).join(linked, on="rid", how="semi")
    told = told.join(again, on="rid", how="anti")
    seen = (
        main.join(people, on="rid", how="left")
        .join(_best_of(pairs, main), on="rid", how="left")
        .join(told, on="rid", how="left")
    )
    found = pl.coalesce(pl.col("pass").replace(OFF_REGISTER, PROBABILISTIC), pl.lit(UNLINKED))
    method = pl.when("on_register").then(pl.lit(REGISTER)).otherwise(found)
    asked = ~pl.col("on_register") & pl.col("decided").is_null()
    return seen.select(
        "rid",
        "person",
        pl.coalesce("decided", method).alias("method"),
        pl.when(asked).then("match_probability").otherwise("before").alias("match_probability"),
    ).sort("rid")


def _best_of(pairs: pl.DataFrame, main: pl.DataFrame) -> pl.DataFrame:
    """Return of each record the accepted pair that says most: `rid`, `pass`, probability.

    One with a register person says more than one without, then one that no model had to score.
    """
    columns = ["pass", "match_probability"]
    ends = [pairs.select(*columns, rid=side, other=other) for side, other in _ENDS]
    register = main.select("on_register", other="rid")
    ordered = (
        pl.concat(ends)
        .join(register, on="other")
        .sort(
            "rid",
            "on_register",
            pl.col("match_probability").fill_null(2.0),
            "pass",
            descending=[False, True, True, True],
        )
    )
    return ordered.unique("rid", keep="first", maintain_order=True).drop("other", "on_register")


_ENDS = (("rid_r", "rid_l"), ("rid_l", "rid_r"))


def with_ids(
    people: pl.DataFrame,
    records: pl.DataFrame,
    trusted: pl.DataFrame,
    key: Key,
    known: pl.DataFrame,
    taken: pl.Series,
) -> pl.DataFrame:
    """Add `person_id`: the keyed hash of the person's number, else of its smallest record.

    A number stands for the person whose register row holds it, else for the only person who holds
    it and no other; so a person id means one person, in every run with the same key. People whom
    an earlier run `known` keep the id that they have; an id that is `taken` is given to nobody.
    """
    named = _names(people, records, trusted)
    before = known.select(person="unit", earlier="person_id").unique()
    new = named.join(before, on="person", how="anti", maintain_order="left")
    ids = pl.concat([before.select("person", person_id="earlier"), _free_ids(new, key, taken)])
    return people.join(ids, on="person", how="left", maintain_order="left")


def _free_ids(named: pl.DataFrame, key: Key, taken: pl.Series) -> pl.DataFrame:
    """Return `person`, `person_id`: of the name, or of the record where that id is taken."""
    hashed = named.with_columns(person_id="name")
    hashed = keyed_hash(hashed, "person_id", key, kind="person")
    is_taken = pl.col("person_id").is_in(taken.implode())
    clashing = hashed.filter(is_taken)
    if clashing.is_empty():
        return hashed.select("person", "person_id")
    # A record that went and came back may have left its own id with somebody else, too.
    further = pl.concat_str("record", pl.lit(""), separator=_SEPARATOR)
    other = pl.when(pl.col("name") == pl.col("record")).then(further).otherwise("record")
    again = clashing.select("person", other.alias("name"), other.alias("record"))
    free = hashed.filter(~is_taken).select("person", "person_id")
    return pl.concat([free, _free_ids(again, key, taken)])


def _names(people: pl.DataFrame, records: pl.DataFrame, trusted: pl.DataFrame) -> pl.DataFrame:
    """Return `person`, `record`, `name`: the texts whose keyed hash may be the person id."""
    main = records.filter(~pl.col("alias")).select("rid", "source", "record_id", "on_register")
    smallest = people.group_by("person").agg(pl.col("rid").min())
    record = smallest.join(main, on="rid").select("person", record_name().alias("record"))
    held = people.join(trusted, on="rid").join(main, on="rid")
    own = held.select("person", "nhs_number", "on_register").unique()
    ranked = own.sort("person", ~pl.col("on_register"), "nhs_number")
    number = (
        ranked.filter(_of_register_or_sole("person") & _of_register_or_sole("nhs_number"))
        .unique("person", keep="first", maintain_order=True)
        .select("person", number_name("nhs_number").alias("name"))
    )
    named = record.join(number, on="person", how="left")
    return named.select("person", "record", pl.coalesce("name", "record").alias("name")).sort(
        "person"
    )


def _of_register_or_sole(group: str) -> pl.Expr:
    """Return whether a number is told by the register, or by others alone and just one."""
    other = "nhs_number" if group == "person" else "person"
    registered = pl.col("on_register").any().over(group)
    return pl.col("on_register") | (~registered & (pl.col(other).n_unique().over(group) == 1))


def record_name() -> pl.Expr:
    """Return the text that stands for a person by a record, of `source` and `record_id`."""
    return pl.concat_str(pl.lit("record"), "source", "record_id", separator=_SEPARATOR)


def number_name(column: str) -> pl.Expr:
    """Return the text that stands for a person by an NHS number."""
    return pl.concat_str(pl.lit("nhs_number"), column, separator=_SEPARATOR)
