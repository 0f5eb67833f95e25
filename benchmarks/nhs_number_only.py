"""A valid NHS number alone: what a data set linked by number gives.

python -m benchmarks.nhs_number_only DATA ANSWER.parquet
"""

from __future__ import annotations

import polars as pl

from benchmarks import exact_rules
from benchmarks.answer import Asked, main
from benchmarks.extracts import extracts

_RULES = {"nhs_number": ("nhs_number",)}


def nhs_number_only(asked: Asked) -> pl.DataFrame:
    return exact_rules.answers(extracts(asked.data), _RULES)


if __name__ == "__main__":
    main(nhs_number_only)
