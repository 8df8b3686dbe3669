"""What every index of vectors can do, whatever library holds the vectors."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


class IndexFileError(Exception):
    """A saved index cannot be read; the message names the file."""


class Match(NamedTuple):
    """An id and its inner product with the query."""

    id: str
    score: float


@runtime_checkable
class VectorIndex(Protocol):
    """Vectors under string ids, searched by inner product.

    One contract suite, tests/index/test_contract.py, holds every implementation to these words.
    """

    @property
    def dim(self) -> int:
        """Length of every vector."""

    @property
    def ids(self) -> list[str]:
        """The ids held, in the order in which they were added."""

    def __len__(self) -> int:
        """Number of vectors held."""

    def __contains__(self, item_id: object) -> bool:
        """Whether a vector is held under this id."""

    def add(self, ids: Sequence[str], vectors: FloatArray, *, lasting: bool = False) -> None:
        """Hold float32 (n, dim) vectors under n ids; an id that is held already is replaced.

        They are copied, unless `lasting` promises that nobody will write to them, or to the file that they are mapped from.

        Raises:
            ValueError: an id occurs twice, the shapes do not fit, or a value is not finite. Nothing is changed then.
        """

    def remove(self, ids: Collection[str]) -> int:
        """Forget the vectors of these ids and return how many there were; unknown ids are passed over."""

    def vectors(self, ids: Sequence[str]) -> FloatArray:
        """Return the float32 (n, dim) vectors of these ids.

        Raises:
            KeyError: an id is not held.
        """

    def scores(self, query: FloatArray, ids: Sequence[str]) -> FloatArray:
        """Return the float32 (n,) inner products of a (dim,) query with the vectors of these ids.

        Raises:
            KeyError: an id is not held.
            ValueError: the query has another shape, or a value that is not finite.
        """

    def search(
        self,
        queries: FloatArray,
        k: int,
        *,
        allowed: Collection[str] | None = None,
        excluded: Sequence[Collection[str]] | None = None,
    ) -> list[list[Match]]:
        """Return for each of the (q, dim) queries the k ids of largest inner product, best first.

        `allowed` limits all queries to these ids, a `Selection` if more searches will have the same; `excluded` holds
        for each query the ids to leave out. Unknown ids in either are passed over. A list is shorter than k only where
        fewer ids remain. An approximate index may find a few next-best ids instead of the best.

        Raises:
            ValueError: k is below 1, the shapes do not fit, or a value is not finite.
        """

    def save(self, folder: Path) -> None:
        """Write the index into an existing folder."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            IndexFileError: a file is missing or damaged.
        """
