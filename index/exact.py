"""Exact search: FAISS compares the queries with every row of a matrix."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from index.base import FloatArray
from index.ids import Rows


def nearest(queries: FloatArray, vectors: FloatArray, k: int, selector: Any = None) -> tuple[FloatArray, Rows]:
    """Return the k largest inner products of each of the (q, dim) queries with (n, dim) vectors, and their rows.

    Both are (q, k), best first, filled up with row -1. A FAISS selector limits the rows; a row of NaN never wins.
    """
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
        selector,
    )
    return scores, rows
