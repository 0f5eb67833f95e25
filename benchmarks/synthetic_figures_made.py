"""Populations for the comparison with England: true people, and what the sources hold of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pophealth_link.synthetic import SynthSpec, generate, plan
from pophealth_link.synthetic.households import KINDS
from pophealth_link.synthetic.nhs_numbers import add_numbers
from pophealth_link.synthetic.population import draw_population
from pophealth_link.synthetic.profile import ETHNIC_GROUPS, TENURES
from pophealth_link.synthetic.region import Places

_ONE_PART = 10_000_000


@dataclass(frozen=True, slots=True)
class Made:
    """`people`: one row per person who lives in the region, true on the day; `tables`: records.

    `truth` says which person each record is (source, record_id, person_id and groups); `all_true`
    holds also those who live outside, by person_id. `as_of` and `period` are those of the spec.
    """

    spec: SynthSpec
    all_true: pl.DataFrame = field(repr=False)
    tables: Mapping[str, pl.DataFrame] = field(repr=False)
    truth: pl.DataFrame = field(repr=False)

    @property
    def people(self) -> pl.DataFrame:
        return self.all_true.filter(~pl.col("lives_outside"))


def true_people(spec: SynthSpec, pack: Places) -> pl.DataFrame:
    """Return the true people of a specification, with person_id and groups in words."""
    planned = plan(spec, pack, part_size=_ONE_PART)
    part = planned.parts[0]
    drawn = draw_population(part.spec, part.region, planned.profile, part.streams).people
    people = add_numbers(drawn, part.first_number, part.all_numbers, part.streams)
    words = {"kind": KINDS, "group": ETHNIC_GROUPS, "tenure": TENURES}
    return people.with_columns(
        ("P" + pl.col("person").cast(pl.String).str.zfill(8)).alias("person_id"),
        *(pl.Series(name, np.array(list(known))[people[name].to_numpy()])
          for name, known in words.items()),
    )  # fmt: skip


def make(spec: SynthSpec, pack: Places) -> Made:
    """Make the sources of a specification in one part, and tell the true people."""
    made = generate(spec, pack, part_size=_ONE_PART)
    return Made(spec, true_people(spec, pack), made.tables, made.truth)
