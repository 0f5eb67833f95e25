"""What can be wrong with a survey's table of rates."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pophealth_link.errors import DataError, Problem
from pophealth_link.schema.codes_modelled import RATE_ROLE, SURVEY_GROUP, SURVEY_SEX
from pophealth_link.schema.outputs_modelled import SURVEY_RATES

OLDEST = 120
# People of this age and over are counted together.
LAST_AGE = 90
# Children's surveys reach to 25, those of adults begin at 16: tables of either go no further.
OLDEST_CHILD, YOUNGEST_ADULT = 25, 16
_SET = ("survey", "year", "condition", "measure")
_CODED = {"survey_group": SURVEY_GROUP, "role": RATE_ROLE, "sex": SURVEY_SEX}
_CELL = pl.col("role").is_in(["rate", "rest"])


def problems(rates: pl.DataFrame) -> list[Problem]:
    """Return every problem of a typed table (SURVEY_RATES), each with how many rows have it."""
    found = [*_blank(rates), *_codes(rates), *_numbers(rates)]
    return found or [*_groups(rates), *_relations(rates)]


def _blank(rates: pl.DataFrame) -> Iterator[Problem]:
    always = [c for c in SURVEY_RATES.required if c not in ("rate", "quintile")]
    for name in always:
        many = rates[name].null_count()
        if many and name == "year":
            yield _problem(name, many, "say no year: a rate without its vintage is not used.")
        elif many:
            yield _problem(name, many, "are empty.")
    undated = rates.filter(~pl.col("year").str.contains(r"\b\d{4}\b")).height
    if undated:
        yield _problem(
            "year", undated, "have no year of four digits.", "write 2024, 2023/4 or 2023-2024"
        )
    unrated = rates.filter((pl.col("role") != "rest") & pl.col("rate").is_null()).height
    if unrated:
        yield _problem("rate", unrated, "have no rate.", "only rows of the role `rest` have none")
    given = rates.filter((pl.col("role") == "rest") & pl.col("rate").is_not_null()).height
    if given:
        yield _problem("rate", given, "of the role `rest` have one.", "their role is `rate`")


def _codes(rates: pl.DataFrame) -> Iterator[Problem]:
    for name, listed in _CODED.items():
        known = pl.col(name).is_in(list(listed.codes)) | pl.col(name).is_null()
        many = rates.filter(~known).height
        if many:
            yield _problem(name, many, f"are none of {', '.join(listed.codes)}.")


def _numbers(rates: pl.DataFrame) -> Iterator[Problem]:
    last = pl.col("age_to").fill_null(OLDEST)
    one = pl.col("lower").is_null() != pl.col("upper").is_null()
    outside = ~pl.col("rate").is_between(pl.col("lower"), pl.col("upper"))
    fifths = (pl.col("role") == "deprivation") == pl.col("quintile").is_null()
    checks = {
        "rate": (~pl.col("rate").is_between(0, 100), "lie beyond 0 to 100 %."),
        "age_from": (
            (pl.col("age_from") < 0) | (pl.col("age_from") > last) | (last > OLDEST),
            "hold impossible ages.",
        ),
        "age_to": (
            pl.col("age_from") > LAST_AGE,
            f"begin after {LAST_AGE}: people of {LAST_AGE} and over are counted together.",
        ),
        "lower": (one, "have one limit without the other."),
        "upper": (
            outside | (pl.col("lower") < 0) | (pl.col("upper") > 100),
            "have a rate outside their limits, or limits beyond 0 to 100 %.",
        ),
        "quintile": (
            fifths | ~pl.col("quintile").is_between(1, 5),
            "have a quintile without the role `deprivation`, the role without one, or none of 1–5.",
        ),
        "base": ((pl.col("base") < 1) | (pl.col("sample") < 1), "count no respondents."),
        "design_effect": (pl.col("design_effect") <= 0, "are not above zero."),
    }
    for name, (wrong, what) in checks.items():
        many = rates.filter(wrong.fill_null(value=False)).height
        if many:
            yield _problem(name, many, what)


def _groups(rates: pl.DataFrame) -> Iterator[Problem]:
    """Adults and children are kept apart: in one set, and by the ages of each."""
    mixed = rates.group_by(_SET).agg(pl.col("survey_group").n_unique().alias("n"))
    many = mixed.filter(pl.col("n") > 1).height
    if many:
        yield _problem("survey_group", many, "sets mix adults and children.", "keep them apart")
    child = (pl.col("survey_group") == "children") & (
        pl.col("age_to").fill_null(OLDEST) > OLDEST_CHILD
    )
    adult = (pl.col("survey_group") == "adults") & (pl.col("age_from") < YOUNGEST_ADULT)
    wrong = rates.filter(child | adult).height
    if wrong:
        yield _problem(
            "survey_group",
            wrong,
            f"are of ages that do not fit: children to {OLDEST_CHILD}, adults from "
            f"{YOUNGEST_ADULT}.",
        )


def _relations(rates: pl.DataFrame) -> Iterator[Problem]:
    """Cells do not overlap; a margin holds whole cells; what is left over has a margin."""
    numbered = rates.with_row_index("row").with_columns(pl.col("age_to").fill_null(OLDEST))
    cells, margins = numbered.filter(_CELL), numbered.filter(role="margin")
    pairs = cells.join(cells, on=list(_SET), suffix="_2").filter(pl.col("row") < pl.col("row_2"))
    clash = pairs.filter(_meet()).height
    if clash:
        yield _problem("age_from", clash, "pairs of rates are of the same people.")
    over = margins.join(margins, on=list(_SET), suffix="_2").filter(
        (pl.col("row") < pl.col("row_2")) & _meet()
    )
    if over.height:
        yield _problem("age_from", over.height, "pairs of margins are of the same people.")
    joined = cells.join(margins, on=list(_SET), suffix="_2")
    part = joined.filter(_meet() & ~_inside()).height
    if part:
        yield _problem("age_from", part, "rates lie in a margin with a part of their people only.")
    held = joined.filter(_inside())
    empty = margins.filter(~pl.col("row").is_in(held["row_2"].implode())).height
    if empty:
        yield _problem("role", empty, "margins hold no rate.", "a single rate has the role `rate`")
    loose = cells.filter(
        (pl.col("role") == "rest") & ~pl.col("row").is_in(held["row"].implode())
    ).height
    if loose:
        yield _problem("role", loose, "rows of the role `rest` lie in no margin.")
    more = held.filter(role="rest").group_by("row_2").len().filter(pl.col("len") > 1).height
    if more:
        yield _problem("role", more, "margins have several rows of the role `rest`.")
    yield from _fifths(rates)


def _fifths(rates: pl.DataFrame) -> Iterator[Problem]:
    """Rates by deprivation are all five, of the same people, once each."""
    some = rates.filter(role="deprivation").group_by(_SET)
    sets = some.agg(
        pl.len().alias("n"),
        pl.col("quintile").n_unique().alias("fifths"),
        pl.struct("age_from", "age_to", "sex").n_unique().alias("of"),
    )
    wrong = sets.filter((pl.col("n") != 5) | (pl.col("fifths") != 5) | (pl.col("of") != 1)).height
    if wrong:
        yield _problem("quintile", wrong, "sets do not have all five quintiles of the same people.")


def _meet() -> pl.Expr:
    ages = (pl.col("age_from") <= pl.col("age_to_2")) & (pl.col("age_from_2") <= pl.col("age_to"))
    either = (pl.col("sex") == "all") | (pl.col("sex_2") == "all")
    return ages & (either | (pl.col("sex") == pl.col("sex_2")))


def _inside() -> pl.Expr:
    """Return whether the first lies wholly in the second."""
    ages = (pl.col("age_from") >= pl.col("age_from_2")) & (pl.col("age_to") <= pl.col("age_to_2"))
    return ages & ((pl.col("sex_2") == "all") | (pl.col("sex") == pl.col("sex_2")))


def _problem(where: str, many: int, what: str, fix: str | None = None) -> Problem:
    return Problem(DataError, where, f"{many:,} rows {what}", fix)
