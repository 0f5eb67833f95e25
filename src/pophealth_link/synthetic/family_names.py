"""Family names: borne by families, taken and given back in marriage, a father's given name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Bools, Floats, Ints, Rng, Streams, chance, pick
from pophealth_link.synthetic.homes import FORMER, Homes, with_values
from pophealth_link.synthetic.households import KIND, LONE_PARENTS, SHARERS
from pophealth_link.synthetic.kin import SPOUSE, leading
from pophealth_link.synthetic.members import CHILD, ELDER, FEMALE, HEAD, MALE, PARTNER
from pophealth_link.synthetic.name_book import NameBook, draw_given, draw_surnames
from pophealth_link.synthetic.profile import Table

_GENERATION = 30


@dataclass(frozen=True, slots=True)
class Surnames:
    """Surnames that meet in a home: the father's line, the mother's, and another's."""

    father: pl.Series
    mother: pl.Series
    other: pl.Series


@dataclass(frozen=True, slots=True)
class Named:
    """What family names follow from: people with `tradition`, homes, given names, settings."""

    people: pl.DataFrame
    homes: Homes
    given: pl.Series
    book: NameBook
    names: Table

    def share(self, table: str) -> Floats:
        """Return the share of each person's tradition; 0 where the table names it not."""
        shares = np.array([self.names[table].get(name, 0.0) for name in self.book.traditions])
        return np.asarray(shares[self.column("tradition")])

    def column(self, name: str) -> Ints:
        """Return a column of people."""
        return self.people[name].to_numpy()


def family_names(named: Named, streams: Streams) -> pl.DataFrame:
    """Return family_name, previous_family_name, birth_family_name, patronymic for each person.

    The previous name is that before the latest change, the birth name that of a person who was
    born with another than now; both are null for most. `patronymic` says that the family name is
    the father's given name.
    """
    lines = _lines(named, streams.stage("surnames"))
    rng = streams.stage("family names")
    born = _born_with(named, lines, rng)
    now, before = _married_names(named, lines, born, rng)
    now, own = _womens_own(named, now, rng)
    fathers = streams.stage("patronymics")
    patronymic = _patronymic(named, fathers)
    now = _or(patronymic, _fathers_given(named, fathers), now)
    frame = pl.DataFrame({"now": now, "before": before, "born": born}).with_columns(
        _feminine(named, name) for name in ("now", "before", "born")
    )
    usual = ~pl.Series(patronymic | own)
    return frame.select(
        family_name="now",
        previous_family_name=pl.when(usual & (pl.col("before") != pl.col("now"))).then("before"),
        birth_family_name=pl.when(usual & (pl.col("born") != pl.col("now"))).then("born"),
        patronymic=pl.Series(patronymic),
    )


def _or(chosen: Bools, values: pl.Series, otherwise: pl.Series) -> pl.Series:
    return pl.select(pl.when(pl.Series(chosen)).then(values).otherwise(otherwise)).to_series()


def _lines(named: Named, rng: Rng) -> Surnames:
    """Draw the surnames of each home's lines, spread over its people; sharers' are own.

    Brothers' families share the father's line.
    """
    homes, tradition = named.homes, named.column("tradition")
    composed, of_home = named.names["composed_surnames"], named.column("tradition")[homes.first]
    shared = [draw_surnames(named.book, of_home, composed, rng) for _ in range(3)]
    mother, other = (line.gather(homes.home) for line in shared[1:])
    fathers = shared[0].gather(np.where(homes.uncle >= 0, homes.uncle, np.arange(len(of_home))))
    alone = np.flatnonzero(np.isin(homes.kind, SHARERS))
    own, maiden = (draw_surnames(named.book, tradition[alone], composed, rng) for _ in range(2))
    # A partner of another tradition has a surname of that tradition.
    differs = (homes.role == PARTNER) & (tradition != of_home[homes.home])
    differs = np.flatnonzero(differs & ~np.isin(homes.kind, SHARERS))
    foreign = draw_surnames(named.book, tradition[differs], composed, rng)
    spread = with_values(fathers, homes.home[differs], foreign).gather(homes.home)
    return Surnames(with_values(spread, alone, own), with_values(mother, alone, maiden), other)


