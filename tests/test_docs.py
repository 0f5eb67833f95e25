"""What the documentation shows is run, and what it names exists."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from pophealth_link.cli import cli
from pophealth_link.demo import make_synthetic
from pophealth_link.disclosure import POLICIES
from pophealth_link.evaluate.linkage_card_text import SECTIONS
from pophealth_link.indicators import catalogue
from pophealth_link.job.load import load as load_job
from pophealth_link.job.outputs import files
from pophealth_link.job.spec import JobSpec, LinkTable, NeedTable, PrivacyTable, parse
from pophealth_link.link.blocking import RULES
from pophealth_link.link.passes import DEFAULT_PASSES
from pophealth_link.schema.codes import STATUS
from pophealth_link.schema.outputs import BASELINE
from pophealth_link.schema.outputs_inequality import INEQUALITY_TABLES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_python_of_a_page_runs(page, tmp_path):
    for number, script in enumerate(blocks(page, "python")):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", script],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (page.name, number, done.stderr)


def test_the_readme_has_a_script_and_its_links_are_found():
    scripts = blocks(ROOT / "README.md", "python")
    assert len(scripts) == 1
    proof = scripts[0] + (
        "\nfound = links.person_index.filter(pl.col('source') == 'social_care')"
        "\ngp_ids = links.person_index.filter(pl.col('source') == 'gp')['person_id']"
        "\nassert found['person_id'].is_in(gp_ids.implode()).to_list() == [True, False]"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", proof], check=True, capture_output=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_within_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_verbs_and_options_that_a_page_shows_exist(page):
    for line in re.findall(r"pophealth-link ([a-z]+[^`\n#|]*)", page.read_text(encoding="utf-8")):
        verb, *words = line.split()
        assert verb in cli.commands, line
        command = cli.commands[verb]
        if isinstance(command, click.Group):
            assert words[0] in command.commands, line
            command = command.commands[words[0]]
        known = {name for p in command.params for name in p.opts} | {"--help"}
        assert {w for w in words if w.startswith("--")} <= known, line


def test_the_annotated_job_is_a_job_and_names_every_setting():
    path = ROOT / "configs" / "example.toml"
    parse(path)
    text = path.read_text(encoding="utf-8")
    for name, field in JobSpec.model_fields.items():
        assert (field.alias or name) in text, name
    for block in (tomllib.loads(text)["link"], tomllib.loads(text)["privacy"]):
        assert block


def test_the_page_on_the_job_file_and_the_annotated_job_name_every_setting_of_their_tables():
    page = (ROOT / "docs/job-file.md").read_text(encoding="utf-8")
    text = (ROOT / "configs/example.toml").read_text(encoding="utf-8")
    for table in (NeedTable, LinkTable, PrivacyTable):
        for name in table.model_fields:
            assert re.search(rf"\b{name}\b", page), name
            assert re.search(rf"\b{name}\b", text), name


def test_the_page_on_outputs_names_every_file_of_a_run_and_every_column_of_the_baseline(tmp_path):
    page = (ROOT / "docs/outputs.md").read_text(encoding="utf-8")
    made = make_synthetic(tmp_path / "data", people=200, seed=1)
    written = {Path(name).name for name in files(load_job(made))} | {"list_sizes.csv"}
    assert {f"{name}.csv" for name in INEQUALITY_TABLES} < written
    assert {name for name in written if f"`{name}`" not in page} == set()
    assert {name for name in BASELINE.names if f"`{name}`" not in page} == set()


def test_the_page_on_the_card_names_its_sections_in_order():
    page = (ROOT / "docs/linkage-card.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \d+ [^|]+ \| `([a-z_]+)` \|", page, re.M) == [*SECTIONS]


def test_pages_tell_what_the_code_does():
    linkage = (ROOT / "docs/linkage.md").read_text(encoding="utf-8")
    assert f"one of {len(RULES)} blocking rules" in linkage
    assert len(DEFAULT_PASSES) == 3
    outputs = (ROOT / "docs/outputs.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| ([a-z_]+) \|", outputs, re.M))
    assert set(STATUS.codes) <= described
    assert {f"`{name}`" for name in POLICIES} <= set(
        re.findall(r"^\| (`[a-z0-9_]+`) \|", outputs, re.M)
    )


def test_the_page_on_uncertainty_names_where_limits_were_measured_to_fall_short():
    page = (ROOT / "docs/uncertainty.md").read_text(encoding="utf-8")
    row = r"^\| `?([\w ]+?)`? \| (count|value) \| (\d+) % \| (\d+) % \|$"
    told = {(name, of): (int(a), int(b)) for name, of, a, b in re.findall(row, page, re.M)}
    results = ROOT / "benchmarks/results/coverage.json"
    held = json.loads(results.read_text(encoding="utf-8"))["tables"]
    measured = {}
    for family, limits in (("indicator", "count"), ("ethnic group", "count"),
                           ("ethnic group", "value"), ("fifth of number completeness", "count")):  # fmt: skip
        figure = "coverage" if limits == "count" else "coverage_of_value"
        words = {"black": "people of black ethnic groups"}
        words["unknown"] = "people of unknown ethnic group"
        both = [{r["group"]: r[figure] for r in held[world][family]} for world in held]
        for group in both[0]:
            name = words.get(group, group) if family == "ethnic group" else group
            measured[(name, limits)] = tuple(each[group] for each in both)
    low = {key for key, figures in measured.items() if min(figures) < 0.90}
    assert low
    assert low == set(told)
    for key, figures in told.items():
        assert figures == tuple(round(100 * each) for each in measured[key]), key


CORE = [
    "deprivation_average_score",
    "deprivation_most_deprived_decile",
    "housing_social_rented",
    "housing_private_rented",
    "homelessness_duty_owed",
    "temporary_accommodation",
    "overcrowding_bedrooms",
    "employment_deprived",
    "public_transport_access",
    "noise_exposed_55db",
    "one_person_households",
    "depression_recorded",
    "severe_mental_illness_recorded",
    "dementia_recorded",
    "mental_health_referrals",
    "mental_health_contacts",
    "mental_health_emergency_admissions",
    "delayed_discharge_days",
    "delayed_discharge_days_housing",
    "delayed_discharge_days_social_care",
    "social_care_mental_health_support",
    "need_index",
]


def test_every_indicator_that_scripts_rely_on_is_in_the_catalogue():
    assert set(CORE) <= set(catalogue().ids)
