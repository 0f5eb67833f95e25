"""Words about names that are no part of them: titles, placeholders, particles, asides.

Patterns are for folded names (capitals, one blank between words) but for `ASIDE`, which is for
names as written. Titles and placeholders: general knowledge of English extracts, and the
placeholders that NHS England's published linkage settings treat as missing.
"""

from __future__ import annotations

import polars as pl

from pophealth_link.prepare.distinct import where

# In brackets or double quotes; also where a narrow field cut the closing one off.
ASIDE = r"[(\[{<\"“”„«]([^)\]}>\"“”„»]*)(?:[)\]}>\"“”»]|$)"
GIVEN_ASIDE = r"^(.+?) (?:AKA|KNOWN AS|ALSO KNOWN AS|PREFERS|PREFERRED NAME) (.+)$"
FORMER = r"^(.+?) (?:NEE|FORMERLY|FORMERLY KNOWN AS|PREVIOUSLY|AKA|ALSO KNOWN AS) (.+)$"
FORMER_LEAD = r"^(?:NEE|BORN|FORMERLY|FORMERLY KNOWN AS|PREVIOUSLY|WAS|MAIDEN NAME|AKA|ALSO) "

_TITLES = "MR|MRS|MISS|MS|MX|MASTER|MSTR|DR|PROF|PROFESSOR|REV|REVD|REVEREND|SIR|DAME|CLLR|CAPT"
TITLES = rf"^(?:(?:{_TITLES}|DOCTOR|LORD|LADY) )+"
# Lord, Master and the like are surnames too.
FAMILY_TITLES = r"^(?:(?:MR|MRS|MISS|MS|MX|DR|PROF|REV|REVD) )+"
SUFFIXES = "(?: (?:JR|JNR|SR|SNR|ESQ|ESQUIRE|II|III|OBE|MBE|CBE|BEM|PHD|DECEASED|DECD|TWIN))+$"

_BABY = (
    "BABY|BABYBOY|BABYGIRL|BBY|INFANT|NEWBORN|NEONATE|FOETUS|FETUS|TWIN|TWINS|TRIPLET|UNBORN"
    "|UNNAMED|UNKNOWN|UNK"
)
_NOTHING = (
    "NOT (?:KNOWN|STATED|GIVEN|RECORDED|APPLICABLE|PROVIDED|NAMED|DISCLOSED|AVAILABLE|ENTERED)"
    "|NO (?:NAME|FIRST NAME|FORENAME|GIVEN NAME|MIDDLE NAME|SURNAME|LAST NAME|FAMILY NAME)"
    "|NAME|FORENAME|FIRST NAME|SURNAME|LAST NAME|NAME UNKNOWN|NONE|NIL|NULL|NA|N A|NK|NKN"
    "|FNU|LNU|NFN|NMN|TBC|TBA|ANON|ANONYMOUS|WITHHELD|REFUSED|DECLINED|DECEASED|DECD"
    "|DUPLICATE|DO NOT USE|TEST|TEST PATIENT|DUMMY|PATIENT|CLIENT|X+|Z{3,}"
)
_SEXES = "(?:MALE|FEMALE)(?: (?:BABY|INFANT|CHILD|TWIN|UNKNOWN).*)?"
GIVEN_PLACEHOLDER = rf"^(?:(?:{_BABY}|BOY|GIRL)(?: .*)?|{_SEXES}|{_NOTHING}|{_TITLES})$"
FAMILY_PLACEHOLDER = rf"^(?:{_BABY}|BABY BOY|BABY GIRL|BABY OF|BOY|GIRL|{_SEXES}|{_NOTHING}|MR|MRS|MISS|MS|MX|DR|PROF)$"  # noqa: E501

# Particles that clerks write together with the name, or apart from it.
_PARTICLES = (
    "MC|MAC|VAN|VANDER|VANDEN|VON|DER|DEN|TER|TEN|DE|DEL|DELA|DI|DA|DOS|DAS|DU|LA|LE|LOS|LAS"
    "|EL|AL|ABU|ABD|ABDUL|ST"
)
PARTICLE = rf"\b(?:{_PARTICLES}|O|D) "
_JOINING = rf"\b({_PARTICLES}) "
_LETTER_JOINING = r"\b([OD]) ([A-Z]{3,})"


def joined(families: pl.Series) -> pl.Series:
    """Return folded family names with their particles joined to what follows them.

    >>> joined(pl.Series(["VAN DER BERG", "O NEIL SMITH", "DE"])).to_list()
    ['VANDERBERG', 'ONEIL SMITH', 'DE']
    """
    one = families.str.replace_all(r"\bSAINT ", "ST ")
    # Joined parts may be a particle again (DE L, DEL), but not for long: each time it is longer.
    for _ in range(4):
        one = one.str.replace_all(_JOINING, "$1").str.replace_all(_LETTER_JOINING, "$1$2")
    return where(one, ~one.str.contains(FAMILY_PLACEHOLDER))
