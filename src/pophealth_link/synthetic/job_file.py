"""The job file that runs the synthetic sources."""

from __future__ import annotations

from collections.abc import Collection

from pophealth_link.synthetic.sources import (
    ALIASES,
    PROPERTIES,
    PROPERTY_FORM,
    SOURCES,
    Source,
)
from pophealth_link.synthetic.spec import SynthSpec

KEY_FILE = "secrets/project.key"
BEDS_FILE, COSTS_FILE = "beds.csv", "unit_costs.csv"
_DATE_COLUMNS = ("date_of_birth", "date_of_death", "date_from", "date_to")


def job_text(spec: SynthSpec, reference: str | None, without: Collection[str] = ()) -> str:
    """Return a job file in TOML for the written sources; `reference` names a reference pack.

    `without`: sources that hold nobody, as may be with few people; a job refuses an empty extract.

    >>> 'policy = "midpoint6"' in job_text(SynthSpec(people=100, seed=1), None)
    True
    """
    first, last = spec.period
    head = [
        "# Synthetic people: nobody in these files exists.",
        "version = 1",
        f"as_of = {spec.as_of.isoformat()}",
        f"period = [{first.isoformat()}, {last.isoformat()}]",
        f"seed = {spec.seed}",
        *([f"reference = {_quoted(reference)}"] if reference is not None else []),
    ]
    sources = [_source(source) for source in SOURCES if source.name not in without]
    head += [f"# Left out, for nobody is in it: {name}." for name in sorted(without)]
    blocks = ["\n".join(head), *sources, _property(), *_TABLES]
    blocks.append(
        '[governance]\npurpose = "Demonstration on synthetic data '
        f'({spec.preset} preset, {spec.people:,} people): nobody in it exists"'
        "\nsynthetic = true"
    )
    return "\n\n".join(blocks) + "\n"


_TABLES = (
    f'[need]\nbeds = "{BEDS_FILE}"\nunit_costs = "{COSTS_FILE}"',
    '[footprints]\nbasis = ["registered", "resident"]',
    # Few synthetic people make many small counts: this policy withholds none of them.
    '[disclosure]\npolicy = "midpoint6"',
    f'[privacy]\nkey_file = "{KEY_FILE}"',
)


def file_name(table: str, kind: str) -> str:
    """Return the name of a table's file."""
    return f"{table}.{kind}"


def _source(source: Source) -> str:
    lines = ["[[sources]]", f"name = {_quoted(source.name)}"]
    if source.register:
        lines += ["register = true", f"aliases = {_quoted(file_name(ALIASES, 'parquet'))}"]
    lines.append(f"setting = {_quoted(source.setting)}")
    lines.append(f"people = {_quoted(file_name(source.name, source.form.kind))}")
    lines.append(f"unique_people = {str(source.unique_people).lower()}")
    if source.form.renamed:
        lines.append("[sources.columns]")
        lines += [f"{ours} = {_quoted(theirs)}" for ours, theirs in source.form.renamed.items()]
    if source.form.kind == "csv":
        lines.append("[sources.formats]")
        dates = (name for name in _DATE_COLUMNS if name in source.columns)
        lines += [f"{name} = [{_quoted(source.form.dates)}]" for name in dates]
    for table, kind in source.events.items():
        lines += ["[[sources.events]]", f"table = {_quoted(table)}"]
        lines.append(f"path = {_quoted(file_name(table, kind))}")
    return "\n".join(lines)


def _property() -> str:
    path = file_name(PROPERTIES, PROPERTY_FORM.kind)
    return f"[[properties]]\nname = {_quoted(PROPERTIES)}\npath = {_quoted(path)}"


def _quoted(text: str) -> str:
    """Return text as a TOML basic string."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in plain) + '"'
