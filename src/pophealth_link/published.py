"""Where the small tables of published facts lie: inside the wheel, or beside `src`."""

from __future__ import annotations

from pathlib import Path

from pophealth_link.errors import ReferenceDataError, nearest

FOLDER = "reference_data"


def reference_file(name: str) -> Path:
    """Return the path of a file of `reference_data`, such as a table or its `.source.toml`.

    `name` is relative to the folder. The wheel holds the folder inside the package; an editable
    install does not, so that the checkout's own folder is looked for next.

    Raises ReferenceDataError where neither place holds the file.

    >>> reference_file("european_standard_population_2013.csv").name
    'european_standard_population_2013.csv'
    """
    return _first_found(name, _folders(Path(__file__)))


def _folders(module: Path) -> list[Path]:
    """Return the folders that may hold the files, given where this module lies."""
    package = module.resolve().parent
    return [package / FOLDER, package.parents[1] / FOLDER]


def _first_found(name: str, folders: list[Path]) -> Path:
    found = next((path for folder in folders if (path := folder / name).is_file()), None)
    if found is not None:
        return found
    held = sorted({path.name for folder in folders if folder.is_dir() for path in folder.iterdir()})
    raise ReferenceDataError(
        f"the file `{name}` is not among the published facts.{nearest(name, held)}",
        f"{len(held):,} files are there.",
        fix="install the library anew, or run it from a whole checkout.",
    )
