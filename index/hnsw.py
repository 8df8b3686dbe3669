"""A graph of near neighbours (HNSW): a query walks from vector to vector towards its best answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from index import exact
from index import faiss_on_demand as faiss
from index.approximate import MEASURED_FROM, ApproximateIndex
from index.base import FloatArray
from index.ids import Rows
from index.selection import ChosenRows

GRAPH_FILE = "graph.faiss"
LINKS = 32
EF_CONSTRUCTION = 80
MEASURED_K = 10  # the number of answers that the recall is measured with
EFS = (40, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048)
COMPARED_PER_STEP = 8  # a walk compares so many vectors for each that it keeps in sight

logger = logging.getLogger(__name__)


class HnswIndex(ApproximateIndex):
    """An approximate `VectorIndex`: float32 and a graph, 4 bytes a dimension and about 280 more; slow to build.

    It needs no training, and reaches the highest recalls at the least cost. A removed vector stays a way-mark in the
    graph, which is built anew once half as many are dead as live. A filter leaves most way-marks out of the answers;
    where few vectors are allowed, all of them are compared instead.
    """

    kind: ClassVar[str] = "hnsw"

    def __init__(self, dim: int, *, recall: float = 0.98) -> None:
        super().__init__(dim, recall)
        self._graph = _empty(dim)
        self._mapped = False
        self._ef = 64  # the number of vectors that a query keeps in sight
        self._living: tuple[object, ChosenRows] | None = None

    def _measure(self, queries: FloatArray, own: Rows, target: float) -> None:
        if not len(queries):
            return
        alive = self._alive()
        best, rows = exact.nearest(queries, self._matrix(), MEASURED_K, alive)
        least = best[:, -1:] - np.float32(1e-5) * np.abs(best[:, -1:])  # (q, 1)
        of_own = (rows == own[:, None]).sum()
        for ef in EFS:
            hits = (self._walk(queries, MEASURED_K, ef, alive.selector)[0] >= least).sum()
            recall = (hits - of_own) / (best.size - of_own)
            if recall >= target:
                break
        self._ef = ef
        logger.info("keeping %d vectors in sight gives a recall of %.3f, wanted is %.3f", ef, recall, target)

    def _append(self, start: int, vectors: FloatArray, lasting: bool) -> None:  # noqa: ARG002 - the graph counts and keeps its own
        if self._mapped:
            self._graph, self._mapped = faiss.deserialize_index(faiss.serialize_index(self._graph)), False
        self._graph.add(vectors)

    def _forget(self, rows: Rows) -> None:
        """Do nothing: a search leaves dead rows out."""

    def _compact(self, rows: Rows) -> None:
        kept = self._read(rows)
        self._graph, self._mapped = _empty(self._dim), False
        self._graph.add(kept)

    def _read(self, rows: Rows) -> FloatArray:
        return self._matrix()[rows]

    def _matrix(self) -> FloatArray:
        storage: Any = faiss.downcast_index(self._graph.storage)
        count = self._graph.ntotal
        if not count:
            return np.empty((0, self._dim), dtype=np.float32)
        return faiss.rev_swig_ptr(storage.get_xb(), count * self._dim).reshape(count, self._dim)

    def _nearest(self, queries: FloatArray, k: int, chosen: ChosenRows | None) -> tuple[FloatArray, Rows]:
        if chosen is None and self._ids.dead:
            chosen = self._alive()
        total = self._ids.end
        candidates = total if chosen is None else len(chosen)
        depth = k if chosen is None else k + chosen.behind
        ef = max(self._ef, 4 * depth)
        ef = ef if chosen is None else int(ef / chosen.share(total))
        if candidates < max(MEASURED_FROM, COMPARED_PER_STEP * ef):
            return exact.nearest(queries, self._matrix(), k, chosen)
        scores, found = self._walk(queries, k, ef, None if chosen is None else chosen.selector)
        if found[:, -1].min() < 0:
            short = np.flatnonzero(found[:, -1] < 0)
            scores[short], found[short] = exact.nearest(queries[short], self._matrix(), k, chosen)
        return scores, found

    def _walk(self, queries: FloatArray, k: int, ef: int, selector: Any) -> tuple[FloatArray, Rows]:
        return self._graph.search(queries, k, params=faiss.SearchParametersHNSW(efSearch=ef, sel=selector))

    def _alive(self) -> ChosenRows:
        state = self._ids.state
        living = self._living
        if living is None or living[0] is not state:
            living = self._living = (state, ChosenRows(self._ids.rows(), lasting=True))
        return living[1]

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {"ef": self._ef}

    def _files(self) -> Mapping[str, Callable[[Path], object]]:
        return {**super()._files(), GRAPH_FILE: lambda path: faiss.write_index(self._graph, str(path))}

    @classmethod
    def _open(cls, folder: Path, settings: Mapping[str, Any]) -> Self:
        index = cls(settings["dim"], recall=settings["recall"])
        index._restore(folder, settings)
        index._ef = settings["ef"]
        index._graph = faiss.read_index(str(folder / GRAPH_FILE), faiss.IO_FLAG_MMAP_IFC)
        index._mapped = True
        return index


def _empty(dim: int) -> Any:
    graph: Any = faiss.IndexHNSWFlat(dim, LINKS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = EF_CONSTRUCTION
    return graph
