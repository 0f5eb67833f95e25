"""Change between two baselines, on common footprints, apart from what else changed.

Two baselines share people, so they are not independent samples: see `changes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pophealth_link import stats
from pophealth_link.need.compare_context import Context, context
from pophealth_link.need.compare_linkage import linkage_cases, of_derived, parted, settings_of
from pophealth_link.need.compare_sides import CELL, FOOTPRINT, NUMBERS, Baseline, side
from pophealth_link.need.compare_times import period_words, require_order
from pophealth_link.need.footprints_in_common import common_footprints
from pophealth_link.schema.outputs_compare import CHANGES

# Beyond this share of new or gone units a change is not told to be one of need (assumed).
COVERAGE_LIMIT = 0.05
# Footprints that exchanged no more of their people stay apart, with wider limits (assumed).
TOLERANCE = 0.05
_ALL = "all"
_DECIMALS = 6
_DIFFERS = "|"
_SIDES = ("before", "after")
_Settings = Mapping[str, Mapping[str, Any]]
# Differences of which nobody can say what part of a change they make up.
_UNKNOWN = (
    *("not_known", "sources", "linkage_rate_unparted", "coverage", "period_length"),
    "derived_rules",
)


def changes(
    before: Baseline,
    after: Baseline,
    *,
    common: pl.DataFrame | None = None,
    tolerance: float = TOLERANCE,
) -> pl.DataFrame:
    """Return CHANGES: one row per common footprint, basis, indicator and stratum, sorted.

    `common`: COMMON_FOOTPRINTS, made with `tolerance` if left out. Only released numbers are read.
    With value v, change = v_after - v_before, and its limits are recovered from the limits of both
    sides: sampling, d_s = sqrt(x² + y² - 2ρxy) of the distances x and y to the limits on the sides
    that matter; linkage, the same with ρ = 0, which is the widest as long as errors of links that
    persist do not go against each other; rounding, r; together sqrt(d_s² + d_k² + r² + m²), where
    m = (share of people that moved) × the larger value: it is assumed that people who moved between
    footprints, within `tolerance`, have between none and twice what the others have.

    ρ is the correlation of the two estimates, for people who are in both count twice. Where the
    later run knew the earlier one's people, ρ = (share of people in both, n_both / √(n_b·n_a)) ×
    (correlation of their own values then and now), both as the snapshot tells them; otherwise 0,
    which gives the widest limits, and `narrow_*` those at the most it can be: √(n_min/n_max) × the
    most that two yes/no values of these shares can correlate. Ratios are taken as independent.

    `from_linkage` of one source, on the registered basis: v_after·(1 - λ_before/λ_after), λ being
    the share of its records that were linked; of several there are limits alone, see
    `compare_linkage.linkage_ratio`. `direction` judges the rest of the change, where both limits
    agree, and stays empty where something changed whose part is not known (`differs`). Where the
    definition, a code list or the deprivation edition behind it changed, there is no change, only
    two values.

    Raises `DataError` where the later baseline is of an earlier day than the other.

    Source: Zou and Donner, Stat Med 2008;27:1693-1702 (limits recovered); Newcombe, Stat Med
    1998;17:2635-2650 (paired).
    """
    require_order(before.snapshot, after.snapshot)
    if common is None:
        common = footprints_of(before, after, tolerance=tolerance)
    about = context(before.snapshot, after.snapshot)
    both = _joined(side(before, common, "before"), side(after, common, "after"))
    facts = common.group_by(FOOTPRINT).agg(
        pl.col("footprint_name", "membership").first(),
        pl.max_horizontal("share_gone", "share_new").max().alias("turnover"),
        pl.col("share_moved").max().fill_null(0.0),
    )
    rows = both.join(facts, on=list(FOOTPRINT), how="left").sort(CELL)
    settings = _settings(before, after)
    rows = _judged(rows, about, settings, _told(about, settings, before, after))
    rows = _with_limits(_correlated(rows, before, after, common))
    return _finished(_directed(parted(rows, about, settings)))


def unparted() -> pl.Expr:
    """Return whether something differs (`differs`) whose part in a change nobody can say."""
    told = pl.col("differs").str.split(_DIFFERS)
    return pl.any_horizontal(told.list.contains(word) for word in _UNKNOWN).fill_null(value=False)


def footprints_of(
    before: Baseline, after: Baseline, *, tolerance: float = TOLERANCE
) -> pl.DataFrame:
    """Return the COMMON_FOOTPRINTS of two baselines; see `common_footprints`."""
    return common_footprints(
        before.cells, after.cells, before.snapshot, after.snapshot, tolerance=tolerance
    )


def _joined(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    keys = list(CELL)
    named = [
        frame.rename({name: f"{name}_{which}" for name in frame.columns if name not in keys})
        for frame, which in ((before, "before"), (after, "after"))
    ]
    marked = [
        frame.with_columns(pl.lit(value=True).alias(f"is_{which}"))
        for frame, which in zip(named, _SIDES, strict=True)
    ]
    return marked[0].join(marked[1], on=keys, how="full", coalesce=True).sort(keys)


def _settings(before: Baseline, after: Baseline) -> dict[str, dict[str, Any]]:
    """Return the settings of each indicator as run, of the later baseline where it has them."""
    held = [each.snapshot.definitions if each.snapshot else {} for each in (before, after)]
    return {name: dict(own) for name, own in {**held[0], **held[1]}.items()}


def _told(
    about: Context, settings: _Settings, before: Baseline, after: Baseline
) -> dict[str, list[str]]:
    """Return the indicators of each word of `differs` that is told by indicator."""
    return {
        "sources": [name for name, own in settings.items() if settings_of(own) & about.settings],
        "person": [name for name, own in settings.items() if own.get("level") == "person"],
        "derived_rules": sorted(of_derived(settings)) if about.library else [],
        **period_words(before.snapshot, after.snapshot, settings),
    }


def _judged(
    rows: pl.DataFrame, about: Context, settings: _Settings, told: Mapping[str, list[str]]
) -> pl.DataFrame:
    """Add status, reason and what differs."""
    indicator, fifth = pl.col("indicator"), pl.col("stratum").str.starts_with("quintile_")
    of_index = [name for name, held in settings.items() if held.get("deprivation")]
    grouped = pl.col("stratum").is_in([f"ethnic_{each}" for each in sorted(about.groups)])
    redefined = indicator.is_in(sorted(about.redefined)) | grouped
    edition = pl.lit(about.fifths) & (fifth | indicator.is_in(of_index))
    unit = (pl.col("unit_before") != pl.col("unit_after")).fill_null(value=False)
    published = [name for name, held in settings.items() if held.get("period") == "published"]
    same = indicator.is_in(published) & (pl.col("period_before") == pl.col("period_after"))
    lacking = [pl.when(pl.col(f"why_{s}").is_not_null()).then(
        pl.format("{}: {}", pl.lit(s), f"why_{s}")) for s in _SIDES]  # fmt: skip
    cases = (
        (pl.col("is_before").is_null(), "absent_before", pl.lit(None, pl.String)),
        (pl.col("is_after").is_null(), "absent_after", pl.lit(None, pl.String)),
        (_says("no_sum"), "no_sum", pl.lit("the footprints had to be joined")),
        (_gap(), "not_given", pl.concat_str(lacking, separator="; ", ignore_nulls=True)),
        (unit, "not_comparable", pl.lit("the unit changed")),
        (redefined, "not_comparable", pl.lit("the definition or a code list of it changed")),
        (edition, "not_comparable", pl.lit("the edition of the deprivation indices changed")),
        (same, "same_publication", pl.lit("both hold the same edition of published data")),
    )
    status, reason = pl.lit("ok"), pl.lit(None, pl.String)
    for test, word, why in reversed(cases):
        holds = test.fill_null(value=False)
        status = pl.when(holds).then(pl.lit(word)).otherwise(status)
        reason = pl.when(holds).then(why).otherwise(reason)
    differs = _differs(about, told, linkage_cases(about, settings))
    return rows.with_columns(status.alias("status"), reason.alias("reason"), differs)


def _says(word: str) -> pl.Expr:
    return (pl.col("why_before") == word) | (pl.col("why_after") == word)


def _gap() -> pl.Expr:
    return pl.col("value_before").is_null() | pl.col("value_after").is_null()


def _differs(
    about: Context, told: Mapping[str, list[str]], linkage: list[tuple[pl.Expr, str]]
) -> pl.Expr:
    """Return what else differs, in words joined by a bar; `told`: by word, its indicators."""
    of = {word: pl.col("indicator").is_in(names) for word, names in told.items()}
    lacks = pl.any_horizontal(pl.col(f"linkage_lower_{s}").is_null() for s in _SIDES)
    turnover = pl.col("turnover").fill_null(0.0)
    covered = [pl.col(f"coverage_{s}") for s in _SIDES]
    cases = (
        (pl.lit(not about.known), "not_known"),
        (pl.col("membership").is_in(["moved", "not_known"]), "membership"),
        (turnover > 0, "units"),
        ((turnover > COVERAGE_LIMIT) | (covered[0] - covered[1]).abs().gt(COVERAGE_LIMIT),
         "coverage"),
        (of["sources"], "sources"),
        *linkage,
        *((of[word], word) for word in told if word.startswith("period_")),
        (of["derived_rules"], "derived_rules"),
        (of["person"] & lacks, "linkage_not_estimated"),
        (pl.lit(about.policy), "policy"),
    )  # fmt: skip
    words = [pl.when(test.fill_null(value=False)).then(pl.lit(word)) for test, word in cases]
    return pl.concat_str(words, separator=_DIFFERS, ignore_nulls=True).alias("differs")


def _correlated(
    rows: pl.DataFrame, before: Baseline, after: Baseline, common: pl.DataFrame
) -> pl.DataFrame:
    """Add the correlation that limits are made with, and the most that it can be."""
    later = after.snapshot
    shared = _shared(common, before, after)
    held = dict(later.correlation) if later is not None and shared.height else {}
    own = pl.col("indicator").replace_strict(held, default=None, return_dtype=pl.Float64)
    here = pl.col("stratum") == _ALL
    sizes = [pl.col(f"denominator_{s}") for s in _SIDES]
    size = (pl.min_horizontal(sizes) / pl.max_horizontal(sizes)).sqrt().fill_nan(None)
    most = pl.coalesce(pl.when(here).then("share"), size, pl.lit(1.0)) * _most_alike()
    joined = rows.join(shared, on=list(FOOTPRINT), how="left").with_columns(
        most.clip(0.0, 1.0).round(_DECIMALS).alias("correlation_most")
    )
    known = (pl.when(here).then(pl.col("share") * own)).fill_null(0.0)
    return joined.with_columns(
        pl.min_horizontal(known.clip(0.0, 1.0), "correlation_most")
        .round(_DECIMALS)
        .alias("correlation")
    )


def _shared(common: pl.DataFrame, before: Baseline, after: Baseline) -> pl.DataFrame:
    """Return the share of people in both, by common footprint: the least of its parts'."""
    later = after.snapshot
    names = dict.fromkeys(FOOTPRINT, pl.String)
    if later is None or before.sha256 is None or later.previous != before.sha256:
        return pl.DataFrame(schema={**names, "share": pl.Float64})
    own = later.shared.rename({"footprint_code": "own_code"})
    parts = common.filter(side="after").join(
        own, on=["footprint_type", "basis", "own_code"], how="left"
    )
    least = pl.when(pl.col("share").is_not_null().all()).then(pl.col("share").min())
    return parts.group_by(FOOTPRINT).agg(least.alias("share")).drop_nulls("share").sort(FOOTPRINT)


