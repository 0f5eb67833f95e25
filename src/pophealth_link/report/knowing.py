"""Who knows of whom: general practice, trust and council, in every combination."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from markupsafe import Markup

from pophealth_link.indicators.overlap import PARTIES, names_of
from pophealth_link.report import cells, words
from pophealth_link.report.canvas import (
    INK,
    LINE,
    MUTED,
    Spec,
    axis_scale,
    layer,
    picture,
)
from pophealth_link.report.exhibits import (
    Exhibit,
    Grid,
    Part,
    Picture,
    basis_of,
    footprints,
    why,
    with_interval,
)
from pophealth_link.report.inputs import IndicatorText
from pophealth_link.report.svg import draw

_HEADS = {"gp": "GP", "trust": "Trust", "council": "Council"}
_TOTAL = "_known"
_BLUE = "#0072b2"
_WIDTH, _ROW, _LEFT, _STEP = 210, 19, 152, 46
# How the combinations stand under each other: one party, two, all three.
_ORDER = tuple(
    sorted(names_of("x"), key=lambda each: (len(each), [PARTIES.index(p) for p in each]))
)


def knowing(rows: pl.DataFrame, texts: Mapping[str, IndicatorText]) -> Part:
    """Return the section; `rows` is the baseline as made by ``cells.released``."""
    everyone = rows.filter(pl.col("stratum") == "all")
    found = [name.removesuffix(_TOTAL) for name in texts if _is_total(name, texts)]
    return Part(
        "knowing",
        "Who knows of whom",
        "People with the same condition may be known to general practice, to a trust, to the "
        "council, or to several. Only linked records can tell. Whoever is known to one alone may "
        "be missed by the others’ plans.",
        ("recorded", "linked"),
        (_bars(everyone, texts, found), _social(everyone, texts)),
    )


def _is_total(name: str, texts: Mapping[str, IndicatorText]) -> bool:
    condition = name.removesuffix(_TOTAL)
    return name.endswith(_TOTAL) and names_of(condition)[PARTIES] in texts


def _bars(rows: pl.DataFrame, texts: Mapping[str, IndicatorText], conditions: list[str]) -> Exhibit:
    title = "Known to one, to two, to all three: people in the whole area"
    if not conditions:
        return Exhibit(title, absent="The baseline holds no indicator of who knows of whom.")
    drawn = []
    for condition in conditions:
        parts = _parts(rows, condition)
        if parts["given"].any():
            name = _title(texts[f"{condition}{_TOTAL}"])
            drawn.append(Picture(_chart(parts, name), name))
    return Exhibit(
        title,
        pictures=tuple(drawn),
        caption="Filled dots: who knows of the people that the bar counts. Numbers and bars: "
        "people as released, each counted in one line only. Dark whiskers: limits from linkage "
        "error; a missed link moves people from a joint line to two single ones. “No data” under "
        "the council alone: its records name no such diagnosis.",
        folded=tuple(_grid(rows, texts, condition) for condition in conditions),
        absent="" if drawn else "No number of who knows of whom can be shown for the whole area.",
    )


def _title(text: IndicatorText) -> str:
    """Return the condition in words, from the title of the sum: `Known to have …, by anyone`."""
    words_of = text.title.removeprefix("Known to have ").removesuffix(", by anyone")
    return words_of.split(" (")[0][:1].upper() + words_of.split(" (")[0][1:]


def _parts(rows: pl.DataFrame, condition: str) -> pl.DataFrame:
    """Return one line per combination, in order, for the whole area; absent ones are empty."""
    names = names_of(condition)
    order = pl.DataFrame({"indicator": [names[each] for each in _ORDER]}).with_row_index("line")
    whole = rows.filter((pl.col("footprint_type") == "whole") & ~pl.col("reason"))
    on_basis = whole.filter(pl.col("basis") == basis_of(whole))
    return order.join(on_basis, on="indicator", how="left", maintain_order="left").with_columns(
        pl.col("given").fill_null(value=False), pl.col("line").cast(pl.Float64) + 0.5
    )


def _chart(parts: pl.DataFrame, name: str) -> Markup:
    tops = parts.select(pl.max_horizontal("numerator", "numerator_linkage_upper").max())
    high = float(tops.item() or 0) or 1.0
    y: Spec = {
        **{"type": "quantitative", "axis": None},
        "scale": axis_scale((-1.0, len(_ORDER)), reverse=True),
    }
    across: Spec = {"type": "quantitative", "axis": None, "scale": axis_scale((0, high))}
    layers = [*_matrix(parts, y), *_people(parts, y, across)]
    label = f"{name}: people known to general practice, trusts and council. Numbers in the table."
    height = (len(_ORDER) + 1) * _ROW
    return draw(picture(layers, width=_WIDTH, height=height, padding=(_LEFT, 2, 62, 4)), label)


def _matrix(parts: pl.DataFrame, y: Spec) -> list[Spec]:
    lines = parts["line"].to_list()
    made: list[Spec] = []
    for place, party in enumerate(PARTIES):
        x = {"value": place * _STEP - _LEFT + 24}
        for filled in (True, False):
            held = [at for at, each in zip(lines, _ORDER, strict=True) if (party in each) is filled]
            mark = {"type": "point", "shape": "circle", "size": 95, "opacity": 1}
            look = {"fill": INK if filled else LINE, "strokeWidth": 0}
            made.append(layer(pl.DataFrame({"y": held}), {**mark, **look}, x=x, y=_at(y, "y")))
        head = pl.DataFrame({"y": [-0.4], "text": [_HEADS[party]]})
        style = {"type": "text", "fontSize": 11.5, "color": MUTED, "fontWeight": "bold"}
        made.append(layer(head, style, x=x, y=_at(y, "y"), text={"field": "text"}))
    return made


def _at(channel: Spec, field: str) -> Spec:
    return {"field": field, **channel}


def _people(parts: pl.DataFrame, y: Spec, across: Spec) -> list[Spec]:
    shown = parts.with_columns(
        zero=pl.lit(0.0),
        text=pl.Series([words.count(each) for each in parts["numerator"]]),
        note=pl.col("status").replace_strict(
            dict(words.STATUS_SHORT), default="not given", return_dtype=pl.String
        ),
        end=pl.max_horizontal("numerator", "numerator_linkage_upper"),
    )
    given, rest = shown.filter("given"), shown.filter(~pl.col("given"))
    bar = {"type": "rule", "strokeWidth": 11, "color": _BLUE, "opacity": 0.75}
    whisker = {"type": "rule", "strokeWidth": 2, "color": INK, "opacity": 1}
    text = {"type": "text", "align": "left", "dx": 7, "fontSize": 12, "color": INK}
    quiet = {**text, "color": MUTED, "fontStyle": "italic", "fontSize": 10.5}
    rows, start = _at(y, "line"), _at(across, "zero")
    low, high = "numerator_linkage_lower", "numerator_linkage_upper"
    return [
        layer(given, bar, y=rows, x=start, x2={"field": "numerator"}),
        layer(given.drop_nulls([low, high]), whisker, y=rows, x=_at(across, low),
              x2={"field": high}),
        layer(given, text, y=rows, x=_at(across, "end"), text={"field": "text"}),
        layer(rest, quiet, y=rows, x=start, text={"field": "note"}),
    ]  # fmt: skip


def _grid(rows: pl.DataFrame, texts: Mapping[str, IndicatorText], condition: str) -> Grid:
    names = names_of(condition)
    columns = [f"{condition}{_TOTAL}", *(names[each] for each in _ORDER)]
    kept = footprints(rows.filter(pl.col("indicator").is_in(columns)))
    lines: dict[tuple[str, str], dict[str, str]] = {}
    labels: dict[tuple[str, str], str] = {}
    for row in kept.iter_rows(named=True):
        key = (row["footprint_type"], row["footprint_code"])
        lines.setdefault(key, {})[row["indicator"]] = _people_of(row)
        labels[key] = row["name"]
    heads = (" + ".join(_HEADS[p] for p in each) + _only(each) for each in _ORDER)
    return Grid(
        f"{_title(texts[columns[0]])}: people by who knows of them, with limits from linkage",
        ("Footprint", "Anyone", *heads),
        tuple(
            (labels[key], *(held.get(column, "–") for column in columns))
            for key, held in lines.items()
        ),
        short=f"{_title(texts[columns[0]])} by footprint",
    )


def _only(parties: tuple[str, ...]) -> str:
    return " only" if len(parties) == 1 else ""


def _people_of(row: Mapping[str, Any]) -> str:
    if not row["given"] or row["numerator"] is None:
        return why(row)
    low, high = row["numerator_linkage_lower"], row["numerator_linkage_upper"]
    if None in (low, high) or low == high:
        return words.count(row["numerator"])
    return f"{words.count(row['numerator'])} ({words.count(low)} to {words.count(high)})"


def _social(rows: pl.DataFrame, texts: Mapping[str, IndicatorText]) -> Exhibit:
    title = "People with severe mental illness whom housing or social care knows"
    names = [name for name in texts if name.startswith("smi_known_to_")]
    kept = footprints(rows.filter(pl.col("indicator").is_in(names)))
    if kept.is_empty():
        return Exhibit(title, absent="The baseline holds no such indicator.")
    lines = (
        (f"{row['name']}: {_to_whom(texts[row['indicator']])}", *_shares(row, texts))
        for name in names
        for row in cells.for_indicator(kept, name).iter_rows(named=True)
        if row["footprint_type"] in {"whole", "lad"}
    )
    heads = ("Footprint and who knows", "Share", "95% interval (chance)", "Limits from linkage")
    return Exhibit(
        title,
        words=(
            "Limits from linkage are narrower than they should be here: on synthetic people they "
            "held the right number less often than 95 times in a hundred.",
        ),
        grid=Grid("Share of people with recorded severe mental illness", heads, tuple(lines)),
    )


def _to_whom(text: IndicatorText) -> str:
    return text.title.removeprefix("Known to ").split(",")[0]


def _shares(row: Mapping[str, Any], texts: Mapping[str, IndicatorText]) -> tuple[str, ...]:
    unit = texts[row["indicator"]].unit
    places = words.decimals([row["value"]], unit)
    value, chance = with_interval(row, "value", unit, places)
    linkage = words.linkage(row["linkage_lower"], row["linkage_upper"], places, unit)
    return (value, chance, linkage or "–")
