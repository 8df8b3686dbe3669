"""A slow, plain NumPy index: the truth that every backend is compared with."""

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
        results = []
        for place, query in enumerate(queries):
            outside = excluded[place] if excluded else ()
            scored = [
                Match(item_id, float(np.dot(query.astype(np.float64), vector.astype(np.float64))))
                for item_id, vector in self.rows.items()
                if (allowed is None or item_id in allowed) and item_id not in outside
            ]
            results.append(sorted(scored, key=lambda match: -match.score)[:k])
        return results