def _most_alike() -> pl.Expr:
    """Return the most that two yes/no values of these shares can correlate; 1 for other values."""
    shares = [pl.col(f"numerator_{s}") / pl.col(f"denominator_{s}") for s in _SIDES]
    low, high = pl.min_horizontal(shares), pl.max_horizontal(shares)
    phi = (low * (1 - high) / (high * (1 - low))).sqrt()
    return pl.when((low > 0) & (high < 1)).then(phi).otherwise(1.0).fill_null(1.0)


def _with_limits(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the change with its limits, narrow ones, and the ratio."""
    given = pl.col("status") == "ok"
    columns = [f"{n}_{s}" for n in NUMBERS for s in _SIDES]
    usable = rows.with_columns(pl.when(given).then(c).alias(f"_{c}") for c in columns)
    linkage = _difference(usable, ("linkage_lower", "linkage_upper"), None)
    rounding = (pl.col("rounding_before") ** 2 + pl.col("rounding_after") ** 2).fill_null(0.0)
    larger = pl.max_horizontal(pl.col("_value_after").abs(), pl.col("_value_before").abs())
    moved = (pl.col("share_moved") * larger).fill_null(0.0)
    made = usable.with_columns(change=pl.col("_value_after") - pl.col("_value_before"))
    for names, correlation in ((("lower", "upper"), "correlation"),
                               (("narrow_lower", "narrow_upper"), "correlation_most")):  # fmt: skip
        sampling = _difference(usable, ("lower", "upper"), correlation)
        for name, by_sampling, by_linkage, sign in zip(
            names, sampling, linkage, (-1, 1), strict=True
        ):
            extra = (by_linkage**2).fill_null(0.0) + rounding + moved**2
            made = made.with_columns(
                (pl.col("change") + sign * (by_sampling**2 + extra).sqrt()).alias(name)
            )
    return _with_ratio(made)


def _difference(
    rows: pl.DataFrame, limits: tuple[str, str], correlation: str | None
) -> tuple[pl.Series, pl.Series]:
    """Return how far below and above the change the limits of one kind of error lie."""
    named = [tuple(f"_{n}_{s}" for n in ("value", *limits)) for s in ("after", "before")]
    found = stats.difference(rows, named[0], named[1], correlation=correlation)
    return found["value"] - found["lower"], found["upper"] - found["value"]


def _with_ratio(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the ratio; each side's limits hold sampling, linkage and rounding together."""
    for s in _SIDES:
        value, rounding = pl.col(f"_value_{s}"), pl.col(f"rounding_{s}").fill_null(0.0) ** 2
        apart = {
            end: ((value - pl.col(f"_{end}_{s}")) ** 2 + rounding
                  + ((value - pl.col(f"_linkage_{end}_{s}")) ** 2).fill_null(0.0)).sqrt()
            for end in ("lower", "upper")
        }  # fmt: skip
        whole = pl.col(f"_value_{s}") >= 0
        rows = rows.with_columns(
            pl.when(whole).then(value).alias(f"r_value_{s}"),
            pl.when(whole).then((value - apart["lower"]).clip(0.0)).alias(f"r_lower_{s}"),
            pl.when(whole).then(value + apart["upper"]).alias(f"r_upper_{s}"),
        )
    named = [tuple(f"r_{n}_{s}" for n in ("value", "lower", "upper")) for s in ("after", "before")]
    found = stats.ratio(rows, named[0], named[1])
    return rows.with_columns(
        found["value"].alias("ratio"),
        found["lower"].alias("ratio_lower"),
        found["upper"].alias("ratio_upper"),
    )


def _directed(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the direction of the rest, where both of its limits agree."""
    direction = (
        pl.when(unparted() | pl.col("rest_lower").is_null())
        .then(pl.lit(None, pl.String))
        .when(pl.col("rest_lower") > 0)
        .then(pl.lit("higher"))
        .when(pl.col("rest_upper") < 0)
        .then(pl.lit("lower"))
        .otherwise(pl.lit("not_clear"))
    )
    return rows.with_columns(direction.alias("direction"))


def _finished(rows: pl.DataFrame) -> pl.DataFrame:
    """Return CHANGES, numbers to six decimals; correlations only where a change has limits."""
    limits = pl.col("lower").is_not_null()
    named = rows.with_columns(
        pl.coalesce("unit_after", "unit_before").alias("unit"),
        *(pl.when(limits).then(n).alias(n) for n in ("correlation", "correlation_most")),
    )
    made = named.select(pl.col(c.name).cast(c.dtype) for c in CHANGES.columns)
    numbers = [c.name for c in CHANGES.columns if c.kind == "number"]
    return made.with_columns(pl.col(n).round(_DECIMALS) + 0.0 for n in numbers).sort(CELL)
