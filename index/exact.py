"""Exact search: FAISS compares the queries with every row of a matrix, or, of sparse queries, only with what they ask."""

from __future__ import annotations

import numpy as np

from index import faiss_on_demand as faiss
from index.base import FloatArray
from index.ids import Rows
from index.selection import ChosenRows


def nearest(
    queries: FloatArray, vectors: FloatArray, k: int, chosen: ChosenRows | None = None
) -> tuple[FloatArray, Rows]:
    """Return the k largest inner products of each of the (q, dim) queries with (n, dim) vectors, and their rows.

    Both are (q, k), best first, filled up with row -1. Only chosen rows count, if any are; a row of NaN never wins.
    """
    if len(queries) == 1:
        first, end = asked_columns(queries[0])
        if 2 * (end - first) <= queries.shape[1]:
            return _nearest_by(queries[0, first:end], vectors[:, first:end], k, chosen)
    scores = np.empty((len(queries), k), dtype=np.float32)
    rows = np.empty((len(queries), k), dtype=np.int64)
    faiss.knn_inner_product(
        faiss.swig_ptr(queries),
        faiss.swig_ptr(vectors),
        queries.shape[1],
        len(queries),
        len(vectors),
        k,
        faiss.swig_ptr(scores),
        faiss.swig_ptr(rows),
        None if chosen is None else chosen.selector,
    )
    return scores, rows


def nearest_of(query: FloatArray, vectors: FloatArray, rows: Rows, k: int) -> tuple[FloatArray, Rows]:
    """`nearest` of a single (dim,) query among these ascending rows of (n, dim) vectors: (k,) scores and rows."""
    first, end = asked_columns(query)
    scores, places = _nearest_by(query[first:end], vectors[:, first:end][rows], k, None)
    return scores[0], np.where(places[0] < 0, -1, rows[places[0]])


def products(query: FloatArray, vectors: FloatArray, rows: Rows) -> FloatArray:
    """The (n,) inner products of a (dim,) query with these rows of (m, dim) vectors."""
    first, end = asked_columns(query)
    return vectors[:, first:end][rows] @ query[first:end]


def asked_columns(query: FloatArray) -> tuple[int, int]:
    """The first and the one behind the last column where a (dim,) query is not zero; all where it is zero everywhere."""
    used = np.flatnonzero(query)
    return (int(used[0]), int(used[-1]) + 1) if len(used) else (0, len(query))


def _nearest_by(query: FloatArray, vectors: FloatArray, k: int, chosen: ChosenRows | None) -> tuple[FloatArray, Rows]:
    """`nearest` of a single (d,) query to (n, d) vectors, some columns of a wider matrix: the others are not read."""
    products = vectors @ query
    if chosen is not None:
        products[~chosen.mask(len(products))] = -np.inf
    products[np.isnan(products)] = -np.inf
    some = np.argpartition(-products, k)[:k] if k < len(products) else np.arange(len(products))
    some = some[np.lexsort((some, -products[some]))]
    some = some[products[some] > -np.inf]
    scores, rows = np.full((1, k), -np.inf, np.float32), np.full((1, k), -1, np.int64)
    scores[0, : len(some)], rows[0, : len(some)] = products[some], some
    return scores, rows
