"""Parts of a population: whole LSOAs, made one after the other, so that any size fits in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from pophealth_link.errors import JobError
from pophealth_link.synthetic.draws import Floats, Ints, Streams, portions
from pophealth_link.synthetic.nhs_numbers import numbers_needed
from pophealth_link.synthetic.population import population_size
from pophealth_link.synthetic.profile import Profile
from pophealth_link.synthetic.region import Region
from pophealth_link.synthetic.registration import practice_shares
from pophealth_link.synthetic.spec import FEWEST, SynthSpec

# People on the register. A part of this size takes about a gigabyte while it is made.
PART_SIZE = 250_000
# An LSOA is never split: this much of one bounds what a part can take.
_LARGEST_LSOA = 2 * PART_SIZE


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the people: which one of how many, and what it takes of the whole.

    `spec.people` is the people on the register in this part, `region` its LSOAs. It draws the NHS
    numbers from place `first_number` on, out of the `all_numbers` of all parts.
    """

    number: int
    of: int
    spec: SynthSpec
    region: Region
    first_number: int
    all_numbers: int

    @property
    def streams(self) -> Streams:
        """The random streams of this part."""
        return Streams(self.spec.seed, self.number)


def plan_parts(
    spec: SynthSpec, region: Region, profile: Profile, size: int = PART_SIZE
) -> list[Part]:
    """Return the parts of about `size` people that hold exactly `spec.people` between them.

    Homes, addresses and UPRNs cannot collide, for no LSOA is split; the shares of practices are
    those of the whole region. Raises `JobError` where an LSOA would hold more people than a part
    can take.
    """
    weight = region.lsoas["people"].cast(float).to_numpy()
    share = weight / weight.sum()
    _refuse_crowds(spec, share)
    # So that no part has less than the fewest where LSOAs are uneven.
    count = min(ceil(spec.people / size), max(1, spec.people // (4 * FEWEST)))
    edges = _edges(share, count)
    listed = portions(np.add.reduceat(share, edges[:-1]), spec.people)
    near = practice_shares(region, profile.england["registration"])
    whole = replace(region, lists=near)
    needed = [numbers_needed(population_size(int(each), profile)) for each in listed]
    return [
        Part(
            number,
            len(listed),
            replace(spec, people=int(people)),
            whole.part(edges[number], edges[number + 1]),
            sum(needed[:number]),
            sum(needed),
        )
        for number, people in enumerate(listed)
    ]


def _refuse_crowds(spec: SynthSpec, share: Floats) -> None:
    largest = float(share.max())
    if spec.people * largest > _LARGEST_LSOA:
        raise JobError(
            f"{spec.people:,} people are too many for the {len(share):,} LSOAs of these places.",
            f"The largest would hold more than {_LARGEST_LSOA:,}.",
            fix=f"ask for at most {int(_LARGEST_LSOA / largest):,}, or name a pack of more LSOAs.",
        )


def _edges(share: Floats, count: int) -> Sequence[int]:
    """Return where parts of nearly equal size begin, then the number of LSOAs.

    A part of less than half of its size goes to the one before it.
    """
    reached = np.cumsum(share)
    cuts: Ints = np.searchsorted(reached, np.arange(1, count) / count) + 1
    edges, least = [0], 0.5 / count
    for cut in np.unique(cuts).tolist():
        before = float(reached[edges[-1] - 1]) if edges[-1] else 0.0
        if float(reached[cut - 1]) - before >= least and 1 - float(reached[cut - 1]) >= least:
            edges.append(cut)
    return [*edges, len(share)]
