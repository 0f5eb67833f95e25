"""Connected components: which nodes hang together through pairs."""

from __future__ import annotations

import polars as pl


def components(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return `node`, `component` (its smallest node) of the two columns of `pairs`, ordered.

    Nodes are whole numbers from 0; those that no pair names are left out.

    >>> components(pl.DataFrame({"a": [1, 5, 7], "b": [2, 2, 8]}))["component"].to_list()
    [1, 1, 1, 7, 7]
    """
    first, second = (pairs.to_series(place).cast(pl.Int64) for place in (0, 1))
    nodes = pl.concat([first, second]).unique().sort().rename("node")
    if pairs.is_empty():
        return pl.DataFrame({"node": nodes, "component": nodes})
    labels = _labels(nodes.search_sorted(first), nodes.search_sorted(second), nodes.len())
    named = pl.DataFrame({"node": nodes, "label": labels})
    return named.select("node", pl.col("node").min().over("label").alias("component"))


def _labels(first: pl.Series, second: pl.Series, count: int) -> pl.Series:
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(first.len(), dtype=np.int8)
    graph = coo_array((ones, (first.to_numpy(), second.to_numpy())), shape=(count, count))
    return pl.Series(connected_components(graph.tocsr(), directed=False)[1])
