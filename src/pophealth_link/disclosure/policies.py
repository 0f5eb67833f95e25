"""Disclosure policies: which counts are withheld, and how the others are rounded.

A count may be fractional, where a practice is shared between footprints. Counts are first rounded
to six decimals, so that a sum of shares such as 7.999 999 999 is the 8 that it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Literal

import polars as pl

from pophealth_link.errors import JobError, Problem, nearest, raise_problems

DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Policy:
    """How counts are released. Refuses, with :class:`JobError`, settings that make no sense.

    Fields:
        name: what the job calls it.
        base: counts are rounded to multiples (`nearest`) or to middles of steps (`midpoint`).
        rounding: `nearest`, ties upwards (12.5 with base 5 is 15); or `midpoint`, which gives
            every count from 1 to `base` the value `base / 2`, and so on upwards; zero stays zero.
        first_shown: smallest count above zero that is shown; smaller ones are suppressed, a
            fraction too, until it reaches `first_shown`.
        zero_shown: whether a zero is shown; if not, it is suppressed like the small counts.
        dominance_n, dominance_share: a total is withheld where the `dominance_n` largest
            contributors make up more than `dominance_share` of it; None: no such rule.
        p_ratio: a total is withheld where what all but the two largest contributors give is less
            than this share of the largest; None: no such rule.
    """

    name: str
    base: int
    rounding: Literal["nearest", "midpoint"] = "nearest"
    first_shown: int = 1
    zero_shown: bool = True
    dominance_n: int | None = None
    dominance_share: float | None = None
    p_ratio: float | None = None

    def __post_init__(self) -> None:
        raise_problems(f"the disclosure policy `{self.name}`", _problems(self))

    @property
    def suppresses(self) -> bool:
        """Whether the policy suppresses any count at all."""
        return self.first_shown > 1 or not self.zero_shown

    @property
    def smallest_suppressed(self) -> int:
        """The smallest whole count that the policy suppresses."""
        return 1 if self.zero_shown else 0

    @property
    def small_counts(self) -> tuple[int, int]:
        """The counts that are hidden among each other: suppressed ones, else the first step."""
        last = self.first_shown - 1 if self.suppresses else self.base
        return self.smallest_suppressed, last

    def suppressed(self, column: str) -> pl.Expr:
        """Return whether each count of the column is suppressed; a missing count is not."""
        count = pl.col(column).cast(pl.Float64).round(DECIMALS)
        small = count < self.first_shown
        hidden = small & (count > 0) if self.zero_shown else small
        return hidden.fill_null(value=False)

    def released(self, column: str) -> pl.Expr:
        """Return each count of the column as released: rounded, or null where suppressed."""
        count = pl.col(column).cast(pl.Float64).round(DECIMALS)
        steps = (
            (count / self.base + 0.5).floor() * self.base
            if self.rounding == "nearest"
            else (count / self.base).ceil() * self.base - (count > 0) * (self.base / 2)
        )
        return pl.when(~self.suppressed(column)).then(steps).alias(column)

    def parameters(self) -> dict[str, object]:
        """Return the settings by name, for a manifest; rules that are not set are left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def _problems(policy: Policy) -> list[Problem]:
    def wrong(where: str, what: str) -> Problem:
        return Problem(JobError, f"disclosure.{where}", what)

    shares = {"dominance_share": policy.dominance_share, "p_ratio": policy.p_ratio}
    even = policy.rounding == "nearest" or policy.base % 2 == 0
    pair = (policy.dominance_n is None) == (policy.dominance_share is None)
    checks = (
        (policy.base >= 1, "base", "must be at least 1."),
        (even, "base", "must be even where rounding is midpoint."),
        (policy.rounding in {"nearest", "midpoint"}, "rounding", "must be nearest or midpoint."),
        (policy.first_shown >= 1, "first_shown", "must be at least 1."),
        (pair, "dominance_n", "goes with dominance_share: give both or neither."),
        *((share is None or 0 < share < 1, name, "must lie between 0 and 1.")
          for name, share in shares.items()),
    )  # fmt: skip
    return [wrong(where, what) for good, where, what in checks if not good]


POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        each.name: each
        for each in (
            # NHS England, disclosure control methodology for HES and ECDS, from September 2018.
            Policy("hes", base=5, first_shown=8),
            # OpenSAFELY documentation, statistical disclosure control; zeros count as small here,
            # because the rule says "7 or fewer" and a zero of a whole group can tell as much.
            Policy("opensafely", base=5, first_shown=8, zero_shown=False),
            # OpenSAFELY documentation, midpoint 6 rounding.
            Policy("midpoint6", base=6, rounding="midpoint"),
            # ACRO's published defaults: threshold 10 (zeros are disclosive), (2, 90 %), 10 %.
            Policy(
                "acro",
                base=5,
                first_shown=10,
                zero_shown=False,
                dominance_n=2,
                dominance_share=0.9,
                p_ratio=0.1,
            ),
        )
    }
)


def policy(name: str) -> Policy:
    """Return the policy of that name: hes, opensafely, midpoint6 or acro.

    Errors: :class:`JobError`, with the nearest valid name, where there is none.

    >>> policy("hes").first_shown
    8
    """
    if name in POLICIES:
        return POLICIES[name]
    raise JobError(
        f"`{name}` is not a disclosure policy.{nearest(name, POLICIES)}",
        f"Policies: {', '.join(POLICIES)}, or a [disclosure.custom] table.",
        fix='name one, [disclosure] policy = "hes"; ask the data owner which.',
    )


def custom_policy(settings: Mapping[str, object]) -> Policy:
    """Return the policy that a [disclosure.custom] table describes: fields of :class:`Policy`.

    Errors: :class:`JobError` with every setting that is unknown, of the wrong type, or absent.

    >>> custom_policy({"base": 10, "first_shown": 10}).rounding
    'nearest'
    """
    types = {"base": int, "first_shown": int, "dominance_n": int, "zero_shown": bool}
    types |= {"rounding": str, "dominance_share": float, "p_ratio": float, "name": str}
    known = {each.name for each in fields(Policy)}
    problems = [
        Problem(JobError, f"disclosure.custom.{name}", f"not a setting.{nearest(name, known)}")
        for name in settings
        if name not in known
    ]
    problems += [
        Problem(JobError, f"disclosure.custom.{name}", f"must be {types[name].__name__}.")
        for name, value in settings.items()
        if name in known and type(value) is not types[name]
    ]
    if "base" not in settings:
        problems.append(Problem(JobError, "disclosure.custom.base", "is required."))
    raise_problems("[disclosure.custom]", problems)
    return Policy(**{"name": "custom", **settings})  # type: ignore[arg-type]