def _born_with(named: Named, lines: Surnames, rng: Rng) -> pl.Series:
    """Return the surname at birth: a mother's is her own line's, a child's its father's."""
    homes, sex, names = named.homes, named.column("sex"), named.names
    count = len(homes.first)
    lone = np.isin(homes.kind, LONE_PARENTS)
    known = (homes.mother >= 0) & (homes.father >= 0)
    shares = (names["childs_surname_from_absent_father"], names["childs_surname_from_father_apart"])
    absent = chance(rng, np.where(known, shares[1], shares[0]))
    step = chance(rng, names["stepchildren"], count)
    double = chance(rng, names["double_barrelled_children"], count)[homes.home]
    # With a father alone, children bear his name; with a mother alone hers or the absent one's.
    with_father = _with_father(named)[homes.home]
    absent, step, child = absent[homes.home], step[homes.home], homes.child
    mothers_line = (sex == FEMALE) & np.isin(homes.role, (HEAD, FORMER))
    mothers_line |= (sex == FEMALE) & (homes.role == PARTNER) & (named.column("tie") == SPOUSE)
    mothers_line |= child & lone & ~absent & ~with_father
    others_line = (child & lone & absent & ~with_father) | (child & ~lone & step)
    others_line |= (homes.role == ELDER) & (sex == FEMALE)
    others_line |= (homes.role == FORMER) & (sex == MALE)
    both = child & ~lone & ~step & double
    own = _or(others_line, lines.other, _or(mothers_line, lines.mother, lines.father))
    return _or(both, lines.mother + "-" + lines.father, own)


def _with_father(named: Named) -> Bools:
    """Return for each home whether a lone parent there is the father."""
    homes = named.homes
    head = (homes.role == HEAD) & (named.column("sex") == MALE)
    led = np.zeros(len(homes.first), dtype=bool)
    led[homes.home[head]] = True
    return led


def _married_names(
    named: Named, lines: Surnames, born: pl.Series, rng: Rng
) -> tuple[pl.Series, pl.Series]:
    """Return the name now and the one before it (null: none) of women who married.

    Some join both names; some who parted have gone back to their own.
    """
    names, homes = named.names, named.homes
    parted = named.column("former_partner") >= 0
    took = _taken(named, parted, rng)
    mother_left = parted & (homes.role == HEAD)
    husbands = _or(mother_left, lines.other, lines.father)
    back = took & parted & chance(rng, names["back_to_own_surname"], len(took))
    barrelled = took & chance(rng, names["double_barrelled_wives"], len(took))
    married = _or(barrelled, born + "-" + husbands, husbands)
    now = _or(took & ~back, married, born)
    before = pl.select(
        pl.when(pl.Series(back)).then(married).when(pl.Series(took)).then(born)
    ).to_series()  # fmt: skip
    return now, before


def _taken(named: Named, parted: Bools, rng: Rng) -> Bools:
    """Return who took a name in marriage: women who are, or once were, one of a couple."""
    homes, rates = named.homes, named.names["surname_taken_in_marriage"]
    role, kind, size = homes.role, homes.kind, named.people.height
    year = named.people["date_of_birth"].dt.year().to_numpy()
    share = np.where(year < 1975, rates["born_before_1975"], rates["later"])
    share = np.where(year < 1955, rates["born_before_1955"], share)
    couple = (role == HEAD) & ~np.isin(kind, (KIND["single"], KIND["single_older"], *LONE_PARENTS))
    once = chance(rng, named.names["once_married_living_alone"], size) & (year < 1990)
    once &= ((role == HEAD) & ~np.isin(kind, LONE_PARENTS)) | (kind == KIND["care_home"])
    married = parted & chance(rng, named.names["parted_were_married"], size)
    wife = couple | (role == ELDER) | np.where(parted, married, once) | _spouse(named)
    custom = np.array([name not in named.names["womens_surname_of_their_own"]
                       for name in named.book.traditions])[named.column("tradition")]  # fmt: skip
    return np.asarray((named.column("sex") == FEMALE) & wife & custom & chance(rng, share))


