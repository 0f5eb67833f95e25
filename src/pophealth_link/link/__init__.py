"""Join records of many sources to one register: who is who, and how that was decided."""

from pophealth_link.link.inputs import LinkSpec, People, people
from pophealth_link.link.linkage import Links, link
from pophealth_link.link.model import Model
from pophealth_link.link.passes import DeterministicPass

__all__ = ["DeterministicPass", "LinkSpec", "Links", "Model", "People", "link", "people"]
