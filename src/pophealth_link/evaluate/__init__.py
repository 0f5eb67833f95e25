"""How good a linkage is, with truth and without, and the card that says so."""

from pophealth_link.evaluate.accuracy import score
from pophealth_link.evaluate.assessment import Assessment, assess
from pophealth_link.evaluate.bias import (
    Bias,
    bias,
    bias_rates,
    outcomes_of_truth,
    standardised_differences,
)
from pophealth_link.evaluate.blind import UPPER_BOUND, BlindRun, blind_rates, blind_run
from pophealth_link.evaluate.blocking_loss import (
    LOSS_METHODS,
    BlockingLoss,
    blocking_loss,
    loss_rates,
)
from pophealth_link.evaluate.groups import place_groups, record_groups
from pophealth_link.evaluate.implausible import (
    SCENARIOS,
    Implausible,
    implausible,
    implausible_rates,
)
from pophealth_link.evaluate.imputed import (
    IMPUTATIONS,
    Imputed,
    facts_alone,
    imputed_links,
)
from pophealth_link.evaluate.linkage_card import LinkageCard, card, linkage_card
from pophealth_link.evaluate.linkage_card_facts import facts, is_whole
from pophealth_link.evaluate.linkage_card_groups import card_groups
from pophealth_link.evaluate.linkage_card_sections import CardContext
from pophealth_link.evaluate.linkage_card_text import to_markdown
from pophealth_link.evaluate.scoring import score_files
from pophealth_link.evaluate.sensitivity import (
    THRESHOLDS,
    Sensitivity,
    sensitivity,
    sensitivity_rates,
)

__all__ = [
    "IMPUTATIONS",
    "LOSS_METHODS",
    "SCENARIOS",
    "THRESHOLDS",
    "UPPER_BOUND",
    "Assessment",
    "Bias",
    "BlindRun",
    "BlockingLoss",
    "CardContext",
    "Implausible",
    "Imputed",
    "LinkageCard",
    "Sensitivity",
    "assess",
    "bias",
    "bias_rates",
    "blind_rates",
    "blind_run",
    "blocking_loss",
    "card",
    "card_groups",
    "facts",
    "facts_alone",
    "implausible",
    "implausible_rates",
    "imputed_links",
    "is_whole",
    "linkage_card",
    "loss_rates",
    "outcomes_of_truth",
    "place_groups",
    "record_groups",
    "score",
    "score_files",
    "sensitivity",
    "sensitivity_rates",
    "standardised_differences",
    "to_markdown",
]
