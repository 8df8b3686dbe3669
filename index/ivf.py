"""Inverted lists: vectors in neighbourhoods, compressed; a query looks into the nearest neighbourhoods only."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from index.approximate import MEASURED_FROM, ApproximateIndex
from index.base import FloatArray
from index.ids import Rows
from index.lists import Counts, InvertedLists
from index.partition import ListNumbers, Partition
from index.selection import ChosenRows
from index.sphere import lengths

LISTS_FILE = "lists.faiss"
POLES_FILE = "poles.npy"
MEASURED_K = (10, 100, 1000)  # numbers of answers that the recall is measured with
LARGEST = 30_000.0  # half of what 16 bits can tell from infinity, for it is differences to centres that are stored
LONGER = 1.125
QUERIES_AT_ONCE = 256
MOST_SCANNED = 128  # so many lists FAISS finds itself; to order more of them we are as quick

logger = logging.getLogger(__name__)


class Effort(NamedTuple):
    """How far queries look for k answers: into so many lists, where so many vectors are compared."""

    k: int
    lists: int
    compared: float


class IvfIndex(ApproximateIndex):
    """An approximate `VectorIndex` of 2 bytes a dimension, or 1: quick to build, to change, to filter and to search.

    It trains itself when it holds a thousand vectors: it makes about `8 sqrt(n)` neighbourhoods. It does so again when
    as many have come as it held at the last training, or ten that are longer by an eighth than all of those: such are
    the best answers of many queries, and the neighbourhoods know nothing of them. A filtered query, or one for more
    answers, looks into as many as it takes to compare no fewer vectors than one for 10.
    """

    kind: ClassVar[str] = "ivf"

    def __init__(self, dim: int, *, bits: int = 16, recall: float = 0.98, seed: int = 0) -> None:
        super().__init__(dim, recall)
        if bits not in {8, 16}:
            raise ValueError(f"codes have 8 or 16 bits a value, not {bits}")
        self._bits, self._seed = bits, seed
        self._lists = InvertedLists.empty(Partition.single(dim), 16)
        self._list_of = np.empty(0, dtype=np.int32)  # of each row; has room for more rows than there are
        self._sizes = np.zeros(1, dtype=np.int64)  # of each list
        self._trained_on = 0  # vectors held at the last training
        self._came = 0  # vectors added since
        self._too_long = 0  # those among them that are longer than any it was trained on
        self._efforts = [Effort(k, 1, float(k)) for k in MEASURED_K]

    @property
    def bits(self) -> int:
        """The size of a value, once a thousand vectors are held."""
        return self._bits

    @property
    def compared_share(self) -> float:
        """The share of all vectors that a query for ten answers is compared with."""
        return self._efforts[0].compared / max(1, len(self._lists))

    def _measure(self, queries: FloatArray, own: Rows, target: float) -> None:
        """Find out how far to look for several numbers of answers, from where the best answers are."""
        if not len(queries):
            return
        order = np.argsort(-(queries @ self._lists.partition.centres.T), axis=1)  # (q, lists)
        compared = self._sizes[order].cumsum(axis=1).mean(axis=0)  # (lists,), in so many of the nearest lists
        best = self._look(queries, min(MEASURED_K[-1], len(self._lists)), None, np.inf)[1]  # (q, k)
        places = np.argsort(order, axis=1)  # (q, lists), of each list in the order
        ranks = np.take_along_axis(places, self._list_of[best].astype(np.int64), axis=1)  # (q, k)
        others = best != own[:, None]
        needed = [int(np.quantile(ranks[:, :k][others[:, :k]], target, method="higher")) + 1 for k in MEASURED_K]
        few = MEASURED_K[0]
        # The graph of the centres overlooks some of them, so the number of lists that it finds is tried out.
        while needed[0] < MOST_SCANNED:
            found = self._lists.scan(queries, few, needed[0])[1]
            hits = (best[:, :few, None] == found[:, None, :]).any(axis=2)[others[:, :few]]
            if hits.mean() >= target:
                break
            needed[0] += 1 + needed[0] // 4
        needed = np.minimum(np.maximum.accumulate(needed), len(self._sizes)).tolist()
        self._efforts = [
            Effort(k, lists, float(compared[lists - 1])) for k, lists in zip(MEASURED_K, needed, strict=True)
        ]
        logger.info(
            "the %d best are in %d of %d lists, %.0f of %d vectors, with a recall of %.3f",
            *(few, needed[0], len(self._sizes), self._efforts[0].compared, len(self._lists), target),
        )

    def _check_new(self, vectors: FloatArray) -> None:
        if max(vectors.max(), -vectors.min()) > LARGEST:
            raise ValueError(f"a value is larger than {LARGEST:,.0f}: divide all vectors by the same number")

    def _append(self, start: int, vectors: FloatArray, lasting: bool) -> None:  # noqa: ARG002 - it keeps codes
        rows, total = np.arange(start, start + len(vectors)), len(self._lists) + len(vectors)
        self._came += len(vectors)
        self._too_long += int((lengths(vectors) > LONGER * self._lists.partition.radius).sum())
        if total < MEASURED_FROM:
            if self._trained_on:  # nearly all have been removed
                self._rebuild(rows, vectors, Partition.single(self._dim), 16)
                self._trained_on, self._came = 0, total
            else:
                self._put(rows, vectors, self._lists.partition.assign(vectors))
        elif self._came >= self._trained_on or self._too_long >= MEASURED_K[0]:
            self._rebuild(rows, vectors, None, self._bits)
            self._trained_on, self._came, self._too_long = total, 0, 0
            logger.info("trained %d lists on %d vectors", len(self._sizes), total)
        elif self._lists.fits(vectors, numbers := self._lists.partition.assign(vectors)):
            self._put(rows, vectors, numbers)
        else:
            self._rebuild(rows, vectors, self._lists.partition, self._bits)

    def _rebuild(self, rows: Rows, vectors: FloatArray, partition: Partition | None, bits: int) -> None:
        """Make new lists of all vectors held and these, in a partition trained on them if none is given."""
        if len(self._lists):
            held = self._ids.rows()
            vectors = np.concatenate([self._lists.read(held), vectors])
            rows = np.concatenate([held, rows])
        partition = partition or Partition.train(vectors, self._seed)
        self._lists = InvertedLists.empty(partition, bits)
        self._sizes = np.zeros(len(partition), dtype=np.int64)
        self._put(rows, vectors, partition.assign(vectors))

    def _put(self, rows: Rows, vectors: FloatArray, numbers: Rows) -> None:
        self._lists.add(rows, vectors, numbers)
        end = int(rows[-1]) + 1
        if end > len(self._list_of):
            grown = np.zeros(max(end, len(self._list_of) * 3 // 2), dtype=np.int32)
            grown[: len(self._list_of)] = self._list_of
            self._list_of = grown
        self._list_of[rows] = numbers
        self._sizes += np.bincount(numbers, minlength=len(self._sizes))

    def _forget(self, rows: Rows) -> None:
        self._lists.remove(rows)
        self._sizes -= np.bincount(self._list_of[rows], minlength=len(self._sizes))

    def _compact(self, rows: Rows) -> None:
        self._lists.keep(rows)
        self._list_of = self._list_of[rows]

    def _read(self, rows: Rows) -> FloatArray:
        return self._lists.read(rows)

    def _nearest(self, queries: FloatArray, k: int, chosen: ChosenRows | None) -> tuple[FloatArray, Rows]:
        effort = self._effort(k, chosen)
        if effort.lists > MOST_SCANNED:
            scores, rows = self._look(queries, k, chosen, effort.compared)
        elif chosen is None:
            scores, rows = self._lists.scan(queries, k, effort.lists)
        else:
            scores, rows = self._scan_chosen(queries, k, chosen, effort)
        if rows[-1, -1] < 0 or (len(rows) > 1 and (rows[:, -1] < 0).any()):
            short = np.flatnonzero(rows[:, -1] < 0)
            scores[short], rows[short] = self._look(queries[short], k, chosen, np.inf)
        return scores, rows

    def _scan_chosen(self, queries: FloatArray, k: int, chosen: ChosenRows, effort: Effort) -> tuple[FloatArray, Rows]:
        """Find the k best chosen rows in the lists that FAISS finds itself, if there are enough of them in there."""
        counts, lists = chosen.counts(self._list_of, len(self._sizes)), effort.lists
        scores, rows = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
        left = np.arange(len(queries))
        while len(left) and lists <= MOST_SCANNED:
            numbers, centre_scores = self._lists.nearest_lists(queries[left], min(lists, len(counts)))
            enough = np.where(numbers < 0, 0, counts[numbers]).sum(axis=1) >= min(effort.compared, len(chosen))
            of, some = left[enough], (numbers[enough], centre_scores[enough])
            if len(of):
                scores[of], rows[of] = self._lists.scan_lists(queries[of], k, *some, chosen.selector)
            left, lists = left[~enough], lists + 1 + lists // 2
        if len(left):
            scores[left], rows[left] = self._look(queries[left], k, chosen, effort.compared)
        return scores, rows

    def _effort(self, k: int, chosen: ChosenRows | None) -> Effort:
        """How far to look for k answers, with the number of chosen vectors to compare.

        Those k of a share of all vectors are about as far away as the best `k / share` of all.
        """
        least = self._efforts[0]
        if chosen is None and k <= least.k:
            return least
        depth = k if chosen is None else (k + chosen.behind) / chosen.share(len(self._lists))
        measured = np.log(self._efforts)  # (3, 3)
        lists, compared = (np.exp(np.interp(np.log(depth), measured[:, 0], measured[:, i])) for i in (1, 2))
        beyond = max(1.0, depth / self._efforts[-1].k)
        share = 1.0 if chosen is None else len(chosen) / len(self._lists)
        return Effort(k, math.ceil(lists * beyond), max(least.compared, float(compared * beyond * share)))

    def _look(self, queries: FloatArray, k: int, chosen: ChosenRows | None, compared: float) -> tuple[FloatArray, Rows]:
        """Find the k best in the nearest lists that together have so many vectors, or chosen ones, to compare."""
        lists = self._lists.partition
        counts = self._sizes if chosen is None else chosen.counts(self._list_of, len(lists))
        selector = None if chosen is None else chosen.selector
        parts = []
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            part = queries[start : start + QUERIES_AT_ONCE]
            centre_scores = part @ lists.centres.T  # (q, lists)
            order = _nearest_lists(np.where(counts > 0, centre_scores, -np.inf), counts, compared)  # (q, p)
            nearest_scores = np.take_along_axis(centre_scores, np.maximum(order, 0), axis=1)
            parts.append(self._lists.scan_lists(part, k, order, nearest_scores, selector))
        scores, rows = zip(*parts, strict=True)
        return np.concatenate(scores), np.concatenate(rows)

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {
            "bits": self._bits,
            "seed": self._seed,
            "trained_on": self._trained_on,
            "came": self._came,
            "too_long": self._too_long,
            "efforts": self._efforts,
            "radius": self._lists.partition.radius,
        }

    def _files(self) -> Mapping[str, Callable[[Path], object]]:
        return {**super()._files(), LISTS_FILE: self._lists.write, POLES_FILE: self._write_poles}

    @classmethod
    def _open(cls, folder: Path, settings: Mapping[str, Any]) -> Self:
        index = cls(settings["dim"], bits=settings["bits"], recall=settings["recall"], seed=settings["seed"])
        index._restore(folder, settings)
        index._lists = InvertedLists.open(folder / LISTS_FILE, np.load(folder / POLES_FILE), settings["radius"])
        index._list_of = index._lists.numbers()
        index._sizes = index._lists.sizes()
        index._trained_on, index._came = settings["trained_on"], settings["came"]
        index._too_long = settings["too_long"]
        index._efforts = [Effort(*effort) for effort in settings["efforts"]]
        return index

    def _write_poles(self, path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, self._lists.partition.poles)


def _nearest_lists(centre_scores: FloatArray, counts: Counts, compared: float) -> ListNumbers:
    """Return the (q, p) lists of the highest of the (q, lists) scores that together have so many, then -1."""
    lists = centre_scores.shape[1]
    most = int(min(lists, 4 * compared * lists / max(counts.sum(), 1) + 16))
    order = np.argpartition(-centre_scores, most - 1, axis=1)[:, :most] if most < lists else np.arange(lists)[None]
    best = np.take_along_axis(centre_scores, order, axis=1)
    order = np.take_along_axis(np.broadcast_to(order, best.shape), np.argsort(-best, axis=1), axis=1)  # (q, most)
    found = counts[order]
    before = found.cumsum(axis=1) - found
    needed = ((before < compared) & (found > 0)).sum(axis=1)
    if most < lists and (needed == most).any():
        return _nearest_lists(centre_scores, counts, np.inf)
    order = order[:, : needed.max()]
    order[np.arange(order.shape[1]) >= needed[:, None]] = -1
    return order
