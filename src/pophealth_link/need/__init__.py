"""The baseline of mental-health need and the need index."""

from pophealth_link.need.baseline import (
    BaselineInputs,
    Tally,
    accounting,
    count,
    count_tally,
    need_index,
    release,
    tally,
    together,
)
from pophealth_link.need.index import NeedIndex

__all__ = [
    "BaselineInputs",
    "NeedIndex",
    "Tally",
    "accounting",
    "count",
    "count_tally",
    "need_index",
    "release",
    "tally",
    "together",
]
