"""What every index asks of its arguments."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np

from index.base import FloatArray


def checked_dim(dim: int) -> int:
    """Return the dimension.

    Raises:
        ValueError: it is below 1.
    """
    if dim < 1:
        raise ValueError(f"an index needs vectors of at least one dimension, not {dim}")
    return dim


def checked_vectors(vectors: FloatArray, dim: int) -> FloatArray:
    """Return vectors, or queries, as contiguous float32 (n, dim).

    Raises:
        ValueError: they have another shape, or a value is not finite.
    """
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise ValueError(f"vectors of shape {vectors.shape} do not fit an index of dimension {dim}")
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    # The sum of squares is the quicker test. It may also be too large for a float32: only then look at each value.
    if not math.isfinite(np.vdot(vectors, vectors)) and not np.isfinite(vectors).all():
        raise ValueError("a vector holds a value that is not finite")
    return vectors


def check_ids(ids: Sequence[str], vectors: FloatArray) -> None:
    """Make sure that each vector to add has an id of its own.

    Raises:
        ValueError: an id occurs twice, or there are more or fewer than vectors.
    """
    if len(ids) != len(vectors):
        raise ValueError(f"{len(ids)} ids came with {len(vectors)} vectors")
    if len(set(ids)) != len(ids):
        raise ValueError("an id occurs twice among the vectors to add")


def check_question(queries: FloatArray, k: int, excluded: Sequence[Collection[str]] | None) -> None:
    """Make sure that a search can be answered.

    Raises:
        ValueError: k is below 1, or there are not as many exclude lists as queries.
    """
    if k < 1:
        raise ValueError(f"k is {k}, it must be at least 1")
    if excluded is not None and len(excluded) != len(queries):
        raise ValueError(f"{len(excluded)} exclude lists came with {len(queries)} queries")
