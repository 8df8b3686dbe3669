"""What the indexes in this process's memory have in common: ids, filters, live changes, files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from index import exact
from index.base import FloatArray, IndexFileError, Match
from index.checks import check_ids, check_question, checked_dim, checked_vectors
from index.files import Header, read_header, write_files
from index.ids import Ids, Rows
from index.lock import ReadWriteLock
from index.selection import ChosenRows, Selection

FEW_ROWS = 32_768  # so many vectors of a lasting selection are kept and compared one by one, of a passing one fewer
MANY_EXCLUDED = 2_048  # so many excluded ids are left out by a selection of the others, fewer by asking for more


class LocalIndex(ABC):
    """A `VectorIndex` of numbered rows; what the rows are made of is the subclass's own.

    A new vector gets the next row. A removed one leaves a dead row behind; once the dead are half as many as the
    living, the living are moved together. Many threads may search at once; a change waits until it is alone.
    """

    kind: ClassVar[str]

    def __init__(self, dim: int) -> None:
        self._dim = checked_dim(dim)
        self._ids = Ids()
        self._lock = ReadWriteLock()

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return self._dim

    @property
    def ids(self) -> list[str]:
        """The ids held, in the order in which they were added."""
        with self._lock.reading:
            return list(self._ids.by_id)

    def __len__(self) -> int:
        """Number of vectors held."""
        return len(self._ids)

    def __contains__(self, item_id: object) -> bool:
        """Whether a vector is held under this id."""
        with self._lock.reading:
            return item_id in self._ids.by_id

    def add(self, ids: Sequence[str], vectors: FloatArray, *, lasting: bool = False) -> None:
        """Hold float32 (n, dim) vectors under n ids; an id that is held already is replaced.

        They are copied, unless `lasting` promises that nobody will write to them, or to the file that they are mapped from.
        """
        vectors = checked_vectors(vectors, self._dim)
        check_ids(ids, vectors)
        if not len(ids):
            return
        self._check_new(vectors)
        with self._lock.writing:
            self._drop(self._ids.known(ids))
            self._append(self._ids.end, vectors, lasting)
            self._ids.append(ids)
            self._tidy()
            self._added(len(ids))

    def remove(self, ids: Collection[str]) -> int:
        """Forget the vectors of these ids and return how many there were."""
        with self._lock.writing:
            rows = self._ids.known(dict.fromkeys(ids))
            self._drop(rows)
            self._tidy()
        return len(rows)

    def vectors(self, ids: Sequence[str]) -> FloatArray:
        """Return the float32 (n, dim) vectors of these ids."""
        with self._lock.reading:
            return self._read(self._rows_of(ids))

    def scores(self, query: FloatArray, ids: Sequence[str]) -> FloatArray:
        """Return the float32 (n,) inner products of a (dim,) query with the vectors of these ids."""
        query = checked_vectors(query[None], self._dim)[0]
        with self._lock.reading:
            return self._products(query, self._rows_of(ids))

    def search(
        self,
        queries: FloatArray,
        k: int,
        *,
        allowed: Collection[str] | None = None,
        excluded: Sequence[Collection[str]] | None = None,
    ) -> list[list[Match]]:
        """Return for each of the (q, dim) queries the k ids of largest inner product, best first."""
        queries = checked_vectors(queries, self._dim)
        check_question(queries, k, excluded)
        with self._lock.reading:
            chosen = None if allowed is None else self._chosen(allowed)
            if excluded is None or not any(excluded):
                return self._best(queries, k, chosen)
            return self._best_but(queries, k, chosen, [set(self._ids.known(ids)) for ids in excluded])

    def save(self, folder: Path) -> None:
        """Write the index into an existing folder."""
        with self._lock.reading:
            files = self._ids.files() | dict(self._files())
            write_files(folder, Header(self.kind, {"dim": self._dim, **self._settings()}), files)

    @classmethod
    def load(cls, folder: Path, *, verify: bool = True) -> Self:
        """Map what `save` wrote into memory; `verify` reads all of it once to compare the checksums."""
        header = read_header(folder, verify=verify)
        if header.kind != cls.kind:
            raise IndexFileError(f"{folder}: the saved index is of kind {header.kind}, not {cls.kind}")
        try:
            index = cls._open(folder, header.settings)
            index._ids = Ids.load(folder)
        except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
            raise IndexFileError(f"{folder}: the index cannot be read ({str(error).splitlines()[0]})") from error
        return index

    def _check_new(self, vectors: FloatArray) -> None:  # noqa: B027 - most can hold all
        """Raise ValueError if these finite vectors cannot be held."""

    def _added(self, count: int) -> None:  # noqa: B027
        """Do what is due now that so many vectors have come."""

    @abstractmethod
    def _append(self, start: int, vectors: FloatArray, lasting: bool) -> None:
        """Put vectors, which may be kept uncopied if they last, into the rows from `start`, the first never used, on."""

    @abstractmethod
    def _forget(self, rows: Rows) -> None:
        """Let no search find these rows any more."""

    @abstractmethod
    def _compact(self, rows: Rows) -> None:
        """Keep only these rows, ascending, numbered from 0 on."""

    @abstractmethod
    def _read(self, rows: Rows) -> FloatArray:
        """Return the vectors of these living rows."""

    def _products(self, query: FloatArray, rows: Rows) -> FloatArray:
        """Return the inner products of a (dim,) query with the vectors of these living rows."""
        return self._read(rows) @ query

    @abstractmethod
    def _nearest(self, queries: FloatArray, k: int, chosen: ChosenRows | None) -> tuple[FloatArray, Rows]:
        """Return (q, k) scores and rows, best first, k being at most the number of living or chosen rows.

        `chosen` has many rows: few are compared one by one before it comes to this.
        """

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """What `_open` needs beside the files, as JSON."""

    @abstractmethod
    def _files(self) -> Mapping[str, Callable[[Path], object]]:
        """What writes each file."""

    @classmethod
    @abstractmethod
    def _open(cls, folder: Path, settings: Mapping[str, Any]) -> Self:
        """Make the index, but for its ids, from checked files."""

    def _best(self, queries: FloatArray, k: int, chosen: ChosenRows | None) -> list[list[Match]]:
        scores, rows = self._found(queries, k, chosen)
        return [self._matches(found, of_found) for found, of_found in zip(rows.tolist(), scores.tolist(), strict=True)]

    def _matches(self, rows: list[int], scores: list[float]) -> list[Match]:
        if rows and rows[-1] < 0:
            rows = rows[: rows.index(-1)]
        return list(map(Match._make, zip(map(self._ids.names.__getitem__, rows), scores, strict=False)))

    def _best_but(
        self, queries: FloatArray, k: int, chosen: ChosenRows | None, outside: list[set[int]]
    ) -> list[list[Match]]:
        results: list[list[Match]] = [[] for _ in queries]
        for places, extra in _by_size(outside):
            if extra > MANY_EXCLUDED:
                for place in places:
                    inside = self._ids.rows() if chosen is None else chosen.rows
                    rest = np.setdiff1d(inside, np.fromiter(outside[place], dtype=np.int64), assume_unique=True)
                    chosen_rest = ChosenRows(rest, lasting=False, behind=len(inside) - len(rest))
                    results[place] = self._best(queries[place : place + 1], k, chosen_rest)[0]
                continue
            sets = [outside[place] for place in places]
            scores, rows = self._nearest_but(queries[places], k, extra, chosen, sets)
            names = self._ids.names
            for place, left_out, found, of_found in zip(places, sets, rows.tolist(), scores.tolist(), strict=True):
                kept = [(row, score) for row, score in zip(found, of_found, strict=True) if row not in left_out]
                results[place] = [Match(names[row], score) for row, score in kept[:k] if row >= 0]
        return results

    def _nearest_but(
        self,
        queries: FloatArray,
        k: int,
        extra: int,
        chosen: ChosenRows | None,
        outside: Sequence[set[int]],  # noqa: ARG002 - for indexes that can tell in time
    ) -> tuple[FloatArray, Rows]:
        """As `_nearest`, but so many that k, if there are, remain without those outside: `extra` or fewer for each."""
        return self._found(queries, k + extra, chosen)

    def _found(self, queries: FloatArray, k: int, chosen: ChosenRows | None) -> tuple[FloatArray, Rows]:
        k = min(k, len(self._ids) if chosen is None else len(chosen))
        if not k or not len(queries):
            return np.empty((len(queries), 0), dtype=np.float32), np.empty((len(queries), 0), dtype=np.int64)
        if chosen is None or len(chosen) > (FEW_ROWS if chosen.lasting else FEW_ROWS // 16):
            return self._nearest(queries, k, chosen)
        scores, places = exact.nearest(queries, chosen.vectors(self._read), k)
        return scores, np.where(places < 0, -1, chosen.rows[places])

    def _chosen(self, allowed: Collection[str]) -> ChosenRows:
        if isinstance(allowed, Selection):
            return allowed.rows(self._ids)
        return ChosenRows(np.unique(np.array(self._ids.known(allowed), dtype=np.int64)), lasting=False)

    def _rows_of(self, ids: Sequence[str]) -> Rows:
        return np.array(list(map(self._ids.by_id.__getitem__, ids)), dtype=np.int64)

    def _drop(self, rows: Sequence[int]) -> None:
        if rows:
            self._forget(np.array(rows, dtype=np.int64))
            self._ids.drop(rows)

    def _tidy(self) -> None:
        if self._ids.dead > len(self._ids) // 2:
            self._compact(self._ids.rows())
            self._ids.compact()


def _by_size(outside: list[set[int]]) -> Iterator[tuple[list[int], int]]:
    """Group the places of sets of nearly the same size, each group with the largest size in it."""
    groups: dict[int, list[int]] = {}
    for place, rows in enumerate(outside):
        groups.setdefault(len(rows).bit_length(), []).append(place)
    for places in groups.values():
        yield places, max(len(outside[place]) for place in places)
