"""Comparisons per pair of sides are those of a join written out; what is certain is refused first."""

from dataclasses import replace
from datetime import date
from itertools import product

import polars as pl
import pytest
from people import REGISTER, register, source

from pophealth_link.errors import LinkageError
from pophealth_link.link import LinkSpec, blocking, budget, link, linkage, probabilistic, rows
from pophealth_link.link.blocking import RULES, near
from pophealth_link.link.on_register import links_of
from pophealth_link.link.skew import heaviest

# On no register, at one place that nobody else has; a former family name makes a row of its own.
AWAY = [
    ("a", None, "Kofi", "Mensah", date(1999, 3, 4), "1", "XD4 4EE", "21", None, "Asante"),
    ("b", None, "Yaw", "Mensah", date(2001, 8, 9), "1", "XD4 4EE", "21"),
    ("c", None, "Kofi", "Mensah", date(1999, 3, 4), "1", "XD4 4EE"),
]
FOUND = [("d", None, "Ruth", "Whitcomb", date(1990, 1, 7), "2", "XA1 1AB", "12")]


def sources():
    return [
        register(),
        source("care", [*AWAY, *FOUND], unique_people=True),
        source("housing", [(f"h{one}", *rest) for one, *rest in AWAY]),
    ]


def opened(people=None):
    begun = linkage.before_scoring(people or sources(), LinkSpec())
    return begun.world, links_of(begun.found)


def written_out(left, right, rule):
    """The pairs of rows that meet a rule, as (rid, rid), found one by one."""
    return [
        (one["rid"], other["rid"])
        for one, other in product(left.iter_rows(named=True), right.iter_rows(named=True))
        if all(
            one[a] is not None and one[a] == other[b]
            for a, b in zip(rule.left, rule.right, strict=True)
        )
    ]


def test_between_any_two_sides_it_is_what_a_join_written_out_gives():
    world, links = opened()
    told = budget.expected(world, links)
    whose = dict(world.records.select("rid", "source").iter_rows())
    others = world.records.filter(~pl.col("on_register"))
    straight, swapped = rows.expand(others), rows.expand(others, swapped=True)
    seen = 0
    for row in told.iter_rows(named=True):
        rule = next(rule for rule in RULES if rule.name == row["rule"])
        if row["source_l"] == "gp":
            met = written_out(rows.expand(world.register), swapped, rule)
            pairs = [pair for pair in met if whose[pair[1]] == row["source_r"]]
            assert (row["pairs"], row["bound"]) == (len(pairs), "exact")
        else:
            sides = sorted([row["source_l"], row["source_r"]])
            met = written_out(straight, swapped, rule)
            # Either of two records stands on the left once: half of them are the same again.
            twice = [p for p in met if p[0] != p[1] and sorted(whose[rid] for rid in p) == sides]
            assert (row["pairs"], row["bound"]) == ((len(twice) + 1) // 2, "at most")
        seen += row["pairs"]
    assert seen > 50
    assert told.height == (2 + 3) * len(RULES)


def test_who_was_known_before_is_not_compared_with_others_who_were():
    world, links = opened()
    free, new = budget.off_register(world, links)
    everyone = budget.among_others(free, new).filter(rule="birth")["pairs"].sum()
    rid = world.records.filter(pl.col("record_id").is_in(["b", "hb"]))["rid"]
    known = replace(world, known=rid.to_frame().with_columns(unit="rid"))
    free, new = budget.off_register(known, links)
    assert (free.height, new.height) == (7, 5)
    # b and hb are alone with their birthday; on the right a record stands swapped, too: two rows.
    assert everyone - budget.among_others(free, new).filter(rule="birth")["pairs"].sum() == 2


def crowd(name, count, place, year):
    return source(
        name,
        [
            (f"{name}{i}", None, f"Given{i}", f"Family{i}", date(year, 1 + i % 12, 2 + i % 27), "1", place)
            for i in range(count)
        ],
    )  # fmt: skip


def test_a_crowd_on_no_register_is_refused_before_a_pair_is_scored(monkeypatch):
    def scored(*_, **__):
        raise AssertionError("a pair was scored")

    monkeypatch.setattr(probabilistic, "score", scored)
    people = [register(), crowd("care", 60, "XD4 4EE", 1950), crowd("housing", 60, "XD4 4EE", 1960)]
    with pytest.raises(LinkageError) as caught:
        link(people, LinkSpec(max_pairs=500))
    message = str(caught.value)
    assert "comparisons each of records on no register with one another" in message
    assert "one value of `home`, held by 120 records on no register" in message
    assert "of the register" not in message.replace("on no register", "")
    for value in ("XD4", "Given", "GIVEN", "1950"):
        assert value not in message


def test_where_a_bound_may_be_too_high_the_true_count_decides():
    """All of them are on the register, in other spelling: none is left to be compared."""
    same = crowd("gp", 40, "XA1 1AA", 1950).frame
    gp = replace(register(), frame=pl.concat([register(REGISTER).frame, same]))
    slip = same.with_columns(
        pl.col("family_name") + "x", record_id=pl.lit("c") + pl.col("record_id")
    )
    care = replace(source("care", []), frame=slip, unique_people=True)
    world, links = opened([gp, care])
    expected = budget.expected(world, links)
    one, many = (budget.by_rule(expected, bound)["pairs"] for bound in ("exact", "at most"))
    assert many.max() > 0
    # No rule is over the budget against the register; were it 1, each would be.
    budget.refuse(expected, world, links, int(one.max()))
    with pytest.raises(LinkageError, match="held by 40 records of the register and 40 others"):
        budget.refuse(expected, world, links, 1)


def test_the_true_count_is_refused_where_only_it_is_certain(monkeypatch):
    """Each of the crowd has a candidate, so that before scoring nobody is certain to stay off."""
    people = [register(), crowd("care", 60, "XA1 1AA", 1950)]
    world, links = opened(people)
    expected = budget.expected(world, links)
    exact = int(budget.by_rule(expected, "exact")["pairs"].max())
    assert int(budget.by_rule(expected, "at most")["pairs"].max()) > exact
    budget.refuse(expected, world, links, exact)
    with pytest.raises(LinkageError, match="records on no register with one another"):
        link(people, LinkSpec(max_pairs=exact))


def test_records_that_meet_no_rule_are_those_that_nothing_is_near():
    world, _ = opened()
    others = world.records.filter(~pl.col("on_register"))
    stay = set(blocking.met_by_none(others, world.register)["rid"])
    alone = {
        rid for rid in others["rid"] if near(world.register, others.filter(rid=rid)).is_empty()
    }
    assert stay == alone
    assert 0 < len(stay) < others.height


def test_holders_are_counted_as_records_not_rows():
    one = rows.expand(opened()[0].records.filter(source="care"), swapped=True)
    found = heaviest(one, one, ["home"], ["home"])
    assert (found.on_register, found.others) == (3, 3)
    assert str(heaviest(one, one, ["home"], ["home"], alone=True)).startswith(
        "one value of `home`, held by 3 records on no register, makes"
    )
