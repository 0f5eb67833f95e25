"""What clerks, forms and machines do to a value: one small function for each habit.

A habit takes all the values that it strikes; who is struck is decided elsewhere. Texts are Polars
series; a missing value stays missing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from benchmarks.second_model.names import FEMALE, Bools, Ints

Rules = Sequence[tuple[str, str]]

# What a name becomes when it is spelt by ear: pattern and what is written (assumed).
_BY_EAR: Rules = (
    ("ph", "f"), ("ck", "k"), ("ie", "y"), ("y$", "ie"), ("ey$", "y"), ("ee", "ea"), ("ea", "ee"),
    ("ll", "l"), ("nn", "n"), ("tt", "t"), ("ss", "s"), ("l(?P<v>[aeiou])", "ll$v"), ("kh", "k"),
    ("th", "t"), ("sz", "sh"), ("cz", "ch"), ("w(?P<v>[aeiou])", "v$v"), ("ou", "u"), ("oo", "u"),
    ("ei", "i"), ("ai", "ay"), ("au", "or"), ("c(?P<v>[aou])", "k$v"), ("z", "s"), ("gh", "g"),
    ("wr", "r"), ("dh", "d"), ("bh", "b"), ("j(?P<v>[aeiou])", "y$v"), ("x", "ks"), ("er$", "a"),
    ("e$", ""), ("son$", "sen"), ("ow", "ou"), ("qu", "kw"), ("ch", "sh"), ("ia", "ya"), ("u", "o"),
)  # fmt: skip
HEARD: Rules = tuple((f"(?i){pattern}", written) for pattern, written in _BY_EAR)
# What a scanner takes one character or two for.
SCANNED: Rules = (
    ("rn", "m"), ("m", "rn"), ("cl", "d"), ("d", "cl"), ("ri", "n"), ("vv", "w"), ("o", "0"),
    ("l", "1"), ("i", "l"), ("e", "c"), ("h", "b"), ("u", "ii"), ("s", "5"), ("b", "8"),
    ("g", "9"), ("t", "f"), ("n", "ri"), ("O", "0"), ("I", "l"), ("B", "8"), ("S", "5"),
)  # fmt: skip
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_MARKS = {
    "ł": "l", "Ł": "L", "ı": "i", "ø": "o", "ß": "ss", "đ": "d", "Đ": "D",
}  # fmt: skip
_WIDEST = 40


def rewritten(values: pl.Series, rules: Rules, rng: np.random.Generator) -> pl.Series:
    """Return values each changed once by one of the rules that fit it; unchanged if none fits.

    A rule is a regular expression and what replaces its first match.
    """
    fits = np.column_stack(
        [values.str.contains(each).fill_null(False).to_numpy() for each, _ in rules]
    )
    draw = np.where(fits, rng.random(fits.shape), -1.0)
    chosen = np.where(fits.any(axis=1), draw.argmax(axis=1), -1)
    made = values
    for number, (pattern, written) in enumerate(rules):
        changed = values.str.replace(pattern, written.replace("$v", "${v}"))
        made = changed.zip_with(pl.Series(chosen == number), made)
    return _capital(made)


def _capital(values: pl.Series) -> pl.Series:
    return values.str.slice(0, 1).str.to_uppercase() + values.str.slice(1)


def heard(values: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Return names as they are spelt by ear, over the telephone."""
    return rewritten(values, HEARD, rng)


