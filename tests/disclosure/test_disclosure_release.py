"""Release bundle: no formula runs, the manifest is true and the same everywhere."""

import hashlib
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pophealth_link.disclosure import (
    Check,
    apply,
    policy,
    release_manifest,
    safe_text,
    write_manifest,
    write_release,
)
from pophealth_link.errors import DisclosureError, OutputExistsError

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


@given(
    st.lists(st.none() | st.text() | st.tuples(st.sampled_from(DANGEROUS), st.text()).map("".join))
)
def test_no_text_cell_begins_as_a_formula(values) -> None:
    frame = pl.DataFrame({"name": values}, schema={"name": pl.String})
    safe = safe_text(frame)
    for before, after in zip(values, safe["name"], strict=True):
        assert after is None or not after.startswith(DANGEROUS)
        assert after == before or after == f"'{before}"
    assert safe_text(safe).equals(safe)


def test_numbers_and_plain_text_are_left_alone() -> None:
    frame = pl.DataFrame({"name": ["Ash Vale", "A=B", ""], "n": [-1, 2, 3], "x": [-0.5, 1.0, None]})
    assert safe_text(frame).equals(frame)


def test_text_in_categories_is_made_safe_too() -> None:
    frame = pl.DataFrame({"name": pl.Series(["=1", "a"], dtype=pl.Categorical)})
    assert safe_text(frame)["name"].to_list() == ["'=1", "a"]


BASELINE = pl.DataFrame(
    {"footprint_name": ["=cmd|' /C calc'!A0", "Ash"], "numerator": [3, 18], "value": [0.1, 0.2]}
)
RELEASED = apply(BASELINE, policy("hes"), counts=["numerator"], derived=["value"])


def files() -> dict:
    return {"report.html": "<p>ü</p>", "baseline.csv": RELEASED, "maps/area.bin": b"\x00\x01"}


def test_release_writes_files_and_a_true_manifest(tmp_path) -> None:
    manifest = write_release(
        tmp_path / "releasable", files(), policy("hes"), check=Check(withheld=1)
    )
    folder = tmp_path / "releasable"
    text = (folder / "release_manifest.json").read_bytes()
    assert json.loads(text) == manifest
    assert [each["name"] for each in manifest["files"]] == [
        "baseline.csv",
        "maps/area.bin",
        "report.html",
    ]
    for each in manifest["files"]:
        content = (folder / each["name"]).read_bytes()
        assert each["sha256"] == hashlib.sha256(content).hexdigest()
        assert each["bytes"] == len(content)
    assert manifest["suppressed"] == {"baseline.csv": {"rows": 1}}
    assert manifest["policy"] == {
        "name": "hes",
        "base": 5,
        "rounding": "nearest",
        "first_shown": 8,
        "zero_shown": True,
    }
    assert manifest["differencing"]["withheld"] == 1
    csv = (folder / "baseline.csv").read_text()
    assert csv.splitlines()[1].startswith("'=cmd")
    assert csv.splitlines()[1].endswith(",,,suppressed")


def test_same_input_gives_same_bytes(tmp_path) -> None:
    for name in ("a", "b"):
        write_release(
            tmp_path / name, dict(sorted(files().items(), reverse=name == "b")), policy("hes")
        )
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_manifest_of_files_written_by_others(tmp_path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    first = write_manifest(tmp_path, policy("midpoint6"), suppressed={"a.txt": {"numerator": 4}})
    assert first["suppressed"] == {"a.txt": {"numerator": 4}}
    # The manifest does not list itself.
    assert release_manifest(tmp_path, policy("midpoint6"))["files"] == first["files"]


def test_nothing_is_overwritten(tmp_path) -> None:
    write_release(tmp_path, files(), policy("hes"))
    with pytest.raises(OutputExistsError, match=r"report\.html"):
        write_release(tmp_path, files(), policy("hes"))


@pytest.mark.parametrize("name", ["../x.csv", "/x.csv", "a/../../x", "", "release_manifest.json"])
def test_names_stay_in_the_folder(tmp_path, name) -> None:
    with pytest.raises(DisclosureError, match="must lie in its folder"):
        write_release(tmp_path / "releasable", {name: "x"}, policy("hes"))
    assert not (tmp_path / "releasable").exists()


def test_suppressed_rows_with_values_are_refused_before_anything_is_written(tmp_path) -> None:
    leaking = RELEASED.with_columns(value=pl.lit(0.1), upper=pl.lit(0.2))
    with pytest.raises(DisclosureError) as caught:
        write_release(tmp_path / "out", {"baseline.csv": leaking}, policy("hes"))
    assert "baseline.csv: upper" in str(caught.value)
    assert "1 suppressed rows still give it" in str(caught.value)
    assert not (tmp_path / "out").exists()
