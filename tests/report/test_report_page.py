"""The page as a whole: well formed, self-contained, deterministic, safe, complete."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
import report_sample as sample

from pophealth_link.errors import DataError
from pophealth_link.report import render_report, write_report

VOID = {"meta", "link", "br", "img", "input", "hr", "col", "wbr"}
HOSTILE = "<script>alert('x')</script> & <b>\"bold\"</b> ' onload=x"


class Page(HTMLParser):
    """Reads a page strictly: every tag closed in order; keeps tags, ids, links and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.errors: list[str] = []
        self.feed(text)
        self.close()
        self.errors += [f"never closed: {tag}" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if len(dict(attrs)) != len(attrs):
            self.errors.append(f"attribute twice: {tag}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.errors.append(f"closed out of order: {tag}")

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)

    def values(self, attribute: str) -> list[str]:
        return [str(attrs[attribute]) for _, attrs in self.tags if attribute in attrs]

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))


@pytest.fixture(scope="module")
def html() -> str:
    return render_report(sample.inputs())


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_the_page_is_well_formed(html, page):
    assert html.startswith("<!DOCTYPE html>")
    assert page.errors == []


def test_the_page_asks_for_nothing_from_outside(html, page):
    assert "http://" not in html
    assert "https://" not in html
    assert not re.search(r"@import|url\(|javascript:", html)
    assert {tag for tag, _ in page.tags}.isdisjoint(
        {"script", "iframe", "object", "embed", "img", "base", "form"}
    )
    assert all(value.startswith(("#", "data:,")) for value in page.values("href"))
    assert page.values("src") == []


def test_ids_are_unique_and_every_link_leads_somewhere(page):
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    links = {value[1:] for value in page.values("href") if value.startswith("#")}
    assert links - set(ids) == set()


def test_the_same_inputs_give_the_same_bytes(html):
    mixed = sample.inputs(
        baseline=sample.baseline().sample(fraction=1.0, shuffle=True, seed=5),
        boundaries=sample.boundaries().reverse(),
        lsoa_measures=sample.lsoa_measures().sample(fraction=1.0, shuffle=True, seed=6),
        resident_lookup=sample.resident_lookup().reverse(),
    )
    assert render_report(mixed) == html


