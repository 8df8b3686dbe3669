"""A partition of vectors into neighbourhoods, each around a centre."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from index import faiss_on_demand as faiss
from index.base import FloatArray
from index.sphere import lifted, radius_of

POINTS_PER_LIST = 64  # a training looks at no more
ROUNDS = 8  # of k-means
CHUNK = 65_536

ListNumbers = npt.NDArray[np.int64]


class Partition:
    """Neighbourhoods on a sphere: a vector belongs to the pole at the smallest angle, once all have the same length.

    Every neighbourhood also has a centre in the space of the vectors: the direction of the mean of its vectors, with
    their mean length. A query expects its best answers where its inner product with the centre is largest. On vectors
    of very different lengths this finds them in a third of the vectors that k-means without the sphere has to read.
    """

    def __init__(self, poles: FloatArray, radius: float, centres: FloatArray) -> None:
        self.poles = poles  # (lists, dim + 1), unit length
        self.radius = radius
        self.centres = centres  # (lists, dim)
        self._nearest = _exact(poles)

    def __len__(self) -> int:
        return len(self.poles)

    @classmethod
    def single(cls, dim: int) -> Self:
        """Return a partition into one list, centred at zero."""
        return cls(np.eye(1, dim + 1, dim, dtype=np.float32), 1.0, np.zeros((1, dim), dtype=np.float32))

    @classmethod
    def train(cls, vectors: FloatArray, seed: int) -> Self:
        """Find about `8 sqrt(n)` neighbourhoods of (n, dim) vectors, but not so many that they have fewer than 32.

        K-means makes the square root of so many, then as many within each, and one round with all of them at once.
        """
        lists = 2 ** round(math.log2(max(1.0, min(8 * math.sqrt(len(vectors)), len(vectors) / 32))))
        size = min(len(vectors), POINTS_PER_LIST * lists)
        rows = np.random.default_rng(seed).choice(len(vectors), size, replace=False)
        sample = vectors[np.sort(rows)]
        radius = radius_of(vectors)
        on_sphere = lifted(sample, radius)
        numbers = _assigned(_two_level(on_sphere, lists, seed), on_sphere)
        found, poles = _sums(on_sphere, numbers)
        _, centres = _sums(sample, numbers)
        lengths = np.bincount(numbers, np.linalg.norm(sample, axis=1))[found] / np.bincount(numbers)[found]
        return cls(_stretched(poles, np.ones(len(found))), radius, _stretched(centres, lengths))

    def assign(self, vectors: FloatArray) -> ListNumbers:
        """Return the number of the list of each of the (n, dim) vectors."""
        parts = range(0, len(vectors), CHUNK)
        nearest = [self._nearest.search(lifted(vectors[i : i + CHUNK], self.radius), 1)[1][:, 0] for i in parts]
        return np.concatenate(nearest) if nearest else np.empty(0, dtype=np.int64)


def _two_level(points: FloatArray, lists: int, seed: int) -> FloatArray:
    """Return about so many poles of (n, dim + 1) points of equal length."""
    first = _k_means(points, round(math.sqrt(lists)), seed)
    regions = _assigned(first, points)
    poles = []
    for region in range(len(first)):
        inside = points[regions == region]
        count = min(len(inside), max(1, round(lists * len(inside) / len(points))))
        if count:
            poles.append(_k_means(inside, count, seed))
    return np.concatenate(poles)


def _k_means(points: FloatArray, count: int, seed: int) -> FloatArray:
    k_means = faiss.Clustering(points.shape[1], count)
    k_means.niter, k_means.seed, k_means.spherical = ROUNDS, seed, True
    k_means.min_points_per_centroid, k_means.max_points_per_centroid = 1, len(points)
    nearest = faiss.IndexFlatIP(points.shape[1])
    k_means.train(points, nearest)
    return nearest.reconstruct_n(0, count)


def _exact(poles: FloatArray) -> Any:
    nearest = faiss.IndexFlatIP(poles.shape[1])
    nearest.add(np.ascontiguousarray(poles))
    return nearest


def _assigned(poles: FloatArray, points: FloatArray) -> ListNumbers:
    return _exact(poles).search(points, 1)[1][:, 0]


def _sums(vectors: FloatArray, numbers: ListNumbers) -> tuple[ListNumbers, FloatArray]:
    """Return the numbers that occur and the sums of the vectors of each."""
    order = np.argsort(numbers, kind="stable")
    found, starts = np.unique(numbers[order], return_index=True)
    return found, np.add.reduceat(vectors[order], starts, axis=0)


def _stretched(vectors: FloatArray, lengths: npt.NDArray[np.floating[Any]]) -> FloatArray:
    """Return the vectors with these lengths; zero vectors stay zero."""
    present = np.linalg.norm(vectors, axis=1)
    factors = lengths / np.where(present > 0, present, 1.0)
    return (vectors * factors[:, None]).astype(np.float32)
