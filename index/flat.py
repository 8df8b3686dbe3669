"""Exact search: FAISS compares the query with every vector."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np
import numpy.typing as npt

from index.base import FloatArray, IndexFileError, Match

VECTORS_FILE = "vectors.faiss"
IDS_FILE = "ids.json"


class FlatIndex:
    """An exact `VectorIndex` in memory. Each id has a number of its own that FAISS knows it by."""

    def __init__(self, dim: int) -> None:
        if dim < 1:
            raise ValueError(f"an index needs vectors of at least one dimension, not {dim}")
        self._faiss: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dim))
        self._numbers: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._next_number = 0

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return int(self._faiss.d)

    @property
    def ids(self) -> list[str]:
        """The ids held, in the order in which they were added."""
        return list(self._numbers)

    def __len__(self) -> int:
        """Number of vectors held."""
        return len(self._numbers)

    def __contains__(self, item_id: object) -> bool:
        """Whether a vector is held under this id."""
        return item_id in self._numbers

    def add(self, ids: Sequence[str], vectors: FloatArray) -> None:
        """Hold float32 (n, dim) vectors under n ids; an id that is held already is replaced."""
        vectors = self._checked(vectors)
        if len(ids) != len(vectors):
            raise ValueError(f"{len(ids)} ids came with {len(vectors)} vectors")
        if len(set(ids)) != len(ids):
            raise ValueError("an id occurs twice among the vectors to add")
        if not np.isfinite(vectors).all():
            raise ValueError("a vector holds a value that is not finite")
        self.remove(ids)
        numbers = np.arange(self._next_number, self._next_number + len(ids), dtype=np.int64)
        self._faiss.add_with_ids(vectors, numbers)
        self._numbers.update(zip(ids, numbers.tolist(), strict=True))
        self._ids.update(zip(numbers.tolist(), ids, strict=True))
        self._next_number += len(ids)

    def remove(self, ids: Collection[str]) -> int:
        """Forget the vectors of these ids and return how many there were."""
        numbers = self._known(dict.fromkeys(ids))
        if len(numbers):
            self._faiss.remove_ids(faiss.IDSelectorBatch(numbers))
            for number in numbers.tolist():
                del self._numbers[self._ids.pop(number)]
        return len(numbers)

    def vectors(self, ids: Sequence[str]) -> FloatArray:
        """Return the float32 (n, dim) vectors of these ids."""
        result = np.empty((len(ids), self.dim), dtype=np.float32)
        for row, item_id in enumerate(ids):
            result[row] = self._faiss.reconstruct(self._numbers[item_id])
        return result

    def search(
        self,
        queries: FloatArray,
        k: int,
        *,
        allowed: Collection[str] | None = None,
        excluded: Sequence[Collection[str]] | None = None,
    ) -> list[list[Match]]:
        """Return for each of the (q, dim) queries the k ids of largest inner product, best first."""
        queries = self._checked(queries)
        if k < 1:
            raise ValueError(f"k is {k}, it must be at least 1")
        if excluded is not None and len(excluded) != len(queries):
            raise ValueError(f"{len(excluded)} exclude lists came with {len(queries)} queries")
        k = min(k, len(self))
        if k == 0 or len(queries) == 0:
            return [[] for _ in queries]
        inside = None if allowed is None else faiss.IDSelectorBatch(self._known(dict.fromkeys(allowed)))
        if excluded is None or not any(excluded):
            return self._search(queries, k, inside)
        results = []
        for query, outside in zip(queries, excluded, strict=True):
            batch = faiss.IDSelectorBatch(self._known(outside))
            selector = faiss.IDSelectorNot(batch)
            results += self._search(query[None], k, faiss.IDSelectorAnd(inside, selector) if inside else selector)
        return results

    def save(self, folder: Path) -> None:
        """Write the index into an existing folder."""
        faiss.write_index(self._faiss, str(folder / VECTORS_FILE))
        (folder / IDS_FILE).write_text(json.dumps(self._numbers, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        try:
            numbers = json.loads((folder / IDS_FILE).read_text(encoding="utf-8"))
            stored = faiss.read_index(str(folder / VECTORS_FILE))
        except (OSError, ValueError, RuntimeError) as error:
            raise IndexFileError(f"{folder}: the index cannot be read ({str(error).splitlines()[0]})") from error
        if stored.ntotal != len(numbers):
            raise IndexFileError(f"{folder}: {IDS_FILE} names {len(numbers)} ids, {VECTORS_FILE} holds {stored.ntotal}")
        index = cls(stored.d)
        index._faiss = stored
        index._numbers = numbers
        index._ids = {number: item_id for item_id, number in numbers.items()}
        index._next_number = max(numbers.values(), default=-1) + 1
        return index

    def _search(self, queries: FloatArray, k: int, selector: Any) -> list[list[Match]]:
        parameters = None
        if selector is not None:
            parameters = faiss.SearchParameters()
            parameters.sel = selector
        scores, numbers = self._faiss.search(queries, k, params=parameters)
        return [
            [
                Match(self._ids[number], score)
                for number, score in zip(row_numbers, row_scores, strict=True)
                if number >= 0  # FAISS fills up with -1 where too few ids remain
            ]
            for row_numbers, row_scores in zip(numbers.tolist(), scores.tolist(), strict=True)
        ]

    def _known(self, ids: Iterable[str]) -> npt.NDArray[np.int64]:
        return np.array([self._numbers[item_id] for item_id in ids if item_id in self._numbers], dtype=np.int64)

    def _checked(self, vectors: FloatArray) -> FloatArray:
        if vectors.ndim != 2 or vectors.shape[1] != self.dim:
            raise ValueError(f"vectors of shape {vectors.shape} do not fit an index of dimension {self.dim}")
        return np.ascontiguousarray(vectors, dtype=np.float32)
