"""Recording mistakes by name, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl
from numpy.typing import ArrayLike

from pophealth_link.synthetic.draws import Rng
from pophealth_link.synthetic.mistakes import (
    addresses,
    births,
    characteristics,
    name_forms,
    names,
    numbers,
    places,
)

Mistake = Callable[[pl.DataFrame, Rng, ArrayLike], pl.DataFrame]

# What the source was told comes first (another name, an old address), slips of the pen after it,
# then the forms in which a system holds them; losses last.
MISTAKES: Mapping[str, Mistake] = {
    each.__name__: each
    for each in (
        places.keep_old_address,
        places.keep_earlier_address,
        places.record_other_home,
        places.record_no_fixed_abode,
        names.use_previous_family_name,
        names.use_birth_family_name,
        names.use_carers_family_name,
        names.use_nickname,
        names.use_middle_name,
        names.cross_twins,
        names.respell_given_name,
        names.respell_family_name,
        name_forms.break_double_name,
        name_forms.split_given_name,
        name_forms.join_middle_name,
        names.drop_accents,
        names.misspell_given_name,
        names.misspell_family_name,
        name_forms.write_family_name_first,
        name_forms.swap_names,
        name_forms.write_initial,
        name_forms.add_title,
        name_forms.write_title_for_given_name,
        name_forms.cut_given_name,
        name_forms.cut_family_name,
        names.leave_baby_unnamed,
        births.swap_day_and_month,
        births.swap_year_digits,
        births.mistype_birth_date,
        births.enter_first_of_january,
        births.enter_placeholder_date,
        births.lose_birth_date,
        numbers.borrow_nhs_number,
        numbers.mistype_nhs_number,
        numbers.spoil_nhs_number,
        numbers.lose_nhs_number,
        places.mistype_postcode,
        addresses.write_address_otherwise,
        places.match_wrong_uprn,
        places.lose_address,
        places.lose_uprn,
        characteristics.lose_sex,
        characteristics.mistake_sex,
        characteristics.mistake_ethnic_category,
        characteristics.lose_ethnic_category,
    )
}

__all__ = ["MISTAKES", "Mistake"]
