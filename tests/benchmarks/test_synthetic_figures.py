"""The page that compares synthetic people with England shows the committed figures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest
from benchmarks.synthetic_figures_made import Made, make
from benchmarks.synthetic_figures_places import england_sample
from benchmarks.synthetic_figures_published import read
from benchmarks.synthetic_figures_records import compare
from benchmarks.synthetic_figures_tables import markdown, table

from benchmarks import synthetic_figures, synthetic_figures_charts, synthetic_figures_page
from pophealth_link.errors import DataError
from pophealth_link.synthetic import SynthSpec

PAGE = synthetic_figures_page.PAGE.read_text(encoding="utf-8")
FIGURES = json.loads(synthetic_figures.RESULTS.read_text(encoding="utf-8"))
CHARTS = sorted(synthetic_figures_charts.FOLDER.glob(f"{synthetic_figures_charts.PREFIX}*.svg"))


def test_the_page_shows_the_committed_figures() -> None:
    assert synthetic_figures_page.filled(PAGE, FIGURES["tables"]) == PAGE


def test_every_table_stands_in_the_page_once() -> None:
    assert sorted(synthetic_figures_page.marks(PAGE)) == sorted(FIGURES["tables"])


def test_a_block_without_figures_is_refused() -> None:
    text = "<!-- figures: nothing -->\n<!-- end of figures -->"
    with pytest.raises(DataError, match="nothing"):
        synthetic_figures_page.filled(text, FIGURES["tables"])


def test_the_page_tells_how_many_people_were_made() -> None:
    assert f"{FIGURES['about']['people']:,} people on one in a hundred" in PAGE
    assert f"{FIGURES['about']['region']:,} people on the example region" in PAGE


def test_the_charts_are_those_of_the_committed_figures() -> None:
    drawn = synthetic_figures_charts.pictures(FIGURES["charts"])
    held = {path.stem.removeprefix("synthetic-"): path.read_text("utf-8") for path in CHARTS}
    assert held == drawn


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.stem)
def test_charts_are_small_and_have_words(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.encode()) < 60_000
    assert f"images/{path.name}" in PAGE
    assert 'role="img"' in text
    assert re.findall(r"<text[^>]*>[^<]+</text>", text)


def test_markdown_sets_figures_to_the_right() -> None:
    made = markdown(table(["name", "share"], [["a", "1.0 %"], ["b", "–"]]))
    assert made.splitlines() == ["| name | share |", "|---|---:|", "| a | 1.0 % |", "| b | – |"]


TRUE = {
    "person_id": ["P1", "P2"],
    "second_number": [None, "9990000018"],
    "nhs_number": ["9990000026", "9990000034"],
    "given_name": ["Zoë", "Ann"],
    "family_name": ["O'Neil", "Shah"],
    "date_of_birth": ["1980-02-01", "1990-01-01"],
    "sex": [2, 2],
    "postcode": ["QX1 1AA", "QX1 1AB"],
    "lives_outside": [False, False],
}
TOLD = {
    "record_id": ["S1", "S2", "S3"],
    "nhs_number": ["9990000026", None, "9990000018"],
    "given_name": ["ZOE", "Anne", "Ann"],
    "family_name": ["O'Neil", "Shah", None],
    "date_of_birth": ["1980-01-02", "1990-01-01", "1990-01-01"],
    "sex": ["2", "X", "2"],
    "postcode": ["QX1 1AA", None, "QX9 9ZZ"],
}
FIFTH = {"ethnic_group": ["white"] * 3, "quintile": ["quintile_1"] * 3}


def test_records_are_compared_with_their_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.synthetic_figures_records.SOURCES", ("social_care",))
    truth = {"source": ["social_care"] * 3, "record_id": ["S1", "S2", "S3"],
             "person_id": ["P1", "P2", "P2"], **FIFTH}  # fmt: skip
    days = pl.col("date_of_birth").str.to_date()
    made = Made(
        SynthSpec(people=50, seed=1),
        pl.DataFrame(TRUE).with_columns(days),
        {"social_care": pl.DataFrame(TOLD).with_columns(days)},
        pl.DataFrame(truth),
    )
    found = compare(made)
    assert found["number missing"].to_list() == [False, True, False]
    # A person's own second number is not wrong.
    assert found["number wrong"].to_list() == [False, None, False]
    assert found["given name"].to_list() == [False, True, False]
    assert found["family name"].to_list() == [False, False, None]
    assert found["birth"].to_list() == [True, False, False]
    assert found["sex"].to_list() == [False, True, False]
    assert found["postcode"].to_list() == [False, None, True]


def test_what_is_unlike_is_named_with_its_figures() -> None:
    rows = FIGURES["tables"]["unlike"]["rows"]
    assert rows
    for _, known, made, _ in rows:
        first, second = (float(re.findall(r"[\d.]+", x.replace(",", ""))[0]) for x in (known, made))
        assert abs(first - second) >= 0.049 * first


@pytest.mark.slow
def test_other_people_give_the_same_tables_and_charts(open_data: Path) -> None:
    made = make(SynthSpec(people=12_000, seed=3), england_sample(open_data))
    presets = dict.fromkeys(("easy", "typical", "hard"), made)
    figures = synthetic_figures.figures(made, made, presets, made.all_true, read(open_data))
    assert figures["tables"].keys() == FIGURES["tables"].keys()
    assert figures["charts"].keys() == FIGURES["charts"].keys()
    for name, found in figures["tables"].items():
        held = FIGURES["tables"][name]
        assert found["columns"] == held["columns"], name
        if name not in ("situations", "unlike"):
            assert [row[0] for row in found["rows"]] == [row[0] for row in held["rows"]], name


def test_without_open_data_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert synthetic_figures.main(["--from", str(tmp_path / "nowhere")]) == 2
    assert "--from DIR" in capsys.readouterr().err
