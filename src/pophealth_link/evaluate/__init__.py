"""How good a linkage is, with truth and without, and the card that says so."""

from pophealth_link.evaluate.accuracy import score
from pophealth_link.evaluate.linkage_card import card, facts, to_markdown
from pophealth_link.evaluate.scoring import score_files

__all__ = ["card", "facts", "score", "score_files", "to_markdown"]
