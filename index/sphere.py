"""Inner products as angles: one more coordinate gives all vectors the same length.

With `x' = (x, sqrt(radius² - |x|²))` and `q' = (q, 0)` the inner product of `q'` and `x'` is that of `q` and `x`, and
all `x'` lie on one sphere, where the largest inner product, the smallest angle and the smallest distance agree. What
was made for angles and distances, k-means and neighbourhood graphs, then works for vectors of any length. Bachrach et
al., "Speeding up the Xbox recommender system using a Euclidean transformation for inner-product spaces", RecSys 2014.
"""

from __future__ import annotations

import numpy as np

from index.base import FloatArray


def lengths(vectors: FloatArray) -> FloatArray:
    """Return the (n,) lengths of (n, dim) vectors."""
    return np.sqrt(np.einsum("nd,nd->n", vectors, vectors))


def radius_of(vectors: FloatArray) -> float:
    """Return the length of the longest of the (n, dim) vectors, or 1 where all are zero."""
    return float(lengths(vectors).max(initial=0.0)) or 1.0


def lifted(vectors: FloatArray, radius: float) -> FloatArray:
    """Return the (n, dim + 1) vectors on the sphere; a vector longer than the radius stays just outside."""
    last = np.sqrt(np.maximum(radius**2 - lengths(vectors) ** 2, 0.0))
    return np.column_stack([vectors, last.astype(np.float32)])
