"""Every kind of file that `reference build` reads."""

from __future__ import annotations

from pophealth_link.reference.official import (
    census,
    geography,
    iod,
    measures,
    own,
    practices,
    registrations,
)
from pophealth_link.reference.official.kinds import Kind

KINDS: tuple[Kind, ...] = (
    *geography.KINDS,
    *iod.KINDS,
    *census.KINDS,
    *practices.KINDS,
    *registrations.KINDS,
    *measures.KINDS,
    *own.KINDS,
)
