"""General practices and their networks: epraccur, ePCN, successions, the map of practices."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pophealth_link.reference.official.kinds import NHS, Kind, Source, Wanted, days
from pophealth_link.reference.official.recognise import (
    DAY,
    DAY_OR_NONE,
    NETWORK,
    ORGANISATION,
    POSTCODE,
    PRACTICE,
)

_MEMBERS = (
    Wanted("practice", r"^partner organisation code$", "Partner Organisation Code"),
    Wanted(
        "sub_icb",
        r"^practice parent (sub icb loc(ation)?|ccg) code$",
        "Practice Parent Sub ICB Loc Code",
        False,
    ),
    Wanted("pcn", r"^pcn code$", "PCN Code"),
    Wanted("pcn_name", r"^pcn name$", "PCN Name", False),
    Wanted(
        "from",
        r"^practice to pcn relationship start date$",
        "Practice to PCN Relationship Start Date",
    ),
    Wanted(
        "to", r"^practice to pcn relationship end date$", "Practice to PCN Relationship End Date"
    ),
)


def _read_members(source: Source) -> Mapping[str, pl.DataFrame]:
    rows = source.frame("practice", "pcn", "pcn_name", "sub_icb", "from", "to")
    rows = days(source, rows.drop_nulls(["practice", "pcn"]), "from", "to")
    found = rows.rename(
        {
            "practice": "practice_code",
            "pcn": "pcn_code",
            "sub_icb": "sub_icb_code",
            "from": "valid_from",
            "to": "valid_to",
        }
    )
    return {"practice_pcn": found}


_PRACTICES = (
    Wanted("code", r"^organisation code$", "Organisation Code"),
    Wanted("name", r"^name$", "Name"),
    Wanted(
        "icb", r"^(high level health geography|icb code)$", "High Level Health Geography", False
    ),
    Wanted("postcode", r"^postcode$", "Postcode"),
    Wanted("open", r"^open date$", "Open Date"),
    Wanted("close", r"^close date$", "Close Date"),
    Wanted("status", r"^status( code)?$", "Status Code"),
    Wanted("sub_icb", r"^commissioner$", "Commissioner", False),
    Wanted("setting", r"^prescribing setting$", "Prescribing Setting"),
)
# The file without a header, by position: 27 columns since 2013 (ODS, GP practices).
_PLACES = {
    "code": 0,
    "name": 1,
    "icb": 3,
    "postcode": 9,
    "open": 10,
    "close": 11,
    "status": 12,
    "sub_icb": 14,
    "setting": 25,
}
_GENERAL_PRACTICE = "4"


def _read_practices(source: Source) -> Mapping[str, pl.DataFrame]:
    rows = source.frame(*_PLACES)
    setting = pl.col("setting").str.replace(r"\.0$", "")
    rows = days(source, rows.filter(setting == _GENERAL_PRACTICE), "open", "close")
    found = rows.drop("setting").rename(
        {
            "code": "practice_code",
            "name": "practice_name",
            "icb": "icb_code",
            "open": "open_date",
            "close": "close_date",
            "status": "status_code",
            "sub_icb": "sub_icb_code",
        }
    )
    return {"practices": found}


_SUCCESSIONS = {0: PRACTICE, 1: PRACTICE, 3: DAY}


def _read_successions(source: Source) -> Mapping[str, pl.DataFrame]:
    rows = days(source, source.frame("old", "new", "from").drop_nulls(["old", "new"]), "from")
    rows = rows.rename({"old": "practice_code", "new": "successor_code", "from": "valid_from"})
    return {
        "practice_successors": rows.unique(
            ["practice_code", "successor_code"], keep="first", maintain_order=True
        )
    }


_MAP = (
    Wanted("practice", r"^practice code$", "PRACTICE_CODE"),
    Wanted("name", r"^practice name$", "PRACTICE_NAME"),
    Wanted("postcode", r"^practice postcode$", "PRACTICE_POSTCODE"),
    Wanted("sub_icb", r"^(ccg|sub icb location) code$", "SUB_ICB_LOCATION_CODE", False),
    Wanted("day", r"^extract date$", "EXTRACT_DATE"),
    Wanted("pcn", r"^pcn code$", "PCN_CODE"),
)


def _read_map(source: Source) -> Mapping[str, pl.DataFrame]:
    # Its networks are undated; the spells of ePCN are the ones to use.
    rows = source.frame("practice", "name", "postcode", "sub_icb").drop_nulls("practice")
    return {
        "practices": rows.rename(
            {"practice": "practice_code", "name": "practice_name", "sub_icb": "sub_icb_code"}
        )
    }


_EPCN = "ePCN, PCN core partner details"
_EPRACCUR = "epraccur, GP practices and prescribing cost centres"
KINDS = (
    Kind("epcn", _EPCN, NHS, _MEMBERS, _read_members, tables=("practice_pcn",)),
    Kind(
        "epcn_no_header",
        f"{_EPCN}, without a header",
        NHS,
        (),
        _read_members,
        cells={0: PRACTICE, 4: NETWORK, 8: DAY, 9: DAY_OR_NONE},
        places={"practice": 0, "sub_icb": 2, "pcn": 4, "pcn_name": 5, "from": 8, "to": 9},
        tables=("practice_pcn",),
    ),
    Kind("epraccur", _EPRACCUR, NHS, _PRACTICES, _read_practices, order=10, tables=("practices",)),
    Kind(
        "epraccur_no_header",
        f"{_EPRACCUR}, without a header",
        NHS,
        (),
        _read_practices,
        cells={
            0: ORGANISATION,
            9: f"({POSTCODE})?",
            10: DAY_OR_NONE,
            11: DAY_OR_NONE,
            12: "[ACDP]?",
            25: r"\d{0,2}",
        },
        places=_PLACES,
        order=10,
        tables=("practices",),
    ),
    Kind(
        "succession",
        "Succession of organisations (ODS), without a header",
        NHS,
        (),
        _read_successions,
        cells=_SUCCESSIONS,
        places={"old": 0, "new": 1, "from": 3},
        tables=("practice_successors",),
    ),
    Kind(
        "practice_map",
        "Patients registered at a GP practice, map of practices",
        NHS,
        _MAP,
        _read_map,
        order=60,
        tables=("practices",),
    ),
)
