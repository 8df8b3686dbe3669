"""Whole vectors in numbered rows, with room for more; those of a file are mapped and copied as they change."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np

from index.base import FloatArray
from index.ids import Rows

VECTORS_FILE = "vectors.npy"


class Matrix:
    """Float32 rows. The rows that were put or kept last end it; a row of NaN is one that was forgotten."""

    def __init__(self, rows: FloatArray) -> None:
        self._rows = rows  # may have room for more than there are
        self._end = len(rows)

    @classmethod
    def empty(cls, dim: int) -> Self:
        """A matrix of no rows."""
        return cls(np.empty((0, dim), dtype=np.float32))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map what `write` wrote; a change stays in memory."""
        return cls(np.load(path, mmap_mode="c").view(np.ndarray))  # a memmap is slow to index

    @property
    def rows(self) -> FloatArray:
        """All rows, float32 (n, dim), not copied."""
        return self._rows[: self._end]

    def put(self, start: int, vectors: FloatArray, lasting: bool = False) -> None:
        """Put (n, dim) vectors into the rows from `start` on, the last ones then.

        The first ones are not copied where they are `lasting`: nobody else writes to them.
        """
        end = start + len(vectors)
        if lasting and not start:
            self._rows = vectors.view()
            self._rows.flags.writeable = False
        elif end > len(self._rows) or not self._rows.flags.writeable:
            grown = np.empty((max(end, start + start // 2), vectors.shape[1]), dtype=np.float32)
            grown[:start] = self._rows[:start]
            grown[start:end] = vectors
            self._rows = grown
        else:
            self._rows[start:end] = vectors
        self._end = end

    def forget(self, rows: Rows) -> None:
        """Let no search find these rows: an inner product with NaN compares as false and so never wins."""
        if not self._rows.flags.writeable:
            self._rows = self._rows.copy()
        self._rows[rows] = np.nan

    def keep(self, rows: Rows) -> None:
        """Keep only these rows, ascending, numbered from 0 on."""
        self._rows = self._rows[rows]
        self._end = len(rows)

    def write(self, path: Path) -> None:
        """Write all rows as an .npy file."""
        with path.open("wb") as file:
            np.save(file, self.rows)
