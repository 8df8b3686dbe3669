"""Indexes that look at a part of the vectors only: how large a part gives the wanted recall is measured."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from index.base import FloatArray
from index.checks import checked_vectors
from index.ids import Rows
from index.local import LocalIndex

QUERIES_FILE = "queries.npy"
MEASURED_FROM = 1_000  # fewer vectors are all compared
SAMPLE = 256  # so many vectors are queries where none were given

logger = logging.getLogger(__name__)


class ApproximateIndex(LocalIndex):
    """A `LocalIndex` with a wish: the share of the 10 best answers that a query should find, on the average.

    How hard to look is measured, by comparing with all vectors, whenever a quarter of the vectors is new. The queries
    of the measurement are vectors of the index, which are easier than questions of another kind: give `tune` yours.
    """

    def __init__(self, dim: int, recall: float) -> None:
        super().__init__(dim)
        if not 0 < recall < 1:
            raise ValueError(f"a recall of {recall} is not between 0 and 1; 1 needs an exact index")
        self._recall = recall
        self._queries = np.empty((0, dim), dtype=np.float32)
        self._unmeasured = 0  # vectors that came since the last measurement

    def tune(self, queries: FloatArray, recall: float | None = None) -> None:
        """Look just so hard that (q, dim) queries like these find their share, now and after all changes.

        Args:
            queries: some hundred real ones; they are kept.
            recall: a new wish.
        """
        queries = checked_vectors(queries, self._dim)
        with self._lock.writing:
            self._recall = recall or self._recall
            self._queries = queries.copy()
            self._look_as_hard_as_needed()

    @abstractmethod
    def _measure(self, queries: FloatArray, own: Rows, target: float) -> None:
        """Look just so hard that these queries reach the target recall of their 10 best.

        `own` is the row that each is the vector of, and that does not count as an answer, or -1.
        """

    def _added(self, count: int) -> None:
        self._unmeasured += count
        if 4 * self._unmeasured >= len(self._ids):
            self._look_as_hard_as_needed()

    def _look_as_hard_as_needed(self) -> None:
        if len(self._ids) < MEASURED_FROM:
            return
        self._unmeasured = 0
        queries, own, target = self._queries, np.full(len(self._queries), -1), self._recall
        if not len(queries):
            random = np.random.default_rng(len(self._ids))
            own = np.unique(random.choice(self._ids.rows(), SAMPLE))
            queries, target = self._read(own), (1 + self._recall) / 2  # others may well be harder
        present = queries.any(axis=1)
        self._measure(queries[present], own[present], target)

    def _settings(self) -> dict[str, Any]:
        return {"recall": self._recall, "unmeasured": self._unmeasured}

    def _files(self) -> Mapping[str, Callable[[Path], object]]:
        return {QUERIES_FILE: self._write_queries}

    def _restore(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Take over what the two methods above gave away."""
        self._unmeasured = settings["unmeasured"]
        self._queries = np.load(folder / QUERIES_FILE)

    def _write_queries(self, path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, self._queries)
