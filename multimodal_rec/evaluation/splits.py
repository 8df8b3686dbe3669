"""Which interactions are learned from, and which are to be found.

temporal    the newest fifth of each user's events is to be found
random      a random fifth of each user's events
cold-item   15 % of the items appear in no training row; they are ranked among themselves
cold-in-all the same, ranked among all items
new-user    15 % of the users appear in no training row; their older events come as history at query time
given       a training and a test file of the caller's
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from multimodal_rec.errors import CatalogueError
from multimodal_rec.feedback import wanted
from multimodal_rec.interactions import Event, in_time_order

SPLITS = ("temporal", "random", "cold-item", "cold-in-all", "new-user")
TEST_SHARE = 0.2
"""Share of a user's events that is to be found."""
NEW_SHARE = 0.15
"""Share of the items, or of the users, that appear in no training row."""

Histories = Mapping[str, Sequence[Event]]


@dataclass(frozen=True)
class Split:
    """Events to learn from, and what is to be found for whom."""

    name: str
    train: list[Event]
    """Grouped by user, oldest first."""
    histories: dict[str, list[Event]]
    """What is known of each user to be answered, oldest first."""
    test: list[Event]
    candidates: frozenset[str] | None = None
    """The items that are ranked, None for all."""

    @property
    def relevant(self) -> dict[str, set[str]]:
        """The items to be found for each user."""
        found: dict[str, set[str]] = {}
        for event in self.test:
            found.setdefault(event.user_id, set()).add(event.item_id)
        return found


def make_split(name: str, events: Iterable[Event], seed: int) -> Split:
    """Split a log.

    Args:
        name: one of `SPLITS`.
        events: in any order; of equal times, a random one counts as older.
        seed: of all that is random.

    Raises:
        CatalogueError: nothing is left to learn from, or to be found.
    """
    random = np.random.default_rng(seed)
    users = _by_user(events, random)
    if name in ("temporal", "random"):
        split = _of_events(name, users, random)
    elif name in ("cold-item", "cold-in-all"):
        split = _of_items(name, users, random)
    elif name == "new-user":
        split = _of_users(name, users, random)
    else:
        raise CatalogueError(f"no split is called {name!r}: take one of {', '.join(SPLITS)}")
    return checked(split)


def given_split(
    train: Iterable[Event], test: Iterable[Event], histories: Histories | None, candidates: Iterable[str] | None
) -> Split:
    """The split of the caller's own files; without `histories`, users are known by their training rows.

    Raises:
        CatalogueError: nothing is left to learn from, or to be found.
    """
    random = np.random.default_rng(0)
    users = _by_user(train, random, keep_order=True)
    known = users if histories is None else histories
    rows = [event for event in test if event.weight >= 0]
    answered = dict.fromkeys(event.user_id for event in rows)
    split = Split(
        "given",
        [event for own in users.values() for event in own],
        {user: list(known.get(user, ())) for user in answered},
        rows,
        None if candidates is None else frozenset(candidates),
    )
    return checked(split)


def checked(split: Split) -> Split:
    """Return the split, or raise CatalogueError where there is nothing to learn or nothing to find."""
    if not split.train or not split.test:
        what = "learn from" if not split.train else "find"
        raise CatalogueError(f"the {split.name} split leaves nothing to {what}: it needs more interactions")
    return split


def by_user(events: Iterable[Event]) -> Iterator[tuple[str, list[Event]]]:
    """Each user's events, oldest first, ties as they came; users in order of their ids."""
    users: dict[str, list[Event]] = {}
    for event in events:
        users.setdefault(event.user_id, []).append(event)
    for user in sorted(users):
        yield user, in_time_order(users[user])


def _by_user(
    events: Iterable[Event], random: np.random.Generator, *, keep_order: bool = False
) -> dict[str, list[Event]]:
    """Each user's events, oldest first, undated ones before dated ones; users in order of their ids."""
    everything = list(events)
    ties = np.arange(len(everything)) if keep_order else random.permutation(len(everything))
    users: dict[str, list[tuple[float, int, Event]]] = {}
    for event, tie in zip(everything, ties.tolist(), strict=True):
        time = float("-inf") if event.timestamp is None else event.timestamp
        users.setdefault(event.user_id, []).append((time, tie, event))
    return {user: [event for _, _, event in sorted(users[user], key=lambda row: row[:2])] for user in sorted(users)}


def _of_events(name: str, users: dict[str, list[Event]], random: np.random.Generator) -> Split:
    histories, test = {}, []
    for user, events in users.items():
        cut = _cut(events)
        hidden = set(range(cut, len(events)))
        if name == "random":
            hidden = set(random.permutation(len(events))[cut:].tolist())
        shown = [event for place, event in enumerate(events) if place not in hidden]
        histories[user] = shown
        test += _unseen(shown, [events[place] for place in sorted(hidden)])
    answered = {event.user_id for event in test}
    train = [event for events in histories.values() for event in events]
    return Split(name, train, {user: shown for user, shown in histories.items() if user in answered}, test)


def _of_items(name: str, users: dict[str, list[Event]], random: np.random.Generator) -> Split:
    items = sorted({event.item_id for events in users.values() for event in events})
    cold = frozenset(random.permutation(items)[: int(len(items) * NEW_SHARE)].tolist())
    histories = {user: [event for event in events if event.item_id not in cold] for user, events in users.items()}
    test = [
        event for user, events in users.items() if histories[user] for event in wanted(events) if event.item_id in cold
    ]
    answered = {event.user_id for event in test}
    return Split(
        name,
        [event for events in histories.values() for event in events],
        {user: shown for user, shown in histories.items() if user in answered},
        test,
        cold if name == "cold-item" else None,
    )


def _of_users(name: str, users: dict[str, list[Event]], random: np.random.Generator) -> Split:
    new = set(random.permutation(list(users))[: int(len(users) * NEW_SHARE)].tolist())
    train = [event for user, events in users.items() if user not in new for event in events]
    histories, test = {}, []
    for user in sorted(new):
        cut = _cut(users[user])
        found = _unseen(users[user][:cut], users[user][cut:])
        if found:
            histories[user] = users[user][:cut]
            test += found
    return Split(name, train, histories, test)


def _cut(events: Sequence[Event]) -> int:
    """How many of a user's events are shown: at least one."""
    return max(1, int(len(events) * (1 - TEST_SHARE) + 1e-9))


def _unseen(shown: Sequence[Event], hidden: Sequence[Event]) -> list[Event]:
    """The hidden events to be found: no dislikes, and no items of the shown ones, which are never recommended again."""
    seen = {event.item_id for event in shown}
    return [event for event in wanted(hidden) if event.item_id not in seen]
