"""Synthetic people, households, services and recording mistakes, with the truth of each record."""

from pophealth_link.synthetic.files import JOB, DataFolder, data_folder, write
from pophealth_link.synthetic.generate import Plan, generate, make_part, plan
from pophealth_link.synthetic.spec import PRESETS, Synthetic, SynthSpec

__all__ = [
    "JOB",
    "PRESETS",
    "DataFolder",
    "Plan",
    "SynthSpec",
    "Synthetic",
    "data_folder",
    "generate",
    "make_part",
    "plan",
    "write",
]
