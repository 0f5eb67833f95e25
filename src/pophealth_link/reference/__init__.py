"""Reference packs: tables about places, practices and footprints, with where each came from."""

from pophealth_link.reference.about import TableAbout
from pophealth_link.reference.pack import Pack, in_memory, load, write

__all__ = ["Pack", "TableAbout", "in_memory", "load", "write"]
