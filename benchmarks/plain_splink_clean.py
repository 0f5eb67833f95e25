"""Cleaning for the yardstick, as an analyst would write it: nothing of the library's own.

Upper case, no accents or punctuation, titles and placeholder names dropped, postcodes with one
blank and 0/O, 1/I repaired by position, NHS numbers by their check digit. Which given names count
as missing follows NHS England's probabilistic linkage pipeline (NHSDigital/splink-linkage-pipeline
on GitHub, MIT).
"""

from __future__ import annotations

import polars as pl
from nicknames import NickNamer

# Letters that do not come apart into a plain letter and an accent.
_LETTERS = {
    "Ø": "O", "Ł": "L", "Đ": "D", "Ð": "D", "Þ": "TH", "Æ": "AE", "Œ": "OE", "ẞ": "SS", "ß": "SS",
    "ı": "I", "Ħ": "H", "Ŧ": "T", "Ŋ": "NG",
}  # fmt: skip
_TITLES = (
    "MR", "MRS", "MISS", "MS", "MX", "MSTR", "MASTER", "DR", "DOCTOR", "PROF", "PROFESSOR", "SIR",
    "DAME", "LADY", "LORD", "REV", "REVEREND", "PASTOR", "FATHER", "SISTER", "BROTHER",
)  # fmt: skip
_NO_NAMES = (
    "NULL", "NONE", "N A", "NK", "NOT KNOWN", "NOT GIVEN", "NOT RECORDED", "NOT APPLICABLE",
    "UNKNOWN", "UNK", "TEST", "X", "XX", "XXX", "SURNAME", "NO SURNAME", "LNU",
)  # fmt: skip
_NO_GIVEN_NAMES = (
    "UNDECIDED", "UNNAMED", "NAME", "NO NAME", "FORENAME", "NO FORENAME", "GIVEN NAME",
    "NO GIVEN NAME", "FNU", "BABY", "BABYBOY", "BABYGIRL", "BABY BOY", "BABY GIRL", "BABY OF",
    "MALE BABY", "FEMALE BABY", "BOY", "GIRL", "MALE", "FEMALE", "INFANT", "INF", "ONE", "TWO", "I",
    "II", "III", "BOY ONE", "GIRL ONE", "MALE ONE", "FEMALE ONE",
)  # fmt: skip
_MULTIPLE = r"^(TWIN|TRIPLET)( ?(ONE|TWO|THREE|I|II|III|A|B|C|BOY|GIRL))?$"
_OF_SOMEBODY = r"^(BABY|INFANT|INF|TWIN|BOY|GIRL)( (ONE|TWO|I|II))? OF\b.*$"
_SEX = {"1": "1", "M": "1", "MALE": "1", "2": "2", "F": "2", "FEMALE": "2"}
# What is taken for a digit where the place asks for one, and for a letter.
_TO_DIGIT = {"O": "0", "I": "1", "L": "1", "S": "5"}
_TO_LETTER = {"0": "O", "1": "I", "5": "S"}
_POSTCODE = "^[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}$"
_ABROAD = "^[0-9]{4,5}$"
# Postcodes that stand for no place in England: no fixed abode, overseas, not known.
_NOWHERE = "ZZ99"
_NO_BIRTHDAYS = ("1800-01-01", "1900-01-01", "1111-11-11", "9999-12-31")

# Letters of one sound; a run of them is told once. Zero: vowels, which tell runs apart.
_SOUNDS = {
    "0": "AEIOUYHW", "1": "BFPV", "2": "CGJKQSXZ", "3": "DT", "4": "L", "5": "MN", "6": "R"
}  # fmt: skip
_NICKNAMES = {"nicknames": pl.List(pl.String)}

NAMES = ["given", "family"]
PLACE = ["postcode", "uprn"]


def name(text: pl.Expr) -> pl.Expr:
    """Return a name in plain capitals, its parts one blank apart; null where it is none."""
    plain = text.str.to_uppercase().str.replace_many(_LETTERS).str.normalize("NFKD")
    plain = plain.str.replace_all(r"\p{M}", "").str.replace_all(r"['’‘`´]", "")
    plain = plain.str.replace_all(r"[^A-Z]+", " ").str.strip_chars()
    return pl.when(~plain.is_in(["", *_NO_NAMES])).then(plain)


