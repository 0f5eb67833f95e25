"""The desks of each organisation: how a form, a counter, a scanner or a telephone line works.

Each rate is the share of the desk's records that a habit strikes, before what the clerk, the
batch, the community and the place make of it. All rates are assumed: they stand for no real
organisation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Desk:
    """One way of working, and the share of the organisation's records that comes from it."""

    share: float
    # Forms and systems: boxes for a name (0: any number), capitals, no diacritics; of batches,
    # those with given and family name exchanged, with American dates, with the century guessed
    # from two digits.
    width: int = 0
    capitals: bool = False
    plain: bool = False
    swap_batches: float = 0.0
    american_batches: float = 0.0
    pivot_batches: float = 0.0
    # Of given and of family names: read by a scanner, spelt by ear, mistyped, in another spelling.
    scan: float = 0.0
    ear: float = 0.0
    keys: float = 0.0
    respell: float = 0.0
    # Of given names: initials, titles, the used name in brackets or instead, double ones halved.
    initial: float = 0.0
    title: float = 0.0
    bracket: float = 0.0
    familiar: float = 0.0
    halves: float = 0.0
    baby: float = 0.0
    # Of names where the custom is: the middle name as family name, family name first, one of two
    # family names, two in the other order or without hyphen, no particle, the other sex's form.
    chain: float = 0.0
    order: float = 0.0
    part: float = 0.0
    turn: float = 0.0
    rejoin: float = 0.0
    prefix: float = 0.0
    ungender: float = 0.0
    # Of people: a child under the mother's name, one twin under the other's forename.
    mothers: float = 0.0
    twins: float = 0.0
    # Of dates and sex.
    date_slip: float = 0.0
    new_year: float = 0.0
    no_date: float = 0.0
    no_sex: float = 0.0
    wrong_sex: float = 0.001
    # Of addresses: in full, with the property number, without postcode, mistyped; those of
    # grown children at a parent's, of lodgers at the agent's, of people without home at a friend's.
    long: float = 0.5
    uprn: float = 0.0
    no_postcode: float = 0.005
    postcode_slip: float = 0.01
    parents: float = 0.0
    agent: float = 0.0
    friend: float = 0.3
    # Of NHS numbers: held; of those held, a relative's, and another that is valid.
    numbers: float = 0.0
    relatives: float = 0.0
    near: float = 0.0


SURGERIES = (
    Desk(0.5, keys=0.006, respell=0.004, title=0.004, halves=0.12, chain=0.15, order=0.08,
         part=0.05, rejoin=0.2, ungender=0.03, date_slip=0.002, long=1.0, uprn=0.97, no_sex=0.0,
         postcode_slip=0.002, parents=0.03, numbers=1.0),
    Desk(0.35, plain=True, keys=0.01, ear=0.012, respell=0.01, title=0.01, bracket=0.015,
         familiar=0.01, halves=0.2, chain=0.2, order=0.12, part=0.1, rejoin=0.4, ungender=0.06,
         date_slip=0.004, new_year=0.002, long=0.9, uprn=0.93, postcode_slip=0.004, parents=0.05,
         friend=0.6, numbers=1.0),
    Desk(0.15, capitals=True, plain=True, keys=0.012, scan=0.006, ear=0.01, title=0.02,
         familiar=0.012, halves=0.3, chain=0.25, order=0.12, part=0.12, rejoin=0.6, ungender=0.05,
         date_slip=0.005, new_year=0.004, long=0.6, uprn=0.9, postcode_slip=0.005, parents=0.05,
         numbers=1.0),
)  # fmt: skip

INFIRMARY = (
    Desk(0.45, capitals=True, plain=True, keys=0.015, ear=0.015, respell=0.02, title=0.01,
         bracket=0.02, halves=0.25, chain=0.3, order=0.2, part=0.15, turn=0.05, rejoin=0.4,
         prefix=0.1, ungender=0.08, baby=0.5, mothers=0.06, twins=0.04, date_slip=0.006,
         new_year=0.002, uprn=0.0, parents=0.04, numbers=0.975, relatives=0.002, near=0.001),
    Desk(0.35, capitals=True, plain=True, keys=0.03, ear=0.04, respell=0.04, familiar=0.04,
         halves=0.4, chain=0.4, order=0.3, part=0.25, turn=0.1, rejoin=0.5, prefix=0.2,
         ungender=0.15, baby=0.2, mothers=0.1, twins=0.05, date_slip=0.02, new_year=0.012,
         no_date=0.004, no_sex=0.005, wrong_sex=0.004, no_postcode=0.02, postcode_slip=0.02,
         parents=0.08, numbers=0.88, relatives=0.005, near=0.003),
    Desk(0.2, plain=True, scan=0.05, keys=0.01, bracket=0.03, halves=0.2, chain=0.3, order=0.2,
         part=0.2, turn=0.1, rejoin=0.4, prefix=0.1, ungender=0.1, date_slip=0.01, long=0.9,
         postcode_slip=0.02, parents=0.03, numbers=0.97, relatives=0.003, near=0.002),
)  # fmt: skip

