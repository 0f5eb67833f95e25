"""How a linkage was done, for its card: passes, rules, thresholds, and the model's parameters."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pophealth_link.link import Links, LinkSpec, Model
from pophealth_link.link.model import Level

# Enough to repeat a weight to a hundredth of a bit, and too few to give counts of pairs back.
_DIGITS = 4


def method(links: Links, spec: LinkSpec) -> dict[str, Any]:
    """Return passes in their order, thresholds, and the model level by level."""
    keys = {rule.name: list(rule.keys) for rule in spec.passes}
    return {
        "passes": [{"name": name, "keys": keys.get(name, [])} for name in links.passes],
        "accept_probability": spec.accept_probability,
        "review_probability": spec.review_probability,
        "margin_bits": spec.margin,
        "model": _model(links.model, spec),
        "comparisons": [
            {"comparison": name, "levels": _levels(levels)}
            for name, levels in links.model.levels.items()
        ],
    }


def _levels(levels: Sequence[Level]) -> list[dict[str, Any]]:
    return [
        {
            "level": level.name,
            "m": _rounded(level.m),
            "u": _rounded(level.u),
            "adjusted_by_bits": round(level.adjust, 2),
            "weight_bits": round(math.log2(level.m / level.u) + level.adjust, 2),
        }
        for level in levels
    ]


def _model(model: Model, spec: LinkSpec) -> dict[str, Any]:
    known = str(spec.model) in ("default", "train")
    return {
        "name": str(spec.model) if known else "a saved model",
        "sha256": _sha256(model),
        "share_expected_on_register": _rounded(model.on_register),
        "provenance": _flat(model.provenance),
    }


def _sha256(model: Model) -> str:
    """Return a hash of the model's parameters, whatever file they came from."""
    levels = {
        name: [(level.name, level.m, level.u, level.adjust) for level in each]
        for name, each in model.levels.items()
    }
    body = json.dumps([levels, model.on_register], sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()


def _flat(provenance: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested provenance as one table, names joined by blanks, lists as text."""
    found: dict[str, Any] = {}
    for name, value in provenance.items():
        label = f"{above} {name}".strip().replace("_", " ")
        if isinstance(value, Mapping):
            found |= _flat(value, label)
        elif isinstance(value, list | tuple):
            found[label] = ", ".join(map(str, value))
        elif isinstance(value, float):
            found[label] = _rounded(value)
        else:
            found[label] = value
    return found


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