def given_name(text: pl.Expr) -> pl.Expr:
    """Return a given name as `name` does, without titles and what stands for a child unnamed."""
    plain = name(text).str.replace(rf"^(({'|'.join(_TITLES)}) )+", "")
    none = plain.is_in([*_NO_NAMES, *_NO_GIVEN_NAMES, *_TITLES])
    unnamed = plain.str.contains(_MULTIPLE) | plain.str.contains(_OF_SOMEBODY)
    return pl.when(~(none | unnamed)).then(plain)


def postcode(text: pl.Expr) -> pl.Expr:
    """Return a postcode as `AB1 2CD`; null where it is none or stands for no place.

    Four or five digits, as other countries have them, stay.
    """
    plain = text.str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")
    inward = plain.str.slice(-3)
    digit = inward.str.slice(0, 1).replace(_TO_DIGIT)
    letters = inward.str.slice(1).str.replace_many(_TO_LETTER)
    outward = plain.str.slice(0, pl.max_horizontal(plain.str.len_chars().cast(pl.Int64) - 3, 0))
    first = outward.str.slice(0, 1).replace(_TO_LETTER)
    mended = pl.concat_str(first, outward.str.slice(1), pl.lit(" "), digit, letters)
    valid = mended.str.contains(_POSTCODE) & ~mended.str.starts_with(_NOWHERE)
    abroad = pl.when(plain.str.contains(_ABROAD)).then(plain)
    return pl.when(valid).then(mended).otherwise(abroad)


def nhs_number(text: pl.Expr) -> pl.Expr:
    """Return ten digits whose last is their check digit (modulus 11); null where they are not."""
    digits = text.str.replace_all(r"[^0-9]", "")
    digits = pl.when(digits.str.len_chars() == 10).then(digits)
    each = [digits.str.slice(place, 1).cast(pl.Int32) for place in range(10)]
    total = pl.sum_horizontal(each[place] * (10 - place) for place in range(9))
    check = 11 - total % 11
    check = pl.when(check == 11).then(0).otherwise(check)
    repeated = digits.str.contains(
        r"^(0{10}|1{10}|2{10}|3{10}|4{10}|5{10}|6{10}|7{10}|8{10}|9{10})$"
    )
    return pl.when((check == each[9]) & ~repeated).then(digits)


def clean(people: pl.DataFrame, *, token: bool = False) -> pl.DataFrame:
    """Return the cleaned identifiers of people in contract columns; a `token` is a number as is."""
    born = pl.col("date_of_birth").dt.strftime("%Y-%m-%d")
    sex = pl.col("sex").cast(pl.String).str.strip_chars().str.to_uppercase()
    given, family = given_name(pl.col("given_name")), name(pl.col("family_name"))
    return people.select(
        "record_id",
        pl.col("nhs_number") if token else nhs_number(pl.col("nhs_number")).alias("nhs_number"),
        given.alias("given"),
        family.alias("family"),
        pl.when(~born.is_in(_NO_BIRTHDAYS)).then(born).alias("dob"),
        sex.replace_strict(_SEX, default=None, return_dtype=pl.String).alias("sex"),
        postcode(pl.col("postcode")).alias("postcode"),
        pl.col("uprn").str.replace_all("[^0-9]", "").str.strip_chars_start("0").alias("uprn"),
    ).with_columns(pl.when(pl.col("uprn") != "").then("uprn").alias("uprn"))