def scanned(values: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Return names with one confusion of a scanner: rn and m, cl and d, 0 and o."""
    return rewritten(values, SCANNED, rng)


def respelt(
    values: pl.Series, sets: Sequence[Sequence[str]], rng: np.random.Generator
) -> pl.Series:
    """Return names in another spelling of their set; names of no set are spelt by ear."""
    words = {word: (row, place) for row, each in reversed(list(enumerate(sets)))
             for place, word in enumerate(each)}  # fmt: skip
    rows = values.replace_strict(
        {word: row for word, (row, _) in words.items()}, default=-1, return_dtype=pl.Int64
    ).to_numpy()
    places = values.replace_strict(
        {word: place for word, (_, place) in words.items()}, default=0, return_dtype=pl.Int64
    ).to_numpy()
    width = max(len(each) for each in sets)
    table = np.array([[*each, *[""] * (width - len(each))] for each in sets])
    sizes = np.array([len(each) for each in sets])[rows]
    step = 1 + np.floor(rng.random(len(values)) * (sizes - 1)).astype(np.int64)
    other = pl.Series(table[rows, (places + step) % sizes], dtype=pl.String)
    return other.zip_with(pl.Series(rows >= 0), heard(values, rng))


def slipped(values: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Return texts with one slip of a finger after the first letter.

    A letter left out, typed twice, changed with the one before, or replaced by its neighbour on
    the keyboard. Texts under three letters and over 40 stay as they are.
    """
    texts = np.array(values.fill_null("").to_list(), dtype=str)
    size = np.char.str_len(texts)
    able = (size >= 3) & (size <= _WIDEST)
    letters = np.where(able, texts, "").astype(f"<U{_WIDEST}").view(np.uint32)
    letters = letters.reshape(len(texts), _WIDEST)
    at = 1 + np.floor(rng.random(len(texts)) * (size - 1)).astype(np.int64)[:, None]
    kind = rng.integers(0, 4, len(texts))[:, None]
    at = np.where(kind == 2, np.maximum(at, 2), at)
    place = np.arange(_WIDEST)[None, :]
    left_out, twice = place + (place >= at), place - (place > at)
    turned = np.where(place == at, at - 1, np.where(place == at - 1, at, place))
    source = np.select([kind == 0, kind == 1, kind == 2], [left_out, twice, turned], place)
    made = np.take_along_axis(letters, np.clip(source, 0, _WIDEST - 1), axis=1)
    made = np.where((kind == 3) & (place == at), _neighbours()[np.minimum(made, 255)], made)
    slips = np.ascontiguousarray(made.astype(np.uint32)).view(f"<U{_WIDEST}").ravel()
    changed = pl.Series(np.where(able, slips, texts), dtype=pl.String)
    return changed.zip_with(values.is_not_null(), values)


def _neighbours() -> Ints:
    """Return, by code point under 256, the key to the right (to the left of the last)."""
    table = np.arange(256)
    for row in _KEYS:
        for place, key in enumerate(row):
            other = row[place + 1] if place + 1 < len(row) else row[place - 1]
            table[ord(key)], table[ord(key.upper())] = ord(other), ord(other.upper())
    return table


def truncated(values: pl.Series, width: int) -> pl.Series:
    """Return what a form with boxes for `width` characters holds."""
    return values.str.slice(0, width).str.strip_chars_end()


def initialled(values: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Return initials in place of names, half of them with a full stop."""
    dot = pl.Series(np.where(rng.random(len(values)) < 0.5, ".", ""), dtype=pl.String)
    return values.str.slice(0, 1) + dot


def titled(given: pl.Series, sex: Ints, age: Ints, rng: np.random.Generator) -> pl.Series:
    """Return forenames with a title before them, in capitals: `MRS ANNE`."""
    draw = rng.random(len(given))
    woman = np.select([age < 18, draw < 0.5, draw < 0.75], ["MISS", "MRS", "MISS"], "MS")
    man = np.select([age < 16, draw < 0.04], ["MASTER", "DR"], "MR")
    title = pl.Series(np.where(sex == FEMALE, woman, man), dtype=pl.String)
    return title + " " + given.str.to_uppercase()


def bracketed(given: pl.Series, known_as: pl.Series) -> pl.Series:
    """Return forenames with the name that is used in brackets: `Katarzyna (Kasia)`."""
    return given + " (" + known_as + ")"


def halved(given: pl.Series, ways: Ints) -> pl.Series:
    """Return double forenames cut to the first (0), with a hyphen (1) or without a blank (2)."""
    cut, hyphen = given.str.replace(" .*$", ""), given.str.replace(" ", "-")
    joined = given.str.replace(" ", "").str.to_lowercase()
    made = cut.zip_with(pl.Series(ways == 0), hyphen.zip_with(pl.Series(ways == 1), joined))
    return _capital(made)


def unmarked(values: pl.Series) -> pl.Series:
    """Return texts without diacritics: `Łukasz` is `Lukasz`."""
    plain = values.str.normalize("NFD").str.replace_all(r"\p{Mn}", "")
    return plain.str.replace_many(list(_MARKS), list(_MARKS.values()))


def unprefixed(family: pl.Series) -> pl.Series:
    """Return family names without a particle or the mark after it: Al-, El-, O', Mac, Mc."""
    bare = family.str.replace(r"^(?:Al-|El-|O'|Mac|Mc)(\p{Lu})", "$1")
    return bare.str.replace_all("'", "")


def ungendered(family: pl.Series) -> pl.Series:
    """Return feminine Polish names in the form of men, and those of men in that of women."""
    swaps = family.str.replace("ski$", "sKA").str.replace("cki$", "cKA")
    return swaps.str.replace("([sc])ka$", "${1}ki").str.replace("KA$", "ka")


def one_of_two(family: pl.Series, last: Bools) -> pl.Series:
    """Return one part of a double family name: the last where `last`, else the first."""
    parts = family.str.split_exact("-", 1).struct
    first, second = parts.field("field_0"), parts.field("field_1")
    return second.fill_null(first).zip_with(pl.Series(last), first)


def turned_round(family: pl.Series) -> pl.Series:
    """Return a double family name in the other order."""
    return family.str.replace("^([^-]+)-([^-]+)$", "$2-$1")


def rejoined(family: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Return a double family name with a blank, or nothing, in place of the hyphen."""
    blank = pl.Series(rng.random(len(family)) < 0.75)
    return family.str.replace("-", " ").zip_with(blank, family.str.replace("-", ""))


def first_of_month(dates: pl.Series, *, year_only: Bools) -> pl.Series:
    """Return dates of which a system kept the month, or only the year: the first of it."""
    kept = pl.Series(year_only)
    return dates.dt.truncate("1y").zip_with(kept, dates.dt.truncate("1mo"))


def american(dates: pl.Series) -> pl.Series:
    """Return dates as texts, month first."""
    return dates.dt.strftime("%m/%d/%Y")


def century_guessed(dates: pl.Series, pivot: int) -> pl.Series:
    """Return dates whose century a system guessed from two digits: those under `pivot` are 20xx."""
    short = dates.dt.year() % 100
    year = short + pl.Series(np.where(short.fill_null(0).to_numpy() < pivot, 2000, 1900))
    return _with_year(dates, year)


def _with_year(dates: pl.Series, years: pl.Series) -> pl.Series:
    """Return dates with another year; 29 February becomes 28 February where the year has none."""
    frame = pl.DataFrame({"d": dates, "y": years})
    made = pl.date("y", pl.col("d").dt.month(), pl.col("d").dt.day().clip(upper_bound=28))
    over = pl.col("d").dt.day() - pl.col("d").dt.day().clip(upper_bound=28)
    moved = made + pl.duration(days=over)
    same_month = moved.dt.month() == pl.col("d").dt.month()
    return frame.select(d=pl.when(same_month).then(moved).otherwise(made))["d"]


def misdated(dates: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Return dates with one part off: day and month exchanged; a day, month, year or decade."""
    kind = rng.choice(5, len(dates), p=(0.3, 0.25, 0.15, 0.2, 0.1))
    sign = np.where(rng.random(len(dates)) < 0.5, -1, 1)
    frame = pl.DataFrame({"d": dates, "k": kind, "s": sign}, schema_overrides={"d": pl.Date})
    day, month, year = pl.col("d").dt.day(), pl.col("d").dt.month(), pl.col("d").dt.year()
    exchanged = pl.when(day <= 12).then(pl.date(year, day, month))
    near = pl.col("d") + pl.duration(days=pl.col("s"))
    months = pl.date(year, (month.cast(pl.Int32) - 1 + pl.col("s")) % 12 + 1, day.clip(1, 28))
    years = pl.when(pl.col("k") == 3).then(pl.col("s")).otherwise(10 * pl.col("s"))
    return frame.select(
        d=pl.when(pl.col("k") == 0).then(pl.coalesce(exchanged, near))
        .when(pl.col("k") == 1).then(near)
        .when(pl.col("k") == 2).then(months)
        .otherwise(pl.date(year + years, month, day.clip(1, 28)))
    )["d"]  # fmt: skip


def near_numbers(numbers: Ints, rng: np.random.Generator) -> Ints:
    """Return other valid NHS numbers: one digit of the body off, and the check digit to suit.

    A single wrong digit is never valid under modulus 11; two may be.
    """
    made = numbers.copy()
    wrong = np.arange(len(numbers))
    while len(wrong):
        body = numbers[wrong] // 10
        unit = 10 ** rng.integers(0, 6, len(wrong))
        digit = body // unit % 10
        body = body + (rng.integers(1, 10, len(wrong)) + digit) % 10 * unit - digit * unit
        check = check_digit(body)
        made[wrong] = body * 10 + check
        wrong = wrong[check == 10]
    return made


def check_digit(bodies: Ints) -> Ints:
    """Return the check digit of the first nine digits of NHS numbers; 10: there is none.

    NHS Data Model and Dictionary, NHS NUMBER: weights 10 to 2, modulus 11.
    """
    powers, weights = 10 ** np.arange(8, -1, -1), np.arange(10, 1, -1)
    total: Ints = (bodies[:, None] // powers % 10) @ weights
    return (11 - total % 11) % 11


def number_range(rng: np.random.Generator) -> Ints:
    """Return the valid NHS numbers that begin with 999 (for tests; never issued), in any order."""
    bodies = np.arange(999_000_000, 1_000_000_000)
    check = check_digit(bodies)
    valid = (bodies * 10 + check)[check < 10]
    return rng.permutation(valid)
