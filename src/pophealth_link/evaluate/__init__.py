"""How good a linkage is, with truth and without, and the card that says so."""

from pophealth_link.evaluate.card import card, to_markdown
from pophealth_link.evaluate.score import score

__all__ = ["card", "score", "to_markdown"]
