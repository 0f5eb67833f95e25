"""The catalogue of indicators and the roll-ups: person, property and area to footprint."""

from pophealth_link.indicators.catalogue import Catalogue, catalogue, load, read
from pophealth_link.indicators.declaration import EventRule, Indicator

__all__ = ["Catalogue", "EventRule", "Indicator", "catalogue", "load", "read"]
