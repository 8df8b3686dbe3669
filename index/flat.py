"""Exact search: every vector is kept whole and compared with the query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from index import exact
from index.base import FloatArray
from index.ids import Rows
from index.local import LocalIndex
from index.matrix import VECTORS_FILE, Matrix
from index.selection import ChosenRows


class FlatIndex(LocalIndex):
    """An exact `VectorIndex`: float32, 4 bytes a dimension, no training; time grows with the number of vectors."""

    kind: ClassVar[str] = "flat"

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self._vectors = Matrix.empty(dim)

    def _append(self, start: int, vectors: FloatArray, lasting: bool) -> None:
        self._vectors.put(start, vectors, lasting)

    def _forget(self, rows: Rows) -> None:
        self._vectors.forget(rows)

    def _compact(self, rows: Rows) -> None:
        self._vectors.keep(rows)

    def _read(self, rows: Rows) -> FloatArray:
        return self._vectors.rows[rows]

    def _products(self, query: FloatArray, rows: Rows) -> FloatArray:
        return exact.products(query, self._vectors.rows, rows)

    def _nearest(self, queries: FloatArray, k: int, chosen: ChosenRows | None) -> tuple[FloatArray, Rows]:
        return exact.nearest(queries, self._vectors.rows, k, chosen)

    def _settings(self) -> dict[str, Any]:
        return {}

    def _files(self) -> Mapping[str, Callable[[Path], object]]:
        return {VECTORS_FILE: self._vectors.write}

    @classmethod
    def _open(cls, folder: Path, settings: Mapping[str, Any]) -> Self:
        index = cls(settings["dim"])
        index._vectors = Matrix.open(folder / VECTORS_FILE)
        return index
