"""The catalogue of indicators and the roll-ups: person, property and area to footprint."""

from pophealth_link.indicators.catalogue import Catalogue, catalogue, extended, load, read
from pophealth_link.indicators.codelists import code_lists
from pophealth_link.indicators.declaration import EventRule, Indicator
from pophealth_link.indicators.lists import list_inflation
from pophealth_link.indicators.practice import registers

__all__ = [
    "Catalogue",
    "EventRule",
    "Indicator",
    "catalogue",
    "code_lists",
    "extended",
    "list_inflation",
    "load",
    "read",
    "registers",
]