def test_another_process_with_one_thread_gives_the_same_bytes(html):
    code = (
        "import hashlib, report_sample as sample; from pophealth_link.report import render_report;"
        "print(hashlib.sha256(render_report(sample.inputs()).encode()).hexdigest())"
    )
    there = {"PYTHONHASHSEED": "77", "POLARS_MAX_THREADS": "1", "TZ": "Asia/Tokyo"}
    path = os.pathsep.join([str(Path(sample.__file__).parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **there, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == hashlib.sha256(html.encode()).hexdigest()


def test_every_footprint_and_every_indicator_appears(page):
    frame = sample.baseline()
    for name in frame["footprint_name"].unique():
        assert name in page.words
    ids = set(page.values("id"))
    for indicator in frame["indicator"].unique():
        assert sample.CATALOGUE[indicator].title in page.words
        assert f"indicator-{indicator}" in ids


def test_an_indicator_that_the_catalogue_does_not_know_appears_too():
    frame = sample.baseline().filter(pl.col("indicator") == "need_index")
    own = frame.with_columns(indicator=pl.lit("something_of_ours"))
    page = Page(render_report(sample.inputs(baseline=pl.concat([frame, own]))))
    assert "Something of ours" in page.words
    assert "indicator-something_of_ours" in page.values("id")


def test_numbers_of_withheld_cells_never_reach_the_page(html):
    withheld = pl.col("status").is_in(
        ["suppressed", "linkage_too_weak", "no_data", "not_applicable"]
    )
    numbers = ["numerator", "denominator", "value", "lower", "upper"]
    numbers += ["linkage_lower", "linkage_upper"]
    frame = sample.baseline()
    assert frame.filter(withheld).height > 50
    planted = frame.with_columns(
        pl.when(withheld).then(pl.lit(98_765.4 + place)).otherwise(name).alias(name)
        for place, name in enumerate(numbers)
    )
    assert render_report(sample.inputs(baseline=planted)) == html


def test_a_withheld_cell_says_why_in_words(page):
    assert "withheld by the disclosure policy" in page.words
    assert "withheld: too many links are missing" in page.words
    assert "value of a larger area" in page.words
    assert "There is no data" in page.words
    assert "no_data" not in page.words
    assert "imputed_down" not in page.words


def test_hostile_names_stay_text():
    catalogue = {
        name: sample.Entry(
            *(HOSTILE, entry.domain, entry.unit, entry.level, entry.typical),
            *(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        )
        for name, entry in list(sample.CATALOGUE.items())[-7:]
    }
    frame = sample.baseline().filter(pl.col("indicator").is_in(list(catalogue)))
    frame = frame.with_columns(
        footprint_name=pl.lit(HOSTILE),
        footprint_code=pl.col("footprint_code") + pl.lit(HOSTILE),
        unit=pl.lit(HOSTILE),
        period=pl.lit(HOSTILE),
    )
    card = {
        "main_points": {"points": [HOSTILE]},
        "data": {
            "sources": [{"name": HOSTILE, "setting": HOSTILE, "register": False}],
            "completeness": [{"source": HOSTILE, "identifier": HOSTILE, "share": 1.0}],
        },
        "results": {"by_source": [sample.source_row(HOSTILE, {HOSTILE: 10})]},
        "limits": {"limits": [HOSTILE]},
    }
    texts = dict.fromkeys(("title", "purpose", "as_of", "period", "policy", "reference"), HOSTILE)
    made = sample.inputs(
        baseline=frame, catalogue=catalogue, card=card, warnings=[HOSTILE], **texts
    )
    text = render_report(made)
    page = Page(text)
    assert page.errors == []
    assert "<script" not in text
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert {tag for tag, _ in page.tags}.isdisjoint({"script"})
    assert page.words.count("alert('x')") > 20


def test_headings_tables_and_pictures_can_be_read_without_seeing_them(page):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    names = [tag for tag, _ in page.tags]
    assert names.count("table") == names.count("caption")
    heads = [attrs for tag, attrs in page.tags if tag == "th"]
    assert all("scope" in attrs for attrs in heads)
    pictures = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert all(attrs.get("aria-label") or attrs.get("aria-hidden") for attrs in pictures)
    assert ("html", {"lang": "en-GB"}) in page.tags


def test_every_domain_has_a_section_and_says_so_when_empty():
    only = sample.baseline().filter(pl.col("indicator") == "need_index")
    page = Page(render_report(sample.inputs(baseline=only)))
    sections = [value for value in page.values("id") if value.startswith("domain-")]
    assert len(sections) == 15
    assert page.words.count("This baseline holds no indicator of this domain.") == 14


def test_what_has_no_data_is_named_and_takes_no_more_room(page):
    frame = sample.baseline()
    absent = pl.col("indicator").is_in(["noise_exposed_55db", "noise_complaints"])
    emptied = pl.when(absent).then(pl.lit("no_data")).otherwise("status").alias("status")
    found = Page(render_report(sample.inputs(baseline=frame.with_columns(emptied))))
    for indicator in ("noise_exposed_55db", "noise_complaints"):
        assert sample.CATALOGUE[indicator].title in found.words
        (tag,) = [tag for tag, attrs in found.tags if attrs.get("id") == f"indicator-{indicator}"]
        assert tag == "li"
    assert found.words.count("There is no data") == 1
    # A section that only names what it lacks does not say that it holds nothing.
    nothing = "This baseline holds no indicator of this domain."
    assert found.words.count(nothing) == page.words.count(nothing) == 3


def test_synthetic_data_is_announced_and_real_data_is_not(page):
    assert "Nobody in this report exists." in page.words
    real = Page(render_report(sample.inputs(synthetic=False)))
    assert "Nobody in this report exists." not in real.words


def test_title_dates_policy_and_warnings_are_told(page):
    for told in (
        "Mental-health need in Exampleton",
        "1 April 2026",
        "1 April 2025 to 31 March 2026",
        "Embedded example region",
        "Counts of 1 to 7 are withheld",
        "Priory and Riverside Community PCN.",
        "Links were judged without a truth file.",
    ):
        assert told in page.words


SUMMARY = {
    "members": ["overcrowding_bedrooms", "employment_deprived", "one_person_households"],
    "weights": dict.fromkeys(
        ["overcrowding_bedrooms", "employment_deprived", "one_person_households"], 0.333333
    ),
    "left_out": {"noise_exposed_55db": "the reference does not hold it"},
    "areas": 1480,
    "incomplete": 12,
    "alpha": 0.8312,
    "item_rest": {
        "overcrowding_bedrooms": 0.714,
        "employment_deprived": 0.655,
        "one_person_households": -0.12,
    },
    "against_direction": ["one_person_households"],
    "reason": None,
}


def test_the_index_says_what_it_is_made_of():
    text = render_report(sample.inputs(index_summary=SUMMARY))
    page = Page(text)
    assert page.errors == []
    section = text[text.index('id="domain-index"') : text.index('id="reading"')]
    told = Page(f"<section {section.rsplit('<section', 1)[0]}").words
    for said in (
        *("Overcrowded households", "33.3%", "0.71", "−0.12", "1,480 LSOAs", "12 LSOAs lack"),
        *("alpha is 0.83", "Postcodes exposed to 55 dB (the reference does not hold it)"),
        "low where the others are high: One-person households",
    ):
        assert said in told, said


def test_without_an_index_the_reason_is_told(page):
    none = {"members": [], "left_out": {}, "areas": 8, "incomplete": 0, "alpha": None}
    none |= {"item_rest": {}, "reason": "8 areas are complete; 60 are needed"}
    made = Page(render_report(sample.inputs(index_summary=none)))
    assert "no index for this reference: 8 areas are complete; 60 are needed." in made.words
    assert "What the index is made of" not in page.words


def _reading(page_text, indicator):
    section = page_text[page_text.index(f'id="indicator-{indicator}"') :]
    return re.search(r'<p class="reading">(.*?)</p>', section.split("</section>", 1)[0], re.S)


def test_sentences_about_extremes_say_when_others_are_withheld(html):
    assert "Of those shown: <b>" in _reading(html, "delayed_discharge_days_housing").group(1)
    assert "Of those shown" not in _reading(html, "depression_recorded").group(1)
    overlap = "Their intervals overlap"
    assert overlap not in _reading(html, "deprivation_average_score").group(1)


def test_indicators_without_any_number_above_nothing_are_not_counted():
    frame = sample.baseline()
    ids = frame["indicator"].unique().sort()
    held = int(re.search(r"<b>(\d+)</b> <span>indicators with numbers", _page(frame)).group(1))
    empty = pl.col("indicator") == "depression_recorded"
    nothing = frame.with_columns(
        *(pl.when(~empty).then(n).otherwise(0.0).alias(n) for n in ("numerator", "value")),
        status=pl.when(empty & (pl.col("basis") == "resident"))
        .then(pl.lit("suppressed"))
        .otherwise("status"),
    )
    less = int(re.search(r"<b>(\d+)</b> <span>indicators with numbers", _page(nothing)).group(1))
    assert 0 < less == held - 1 < len(ids)


def _page(frame):
    return render_report(sample.inputs(baseline=frame))


def test_an_empty_run_is_a_page_too():
    made = sample.inputs(
        baseline=sample.baseline().clear(),
        boundaries=sample.boundaries().clear(),
        lsoa_measures=sample.lsoa_measures().clear(),
        resident_lookup=sample.resident_lookup().clear(),
        card={},
        warnings=(),
    )
    page = Page(render_report(made))
    assert page.errors == []
    assert "No indicator has numbers that can be shown." in page.words


def test_a_frame_without_its_columns_is_refused():
    with pytest.raises(DataError, match="resident_lookup"):
        sample.inputs(resident_lookup=sample.resident_lookup().drop("lsoa_code"))


def test_the_file_appears_whole_in_place_of_an_older_one(tmp_path, html):
    path = tmp_path / "report.html"
    path.write_text("older")
    write_report(sample.inputs(), path)
    assert path.read_bytes() == html.encode()
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    assert len(html.encode()) < 1_000_000


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    folder = tmp_path / "report.html"
    folder.mkdir()
    (folder / "kept").touch()
    with pytest.raises(OSError, match="report"):
        write_report(sample.inputs(), folder)
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def _luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("#16232f", "#ffffff"),
        ("#52606c", "#ffffff"),
        ("#52606c", "#f4f7f9"),
        ("#005a8d", "#f4f7f9"),
        ("#0072b2", "#ffffff"),
        ("#b84a00", "#ffffff"),
        ("#8f3a00", "#fbe3cd"),
        ("#00507d", "#d8e9f5"),
        ("#bcd6e8", "#0b3c5d"),
        ("#3d2c00", "#ffe08a"),
        ("#6b3f00", "#fff6e5"),
        ("#6b3f00", "#fff0d1"),
    ],
)
def test_text_stands_out_from_its_ground(html, ink, ground):
    """Web Content Accessibility Guidelines 2.2, 1.4.3: at least 4.5 to 1."""
    assert ink in html
    assert ground in html or ground == "#ffffff"
    light, dark = sorted((_luminance(ink), _luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
