"""Names: what is made of them, and that making it twice changes nothing."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.prepare import names, nicknames, whole_names

# Ugly on purpose: any letters, and the words and signs that rules look for.
WORDS = [
    "Mr", "MRS", "Dr.", "Jr", "SNR", "O", "O'", "Mc", "MAC", "van", "der", "De", "La", "L", "AL-",
    "St", "Saint", "née", "NEE", "(", ")", '"', ",", "aka", "Baby", "boy", "Twin", "1", "2", "0", "X",
    "unknown", "Neil", "N3il", "J0HN", "SM1TH", "Łoś", "Щер", "علی", "王", "'", "’", "-", "D", "Du",
    "mmy", "Test", "É", "E\u0301", "ß", "ı", "😀", "\u200d", "\u00ad", "N/A", "II", "Abd", "ul", "ELA", "Vander", "R", "S",
]  # fmt: skip
UGLY = st.one_of(
    st.text(max_size=20),
    st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=4).map("".join),
)
COLUMN = st.lists(st.one_of(st.none(), UGLY), max_size=8)


def apply(function, values):
    frame = pl.DataFrame({"v": values}, schema={"v": pl.String})
    return frame.select(function(pl.col("v")))["v"].to_list()


@pytest.mark.parametrize("function", [names.fold, names.given, names.family, names.sound])
@settings(max_examples=400, deadline=None)
@given(values=COLUMN)
def test_twice_is_once(function, values):
    once = apply(function, values)
    assert apply(function, once) == once


def test_every_saint_of_a_name_is_joined():
    assert apply(names.family, ["Saint John-Saint Clair"]) == ["STJOHN STCLAIR"]


@settings(deadline=None)
@given(values=COLUMN)
def test_folded_names_are_plain_words(values):
    for name in apply(names.fold, values):
        assert name is None or (name.isascii() and name == " ".join(name.upper().split()))
        assert name is None or name.replace(" ", "").isalnum()


@settings(deadline=None)
@given(values=COLUMN)
def test_given_and_family_names_hold_letters_alone(values):
    for function in (names.given, names.family):
        assert all(n is None or n.replace(" ", "").isalpha() for n in apply(function, values))


@settings(deadline=None)
@given(values=COLUMN)
def test_each_name_is_read_by_itself(values):
    together = apply(names.family, values)
    assert together == [apply(names.family, [value])[0] for value in values]


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("José", "JOSE"),
        ("Jose\u0301", "JOSE"),
        ("O’Brien", "OBRIEN"),
        ("O'Brien", "OBRIEN"),
        ("Smith-Jones", "SMITH JONES"),
        ("Łukasz", "LUKASZ"),
        ("Straße", "STRASSE"),
        ("Nguyễn", "NGUYEN"),
        ("Þórdís", "THORDIS"),
        ("Ðorđe", "DORDE"),
        ("Ə", "E"),
        ("  van  der   Berg ", "VAN DER BERG"),
        ("---", None),
        ("", None),
    ],
)
def test_fold(written, plain):
    assert apply(names.fold, [written]) == [plain]


# BGN/PCGN romanisation for Russian; ISO 843 for Greek; consonants for Arabic script.
@pytest.mark.parametrize(
    ("written", "latin"),
    [
        ("Щербаков", "SHCHERBAKOV"),
        ("Юрий", "YURIY"),
        ("Γιώργος", "GIORGOS"),
        ("محمد", "MHMD"),
        ("राम", "RAM"),
    ],
)
def test_other_alphabets_become_latin(written, latin):
    assert apply(names.given, [written]) == [latin]


def test_a_name_without_its_vowels_sounds_like_the_name_with_them():
    written = apply(names.given, ["محمد", "Mohammed", "Muhamad"])
    assert len(set(apply(names.sound, written))) == 1


@pytest.mark.parametrize(
    "forms",
    [
        ("O'Neil", "ONeil", "O Neil", "O’NEIL", "o' neil"),
        ("McDonald", "Mc Donald", "MC DONALD", "M'cDonald"),
        ("MacDonald", "Mac Donald", "Mac-Donald"),
        ("Van der Berg", "VANDERBERG", "Vander Berg", "van-der-berg"),
        ("Al-Hassan", "Al Hassan", "ALHASSAN"),
        ("De la Cruz", "Delacruz", "DE LACRUZ"),
        ("St John", "St. John", "Saint John", "ST-JOHN"),
        ("D'Souza", "D Souza", "Dsouza"),
        ("Smith", "Smith Jr", "SMITH SNR", "Dr Smith", "SMITH (deceased)", "SM1TH", "Smith 2"),
    ],
)
def test_forms_of_one_family_name_are_one(forms):
    assert len(set(apply(names.family, forms))) == 1


def test_neighbouring_family_names_stay_apart():
    written = ["Neil", "O'Neil", "McNeil", "MacNeil", "Van", "Le", "Lord", "Master", "Senior"]
    assert apply(names.family, written) == [
        "NEIL", "ONEIL", "MCNEIL", "MACNEIL", "VAN", "LE", "LORD", "MASTER", "SENIOR",
    ]  # fmt: skip


def test_double_names_are_known_by_their_parts():
    words = apply(names.family_words, ["Smith-Jones", "Van der Berg", "Jones", "Unknown", None])
    assert words == [["SMITH", "JONES"], ["VANDERBERG", "BERG"], ["JONES"], None, None]


@pytest.mark.parametrize("written", ["Smith (née Jones)", "SMITH NEE JONES", "Smith (Jones)",
                                     "Smith formerly Jones", "Smith (Jones"])  # fmt: skip
def test_a_former_name_is_told_apart(written):
    assert apply(names.family, [written]) == ["SMITH"]
    assert apply(names.former, [written]) == ["JONES"]


def test_a_family_called_nee_keeps_its_name():
    assert apply(names.family, ["Nee", "Nee-Smith"]) == ["NEE", "NEE SMITH"]
    assert apply(names.former, ["Nee", "Nee-Smith"]) == [None, None]


@pytest.mark.parametrize("written", [
    "Baby", "Baby Boy", "BABY GIRL", "Baby of Jane", "Baby Smith", "TWIN ONE", "Twin 2", "Infant",
    "unknown", "Not Known", "N/A", "None", "Test", "Mr", "Mr & Mrs", "Dr.", "X", "XXX", "Male infant",
    "?", "-", "TBC",
])  # fmt: skip
def test_placeholders_are_no_given_names(written):
    assert apply(names.given, [written]) == [None]


def test_titles_go_and_names_that_look_like_them_stay():
    written = ["Mrs Ann", "Rev. Dr. Ann", "Ann Jr", "Drew", "Missy", "Sirah", "Master Tom", "Mrs"]
    assert apply(names.given, written) == [
        "ANN", "ANN", "ANN", "DREW", "MISSY", "SIRAH", "TOM", None,
    ]  # fmt: skip


def test_a_name_in_brackets_is_a_name_that_the_person_goes_by():
    written = ["Patrick (Pat)", 'Patrick "Pat"', "PATRICK (PAT", "Patrick known as Pat", "(Pat)"]
    assert apply(names.given, written) == ["PATRICK"] * 4 + ["PAT"]
    assert apply(names.known_as, written)[:4] == ["PAT"] * 4


def test_digits_become_the_letters_that_they_look_like():
    written = ["J0HN", "W1LLIAM", "Wi11iam", "MICHAE1", "JAME5", "RO8ERT", "Ann 2", "Ann2"]
    assert apply(names.given, written) == [
        "JOHN", "WILLIAM", "WILLIAM", "MICHAEL", "JAMES", "ROBERT", "ANN", "ANN",
    ]  # fmt: skip


def test_nicknames_stand_for_formal_names_and_for_themselves():
    formal = nicknames.formal_names(pl.DataFrame({"g": ["BILL", "WILLIAM", "XYZZY", None]}), "g")
    bill, william, odd, none = formal["g_formal"].to_list()
    assert set(bill) & set(william)
    assert odd == ["XYZZY"]
    assert none is None


def test_formal_and_short_are_each_other_turned_round():
    names_asked = pl.DataFrame({"g": ["MARGARET", "PEGGY"]})
    short = names_asked.select(nicknames.short(pl.col("g")))["g"].to_list()[0]
    formal = names_asked.select(nicknames.formal(pl.col("g")))["g"].to_list()[1]
    assert "PEGGY" in short
    assert "MARGARET" in formal


@pytest.mark.parametrize("row", [
    (None, "SMITH, John"), ("SMITH, John", None), ("SMITH John", None), ("John SMITH", None),
    ("John", "SMITH, John"),
])  # fmt: skip
def test_whole_names_are_taken_apart(row):
    frame = pl.LazyFrame([row], schema=["given_name", "family_name"], orient="row")
    frame = frame.cast(pl.String)
    assert whole_names.apart(frame).collect().row(0) == ("John", "SMITH")


@pytest.mark.parametrize("row", [("John", "Smith"), ("Anne Marie", None), ("JOHN SMITH", None),
                                 ("Jane", "SMITH, John"), (None, "Smith"), (None, None)])  # fmt: skip
def test_names_that_cannot_be_told_apart_stay(row):
    frame = pl.LazyFrame([row], schema=["given_name", "family_name"], orient="row")
    assert whole_names.apart(frame.cast(pl.String)).collect().row(0) == row


@settings(deadline=None)
@given(rows=st.lists(st.tuples(st.one_of(st.none(), UGLY), st.one_of(st.none(), UGLY)), max_size=6))
def test_taking_apart_twice_is_once(rows):
    schema = {"given_name": pl.String, "family_name": pl.String}
    once = whole_names.apart(pl.LazyFrame(rows, schema=schema, orient="row")).collect()
    assert whole_names.apart(once.lazy()).collect().equals(once)


def test_registered_forenames_are_names(open_data):
    known = pl.read_parquet(open_data / "names/england_wales_forenames_1996_2020.parquet")
    counts = (
        known.group_by("name")
        .agg(pl.col("n").sum())
        .with_columns(names.given(pl.col("name")).alias("given"))
    )
    lost = counts.filter(pl.col("given").is_null() & pl.col("name").str.contains("[A-Za-z]"))
    # "Baby", "Sir", "Twin" and "Na" were registered, 488 times in 25 years.
    assert lost["n"].sum() / counts["n"].sum() < 0.0001
    same = counts.filter(
        pl.col("name").str.contains("^[A-Z][a-z]+$") & pl.col("given").is_not_null()
    )
    assert same["given"].to_list() == same["name"].str.to_uppercase().to_list()
