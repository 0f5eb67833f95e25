"""One synthetic data set for the tests that look at a whole."""

from __future__ import annotations

import pytest
from synthetic_places import TinyPack, tiny_pack

from pophealth_link.synthetic import Synthetic, SynthSpec, generate


@pytest.fixture(scope="session")
def pack() -> TinyPack:
    return tiny_pack()


@pytest.fixture(scope="session")
def made(pack: TinyPack) -> Synthetic:
    return generate(SynthSpec(people=40_000, seed=7), pack)
