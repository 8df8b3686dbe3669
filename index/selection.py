"""Sets of ids that queries may be limited to, looked up once and not with every query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from index import faiss_on_demand as faiss
from index.base import FloatArray
from index.ids import Ids, Rows


class Selection:
    """Ids to give as `allowed` to many searches of any index: each looks them up anew only once it has changed.

    It keeps what the index found: a bit for each row, or for a small selection the vectors themselves.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = tuple(dict.fromkeys(ids))
        self._found: tuple[object, ChosenRows] | None = None

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._set

    def rows(self, ids: Ids) -> ChosenRows:
        """The rows that these ids have now."""
        found = self._found
        if found is None or found[0] is not ids.state:
            found = (ids.state, ChosenRows(np.unique(np.array(ids.known(self._ids), dtype=np.int64)), lasting=True))
            self._found = found
        return found[1]

    @cached_property
    def _set(self) -> frozenset[str]:
        return frozenset(self._ids)


class ChosenRows:
    """Living rows of one index, ascending, as long as it does not change."""

    def __init__(self, rows: Rows, *, lasting: bool, behind: int = 0) -> None:
        self.rows = rows
        self.behind = behind  # how many rows were left out that are likely to be better
        self.lasting = lasting  # whether many searches share it, so that keeping its vectors pays
        self._vectors: FloatArray | None = None
        self._counts: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def share(self, total: int) -> float:
        """The share of all the rows that were chosen before the likely better ones were left out."""
        return (len(self.rows) + self.behind) / total

    @cached_property
    def selector(self) -> Any:
        """A FAISS selector of these rows, one bit a row."""
        mask = self.mask(int(self.rows[-1]) + 1 if len(self.rows) else 0)
        return faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))

    def mask(self, count: int) -> npt.NDArray[np.bool_]:
        """(count,) which of the first rows were chosen."""
        mask = np.zeros(count, dtype=bool)
        mask[self.rows] = True
        return mask

    def vectors(self, read: Callable[[Rows], FloatArray]) -> FloatArray:
        """The float32 (n, dim) vectors of the rows, read once."""
        if self._vectors is None:
            self._vectors = read(self.rows)
        return self._vectors

    def counts(self, list_of: npt.NDArray[np.int32], lists: int) -> npt.NDArray[np.int64]:
        """How many of the rows are in each of the inverted lists, given the list of every row; counted once."""
        if self._counts is None:
            self._counts = np.bincount(list_of[self.rows], minlength=lists)
        return self._counts
