"""The pages on indicators and deprivation say what the catalogue and the figures say."""

import json
import re
from pathlib import Path

from pophealth_link.indicators import catalogue

ROOT = Path(__file__).parents[2]
INDICATORS = (ROOT / "docs/indicators.md").read_text(encoding="utf-8")
DEPRIVATION = (ROOT / "docs/deprivation.md").read_text(encoding="utf-8")


def test_every_domain_has_a_row():
    assert set(re.findall(r"^\| ([a-z_]+) \| ", INDICATORS, re.M)) >= set(catalogue().domains)


def test_what_is_imputed_down_though_listed_by_lsoa_is_told():
    odd = [each for each in catalogue() if each.imputed_down and each.area_type == "lsoa"]
    assert len(odd) == 2
    assert "Two measures that the official file lists by LSOA" in INDICATORS


def test_indicators_that_the_pages_name_exist():
    for name in re.findall(r"`(deprivation_[a-z_]+|[a-z]+_deprived)`", DEPRIVATION):
        assert name == "deprivation_summary" or name in catalogue().ids


def test_errors_of_practices_are_those_measured():
    figures = json.loads((ROOT / "benchmarks/results/places.json").read_text(encoding="utf-8"))
    told = re.findall(
        r"\| \**([\d.]+)\** \| \**([\d.]+)\** \| \**([\d.]+)\** \| \**([+−][\d.]+)", DEPRIVATION
    )
    rows = figures["practices"]["tables"][0]["rows"]
    assert len(told) == len(rows)
    for words, row in zip(told, rows, strict=True):
        median, mean, tenth, bias = row[3], row[4], row[5], row[6]
        assert words == (
            f"{median:.2f}",
            f"{mean:.2f}",
            f"{tenth:.1f}",
            f"{bias:+.2f}".replace("-", "−"),
        )
        assert f"{row[7]:,} practices" in " ".join(DEPRIVATION.replace("\n", " ").split())
