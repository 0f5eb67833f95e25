"""Small worlds whose pairs are scored by hand: nobody has a name, so nothing else links them."""

from functools import cache

import polars as pl
from people import NUMBERS, frame

from pophealth_link.link import People, blocking, linkage, probabilistic
from pophealth_link.link.records import PSEUDONYM, register_of, stack

SOURCES = {"gp": True, "care": True, "housing": True, "trust": False}


def world(rows: dict[str, list[tuple]], **more) -> list[People]:
    """Sources of records `(record_id, number)`, the first the register; trust may repeat people."""
    return [
        People(
            name,
            frame([(record, number) for record, number in rows.get(name, [])]),
            "primary_care" if name == "gp" else "local_authority",
            unique_people=unique,
            register=name == "gp",
            **more,
        )
        for name, unique in SOURCES.items()
    ]


@cache
def _prepared_columns() -> pl.DataFrame:
    sources = world({"gp": [("1", None)]})
    return stack(sources, register_of(sources)).clear()


def stacked(sources, register) -> pl.DataFrame:
    """What `records.stack` makes of such sources, without preparing names that nobody has."""
    columns = _prepared_columns()
    rows = [
        (
            each.source,
            record,
            each.unique_people,
            each.source == register.source,
            number and (PSEUDONYM if each.nhs_number_kind == "token" else "") + number,
        )
        for each in sources
        for record, number in each.frame.select("record_id", "nhs_number").iter_rows()
    ]
    told = ["source", "record_id", "unique_people", "on_register", "nhs_number"]
    table = pl.DataFrame(rows, schema={name: columns.schema[name] for name in told}, orient="row")
    no = pl.lit(value=False)
    ordered = table.sort("source", "record_id").with_row_index("rid")
    return pl.concat(
        [columns, ordered.with_columns(alias=no, placeholder_birth=no)], how="diagonal"
    )


def score_by_hand(monkeypatch, weights: dict[tuple[str, str], float]) -> None:
    """Let `link` see such worlds quickly, and score their pairs with these bits."""
    monkeypatch.setattr(probabilistic, "score", scorer(weights))
    monkeypatch.setattr(blocking, "near", lambda register, others: register)
    monkeypatch.setattr(linkage, "stack", stacked)


def scorer(weights: dict[tuple[str, str], float]):
    """Return a stand-in for `probabilistic.score` with these bits between records of these ids."""

    def score(left, right, model, **settings):
        turned = {pair[::-1]: bits for pair, bits in weights.items()}
        table = pl.DataFrame(
            [(*pair, bits) for pair, bits in (weights | turned).items()],
            schema={"l": pl.String, "r": pl.String, "match_weight": pl.Float64},
            orient="row",
        )
        lefts, rights = (side.select("rid", "record_id") for side in (left, right))
        return (
            table.join(lefts.rename({"rid": "rid_l"}), left_on="l", right_on="record_id")
            .join(rights.rename({"rid": "rid_r"}), left_on="r", right_on="record_id")
            .select("rid_l", "rid_r", "match_weight", match_probability=pl.lit(0.0))
            .sort("rid_l", "rid_r")
        )

    return score


def people_of(links) -> dict[str, set[str]]:
    """Person id → record ids."""
    index = links.person_index
    found: dict[str, set[str]] = {}
    for record, person in index.select("record_id", "person_id").iter_rows():
        found.setdefault(person, set()).add(record)
    return found


def together(links) -> set[frozenset[str]]:
    """The people of more than one record."""
    return {frozenset(each) for each in people_of(links).values() if len(each) > 1}


__all__ = ["NUMBERS", "SOURCES", "people_of", "score_by_hand", "stacked", "together", "world"]
