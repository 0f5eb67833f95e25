"""A pack says what it is, reads back what was written, and notices every alteration."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from pophealth_link.errors import OutputExistsError, ReferenceDataError
from pophealth_link.reference import Pack, TableAbout, in_memory, load, write
from pophealth_link.reference.example.geometry import wkb_polygon

ABOUT = TableAbout(
    publisher='A "quoted" publisher\\',
    title="Tafel für Prüfung\n– two lines",
    licence="MIT",
    vintage="2021",
    valid_from=date(2021, 3, 21),
)
SQUARE = np.array([[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]], dtype=float)


def tables() -> dict[str, pl.DataFrame]:
    return {
        "areas": pl.DataFrame(
            {
                "lsoa_code": ["E01999002", "E01999001"],
                "lad_code": ["E09999001"] * 2,
                "population": pl.Series([1500, 1700], dtype=pl.Int32),
                "something_else": [1.5, 2.5],
            }
        ),
        "deprivation": pl.DataFrame(
            {
                "lsoa_code": ["E01999001", "E01999002"],
                "imd_score": [30, 5],
                "imd_rank": [4000, 30000],
                "imd_decile": [2, 9],
            }
        ),
        "boundaries": pl.DataFrame(
            {
                "area_type": ["lsoa", "lsoa"],
                "area_code": ["E01999001", "E01999002"],
                "geometry": [wkb_polygon([SQUARE]), wkb_polygon([SQUARE + 10])],
            }
        ),
    }


ABOUTS = dict.fromkeys(("areas", "deprivation", "boundaries"), ABOUT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tables(), tmp_path / "pack", name="small", n_areas=33_755, about=ABOUTS)
    return tmp_path / "pack"


def message(folder: Path) -> str:
    with pytest.raises(ReferenceDataError) as caught:
        load(folder)
    assert caught.value.exit_code == 12
    return str(caught.value)


def test_round_trip(folder: Path) -> None:
    pack = load(folder)
    assert (pack.name, pack.n_areas, pack.tables) == (
        "small",
        33_755,
        ("areas", "boundaries", "deprivation"),
    )
    about = pack.about["areas"]
    assert replace(about, rows=0, sha256="") == ABOUT
    assert about.rows == 2
    assert pack.read("areas").select("lsoa_code", "lad_code", "population").rows() == [
        ("E01999001", "E09999001", 1700),
        ("E01999002", "E09999001", 1500),
    ]
    assert_frame_equal(pack.scan("areas").collect(), pack.read("areas"))


def test_every_declared_column_is_there_with_its_type(folder: Path) -> None:
    pack = load(folder)
    areas = pack.read("areas")
    assert areas.schema["population"] == pl.Int64
    assert areas.schema["icb_name"] == pl.String
    assert areas["icb_name"].null_count() == 2
    assert "something_else" not in areas.columns
    assert pack.read("deprivation").schema["imd_score"] == pl.Float64


def test_row_and_column_order_do_not_change_the_files(folder: Path, tmp_path: Path) -> None:
    turned = {key: frame.reverse().select(frame.columns[::-1]) for key, frame in tables().items()}
    write(turned, tmp_path / "turned", name="small", n_areas=33_755, about=ABOUTS)
    for file in folder.iterdir():
        assert file.read_bytes() == (tmp_path / "turned" / file.name).read_bytes(), file.name


def test_lazy_tables_make_the_same_pack(folder: Path, tmp_path: Path) -> None:
    lazily = {key: frame.lazy() for key, frame in tables().items()}
    pack = write(lazily, tmp_path / "lazily", name="small", n_areas=33_755, about=ABOUTS)
    assert pack == load(folder)
    assert pack.digest == load(folder).digest


def test_a_pack_in_memory_equals_the_written_one(folder: Path) -> None:
    pack = in_memory(tables(), name="small", n_areas=33_755, about=ABOUTS)
    assert pack == load(folder)
    assert_frame_equal(pack.read("boundaries"), load(folder).read("boundaries"))


def test_digest_depends_on_content_and_name(folder: Path) -> None:
    made = load(folder)
    changed = tables()
    changed["deprivation"] = changed["deprivation"].with_columns(imd_score=pl.lit(31))
    others = [
        in_memory(changed, name="small", n_areas=33_755, about=ABOUTS),
        in_memory(tables(), name="other", n_areas=33_755, about=ABOUTS),
        in_memory(tables(), name="small", n_areas=32_844, about=ABOUTS),
    ]
    assert len({made.digest, *(other.digest for other in others)}) == 4


def test_boundaries_are_a_geoparquet_file_in_the_national_grid(folder: Path) -> None:
    geo = json.loads(pq.read_metadata(folder / "boundaries.parquet").metadata[b"geo"])
    assert geo["primary_column"] == "geometry"
    assert geo["columns"]["geometry"]["encoding"] == "WKB"
    geopandas = pytest.importorskip("geopandas")
    frame = geopandas.read_parquet(folder / "boundaries.parquet")
    assert frame.crs.to_epsg() == 27700
    assert frame.crs == "EPSG:27700"
    assert frame.geometry.area.tolist() == [100.0, 100.0]


def test_an_existing_folder_is_never_overwritten(folder: Path) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(OutputExistsError):
        write(tables(), folder, name="again", n_areas=1, about=ABOUTS)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["pack"]


def test_a_refused_pack_leaves_nothing_behind(tmp_path: Path) -> None:
    wrong = tables() | {"areas": tables()["areas"].drop("lad_code")}
    with pytest.raises(ReferenceDataError, match="lad_code"):
        write(wrong, tmp_path / "pack", name="small", n_areas=33_755, about=ABOUTS)
    assert list(tmp_path.iterdir()) == []


def test_writing_reports_every_problem_at_once(tmp_path: Path) -> None:
    frames = tables()
    wrong: dict[str, pl.DataFrame | pl.LazyFrame] = {
        "areas": pl.concat([frames["areas"]] * 2),
        "deprivation": frames["deprivation"].with_columns(
            pl.col("imd_rank").cast(pl.String), imd_decile=pl.lit(None, pl.Int64)
        ),
        "practises": pl.DataFrame({"practice_code": ["X99001"]}),
        "practices": pl.DataFrame({"practice_code": ["X99001"]}),
    }
    with pytest.raises(ReferenceDataError) as caught:
        write(wrong, tmp_path / "pack", name="", n_areas=0, about=ABOUTS)
    text = str(caught.value)
    assert "7 problems" in text
    assert "`lsoa_code` repeat in 2 rows" in text
    assert "`imd_rank` must be integer (Int64), not String" in text
    assert "`imd_decile` is empty in 2 of 2 rows" in text
    assert "Did you mean `practices`?" in text
    assert "practices  has no TableAbout" in text.replace("practices    ", "practices  ")
    assert "name" in text
    assert "n_areas" in text
    assert "E01999001" not in text


def test_a_changed_byte_is_noticed(folder: Path) -> None:
    file = folder / "deprivation.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert "deprivation.parquet" in message(folder)
    assert "sha256 differs" in message(folder)


def test_a_replaced_table_is_noticed(folder: Path) -> None:
    frame = pl.read_parquet(folder / "deprivation.parquet")
    frame.with_columns(pl.col("imd_rank") + 1).write_parquet(folder / "deprivation.parquet")
    assert "sha256 differs" in message(folder)


def test_loading_reports_every_problem_at_once(folder: Path) -> None:
    (folder / "areas.parquet").unlink()
    pl.DataFrame(
        {"lsoa_code": ["E01999001"], "imd_ranks": [1], "imd_score": ["high"]}
    ).write_parquet(folder / "deprivation.parquet")
    (folder / "boundaries.parquet").write_bytes(b"no Parquet at all")
    text = message(folder)
    assert "7 problems" in text
    assert "areas.parquet" in text
    assert "does not exist" in text
    assert "has no column `imd_rank`. Did you mean `imd_ranks`?" in text
    assert "has no column `imd_decile`" in text
    assert "`imd_score` must be number (Float64), not String" in text
    assert "boundaries.parquet" in text
    assert "cannot be read as Parquet" in text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("format = 1", "format = 2", "format"),
        ("n_areas = 33755", 'n_areas = "many"', "n_areas"),
        ("n_areas = 33755", "n_areas = true", "n_areas"),
        ("n_areas = 33755", "n_areas = 0", "n_areas"),
        ('name = "small"', "", "name"),
        ("[tables.areas]", "[tables.areas", "is not valid TOML"),
        ("[tables.areas]", "[tables.area]", "Did you mean `areas`?"),
        ("[tables.areas]\npublisher", "[tables.areas]\npublishers", "Did you mean `publisher`?"),
        ("[tables.areas]\npublisher", "[tables.areas]\nother", "has no `publisher`"),
        ("rows = 2", 'rows = "two"', "`rows` must be a whole number"),
        ("valid_from = 2021-03-21", "valid_from = 2021", "`valid_from` must be a date"),
        ("valid_from = 2021-03-21", "valid_from = 2021-03-21T00:00:00", "must be a date"),
        ("sha256 =", "sha255 =", "has no `sha256`"),
    ],
)
def test_a_damaged_description_is_noticed(folder: Path, old: str, new: str, said: str) -> None:
    file = folder / "pack.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert said in message(folder)


def test_a_folder_without_description_is_no_pack(folder: Path, tmp_path: Path) -> None:
    (folder / "pack.toml").unlink()
    assert "is not a reference pack" in message(folder)
    assert "does not exist" in message(tmp_path / "nowhere")
    (folder / "pack.toml").write_bytes(b"\xff\xfe\xff")
    assert "cannot be read" in message(folder)


def test_an_absent_table_is_named_with_what_the_pack_holds(folder: Path) -> None:
    pack = load(folder)
    assert pack.has("areas")
    assert not pack.has("postcodes")
    with pytest.raises(ReferenceDataError) as caught:
        pack.read("area")
    assert "Did you mean `areas`?" in str(caught.value)
    assert "areas, boundaries, deprivation" in str(caught.value)
    with pytest.raises(ReferenceDataError, match="small has no table `postcodes`"):
        pack.scan("postcodes")


def test_repr_names_tables_and_shows_no_row(folder: Path) -> None:
    assert repr(load(folder)) == (
        "Pack('small', n_areas=33,755, tables=areas, boundaries, deprivation)"
    )


def test_a_pack_can_be_moved(folder: Path, tmp_path: Path) -> None:
    before: Pack = load(folder)
    shutil.move(folder, tmp_path / "elsewhere")
    assert load(tmp_path / "elsewhere") == before


def test_a_pack_may_lie_anywhere_and_be_read_from_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "a [b] * c"
    shutil.copytree(folder, odd)
    monkeypatch.chdir(tmp_path)
    pack = load(Path("a [b] * c"))
    monkeypatch.chdir("/")
    assert pack.read("areas").height == 2
