"""Survey tables and released people for the tests of modelled need."""

from __future__ import annotations

import polars as pl

from pophealth_link.need.survey import Survey, checked
from pophealth_link.schema.codes import AGE_BAND_STARTS
from pophealth_link.schema.outputs_modelled import PEOPLE_BANDS

SOURCE = {"publisher": "P", "title": "T", "licence": "L", "date": "2026-01-01"}


def row(role="rate", age_from=16, age_to=None, sex="all", rate=10.0, **more):
    base = {
        "survey": "Survey",
        "year": "2024",
        "condition": "condition",
        "measure": "screen",
        "reference_period": "past_week",
        "population": "private households",
        "survey_group": "adults",
        "role": role,
        "age_from": age_from,
        "age_to": age_to,
        "sex": sex,
        "quintile": None,
        "rate": rate,
    }
    return base | more


def table(*rows) -> pl.DataFrame:
    names = list(dict.fromkeys(name for each in rows for name in each))
    return pl.DataFrame(
        {n: [None if (v := each.get(n)) is None else str(v) for each in rows] for n in names},
        schema=dict.fromkeys(names, pl.String),
    )


def survey(*rows) -> Survey:
    return checked(table(*rows), SOURCE)


def nation(people=1.0, ages=91) -> pl.DataFrame:
    """As many people of each age, half of them women, a fifth in each quintile."""
    return pl.DataFrame(
        {
            "age": list(range(ages)),
            "sex": ["all"] * ages,
            "quintile": [None] * ages,
            "people": [people] * ages,
        },
        schema={"age": pl.Int64, "sex": pl.String, "quintile": pl.Int64, "people": pl.Float64},
    )


def bands(counts, fifths=None, code="U1", status="ok", withheld=()) -> pl.DataFrame:
    """PEOPLE_BANDS of one footprint: (band, sex) → people, and (broad ages, quintile) → people."""
    rows = []
    for band in AGE_BAND_STARTS:
        female, male = (counts.get((band, sex), 0) for sex in ("female", "male"))
        rows += [
            (band, "all", None, female + male),
            (band, "female", None, female),
            (band, "male", None, male),
        ]
    spans = {"0-17": (0, 17), "18-64": (18, 64), "65+": (65, 200)}
    for name, (first, last) in spans.items():
        own = [b for b, start in AGE_BAND_STARTS.items() if first <= start <= last]
        total = sum(counts.get((b, s), 0) for b in own for s in ("female", "male"))
        held = (fifths or {}).get(name, {"1": total})
        rows.append((name, None, "all", total))
        rows += [
            (name, None, fifth, held.get(fifth, 0))
            for fifth in ("1", "2", "3", "4", "5", "unknown")
        ]
    full = [
        ("pcn", code, code, "registered", *rest, float(people), status) for *rest, people in rows
    ]
    shown = [(*r[:7], None, "suppressed") if (r[4], r[5] or r[6]) in withheld else r for r in full]
    return pl.DataFrame(shown, schema=PEOPLE_BANDS.polars_schema, orient="row")
