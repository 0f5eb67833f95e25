"""Files of a preset of one's own, read with every row accounted for."""

from pathlib import Path

from pophealth_link.schema import EVENT_TABLES, PEOPLE
from pophealth_link.sources import Accepted, TableFile, read
from pophealth_link.sources.preset import parse


def file_of(text: str, table: str, path: Path) -> TableFile:
    made, problems = parse(text, "own", "own.toml")
    assert problems == []
    tables = {**EVENT_TABLES, "people": PEOPLE}
    return made.apply_to_all(TableFile(tables[table], path))


def read_text(text: str, table: str, path: Path) -> Accepted:
    accepted = read(file_of(text, table, path), where="x")
    counts = accepted.counts
    ends = accepted.frame.height + counts.quarantined + counts.left_out
    assert counts.rows_in + counts.added == ends
    return accepted
