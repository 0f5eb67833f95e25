"""The rates that the generator uses: England's people, and the mistakes of a preset."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import numpy as np

from pophealth_link.synthetic.draws import Floats

ETHNIC_GROUPS = ("white", "mixed", "asian", "black", "other")
TENURES = ("owned", "social_rented", "private_rented")
Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Profile:
    """England's rates, and a preset's: mistakes by source, their inequality, hard cases."""

    preset: str
    england: Table
    mistakes: Mapping[str, Mapping[str, float]]
    unequal: Table
    population: Table = field(default_factory=dict)

    def ratio(self, name: str) -> float:
        """Return how much commoner than in England the preset makes a hard case; 1 for most."""
        return float(self.population.get(name, 1.0))

    def rate(self, mistake: str, source: str) -> float:
        """Return the rate of a mistake in a source; 0 where the profile names none."""
        return self.mistakes.get(mistake, {}).get(source, 0.0)

    def section(self, name: str) -> dict[str, Any]:
        """Return a table of England's rates without the line that names its source."""
        return {key: value for key, value in self.england[name].items() if key != "source"}

    def per_group(self, ratios: Any) -> Floats:
        """Return ratios by ethnic group rescaled to a mean of 1 over England's people."""
        mix = np.array([self.england["ethnic_groups"][group] for group in ETHNIC_GROUPS])
        ratio = np.asarray(ratios, dtype=float)
        return np.asarray(ratio / float(mix @ ratio / mix.sum()))


def load_profile(preset: str) -> Profile:
    """Return the profile of a preset, one of easy, typical and hard.

    >>> load_profile("hard").rate("swap_names", "acute") > load_profile("easy").rate(
    ...     "swap_names", "acute")
    True
    """
    settings = _read(preset)
    base = _read(settings["based_on"]) if "based_on" in settings else settings
    ratios = settings.get("ratio", {"otherwise": 1.0})
    by_source = settings.get("ratio_by_source", {})
    mistakes = {
        name: _scaled(rates, ratios.get(name), ratios["otherwise"], by_source)
        for name, rates in base["mistakes"].items()
    }
    return Profile(
        preset, _read("england"), mistakes, settings["unequal"], settings.get("population", {})
    )


def _read(name: str) -> dict[str, Any]:
    text = (files(__package__) / "profiles" / f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _scaled(
    rates: Table, ratio: float | None, otherwise: float, by_source: Table
) -> dict[str, float]:
    """Return the rates of a mistake times its own ratio, or else times that of its source.

    No rate passes 1, at which every record that it could hit is hit.
    """
    scaled = {}
    for source in rates.keys() - {"source"}:
        times = by_source.get(source, 1.0) * otherwise if ratio is None else ratio
        scaled[source] = min(1.0, rates[source] * times)
    return scaled


def per_quintile(ratios: Any) -> Floats:
    """Return ratios for unknown, then the five quintiles, rescaled to a mean of 1.

    Position 0 stands for a quintile that is not known.
    """
    ratio = np.asarray(ratios, dtype=float)
    return np.concatenate([[1.0], ratio / ratio.mean()])