def _spouse(named: Named) -> Bools:
    """Return who is married to a resident of a care home, or is that resident."""
    resident = named.column("tie") == SPOUSE
    homes = np.zeros(len(named.homes.first), dtype=bool)
    homes[named.homes.home[resident]] = True
    return homes[named.homes.home]


def _womens_own(named: Named, family: pl.Series, rng: Rng) -> tuple[pl.Series, Bools]:
    """Give women of some traditions the surnames that women there bear by themselves.

    Return the names and whose they are.
    """
    tradition, size = named.column("tradition"), named.people.height
    share = named.share("womens_surname_of_their_own")
    adult = named.column("age") >= 25
    own = (named.column("sex") == FEMALE) & chance(rng, share * np.where(adult, 1.0, 0.35))
    sikh, muslim = (named.book.number(n) for n in ("south_asian_sikh", "muslim_south_asian"))
    begum = np.array(["Begum", "Bibi", "Khatun", "Akhtar", "Parveen", "Kausar", "Sultana"])
    word = begum[pick(rng, [9, 4, 4, 4, 3, 3, 2], size)]
    word = np.where(tradition == sikh, "Kaur", word)
    own &= np.isin(tradition, (sikh, muslim))
    return _or(own, pl.Series(word), family), own


def _patronymic(named: Named, rng: Rng) -> Bools:
    """Choose whose family name is the father's given name: alike within a family's children."""
    together = rng.random(len(named.homes.first))[named.homes.home]
    level = np.where(named.homes.child, together, rng.random(named.people.height))
    return np.asarray(level < named.share("patronymic"))


def _fathers_given(named: Named, rng: Rng) -> pl.Series:
    """Return the given name of each person's father: one of the family, or one drawn.

    Fathers are in the home or known to live apart; a man of a couple is the son of the grandfather
    who lives with them.
    """
    homes, year = named.homes, named.people["date_of_birth"].dt.year().to_numpy().astype(np.int64)
    rows = np.flatnonzero(named.share("patronymic") > 0)
    tradition, men = named.column("tradition")[rows], np.full(len(rows), MALE)
    drawn = draw_given(named.book, tradition, men, year[rows] - _GENERATION, rng)
    # Children whose father is not known share one name, that of the last of them.
    place = np.arange(len(rows))
    child = np.flatnonzero(homes.child[rows])
    last = leading(rows[child], homes.home, len(homes.first))[homes.home[rows[child]]]
    place[child] = np.searchsorted(rows, last)
    father = np.where(homes.role == CHILD, homes.father[homes.home], -1)
    father = np.where(homes.role == PARTNER, homes.grandfather[homes.home], father)
    known = rows[father[rows] >= 0]
    result = with_values(named.given, rows, drawn.gather(place))
    return with_values(result, known, named.given.gather(father[known]))


def _feminine(named: Named, column: str) -> pl.Expr:
    """Return Slavonic surnames in the form that women bear (Kowalski, Kowalska)."""
    woman = named.column("sex") == FEMALE
    woman &= named.column("tradition") == named.book.number("eastern_european")
    endings = ((r"ski$", "ska"), (r"cki$", "cka"), (r"ov$", "ova"), (r"ev$", "eva"))
    form = pl.col(column)
    for ending, feminine in endings:
        form = form.str.replace(ending, feminine)
    return pl.when(pl.Series(woman)).then(form).otherwise(pl.col(column)).alias(column)
