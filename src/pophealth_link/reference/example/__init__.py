"""The embedded example region: invented, made in code from a seed, ready without any file."""

from pophealth_link.reference.example.region import EXAMPLE_SEED, example_region

__all__ = ["EXAMPLE_SEED", "example_region"]
