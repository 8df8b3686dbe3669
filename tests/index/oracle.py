"""A plain NumPy index: the truth that every backend is compared with."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from index import Match
from index.base import FloatArray


class NumpyOracle:
    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.rows: dict[str, FloatArray] = {}

    def add(self, ids: Sequence[str], vectors: FloatArray) -> None:
        for item_id, vector in zip(ids, vectors, strict=True):
            self.rows.pop(item_id, None)
            self.rows[item_id] = vector

    def remove(self, ids: Collection[str]) -> int:
        return sum(self.rows.pop(item_id, None) is not None for item_id in set(ids))

    def search(
        self,
        queries: FloatArray,
        k: int,
        *,
        allowed: Collection[str] | None = None,
        excluded: Sequence[Collection[str]] | None = None,
    ) -> list[list[Match]]:
        ids = list(self.rows)
        vectors = np.array(list(self.rows.values()), dtype=np.float64).reshape(-1, self.dim)
        inside = np.array([allowed is None or item_id in allowed for item_id in ids], dtype=bool)
        results = []
        for place, scores in enumerate(queries.astype(np.float64) @ vectors.T):
            outside = excluded[place] if excluded else ()
            kept = inside & np.array([item_id not in outside for item_id in ids], dtype=bool)
            order = np.flatnonzero(kept)[np.argsort(-scores[kept], kind="stable")][:k]
            results.append([Match(ids[row], float(scores[row])) for row in order])
        return results


def recall(found: list[list[Match]], truth: list[list[Match]]) -> float:
    """The share of the true answers found; an answer that scores as well as the last true one counts as true."""
    hits = wanted = 0
    for row, true in zip(found, truth, strict=True):
        assert len(row) == len(true)
        assert len({match.id for match in row}) == len(row)
        names = {match.id for match in true}
        least = true[-1].score - 1e-5 * (1 + abs(true[-1].score)) if true else 0.0
        hits += sum(match.id in names or match.score >= least for match in row)
        wanted += len(true)
    return hits / max(wanted, 1)