TENANCIES = (
    Desk(0.35, plain=True, scan=0.1, keys=0.02, initial=0.06, halves=0.3, chain=0.4, order=0.3,
         part=0.25, turn=0.15, rejoin=0.5, prefix=0.2, ungender=0.1, date_slip=0.02, no_date=0.08,
         no_sex=0.06, long=0.2, uprn=0.8),
    Desk(0.4, ear=0.06, keys=0.03, respell=0.08, title=0.03, bracket=0.03, familiar=0.08,
         halves=0.4, chain=0.4, order=0.35, part=0.25, turn=0.15, rejoin=0.5, prefix=0.25,
         ungender=0.15, date_slip=0.02, new_year=0.016, no_date=0.04, no_sex=0.03, long=0.1,
         uprn=0.9, numbers=0.03),
    Desk(0.25, width=12, capitals=True, plain=True, keys=0.03, initial=0.15, title=0.05,
         halves=0.4, chain=0.4, order=0.3, part=0.4, rejoin=0.9, prefix=0.3, ungender=0.15,
         pivot_batches=0.4, swap_batches=0.03, american_batches=0.05, date_slip=0.03,
         new_year=0.05, no_date=0.1, no_sex=0.1, long=0.0, uprn=0.7),
)  # fmt: skip

FAMILIES = (
    Desk(0.45, ear=0.11, keys=0.04, respell=0.1, bracket=0.04, familiar=0.13, halves=0.4,
         chain=0.4, order=0.3, part=0.3, turn=0.15, rejoin=0.5, prefix=0.25, ungender=0.2,
         baby=0.25, mothers=0.2, twins=0.06, date_slip=0.05, new_year=0.02, no_date=0.08,
         no_sex=0.03, wrong_sex=0.005, uprn=0.4, no_postcode=0.03, postcode_slip=0.02,
         parents=0.09, numbers=0.08, relatives=0.01, near=0.004),
    Desk(0.35, keys=0.02, respell=0.03, familiar=0.07, halves=0.3, chain=0.3, order=0.2,
         part=0.2, turn=0.1, rejoin=0.4, prefix=0.1, ungender=0.1, mothers=0.1, twins=0.04,
         american_batches=0.08, date_slip=0.01, long=0.8, uprn=0.7, parents=0.06,
         numbers=0.25, relatives=0.005, near=0.002, no_date=0.02),
    Desk(0.2, plain=True, scan=0.07, keys=0.014, respell=0.013, halves=0.2, chain=0.3, order=0.2,
         part=0.15, turn=0.1, rejoin=0.3, ungender=0.05, mothers=0.08, twins=0.03, date_slip=0.016,
         long=1.0, uprn=0.25, postcode_slip=0.02, numbers=0.4, relatives=0.004, near=0.002,
         no_date=0.05),
)  # fmt: skip

REVENUES = (
    Desk(0.4, keys=0.03, familiar=0.07, title=0.01, halves=0.4, chain=0.2, order=0.1, part=0.15,
         turn=0.1, rejoin=0.5, prefix=0.15, ungender=0.02, date_slip=0.01, no_sex=0.35,
         long=0.5, uprn=0.8, parents=0.06, agent=0.05, friend=0.6, no_date=0.03),
    Desk(0.4, width=10, capitals=True, plain=True, scan=0.07, keys=0.014, initial=0.16, title=0.04,
         halves=0.4, chain=0.3, order=0.25, part=0.3, turn=0.15, rejoin=0.9, prefix=0.3,
         ungender=0.1, date_slip=0.02, no_date=0.08, no_sex=0.4, long=0.2, uprn=0.6,
         no_postcode=0.02, postcode_slip=0.02, parents=0.08, agent=0.15),
    Desk(0.2, plain=True, keys=0.03, ear=0.04, respell=0.07, bracket=0.02, halves=0.4, chain=0.3,
         order=0.25, part=0.3, turn=0.15, rejoin=0.5, prefix=0.2, ungender=0.15,
         swap_batches=0.05, american_batches=0.06, date_slip=0.02, new_year=0.05, no_sex=0.7,
         uprn=0.4, no_postcode=0.02, postcode_slip=0.02, parents=0.08, agent=0.3, no_date=0.05),
)  # fmt: skip
