"""All users' histories as flat arrays, and the split that holds out the newest events of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from multimodal_rec.arrays import BoolArray, FloatArray, IntArray
from multimodal_rec.feedback import wanted
from multimodal_rec.interactions import Event

ALL_ALIKE = float("inf")
"""The recency of a model to which the order of a history means nothing."""
CONTENT_RECENCY = 5.0
"""Of the mean content of a history."""
FLOOR = 0.1
"""Weight that even the oldest event of a history keeps."""


@dataclass(frozen=True)
class Histories:
    """E events of U users, grouped by user, oldest first. User u owns the slice `bounds[u]:bounds[u + 1]`."""

    users: tuple[str, ...]
    bounds: IntArray  # (U + 1,)
    items: IntArray  # (E,) positions in the catalogue
    ratings: FloatArray  # (E,) NaN where there is none
    timestamps: npt.NDArray[np.float64]  # (E,) seconds, NaN where undated

    def __len__(self) -> int:
        """Number of users."""
        return len(self.users)

    @property
    def lengths(self) -> IntArray:
        """(U,) number of events of each user."""
        return np.diff(self.bounds)

    @property
    def owners(self) -> IntArray:
        """(E,) the user of each event."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @cached_property
    def ordered(self) -> BoolArray:
        """(U,) whether the order of a user's events means something: most of them carry a time, not all the same."""
        result = np.zeros(len(self), dtype=bool)
        for user, (start, end) in enumerate(zip(self.bounds[:-1], self.bounds[1:], strict=True)):
            times = self.timestamps[start:end]
            dated = times[~np.isnan(times)]
            result[user] = 2 * len(dated) >= len(times) and len(dated) > 0 and bool(dated.min() < dated.max())
        return result

    def of(self, user: int) -> slice:
        """The slice of one user's events."""
        return slice(int(self.bounds[user]), int(self.bounds[user + 1]))

    def select(self, keep: BoolArray) -> Histories:
        """Return the same users with only the events where `keep` (E,) holds."""
        counts = np.bincount(self.owners[keep], minlength=len(self))
        return Histories(
            self.users,
            np.concatenate([[0], np.cumsum(counts)]),
            self.items[keep],
            self.ratings[keep],
            self.timestamps[keep],
        )


def collect(histories: Iterable[tuple[str, list[Event]]], positions: Mapping[str, int]) -> Histories:
    """Gather (user, events oldest first) pairs.

    Events of unknown or unwanted items, and users left without any, are dropped.
    """
    users: list[str] = []
    bounds, items, ratings, timestamps = [0], [], [], []
    for user, events in histories:
        known = [event for event in wanted(events) if event.item_id in positions]
        if not known:
            continue
        users.append(user)
        items += [positions[event.item_id] for event in known]
        ratings += [np.nan if event.rating is None else event.rating for event in known]
        timestamps += [np.nan if event.timestamp is None else event.timestamp for event in known]
        bounds.append(len(items))
    return Histories(
        tuple(users),
        np.array(bounds, dtype=np.int64),
        np.array(items, dtype=np.int64),
        np.array(ratings, dtype=np.float32),
        np.array(timestamps, dtype=np.float64),
    )


def held_out(histories: Histories, share: float, seed: int) -> BoolArray:
    """(E,) the events to validate on: `share` of each user's newest, or random ones where the order means nothing.

    Users with too few events to spare one keep them all.
    """
    random = np.random.default_rng(seed)
    mask = np.zeros(len(histories.items), dtype=bool)
    ordered = histories.ordered
    for user in range(len(histories)):
        own = histories.of(user)
        length = own.stop - own.start
        count = int(np.ceil(length * share)) if length >= 2 else 0
        if ordered[user]:
            mask[own.stop - count : own.stop] = True
        else:
            mask[own.start + random.choice(length, size=count, replace=False)] = True
    return mask


def enough_to_train(histories: Histories) -> bool:
    """Whether there are any next events to learn from."""
    return bool((histories.lengths >= 3).sum() >= 3)


def age_weights(length: int, recency: float) -> FloatArray:
    """(length,) weights of a history's events, oldest first: exp(-age / recency) with a floor; they sum to 1."""
    weights = np.exp(-np.arange(length)[::-1] / recency) + FLOOR
    return np.asarray(weights / weights.sum(), dtype=np.float32)
