"""The baseline of need: count, then release."""

from pophealth_link.need.counts import (
    BaselineInputs,
    accounting,
    count,
    need_index,
    over_dispersion,
)
from pophealth_link.need.release import release

__all__ = ["BaselineInputs", "accounting", "count", "need_index", "over_dispersion", "release"]
