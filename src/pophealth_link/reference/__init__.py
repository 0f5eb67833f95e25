"""Reference packs: tables about places, practices and footprints, with where each came from."""

from pophealth_link.reference.about import TableAbout
from pophealth_link.reference.official import Built, ShapeReader, build
from pophealth_link.reference.pack import Pack, in_memory, load, write
from pophealth_link.reference.verify import listing, verify

__all__ = [
    "Built",
    "Pack",
    "ShapeReader",
    "TableAbout",
    "build",
    "in_memory",
    "listing",
    "load",
    "verify",
    "write",
]
