"""Synthetic people, households, services and recording mistakes, with the truth of each record."""

from pophealth_link.synthetic.files import write
from pophealth_link.synthetic.generate import generate
from pophealth_link.synthetic.spec import PRESETS, Synthetic, SynthSpec

__all__ = ["PRESETS", "SynthSpec", "Synthetic", "generate", "write"]
