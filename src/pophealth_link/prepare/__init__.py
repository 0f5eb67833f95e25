"""Standardise identifiers: one module per identifier, each usable on its own."""

from pophealth_link.prepare import (
    address,
    dates,
    names,
    nhs_number,
    nicknames,
    postcode,
    records,
    sex,
    whole_names,
)

__all__ = [
    "address",
    "dates",
    "names",
    "nhs_number",
    "nicknames",
    "postcode",
    "records",
    "sex",
    "whole_names",
]
