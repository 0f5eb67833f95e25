"""How people live, from the council tax list: an event table made of people and dwellings."""

from __future__ import annotations

from dataclasses import replace

import narwhals as nw

from pophealth_link.engine import Frame, lazy
from pophealth_link.need.inputs import BaselineInputs
from pophealth_link.schema.records_homes import HOMES
from pophealth_link.schema.strata import bands

_ADULT = 18
_DISCOUNT = "single_person_discount"


def with_homes(inputs: BaselineInputs) -> BaselineInputs:
    """Return the inputs with the event table `homes`; without dwellings, as they are.

    One row for each current adult whose home is a dwelling of which the council says whether the
    discount for a single adult applies. Nobody is counted by heads at an address: whoever has left
    and stayed on a list, and whoever shares a house in bedsits, would make such counts wrong.
    """
    if inputs.dwellings is None or HOMES.name in inputs.events:
        return inputs
    held = lazy(inputs.dwellings)
    if not {"keyed_uprn", _DISCOUNT} <= set(held.collect_schema().names()):
        return inputs
    return replace(inputs, events={**inputs.events, HOMES.name: _homes(inputs, held)})


def _homes(inputs: BaselineInputs, dwellings: Frame) -> nw.LazyFrame[Frame]:
    known = dwellings.filter(~nw.col("keyed_uprn").is_null(), ~nw.col(_DISCOUNT).is_null())
    discount = known.group_by("keyed_uprn").agg(nw.col(_DISCOUNT).cast(nw.Int64).max())
    adult = nw.col("age_band").is_in(list(bands(_ADULT)))
    people = lazy(inputs.people).filter(nw.col("current").fill_null(value=False), adult)
    joined = people.select("person_id", "keyed_uprn").join(discount, on="keyed_uprn", how="inner")
    only = nw.when(nw.col(_DISCOUNT) == 1).then(nw.lit("yes")).otherwise(nw.lit("no"))
    day = nw.lit(inputs.as_of).cast(nw.Date()).alias("known_date")
    return joined.select("person_id", day, only.alias("only_adult"))
