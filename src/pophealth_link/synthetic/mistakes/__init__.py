"""Recording mistakes by name, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl
from numpy.typing import ArrayLike

from pophealth_link.synthetic.draws import Rng
from pophealth_link.synthetic.mistakes import births, names, numbers, places

Mistake = Callable[[pl.DataFrame, Rng, ArrayLike], pl.DataFrame]

# What the source was told comes first (another name, an old address), slips of the pen after it,
# losses last.
MISTAKES: Mapping[str, Mistake] = {
    each.__name__: each
    for each in (
        places.keep_old_address,
        places.record_no_fixed_abode,
        names.use_previous_family_name,
        names.use_nickname,
        names.use_middle_name,
        names.respell_given_name,
        names.respell_family_name,
        names.break_double_name,
        names.drop_accents,
        names.misspell_given_name,
        names.misspell_family_name,
        names.swap_names,
        names.leave_baby_unnamed,
        births.swap_day_and_month,
        births.mistype_birth_date,
        births.enter_first_of_january,
        births.lose_birth_date,
        numbers.borrow_nhs_number,
        numbers.mistype_nhs_number,
        numbers.spoil_nhs_number,
        numbers.lose_nhs_number,
        places.mistype_postcode,
        places.lose_address,
        places.lose_uprn,
        places.abbreviate_address,
        places.lose_sex,
        places.mistake_sex,
        places.lose_ethnic_category,
    )
}

__all__ = ["MISTAKES", "Mistake"]
