"""One hard world for all tests of this folder, and the same with a part of it ill-recorded."""

import pytest
from true_worlds import World, relinked, without_numbers, world, worn

# Whom an ill-recorded fifth of the records is of, few linkages tell.
WORN = 0.2


@pytest.fixture(scope="session")
def hard() -> World:
    return world(12_000, 205)


@pytest.fixture(scope="session")
def seen(hard):
    """A fifth of the records has nothing but an initial, a family name and a sex."""
    return worn(hard, WORN, 1, visibly=True)


@pytest.fixture(scope="session")
def unseen(hard):
    """A fifth of the records has somebody else's date of birth and address."""
    return worn(hard, WORN, 1, visibly=False)


@pytest.fixture(scope="session")
def numberless(seen, unseen):
    """Each world linked after every number outside the register was taken away."""
    worlds = {"seen": seen, "unseen": unseen}
    return {name: relinked(without_numbers(each.sources)) for name, each in worlds.items()}
