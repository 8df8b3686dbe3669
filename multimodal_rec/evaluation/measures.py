"""What lists of recommendations are worth: whether they find what users turned to, and what they are like.

Of each user, for the first k places (binary relevance):

    recall       share of the user's test items that the list holds
    ndcg         discounted gain (Järvelin and Kekäläinen 2002), divided by that of the ideal list
    mrr          1 / place of the first test item, 0 without any
    hit          1 where the list holds any test item
    novelty      mean of -log2 of the share of training users who know an item (Vargas and Castells 2011), in bits
    diversity    mean of 1 - cosine of the contents of two items of the list
    popularity_lift   mean popularity of the list over that of the history, less 1 (Abdollahpouri et al. 2019): 0 is fair

Of all lists together:

    coverage     share of the items with any interaction that some list holds
    gini         how unequally places are shared among items that may be recommended: 0 equally, 1 one item has all
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from multimodal_rec.arrays import FloatArray
from multimodal_rec.evaluation.splits import Split

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """Each measure of each user, and those of all lists together."""

    users: tuple[str, ...]
    of_users: dict[str, Values]
    """Measure to (u,); NaN where it says nothing of a user."""
    of_all: dict[str, float]


class Measures:
    """All that measuring needs to know of a split and of a catalogue."""

    def __init__(self, split: Split, ids: Sequence[str], content: FloatArray, ks: Sequence[int]) -> None:
        """Take a split, and the ids and (n, c) contents of the items.

        Raises ValueError where no length of list is given, or one is below 1.
        """
        if not ks or min(ks) < 1:
            raise ValueError(f"lists of {list(ks)} items: name lengths of at least 1")
        self.split = split
        self.ks = tuple(sorted(set(ks)))
        self._relevant = split.relevant
        self._row = {item_id: row for row, item_id in enumerate(ids)}
        lengths = np.linalg.norm(content, axis=1, keepdims=True)
        self._content = content / np.maximum(lengths, 1e-12)
        users_of: dict[str, set[str]] = {}
        for event in split.train:
            users_of.setdefault(event.item_id, set()).add(event.user_id)
        self._audience = {item_id: len(users) for item_id, users in users_of.items()}
        self._users = max(1, len({event.user_id for event in split.train}))
        self._items = self._audience.keys() | {event.item_id for event in split.test}
        self._rankable = len(ids) if split.candidates is None else len(split.candidates & self._row.keys())

    def of(self, lists: Mapping[str, Sequence[str]]) -> Measured:
        """Measure lists of item ids, best first; a user without a list finds nothing."""
        rows = [self._of_user(user, list(lists.get(user, ()))) for user in self._relevant]
        columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        longest = self.ks[-1]
        shown = [item_id for items in lists.values() for item_id in items[:longest]]
        together = {
            f"coverage@{longest}": len(set(shown) & self._items) / len(self._items),
            f"gini@{longest}": gini(shown, self._rankable),
        }
        return Measured(tuple(self._relevant), columns, together)

    def _of_user(self, user: str, items: list[str]) -> dict[str, float]:
        relevant = self._relevant[user]
        result: dict[str, float] = {}
        for k in self.ks:
            result |= {f"{name}@{k}": value for name, value in found(items[:k], relevant, k).items()}
        top = items[: self.ks[-1]]
        heard = [self._audience.get(item_id, 0) for item_id in top]
        own = [self._audience.get(event.item_id, 0) for event in self.split.histories.get(user, ())]
        nothing = float("nan")
        result[f"novelty@{self.ks[-1]}"] = (
            float(np.mean(-np.log2((np.array(heard) + 1) / (self._users + 1)))) if top else nothing
        )
        result[f"diversity@{self.ks[-1]}"] = self._diversity(top)
        lift = np.mean(heard) / np.mean(own) - 1 if top and own and np.mean(own) > 0 else nothing
        result[f"popularity_lift@{self.ks[-1]}"] = float(lift)
        return result

    def _diversity(self, items: Sequence[str]) -> float:
        """Mean of 1 - cosine over all pairs of the items."""
        count = len(items)
        if count < 2:
            return float("nan")
        rows = self._content[[self._row[item_id] for item_id in items]].astype(np.float64)
        similarities = rows @ rows.T
        return float(1 - (similarities.sum() - np.trace(similarities)) / (count * (count - 1)))


def found(items: Sequence[str], relevant: Collection[str], k: int) -> dict[str, float]:
    """Recall, ndcg, mrr and hit of the first k items."""
    hits = np.array([item_id in relevant for item_id in items[:k]], dtype=bool)
    discount = 1 / np.log2(np.arange(2, k + 2))
    first = int(hits.argmax()) + 1 if hits.any() else 0
    return {
        "recall": float(hits.sum() / len(relevant)),
        "ndcg": float(discount[: len(hits)][hits].sum() / discount[: min(k, len(relevant))].sum()),
        "mrr": 1 / first if first else 0.0,
        "hit": float(hits.any()),
    }


def gini(shown: Sequence[str], items: int) -> float:
    """Gini coefficient of how often each of `items` items is shown, those never shown included."""
    _, counts = np.unique(np.array(shown, dtype=object).astype(str), return_counts=True)
    exposure = np.zeros(max(items, len(counts)))
    exposure[: len(counts)] = counts
    if not exposure.any():
        return 0.0
    exposure.sort()
    places = np.arange(1, len(exposure) + 1)
    return float((2 * places - len(exposure) - 1) @ exposure / (len(exposure) * exposure.sum()))
