"""The baseline of mental-health need and the need index."""

from pophealth_link.need.baseline import BaselineInputs, accounting, count, need_index, release
from pophealth_link.need.index import NeedIndex

__all__ = ["BaselineInputs", "NeedIndex", "accounting", "count", "need_index", "release"]
