"""Short codes find candidates among all vectors, and the vectors themselves rank them."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from index import exact
from index.approximate import MEASURED_FROM, ApproximateIndex
from index.base import FloatArray
from index.codes import Codes, Columns
from index.ids import Rows
from index.matrix import VECTORS_FILE, Matrix
from index.selection import ChosenRows

MEASURED_K = (10, 100, 1000)  # numbers of answers that the recall is measured with
LOG_K = np.log(MEASURED_K)
MOST_MEASURED = 16_384  # candidates of a measurement: a best answer that is not among them counts as the last
MOST_VIEWS = 8
UNCODED = 1 / 32  # from this share on, new vectors are no longer all compared but encoded with the others
MOST_CANDIDATES = 1 / 4  # from this share of all vectors on, all of them are compared

logger = logging.getLogger(__name__)


class View(NamedTuple):
    """The first rows as queries see them that ask no other columns."""

    columns: Columns
    codes: Codes
    depths: Sequence[int] = ()
    """Candidates that it takes to find so many answers as in `MEASURED_K`; none before they were measured."""

    def candidates(self, k: int) -> float:
        """How many candidates it takes to find k answers among them."""
        return float(np.exp(np.interp(math.log(k), LOG_K, np.log(self.depths)))) * max(1.0, k / MEASURED_K[-1])


class Sample(NamedTuple):
    """Queries that ask the same columns, and what exact search answers."""

    queries: FloatArray  # (q, dim)
    own: Rows  # (q,) the row that each was made from, which does not count, or -1
    best: Rows  # (q, k)


class PqIndex(ApproximateIndex):
    """An approximate `VectorIndex`: float32, and about a bit a value for codes of the vectors.

    A query is compared with all codes, then with the vectors of the best of them. So the time grows with the number of
    vectors, but is a small part of exact search's, and it need not matter how the vectors lie: inverted lists and
    graphs look at few vectors only where these form neighbourhoods. The queries that it is tuned with show which columns
    are asked together, and those have codes of their own; how many candidates it takes is measured for each.

    New vectors are candidates of every query until they are so many that all are encoded anew.
    """

    kind: ClassVar[str] = "pq"

    def __init__(self, dim: int, *, recall: float = 0.98, seed: int = 0) -> None:
        super().__init__(dim, recall)
        self._seed = seed
        self._vectors = Matrix.empty(dim)
        self._views: list[View] = []  # of fewer columns first; the last of all columns, once there are any

    def _measure(self, queries: FloatArray, own: Rows, target: float) -> None:
        """Encode what queries like these ask together, and find out among how many candidates their answers are."""
        if not self._views or not len(queries):
            return
        if len(self._queries):
            self._view_what_is_asked(queries)
        alike: dict[Columns, list[int]] = {}
        for place, query in enumerate(queries):
            alike.setdefault(self._view(query).columns, []).append(place)
        samples = {columns: self._sample(queries[some], own[some]) for columns, some in alike.items()}
        whole = self._views[-1]
        # Other queries of all columns may come than were measured: they are taken to be like the hardest.
        most = np.max([self._needed(whole, sample, target) for sample in samples.values()], axis=0).tolist()
        for place, view in enumerate(self._views):
            asked = view is not whole and view.columns in samples
            depths = self._needed(view, samples[view.columns], target) if asked else most
            self._views[place] = view._replace(depths=depths)
            logger.info("of columns %d to %d the 10 best are among %d candidates", *view.columns, depths[0])

    def _sample(self, queries: FloatArray, own: Rows) -> Sample:
        best = exact.nearest(queries, self._vectors.rows, min(MEASURED_K[-1], len(self._ids)))[1]
        return Sample(queries, own, best)

    def _needed(self, view: View, sample: Sample, target: float) -> list[int]:
        """How many candidates it takes to have so large a share of the best answers, for each of `MEASURED_K`."""
        rows, coded = self._vectors.rows, len(view.codes)
        reach = min(MOST_MEASURED, coded)
        ranks = np.empty_like(sample.best)
        candidates_of = view.codes.nearest(sample.queries, reach)
        for of_query, answers, candidates in zip(ranks, sample.best, candidates_of, strict=True):
            place = np.full(len(rows), reach)
            place[coded:] = 0
            place[candidates] = np.arange(reach)
            of_query[:] = place[answers]
        others = sample.best != sample.own[:, None]
        needed = []
        for k in MEASURED_K:  # by the later half of k answers: others may be left out because they were seen
            later = slice(min(k, ranks.shape[1]) // 2, k)
            needed.append(int(np.quantile(ranks[:, later][others[:, later]], target, method="higher")) + 1)
        return [int(depth) for depth in np.maximum.accumulate(np.maximum(needed, MEASURED_K))]

    def _view(self, query: FloatArray) -> View:
        """The view of fewest columns that has all that a query asks."""
        first, end = exact.asked_columns(query)
        return next(view for view in self._views if view.columns[0] <= first and end <= view.columns[1])

    def _append(self, start: int, vectors: FloatArray, lasting: bool) -> None:
        self._vectors.put(start, vectors, lasting)
        self._encode_if_due()

    def _forget(self, rows: Rows) -> None:
        self._vectors.forget(rows)

    def _compact(self, rows: Rows) -> None:
        self._vectors.keep(rows)
        if self._views:
            self._encode()

    def _encode_if_due(self) -> None:
        count = len(self._vectors.rows)
        coded = len(self._views[-1].codes) if self._views else 0
        if count >= MEASURED_FROM and count - coded > UNCODED * coded:
            self._encode()

    def _encode(self) -> None:
        """Encode all rows with new centres in all views there are, or in one of all columns."""
        if len(self._vectors.rows) < MEASURED_FROM:
            self._views = []
            return
        views = [(view.columns, view.depths) for view in self._views] or [((0, self._dim), ())]
        self._views = [View(columns, self._coded(columns), depths) for columns, depths in views]

    def _view_what_is_asked(self, queries: FloatArray) -> None:
        """Have a view of the columns that these queries ask together, the most frequent ones, and one of all."""
        kinds = Counter(map(exact.asked_columns, queries))
        wanted = {columns for columns, _ in kinds.most_common(MOST_VIEWS)} | {(0, self._dim)}
        have = {view.columns: view for view in self._views}
        self._views = [
            have.get(columns) or View(columns, self._coded(columns))
            for columns in sorted(wanted, key=lambda columns: (columns[1] - columns[0], columns))
        ]

    def _coded(self, columns: Columns) -> Codes:
        return Codes.train(self._vectors.rows, columns, self._seed)

    def _read(self, rows: Rows) -> FloatArray:
        return self._vectors.rows[rows]

    def _products(self, query: FloatArray, rows: Rows) -> FloatArray:
        return exact.products(query, self._vectors.rows, rows)

    def _nearest(self, queries: FloatArray, k: int, chosen: ChosenRows | None) -> tuple[FloatArray, Rows]:
        if chosen is None:
            found = self._ranked(queries, k, k, 1.0, lambda _, rows: rows)
        else:
            inside, share = chosen.mask(self._ids.end), chosen.share(self._ids.end)
            found = self._ranked(queries, k, k + chosen.behind, share, lambda _, rows: rows[inside[rows]])
        return found or exact.nearest(queries, self._vectors.rows, k, chosen)

    def _nearest_but(
        self, queries: FloatArray, k: int, extra: int, chosen: ChosenRows | None, outside: Sequence[set[int]]
    ) -> tuple[FloatArray, Rows]:
        left_out = [np.fromiter(rows, np.int64, len(rows)) for rows in outside]
        if chosen is None and k + extra <= len(self._ids):
            found = self._ranked(queries, k, k + extra, 1.0, lambda query, rows: rows[~np.isin(rows, left_out[query])])
            if found:
                return found
        return super()._nearest_but(queries, k, extra, chosen, outside)

    def _ranked(
        self, queries: FloatArray, k: int, among: int, share: float, kept: Callable[[int, Rows], Rows]
    ) -> tuple[FloatArray, Rows] | None:
        """The k best of candidates; None where too few remain, or all vectors might as well be compared.

        There are so many candidates that the best `among` answers are found in a `share` of all vectors. Of those of
        each query only the ones count that `kept` returns for its number.
        """
        if not self._views or not self._views[-1].depths:
            return None
        rows, dead = self._vectors.rows, self._ids.dead
        scores, best = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
        for place, query in enumerate(queries):
            view = self._view(query)
            count = math.ceil(view.candidates(among) / share) + dead
            if count > MOST_CANDIDATES * len(rows):
                return None
            found = np.sort(view.codes.nearest(query[None], count)[0])
            new = np.arange(len(view.codes), len(rows))
            candidates = kept(place, np.concatenate([found[found >= 0], new]))
            if len(candidates) < k:
                return None
            scores[place], best[place] = exact.nearest_of(query, rows, candidates, k)
        return None if (best < 0).any() else (scores, best)

    def _settings(self) -> dict[str, Any]:
        views = [[view.columns, view.depths] for view in self._views]
        return super()._settings() | {"seed": self._seed, "views": views}

    def _files(self) -> Mapping[str, Callable[[Path], object]]:
        files = {**super()._files(), VECTORS_FILE: self._vectors.write}
        for place, view in enumerate(self._views):
            files |= view.codes.files(f"codes-{place}")
        return files

    @classmethod
    def _open(cls, folder: Path, settings: Mapping[str, Any]) -> Self:
        index = cls(settings["dim"], recall=settings["recall"], seed=settings["seed"])
        index._restore(folder, settings)
        index._vectors = Matrix.open(folder / VECTORS_FILE)
        index._views = [
            View(tuple(columns), Codes.open(folder, f"codes-{place}"), depths)
            for place, (columns, depths) in enumerate(settings["views"])
        ]
        return index
