"""True counts of synthetic people: what `analyse` would count if linkage and facts were perfect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import polars as pl

from pophealth_link import disclosure, need
from pophealth_link.indicators.derived import derived
from pophealth_link.indicators.footprints import CELL
from pophealth_link.job.analysing import baseline_inputs, registered_patients
from pophealth_link.job.layout import Layout, layout
from pophealth_link.job.model import Job
from pophealth_link.job.spec import parse
from pophealth_link.need import BaselineInputs, Tally
from pophealth_link.reference import Pack
from pophealth_link.schema import EVENT_TABLES
from pophealth_link.schema.outputs import PERSON_FACTS
from pophealth_link.synthetic import Synthetic
from pophealth_link.synthetic.sources import SOURCES

# Tables of a pack without which no baseline can be counted.
_NEEDED = ("areas", "area_measures", "deprivation", "postcodes", "practice_pcn", "practices")
COLUMNS = (*CELL, *("numerator", "denominator", "contributors", "period", "status", "reason"))


@dataclass(frozen=True, slots=True)
class Ground:
    """What a job counts on: its settings, its places, and inputs without people."""

    job: Job = field(repr=False)
    pack: Pack = field(repr=False)
    laid: Layout = field(repr=False)
    inputs: BaselineInputs


@dataclass(frozen=True, slots=True)
class PartTally:
    """What a part of the people adds: counts by unit, and patients by LSOA and practice."""

    tally: Tally
    patients: pl.DataFrame = field(repr=False)


def lacking(pack: Pack) -> list[str]:
    """Return the tables that the pack lacks for a baseline, by name."""
    return [name for name in _NEEDED if not pack.has(name)]


def ground(job_file: Path, pack: Pack) -> Ground:
    """Return what the job in `job_file` counts on; its data files are not read."""
    spec = parse(job_file)
    job = Job(job_file, spec, (), (), disclosure.policy(spec.disclosure.policy))
    nobody = pl.DataFrame(schema=PERSON_FACTS.polars_schema)
    # Which units there are depends on no patient, and so people can be placed part by part.
    laid = layout(job, pack, registered_patients(nobody), {})
    people = laid.place(nobody, pack)
    return Ground(job, pack, laid, baseline_inputs(job, pack, laid, people, {}, None))


def tally_part(part: Synthetic, on: Ground, *, alone: bool = True) -> PartTally:
    """Count a part of the people by unit: facts, events and homes as they truly are.

    Only people of whom some source has a record count, as in a job. Every event of a record is of
    the record's true person. `alone`: the part is everybody; where it is not, columns that it
    leaves empty are filled in others, as the generator fills them.
    """
    known = part.people.filter("has_record")
    inputs = on.inputs
    people = on.laid.place(known, on.pack)
    found = _events(part)
    extract = None if alone else _filled(found)
    events = derived(found, as_of=inputs.as_of, period=inputs.period, extract=extract)
    own = replace(inputs, people=people, events=events, dwellings=part.homes)
    return PartTally(need.tally(own), registered_patients(known))


def _events(part: Synthetic) -> dict[str, pl.DataFrame]:
    found = {}
    for source in SOURCES:
        known = part.truth.filter(pl.col("source") == source.name)
        who = known.select("source", "record_id", "person_id")
        for table in source.events:
            rows = part.tables[table].join(who, on="record_id", maintain_order="left")
            found[table] = rows.drop("record_id").with_columns(setting=pl.lit(source.setting))
    return found


def _filled(events: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return tables of the same columns with every code of each, in which none is empty."""
    value = {pl.String: "1", pl.Date: date.min, pl.Boolean: True}
    made = {}
    for name, frame in events.items():
        coded = (each for each in EVENT_TABLES[name].columns if each.codes is not None)
        codes = {each.name: sorted(each.codes.codes) for each in coded if each.codes}
        rows = max((len(each) for each in codes.values()), default=1)
        columns = {
            key: (codes.get(key, [value.get(kind.base_type(), 1)]) * rows)[:rows]
            for key, kind in frame.schema.items()
        }
        made[name] = pl.DataFrame(columns, schema=frame.schema)
    return made


def count(tallies: Sequence[PartTally], on: Ground) -> pl.DataFrame:
    """Return the true counts of every indicator by footprint: COLUMNS, one row a cell, sorted.

    They are exact whatever the number of parts. The grid is complete: `status` and `reason` say
    why a cell has no count.
    """
    both = ["lsoa_code", "practice_code"]
    together = pl.concat(each.patients for each in tallies)
    patients = together.group_by(both).agg(pl.col("people").sum()).sort(both)
    units = layout(on.job, on.pack, patients, {}).units
    made = need.together([each.tally for each in tallies])
    return need.count_tally(made, replace(on.inputs, unit_footprints=units)).select(COLUMNS)
