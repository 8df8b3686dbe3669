"""The parts of items as rows of an index of their own: the passages of long texts, the shots of clips, the frames of
animations, and the picture of an item that has a clip too.

A part's vector is its item's, with the medium that it is cut from replaced by the part. An item's score in a search is
that of its best version, whole or part, and the part says where the item matched.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self
from weakref import WeakKeyDictionary

from index import Match, Selection, VectorIndex
from multimodal_rec.arrays import FloatArray, IntArray
from multimodal_rec.item_table import Modality

SEPARATOR = "\x1f"
"""Between the fields of a part's key; no item id holds it."""


class Part(NamedTuple):
    """Where a part lies in its item: seconds of a clip or of an animation, characters of the cleaned text.

    A picture that does not move is at 0.
    """

    item_id: str
    modality: Modality
    start: float
    end: float

    @property
    def key(self) -> str:
        """The id of this part in an index."""
        return SEPARATOR.join([self.item_id, self.modality, f"{self.start:.3f}", f"{self.end:.3f}"])

    @classmethod
    def of(cls, key: str) -> Part:
        """The part of a key."""
        item_id, modality, start, end = key.split(SEPARATOR)
        return cls(item_id, modality, float(start), float(end))  # type: ignore[arg-type]

    def as_json(self) -> dict[str, Any]:
        """The part as JSON-ready fields; `at` is the time in the clip."""
        fields: dict[str, Any] = {"modality": self.modality, "start": self.start, "end": self.end}
        if self.modality == "video":
            fields["at"] = self.at
        return fields

    @property
    def at(self) -> str:
        """The first whole second inside, or that of the start where there is none, such as "00:12"."""
        first = math.ceil(self.start)
        minutes, seconds = divmod(first if first < self.end else int(self.start), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


@dataclass(frozen=True)
class PartVectors:
    """The raw vectors of p parts of one modality."""

    modality: Modality
    parts: list[Part]
    owners: IntArray  # (p,) positions of their items
    vectors: FloatArray  # (p, d)

    def pages(self, size: int) -> Iterator[Self]:
        """Yield all of them, so many at a time."""
        for start in range(0, len(self.parts), size):
            some = slice(start, start + size)
            yield replace(self, parts=self.parts[some], owners=self.owners[some], vectors=self.vectors[some])


def remove_parts(index: VectorIndex, item_ids: Collection[str]) -> None:
    """Take the parts of these items out of an index of parts."""
    gone = set(item_ids)
    index.remove([key for key in index.ids if key.partition(SEPARATOR)[0] in gone])


class PartOwners:
    """Which rows an index of parts has of which item; read from its keys when first asked."""

    def __init__(self, index: VectorIndex) -> None:
        self._index = index
        self._selections: WeakKeyDictionary[Selection, Selection] = WeakKeyDictionary()

    @cached_property
    def _keys(self) -> dict[str, list[str]]:
        keys: dict[str, list[str]] = {}
        for key in self._index.ids:
            keys.setdefault(key.partition(SEPARATOR)[0], []).append(key)
        return keys

    def parts(self, item_ids: Iterable[str]) -> Iterator[str]:
        """Yield the keys of all parts of these items."""
        for item_id in item_ids:
            yield from self._keys.get(item_id, ())

    def selection(self, items: Selection) -> Selection:
        """The keys of all parts of these items, kept as long as they are."""
        if items not in self._selections:
            self._selections[items] = Selection(self.parts(items))
        return self._selections[items]


def best_parts(
    index: VectorIndex,
    queries: FloatArray,
    k: int,
    owners: PartOwners,
    allowed: Selection | None,
    excluded: Sequence[Collection[str]],
) -> Iterator[dict[str, tuple[float, Part]]]:
    """Yield for each of the (q, dim) queries the k items with the best parts: id to score and part.

    An item may have many parts, so more than k of them are asked for until k items are among them. `allowed` limits the
    items of all queries, `excluded` holds for each the items to leave out.
    """
    within = None if allowed is None else owners.selection(allowed)
    for query, items in zip(queries, excluded, strict=True):
        left_out = list(owners.parts(items))
        wanted = 2 * k
        while True:
            (matches,) = index.search(query[None], wanted, allowed=within, excluded=[left_out])
            best = _best_of_each(matches)
            if len(best) >= k or len(matches) < wanted:
                break
            wanted *= 2
        yield best


def _best_of_each(matches: Sequence[Match]) -> dict[str, tuple[float, Part]]:
    best: dict[str, tuple[float, Part]] = {}
    for key, score in matches:  # best first
        part = Part.of(key)
        best.setdefault(part.item_id, (score, part))
    return best