def exploded(
    people: pl.DataFrame, aliases: pl.DataFrame | None = None, *, token: bool = False
) -> pl.DataFrame:
    """Return the cleaned rows of people: each of their names with each of their addresses.

    The first row of a person, `first`, is the record as it stands; others carry a former name or
    address, as NHS England's pipeline does with the Personal Demographics Service.
    """
    main = clean(people, token=token)
    if aliases is None:
        aliases = people.clear()
    former = clean(_filled(aliases, people)).select("record_id", *NAMES, *PLACE)
    maiden = people.select("record_id", family=name(pl.col("previous_family_name")))
    before = maiden.drop_nulls("family").join(main.select("record_id", "given"), on="record_id")
    names = pl.concat([_names(main), _names(former, main), before.select("record_id", *NAMES)])
    places = pl.concat([each.select("record_id", *PLACE) for each in (main, former)])
    rows = (
        main.drop(*NAMES, *PLACE)
        .join(names.unique(maintain_order=True), on="record_id", maintain_order="left_right")
        .join(
            _places(places).unique(maintain_order=True),
            on="record_id",
            how="left",
            maintain_order="left_right",
        )
    )
    return rows.with_columns(first=pl.int_range(pl.len()).over("record_id") == 0)


def _filled(aliases: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Return former identifiers with the columns that aliases lack as null."""
    lacking = {n: kind for n, kind in people.schema.items() if n not in aliases.columns}
    return aliases.with_columns(pl.lit(None, kind).alias(n) for n, kind in lacking.items())


def _names(rows: pl.DataFrame, main: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return names; a former name that is only half a name takes its other half from now."""
    if main is None:
        return rows.select("record_id", *NAMES)
    named = rows.filter(pl.any_horizontal(pl.col(NAMES).is_not_null()))
    both = named.join(main.select("record_id", *NAMES), on="record_id", suffix="_now")
    halves = [pl.coalesce(each, f"{each}_now").alias(each) for each in NAMES]
    return both.select("record_id", *halves)


def _places(places: pl.DataFrame) -> pl.DataFrame:
    """Return the addresses that are known, or none where a person has none."""
    return places.filter(pl.any_horizontal(pl.col(PLACE).is_not_null()))


def with_keys(rows: pl.DataFrame) -> pl.DataFrame:
    """Add what the settings compare and block on: parts of names, of dates and of postcodes."""
    born = [pl.col("dob").str.slice(start, size) for start, size in ((0, 4), (5, 2), (8, 2))]
    year, month, day = born
    made = rows.with_columns(
        full_name=pl.concat_str("given", "family", separator=" ", ignore_nulls=True),
        given_parts=pl.col("given").str.split(" "),
        family_parts=pl.col("family").str.split(" "),
        first_given=pl.col("given").str.split(" ").list.first(),
        year_day=year + day,
        year_month=year + month,
        month_day=month + day,
        day_month=year + "-" + day + "-" + month,
        outcode=pl.col("postcode").str.split(" ").list.first(),
        sector=pl.col("postcode").str.slice(0, pl.col("postcode").str.len_chars() - 2),
        area=pl.col("postcode").str.extract("^([A-Z]{1,2})"),
    ).with_columns(full_name=pl.when(pl.col("full_name") != "").then("full_name"))
    made = made.with_columns(sound=soundex(pl.col("family")))
    return made.join(_nicknames(made["given"]), on="given", how="left", maintain_order="left")


def soundex(name: pl.Expr) -> pl.Expr:
    """Return the American Soundex code of a name in plain capitals (National Archives, 2007)."""
    letters = name.str.replace_all(" ", "")
    rest = letters.str.slice(1).str.replace_all("[HW]", "")
    codes = pl.concat_str(letters.str.slice(0, 1), rest)
    for code, group in _SOUNDS.items():
        codes = codes.str.replace_all(f"[{group}]+", code)
    tail = codes.str.slice(1).str.replace_all("0", "")
    return pl.concat_str(letters.str.slice(0, 1), tail, pl.lit("000")).str.slice(0, 4)


def _nicknames(given: pl.Series) -> pl.DataFrame:
    """Return each distinct given name with its parts and all nicknames of them."""
    namer = NickNamer()
    names = given.drop_nulls().unique().sort()
    parts = [name.split() for name in names]
    known = [
        sorted({*each, *(nick.upper() for part in each for nick in namer.nicknames_of(part))})
        for each in parts
    ]
    return pl.DataFrame({"given": names, "nicknames": known}, schema_overrides=_NICKNAMES)
