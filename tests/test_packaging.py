"""The wheel holds everything that runs: tables of facts, catalogue, model, presets, templates."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*command, str(folder)], cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_wheel_holds_every_file_of_the_package_and_the_tables(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "src"
    wanted = {
        path.relative_to(package).as_posix()
        for path in (package / "pophealth_link").rglob("*")
        if path.is_file() and not {"__pycache__", ".mypy_cache"} & set(path.parts)
    }
    tables = {f"pophealth_link/{p.relative_to(ROOT)}" for p in (ROOT / "reference_data").iterdir()}
    assert wanted <= held
    assert len(tables) > 4
    assert tables <= held


@pytest.mark.slow
def test_demo_runs_from_the_wheel_alone(wheel, tmp_path):
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    script = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import pophealth_link.cli as cli;"
        f"assert cli.__file__.startswith({str(site)!r}), cli.__file__;"
        "cli.main(['demo', '--people', '1500', '--out', 'demo', '--quiet'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "demo/run/releasable/report.html").is_file()
