"""Exact search: every vector is kept whole and compared with the query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from index import exact
from index.base import FloatArray
from index.ids import Rows
from index.local import LocalIndex
from index.selection import ChosenRows

VECTORS_FILE = "vectors.npy"


class FlatIndex(LocalIndex):
    """An exact `VectorIndex`: float32, 4 bytes a dimension, no training; time grows with the number of vectors."""

    kind: ClassVar[str] = "flat"

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self._matrix = np.empty((0, dim), dtype=np.float32)  # has room for more rows than there are

    def _append(self, start: int, vectors: FloatArray) -> None:
        end = start + len(vectors)
        if end > len(self._matrix):
            grown = np.empty((max(end, start + start // 2), self._dim), dtype=np.float32)
            grown[:start] = self._matrix[:start]
            self._matrix = grown
        self._matrix[start:end] = vectors

    def _forget(self, rows: Rows) -> None:
        self._matrix[rows] = np.nan  # an inner product with NaN compares as false and so never wins

    def _compact(self, rows: Rows) -> None:
        self._matrix = self._matrix[rows]

    def _read(self, rows: Rows) -> FloatArray:
        return self._matrix[rows]

    def _nearest(self, queries: FloatArray, k: int, chosen: ChosenRows | None) -> tuple[FloatArray, Rows]:
        return exact.nearest(queries, self._matrix[: self._ids.end], k, chosen)

    def _settings(self) -> dict[str, Any]:
        return {}

    def _files(self) -> Mapping[str, Callable[[Path], object]]:
        return {VECTORS_FILE: self._write_vectors}

    @classmethod
    def _open(cls, folder: Path, settings: Mapping[str, Any]) -> Self:
        index = cls(settings["dim"])
        index._matrix = np.load(folder / VECTORS_FILE, mmap_mode="c")  # a change stays in memory
        return index

    def _write_vectors(self, path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, self._matrix[: self._ids.end])
