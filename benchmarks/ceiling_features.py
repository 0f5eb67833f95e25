"""What can be measured of a pair: the library's levels, strings, dates, places, frequencies.

Each pair is measured against every row that tells of its register person, and the best counts.
"""

from __future__ import annotations

import polars as pl

from benchmarks.ceiling_candidates import MAY_SPEAK
from benchmarks.ceiling_rows import ALIAS, ELSEWHERE, MAIN, Known
from pophealth_link.link import agreement
from pophealth_link.link.comparisons import AT_HOME, COLUMNS, COMPARISONS

_SIMILAR = "jaro_winkler_similarity"
_NAMES = "coalesce({side}.first_given, '') || ' ' || coalesce({side}.family, '')"
_SWAPPED = "coalesce({side}.family, '') || ' ' || coalesce({side}.first_given, '')"


def _nearest(words: str, word: str) -> str:
    """Return SQL for the likeness of a word to the nearest of a list of words."""
    return f"list_max(list_transform({words}, lambda x: {_SIMILAR}(x, {word})))"


def _same(left: str, right: str | None = None) -> str:
    return f"(l.{left} = r.{right or left})::int"


def _from(origin: int, condition: str) -> str:
    return f"case when l.origin = {origin} then {condition} end"


# SQL over one row `l` of a register person and a record `r`: the greatest over the rows counts.
LIKENESS = {
    "given_like": f"{_SIMILAR}(l.first_given, r.first_given)",
    "given_all_like": f"{_SIMILAR}(l.given, r.given)",
    "family_like": f"{_SIMILAR}(l.family, r.family)",
    "names_like": f"{_SIMILAR}({_NAMES.format(side='l')}, {_NAMES.format(side='r')})",
    "names_swapped_like": f"{_SIMILAR}({_NAMES.format(side='l')}, {_SWAPPED.format(side='r')})",
    "given_in_names": _nearest("l.tokens", "r.first_given"),
    "given_in_middle": _nearest("string_split(l.middle, ' ')", "r.first_given"),
    "family_in_names": _nearest("l.tokens", "r.family"),
    "previous_like": f"{_SIMILAR}(l.previous_family, r.family)",
    "family_part_like": _nearest("string_split(l.family, ' ')", "r.family"),
    "family_holds_part": _nearest("string_split(r.family, ' ')", "l.family"),
    "formal_like": f"greatest({_nearest('l.formal', 'r.first_given')},"
                   f" {_nearest('r.formal', 'l.first_given')})",
    "given_within": "(contains(l.first_given, r.first_given)"
                    " or contains(r.first_given, l.first_given))::int",
    "given_sounds": _same("sound_given"),
    "family_sounds": _same("sound_family"),
    "sounds_swapped": f"{_same('sound_given', 'sound_family')}"
                      f" + {_same('sound_family', 'sound_given')}",
    "middle_same": "list_has_any(string_split(l.middle, ' '), string_split(r.middle, ' '))::int",
    "words_shared": "len(list_intersect(l.tokens, r.tokens))",
    "born_same": _same("birth_text"),
    "year_same": _same("birth_year"),
    "month_day_same": _same("month_day"),
    "day_same": "(day(l.date_of_birth) = day(r.date_of_birth))::int",
    "month_same": "(month(l.date_of_birth) = month(r.date_of_birth))::int",
    "born_swapped": _same("birth_text", "born_swapped"),
    "sex_same": _same("sex"),
    "home_main": _from(MAIN, _same("home")),
    "dwelling_main": _from(MAIN, _same("dwelling")),
    "uprn_main": _from(MAIN, _same("uprn")),
    "house_main": _from(MAIN, _same("house")),
    "sector_main": _from(MAIN, _same("sector")),
    "outward_main": _from(MAIN, _same("outward")),
    "address_main": _from(MAIN, f"{_SIMILAR}(l.address, r.address)"),
    "address_words": "len(list_intersect(string_split(l.address, ' '),"
                     " string_split(r.address, ' ')))",
    "home_alias": _from(ALIAS, _same("home")),
    "address_alias": _from(ALIAS, f"{_SIMILAR}(l.address, r.address)"),
    "outward_alias": _from(ALIAS, _same("outward")),
    "family_alias": _from(ALIAS, f"{_SIMILAR}(l.family, r.family)"),
    "home_elsewhere": _from(ELSEWHERE, _same("home")),
    "dwelling_elsewhere": _from(ELSEWHERE, _same("dwelling")),
    "address_elsewhere": _from(ELSEWHERE, f"{_SIMILAR}(l.address, r.address)"),
    "names_elsewhere": _from(
        ELSEWHERE, f"{_SIMILAR}({_NAMES.format(side='l')}, {_NAMES.format(side='r')})"),
    "born_elsewhere": _from(ELSEWHERE, _same("birth_text")),
    "practice_same": _same("practice_code"),
}  # fmt: skip
# As above: the least over the rows counts.
DISTANCE = {
    "given_edits": "damerau_levenshtein(l.first_given, r.first_given)",
    "family_edits": "damerau_levenshtein(l.family, r.family)",
    "born_edits": "damerau_levenshtein(l.birth_text, r.birth_text)",
    "born_days": "abs(date_diff('day', l.date_of_birth, r.date_of_birth))",
    "years": "abs(l.birth_year - r.birth_year)",
    "home_edits": "levenshtein(l.home, r.home)",
    "number_edits": "damerau_levenshtein(l.digits, r.digits)",
}
LEVELS = tuple(COMPARISONS)


