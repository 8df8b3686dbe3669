"""Vectors as short codes, compared with a query in a small fraction of the time that the vectors themselves take.

Each group of neighbouring columns is replaced by the nearest of 16 centres (product quantization, Jégou, Douze and
Schmid 2011), and the sixteen products of a query with the centres of a group are looked up in registers (André,
Kermarrec and Le Scouarnec 2015, "Cache locality is not enough: high-performance nearest neighbor search with product
quantization fast scan"). A group that a query says nothing about adds nothing to any score.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from index import faiss_on_demand as faiss
from index.base import FloatArray
from index.ids import Rows

WIDEST = 4  # columns in a group at the most
BITS = 4
# A group varies no more than so many columns do on the average, unless it is a single one. Of 20,000 films with 8, codes
# were a quarter longer for pictures and users' answers among 111 candidates instead of 138; with 24, among 1,181.
FULL = 12.0
ROUNDS = 10  # of k-means
POINTS_PER_CENTRE = 128  # a training looks at no more
CHUNK = 4_096

Slots = npt.NDArray[np.int64]
Columns = tuple[int, int]
"""The first of some neighbouring columns, and the one behind the last."""


class Codes:
    """The codes of rows that are numbered from 0 on, for queries that ask no other columns than some."""

    def __init__(self, stored: Any, slots: Slots) -> None:
        self._faiss = stored
        self._slots = slots  # (groups * WIDEST,) the column in each place of each group, one behind all for none

    def __len__(self) -> int:
        return int(self._faiss.ntotal)

    @classmethod
    def train(cls, vectors: FloatArray, columns: Columns, seed: int) -> Self:
        """Find centres for some columns of (n, dim) vectors, and encode them; rows of NaN have a code without meaning."""
        living = np.flatnonzero(~np.isnan(vectors[:, 0]))
        size = min(len(living), POINTS_PER_CENTRE << BITS)
        sample = vectors[np.sort(np.random.default_rng(seed).choice(living, size, replace=False))]
        slots = _slots(sample.var(axis=0), columns)
        stored = faiss.IndexPQFastScan(len(slots), len(slots) // WIDEST, BITS, faiss.METRIC_INNER_PRODUCT)
        codes, training = cls(stored, slots), stored.pq.cp
        training.niter, training.seed = ROUNDS, seed
        training.min_points_per_centroid, training.max_points_per_centroid = 1, POINTS_PER_CENTRE
        stored.train(codes._grouped(sample))
        for start in range(0, len(vectors), CHUNK):
            stored.add(np.nan_to_num(codes._grouped(vectors[start : start + CHUNK]), copy=False))
        return codes

    def nearest(self, queries: FloatArray, count: int) -> Rows:
        """The (q, count) rows of largest inner product with (q, dim) queries as far as the codes tell, best first."""
        found: Rows = self._faiss.search(self._grouped(queries), count)[1]
        return found

    def files(self, name: str) -> dict[str, Callable[[Path], object]]:
        """What writes each file of the codes of this name."""
        return {
            f"{name}.faiss": lambda path: faiss.write_index(self._faiss, str(path)),
            f"{name}.npy": self._write_slots,
        }

    @classmethod
    def open(cls, folder: Path, name: str) -> Self:
        """Read what `files` wrote."""
        return cls(faiss.read_index(str(folder / f"{name}.faiss")), np.load(folder / f"{name}.npy"))

    def _grouped(self, vectors: FloatArray) -> FloatArray:
        """(n, dim) vectors with their columns in the places of the groups, zero where there is none."""
        count, dim = vectors.shape
        with_zero = np.zeros((count, dim + 1), np.float32)
        with_zero[:, :dim] = vectors
        return with_zero.take(self._slots, axis=1)

    def _write_slots(self, path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, self._slots)


def _slots(variances: FloatArray, columns: Columns) -> Slots:
    """Groups of neighbouring columns: `WIDEST`, or fewer where these vary much, so that their code tells enough."""
    first, end = columns
    most = FULL * float(variances[first:end].mean())
    groups: list[list[int]] = []
    within = 0.0
    for column, variance in enumerate(variances[first:end].tolist(), start=first):
        if not groups or len(groups[-1]) == WIDEST or within + variance > most:
            groups.append([])
            within = 0.0
        groups[-1].append(column)
        within += variance
    none = len(variances)
    return np.array([[*group, *[none] * (WIDEST - len(group))] for group in groups], np.int64).ravel()
