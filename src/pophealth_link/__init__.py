"""Join GP, hospital and council records, place people in footprints, make a baseline of need."""

from __future__ import annotations

__version__ = "0.1.0"
