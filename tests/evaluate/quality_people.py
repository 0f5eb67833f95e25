"""A small register drawn by hand, and sources of the same people."""

import polars as pl

from drawn_people import FIRST, NUMBERS, PEOPLE, drawn, register_of, source_of
from pophealth_link.link import People

__all__ = ["COLUMNS", "NUMBERS", "REGISTER", "frame", "register", "source"]

COLUMNS = (*FIRST, "practice_code", "ethnic_category", "date_of_death", "date_from", "date_to")
REGISTER = PEOPLE


def frame(rows: list[tuple]) -> pl.DataFrame:
    return drawn(rows, COLUMNS)


def source(name: str, rows: list[tuple], **more) -> People:
    return source_of(name, frame(rows), **more)


def register(rows: list[tuple] = REGISTER) -> People:
    return register_of(frame(rows))
