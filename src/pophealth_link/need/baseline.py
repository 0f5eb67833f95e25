"""The baseline of need: count, then release."""

from pophealth_link.need.counts import (
    accounting,
    count,
    count_tally,
    need_index,
    over_dispersion,
)
from pophealth_link.need.inputs import BaselineInputs
from pophealth_link.need.release import release
from pophealth_link.need.tallies import Tally, tally, together

__all__ = [
    "BaselineInputs",
    "Tally",
    "accounting",
    "count",
    "count_tally",
    "need_index",
    "over_dispersion",
    "release",
    "tally",
    "together",
]
