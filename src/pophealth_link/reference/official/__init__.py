"""Official downloads: recognised by their columns, read into the tables of a reference pack."""

from pophealth_link.reference.official.build import Built, build
from pophealth_link.reference.official.shapes import ShapeReader

__all__ = ["Built", "ShapeReader", "build"]
