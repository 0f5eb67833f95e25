"""Standardise identifiers: one module per identifier, each usable on its own."""

from pophealth_link.prepare import address, dates, names, nhs_number, postcode, records, sex

__all__ = ["address", "dates", "names", "nhs_number", "postcode", "records", "sex"]
