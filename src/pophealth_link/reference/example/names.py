"""Codes and names of the example region. None can be mistaken for, or collide with, a real one.

- Local authorities `E0999900n`, LSOAs `E0199900n`, MSOAs `E0299900n`, ICB `E5499900n`: real codes
  of the Office for National Statistics count up from 1 and are far below 999001.
- Practices `X9900n`: practices of England and Wales begin with A to H, J to N, P, W or Y
  (NHS England, `epraccur`); V, S and Z are dummies, Scotland and Northern Ireland.
- PCNs `U9999A` onwards: real ones are U and five digits (NHS England, `ePCN`).
- Postcodes `ZM`: the Royal Mail has no such area. Only ZE begins with Z, and `ZZ99` is the NHS's.
"""

from __future__ import annotations

LADS = (("E09999001", "Marlhaven"), ("E09999002", "Thornwold"))
ICB = ("E54999001", "NHS Marl Estuary Integrated Care Board")
LSOA_PREFIX, MSOA_PREFIX = "E01999", "E02999"
POSTCODE_AREA = "ZM"
# Letters of the second half of a postcode: all but C, I, K, M, O and V (Royal Mail).
UNIT_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"

ICPS = (
    ("ICP01", "Marlhaven West"),
    ("ICP02", "Marl Bridges"),
    ("ICP03", "Thornwold Coast"),
)

PRACTICES = (
    "Saltings Surgery",
    "Old Ropewalk Practice",
    "Heronsgate Medical Centre",
    "Priory Field Surgery",
    "Limekiln Lane Surgery",
    "The Orchard Practice",
    "Windmill Rise Health Centre",
    "Quayside Medical Centre",
    "Customs House Surgery",
    "Ferry Road Practice",
    "Marl Bridge Surgery",
    "Beacon Hill Surgery",
    "Larkspur Medical Practice",
    "Thornwold Green Surgery",
    "Cordwainers Practice",
    "Eastgate Health Centre",
    "Lighthouse Surgery",
    "Dunes Medical Centre",
    "Harbour View Practice",
    "Teasel Park Surgery",
)
