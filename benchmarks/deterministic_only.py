"""Exact rules alone, from the strictest: how records are linked where no software weighs pairs.

    python -m benchmarks.deterministic_only DATA ANSWER.parquet

The NHS number counts with a date of birth that agrees, as in the first step of Hospital Episode
Statistics' patient id (NHS Digital, HES patient ID algorithm); later steps ask for names, date of
birth, sex and postcode.
"""

from __future__ import annotations

import polars as pl

from benchmarks import exact_rules
from benchmarks.answer import Asked, main
from benchmarks.extracts import extracts

_RULES = {
    "number_birth": ("nhs_number", "date_of_birth"),
    "names_birth_postcode": ("given_name", "family_name", "date_of_birth", "postcode"),
    "names_birth_sex": ("given_name", "family_name", "date_of_birth", "sex"),
    "names_birth": ("given_name", "family_name", "date_of_birth"),
    "given_birth_postcode": ("given_name", "date_of_birth", "postcode"),
    "family_birth_sex_postcode": ("family_name", "date_of_birth", "sex", "postcode"),
}


def deterministic_only(asked: Asked) -> pl.DataFrame:
    return exact_rules.answers(extracts(asked.data), _RULES)


if __name__ == "__main__":
    main(deterministic_only)
