"""Inverted lists of compressed vectors, which FAISS keeps and scans."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from index import faiss_on_demand as faiss
from index.base import FloatArray
from index.ids import Rows
from index.partition import ListNumbers, Partition

TOLERANCE = 0.125  # of the range of 8-bit codes: a value so far outside is stored as the end of the range

GRAPH_FROM = 512  # so many centres are searched by a graph (HNSW), fewer one by one
LEAST_EF = 16  # how many centres the graph keeps in sight at least
NO_MAP, HASH_TABLE = 0, 2  # FAISS's DirectMap types: whether it knows the place of each row

Counts = npt.NDArray[np.int64]


class InvertedLists:
    """For each list of a partition the rows in it and their codes: the difference to the centre, 16 or 8 bits a value.

    Codes of 8 bits divide the range that each dimension had in the vectors first added. Lists that were opened from a
    file are mapped, and copied into memory by the first change.
    """

    def __init__(self, partition: Partition, stored: Any, *, mapped: bool) -> None:
        self.partition = partition
        self._faiss = stored
        self._mapped = mapped
        self._making_map = Lock()
        self._parameters: dict[int, Any] = {}

    @classmethod
    def empty(cls, partition: Partition, bits: int) -> Self:
        """Return lists without vectors."""
        lists, dim = partition.centres.shape
        quantizer = _graph(partition.centres) if lists >= GRAPH_FROM else faiss.IndexFlatIP(dim)
        quantizer.add(partition.centres)
        code = faiss.ScalarQuantizer.QT_fp16 if bits == 16 else faiss.ScalarQuantizer.QT_8bit
        made: Any = faiss.IndexIVFScalarQuantizer(quantizer, dim, lists, code, faiss.METRIC_INNER_PRODUCT)
        made.is_trained = True
        return cls(partition, made, mapped=False)

    @classmethod
    def open(cls, path: Path, poles: FloatArray, radius: float) -> Self:
        """Map what `write` wrote into memory."""
        stored: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        centres = faiss.downcast_index(stored.quantizer).reconstruct_n(0, stored.nlist)
        return cls(Partition(poles, radius, centres), stored, mapped=True)

    def write(self, path: Path) -> None:
        """Write everything but the partition's poles and radius."""
        faiss.write_index(self._faiss, str(path))

    def __len__(self) -> int:
        return int(self._faiss.ntotal)

    @property
    def bits(self) -> int:
        """The size of a value in a code."""
        return 16 if self._faiss.sq.qtype == faiss.ScalarQuantizer.QT_fp16 else 8

    def add(self, rows: Rows, vectors: FloatArray, numbers: ListNumbers) -> None:
        """Put vectors under these rows into the lists of these numbers."""
        self._own()
        if self.bits == 8 and not len(self):
            differences = vectors - self.partition.centres[numbers]
            low, high = differences.min(axis=0), differences.max(axis=0)
            faiss.copy_array_to_vector(np.concatenate([low, high - low]), self._faiss.sq.trained)
        self._faiss.add_core(len(rows), faiss.swig_ptr(vectors), faiss.swig_ptr(rows), faiss.swig_ptr(numbers))

    def fits(self, vectors: FloatArray, numbers: ListNumbers) -> bool:
        """Whether the range of the codes has room for these vectors."""
        if self.bits == 16 or not len(self):
            return True
        low, span = faiss.vector_to_array(self._faiss.sq.trained).reshape(2, -1)
        places = vectors - self.partition.centres[numbers] - low
        return bool(((places >= -TOLERANCE * span) & (places <= (1 + TOLERANCE) * span)).all())

    def remove(self, rows: Rows) -> None:
        """Take these rows out of their lists."""
        self._own()
        self._faiss.remove_ids(faiss.IDSelectorArray(rows))

    def keep(self, rows: Rows) -> None:
        """Number these ascending rows, which are all that is left, from 0 on; give back memory of removed ones."""
        renumbered = np.zeros(int(rows[-1]) + 1 if len(rows) else 0, dtype=np.int64)
        renumbered[rows] = np.arange(len(rows))
        self._copy(renumbered)

    def read(self, rows: Rows) -> FloatArray:
        """Return the float32 (n, dim) vectors of these rows, as far as their codes tell."""
        self._make_map()
        return self._faiss.reconstruct_batch(rows)

    def sizes(self) -> Counts:
        """The length of each list."""
        lists = self._faiss.invlists
        return np.array([lists.list_size(number) for number in range(len(self.partition))], dtype=np.int64)

    def numbers(self) -> npt.NDArray[np.int32]:
        """The number of the list of each row up to the last, 0 for rows that are in none."""
        rows = [self._rows_of(number) for number in range(len(self.partition))]
        numbers = np.zeros(max((int(of_list.max()) + 1 for of_list in rows if len(of_list)), default=0), dtype=np.int32)
        for number, of_list in enumerate(rows):
            numbers[of_list] = number
        return numbers

    def scan(self, queries: FloatArray, k: int, lists: int) -> tuple[FloatArray, Rows]:
        """Return the k best of so many lists whose centres are nearest, (q, k), filled up with row -1."""
        scores, rows = _answers(len(queries), k)
        self._faiss.search_c(
            len(queries),
            faiss.swig_ptr(queries),
            k,
            faiss.swig_ptr(scores),
            faiss.swig_ptr(rows),
            self._looking_into(lists),
        )
        return scores, rows

    def nearest_lists(self, queries: FloatArray, lists: int) -> tuple[ListNumbers, FloatArray]:
        """Return the (q, p) numbers of so many lists whose centres are nearest, -1 being none, and their scores."""
        scores, numbers = _answers(len(queries), lists)
        quantizer, parameters = self._faiss.quantizer, self._looking_into(lists).quantizer_params
        quantizer.search_c(
            len(queries), faiss.swig_ptr(queries), lists, faiss.swig_ptr(scores), faiss.swig_ptr(numbers), parameters
        )
        return numbers, scores

    def scan_lists(
        self, queries: FloatArray, k: int, numbers: ListNumbers, centre_scores: FloatArray, selector: Any
    ) -> tuple[FloatArray, Rows]:
        """Return the k best of the (q, p) lists of these numbers, -1 being none, whose centres have these scores."""
        numbers, centre_scores = np.ascontiguousarray(numbers), np.ascontiguousarray(centre_scores)
        parameters = faiss.SearchParametersIVF(nprobe=numbers.shape[1], sel=selector)
        scores, rows = _answers(len(queries), k)
        self._faiss.search_preassigned_c(
            len(queries),
            faiss.swig_ptr(queries),
            k,
            faiss.swig_ptr(numbers),
            faiss.swig_ptr(centre_scores),
            faiss.swig_ptr(scores),
            faiss.swig_ptr(rows),
            False,
            parameters,
        )
        return scores, rows

    def _looking_into(self, lists: int) -> Any:
        if lists not in self._parameters:
            graph = (
                faiss.SearchParametersHNSW(efSearch=max(LEAST_EF, 2 * lists))
                if len(self.partition) >= GRAPH_FROM
                else None
            )
            self._parameters[lists] = faiss.SearchParametersIVF(nprobe=lists, quantizer_params=graph)
        return self._parameters[lists]

    def _rows_of(self, number: int) -> Rows:
        lists = self._faiss.invlists
        size = lists.list_size(number)
        return faiss.rev_swig_ptr(lists.get_ids(number), size) if size else np.empty(0, dtype=np.int64)

    def _own(self) -> None:
        if self._mapped:
            self._copy(None)
        self._make_map()

    def _copy(self, renumbered: Rows | None) -> None:
        old, index = self._faiss.invlists, self._faiss
        index.set_direct_map_type(NO_MAP)
        new: Any = faiss.ArrayInvertedLists(index.nlist, index.code_size)
        for number in range(index.nlist):
            rows = self._rows_of(number)
            if len(rows):
                rows = rows if renumbered is None else renumbered[rows]
                new.add_entries(number, len(rows), faiss.swig_ptr(rows), old.get_codes(number))
        index.replace_invlists(new, True)
        new.this.disown()  # it is the index's now
        self._mapped = False

    def _make_map(self) -> None:
        with self._making_map:
            if self._faiss.direct_map.type != HASH_TABLE:
                self._faiss.set_direct_map_type(HASH_TABLE)


def _graph(centres: FloatArray) -> Any:
    graph: Any = faiss.IndexHNSWFlat(centres.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = 100
    return graph


def _answers(queries: int, k: int) -> tuple[FloatArray, Rows]:
    return np.empty((queries, k), dtype=np.float32), np.empty((queries, k), dtype=np.int64)
