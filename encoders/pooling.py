"""One vector for several: the mean direction of frames, shots or passages."""

from __future__ import annotations

import numpy as np

from encoders.base import FloatArray


def unit(vectors: FloatArray) -> FloatArray:
    """Return the vectors scaled to unit length along the last axis; zero stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)


def mean_direction(vectors: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Return float32 (dim,): the direction of the mean of the unit vectors, with the vectors' mean length.

    `vectors` is (k, dim), `weights` (k,) or equal. Keeping a typical length lets a classifier that was made for single
    vectors read the mean as well.
    """
    if len(vectors) == 1:
        return np.asarray(vectors[0], np.float32)
    length = np.average(np.linalg.norm(vectors, axis=1), weights=weights)
    direction = unit(np.average(unit(vectors), axis=0, weights=weights))
    return np.asarray(direction * length, np.float32)