def pair_features(pairs: pl.DataFrame, known: Known, asked: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs (`rid_l`, `rid_r`) with what can be measured of each, ordered.

    `asked` are the records that the pairs are about, with `number_state` and `digits` as the
    caller lets them be seen.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.register("pairs", pairs.select("rid_l", "rid_r").to_arrow())
        connection.register("l", known.rows.to_arrow())
        connection.register("r", asked.to_arrow())
        joined = "pairs join l on l.rid = rid_l join r on r.rid = rid_r"
        lines = pl.DataFrame(
            connection.sql(
                "select rid_l, rid_r, l.line as line_l, r.line as line_r, l.origin as origin"
                f" from {joined} where {MAY_SPEAK}"
            ).pl()
        )
        found = connection.sql(
            f"select rid_l, rid_r, {_measures()} from {joined} where {MAY_SPEAK} group by all"
        )
        strings = pl.DataFrame(found.pl())
    levels = _levels(lines, known.rows, asked)
    return strings.join(levels, on=["rid_l", "rid_r"]).sort("rid_r", "rid_l")


def _measures() -> str:
    likest = [f"max({sql}) as {name}" for name, sql in LIKENESS.items()]
    nearest = [f"min({sql}) as {name}" for name, sql in DISTANCE.items()]
    return ", ".join([*likest, *nearest, "count(*) as rows_of_person"])


def _levels(lines: pl.DataFrame, rows: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Return the library's level of each comparison: of the main row, and the best of all rows.

    Levels are numbered in the order in which they are tried, the twins at one dwelling alike.
    """
    told = pl.concat(
        each.select(*COLUMNS, rid="line", alias=pl.lit(value=False)) for each in (rows, asked)
    )
    pairs = lines.select(rid_l="line_l", rid_r="line_r")
    found = agreement.levels(pairs, told).select(
        pl.col("rid_l").alias("line_l"),
        pl.col("rid_r").alias("line_r"),
        *(_rank(name) for name in LEVELS),
    )
    whole = lines.join(found, on=["line_l", "line_r"])
    main = pl.col("origin") == MAIN
    return whole.group_by("rid_l", "rid_r").agg(
        *(pl.col(name).min().alias(f"{name}_best") for name in LEVELS),
        *(pl.col(name).filter(main).max().alias(f"{name}_level") for name in LEVELS),
    )


def _rank(name: str) -> pl.Expr:
    rules = [rule.name for rule in COMPARISONS[name].rules]
    plain = pl.col(name).str.strip_suffix(AT_HOME)
    return plain.replace_strict(rules, list(range(len(rules))), return_dtype=pl.Int32).alias(name)
