"""What an estimate of linkage quality hands on: whole counts, and how it errs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl


@dataclass(frozen=True, slots=True)
class Estimate:
    """Counts that can be released, and the `caveat` that goes with them; its repr holds no row."""

    counts: pl.DataFrame = field(repr=False)
    caveat: str = field(repr=False)

    def facts(self) -> dict[str, Any]:
        """Return plain values: the counts and the caveat."""
        return {"counts": self.counts.to_dicts(), "caveat": self.caveat}
