"""National data opt-out: whole people go, and a faulty list shows nothing of itself."""

import polars as pl
import pytest

from pophealth_link.errors import DataError, JobError
from pophealth_link.privacy import opt_outs

A, B, C = "9434765919", "4010232137", "9876543210"


def written(folder, content: bytes):
    path = folder / "opt_outs.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        f"nhs_number\n{B}\n{A}\n".encode(),
        f"nhs_number\r\n{A}\r\n\r\n{B}\r\n{A}\r\n".encode(),
        b"\xef\xbb\xbfNHS_Number,note\n943 476 5919,x\n401-023-2137,y\n",
        f'"nhs_number"\n"{A}"\n"{B}"\n'.encode(),
    ],
)
def test_lists_are_read_as_distinct_ten_digits(tmp_path, content) -> None:
    found = opt_outs.read(written(tmp_path, content))
    assert found.to_dict(as_series=False) == {"nhs_number": [B, A]}


def test_leading_zero_is_kept(tmp_path) -> None:
    assert opt_outs.read(written(tmp_path, b"nhs_number\n0123456789\n")).item() == "0123456789"


def test_header_alone_is_an_empty_list(tmp_path) -> None:
    assert opt_outs.read(written(tmp_path, b"nhs_number\n")).is_empty()


@pytest.mark.parametrize(
    "content",
    [b"", f"{A}\n{B}\n".encode(), f"nhs_number\n{A}\n943476591\n".encode(), f'"{A}\n'.encode()],
)
def test_faulty_lists_are_refused_and_never_shown(tmp_path, content) -> None:
    with pytest.raises(DataError) as caught:
        opt_outs.read(written(tmp_path, content))
    seen: BaseException | None = caught.value
    while seen is not None:
        assert not any(value in str(seen) for value in (A, B, "943476591"))
        seen = seen.__context__


def test_faulty_values_are_counted(tmp_path) -> None:
    path = written(tmp_path, f"nhs_number\n{A}\nabc\n12\n".encode())
    with pytest.raises(DataError, match="2 of 3 values are not ten digits"):
        opt_outs.read(path)


def test_absent_list_is_a_job_error(tmp_path) -> None:
    with pytest.raises(JobError, match="does not exist"):
        opt_outs.read(tmp_path / "absent.csv")


LISTED = pl.DataFrame({"nhs_number": [A, C]})


def test_removes_by_number_however_it_is_written() -> None:
    people = pl.DataFrame(
        {"record_id": ["1", "2", "3", "4"], "nhs_number": ["943 476 5919", B, None, "987-6543210"]}
    )
    kept, removed = opt_outs.remove(people, LISTED)
    assert kept["record_id"].to_list() == ["2", "3"]
    assert removed == 2


def test_all_rows_of_a_person_go_and_the_person_is_counted_once() -> None:
    people = pl.DataFrame({"record_id": ["1", "1", "2"], "nhs_number": [A, None, B]})
    kept, removed = opt_outs.remove(people, LISTED)
    assert kept["record_id"].to_list() == ["2"]
    assert removed == 1


def test_rows_without_record_id_are_conserved_and_counted() -> None:
    people = pl.DataFrame({"record_id": [None, None, "2"], "nhs_number": [A, B, C]})
    kept, removed = opt_outs.remove(people, LISTED)
    assert (kept.height, removed) == (1, 2)
    without = people.drop("record_id")
    kept, removed = opt_outs.remove(without, LISTED)
    assert (kept.height, removed) == (1, 2)


def test_nothing_is_removed_where_nobody_can_be_recognised() -> None:
    people = pl.DataFrame({"record_id": ["1"]})
    kept, removed = opt_outs.remove(people, LISTED)
    assert kept.equals(people)
    assert removed == 0
    numbered = pl.DataFrame({"record_id": ["1"], "nhs_number": [A]})
    assert opt_outs.remove(numbered, LISTED.clear())[1] == 0


def test_people_named_by_further_rows_go_as_well() -> None:
    people = pl.DataFrame({"record_id": ["1", "2", "3"], "nhs_number": [A, B, None]})
    former = pl.DataFrame(
        {"record_id": ["3", "3", "9"], "nhs_number": ["987\u00a06543210", None, C]}
    )
    further = opt_outs.record_ids(former, LISTED)
    assert further.to_list() == ["3", "9"]
    kept, removed = opt_outs.remove(people, LISTED, further=further)
    assert (kept["record_id"].to_list(), removed) == (["2"], 2)
    assert opt_outs.record_ids(former.drop("nhs_number"), LISTED).is_empty()
