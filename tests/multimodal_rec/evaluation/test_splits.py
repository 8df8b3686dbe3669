"""Splits keep what is to be found away from what is learned from."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal_rec.errors import CatalogueError
from multimodal_rec.evaluation.splits import SPLITS, given_split, make_split
from multimodal_rec.interactions import Event


def log(users: int = 40, events: int = 10) -> list[Event]:
    """User u likes items u, u + 1, …, modulo 50, in this order; the rows come shuffled."""
    rows = [Event(f"u{u:02}", f"i{(u + n) % 50}", 1000.0 + n, 4.0) for u in range(users) for n in range(events)]
    return [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]


def keys(events: list[Event]) -> set[tuple[str, str]]:
    return {(event.user_id, event.item_id) for event in events}


@pytest.mark.parametrize("name", SPLITS)
def test_nothing_to_be_found_is_learned_from(name: str) -> None:
    split = make_split(name, log(), seed=3)
    assert not keys(split.train) & keys(split.test)
    assert keys(split.train) | keys(split.test) <= keys(log())
    assert set(split.histories) == set(split.relevant)
    for user, history in split.histories.items():
        assert not {event.item_id for event in history} & split.relevant[user]
        assert [event.timestamp for event in history] == sorted(event.timestamp for event in history)


@pytest.mark.parametrize("name", SPLITS)
def test_the_same_seed_gives_the_same_split_in_any_order_of_distinct_times(name: str) -> None:
    first, again = make_split(name, log(), seed=1), make_split(name, log(), seed=1)
    assert first == again
    if name != "temporal":
        assert keys(make_split(name, log(), seed=2).test) != keys(first.test)


def test_temporal_hides_the_newest_fifth() -> None:
    split = make_split("temporal", log(), seed=0)
    assert keys(split.test) == {(f"u{u:02}", f"i{(u + n) % 50}") for u in range(40) for n in (8, 9)}
    assert split.candidates is None


def test_random_hides_a_fifth_of_each_user() -> None:
    split = make_split("random", log(), seed=0)
    assert {user: len(items) for user, items in split.relevant.items()} == {f"u{u:02}": 2 for u in range(40)}
    assert keys(split.test) != keys(make_split("temporal", log(), seed=0).test)


def test_cold_items_are_in_no_training_row() -> None:
    split = make_split("cold-item", log(), seed=0)
    assert split.candidates is not None
    assert len(split.candidates) == int(0.15 * len({event.item_id for event in log()}))
    assert {event.item_id for event in split.test} <= split.candidates
    assert not {event.item_id for event in split.train} & split.candidates
    among_all = make_split("cold-in-all", log(), seed=0)
    assert keys(among_all.test) == keys(split.test)
    assert among_all.candidates is None


def test_new_users_are_in_no_training_row_and_bring_their_older_events() -> None:
    split = make_split("new-user", log(), seed=0)
    assert len(split.histories) == 6
    assert not {event.user_id for event in split.train} & set(split.histories)
    assert all(len(history) == 8 for history in split.histories.values())


def test_what_was_seen_before_is_not_to_be_found() -> None:
    events = [
        Event("a", "x", 1.0),
        Event("a", "y", 2.0),
        Event("a", "z", 3.0),
        Event("a", "w", 4.0),
        Event("a", "x", 5.0),
    ]
    with pytest.raises(CatalogueError, match="nothing to find"):
        make_split("temporal", events, seed=0)


def test_given_files_are_taken_as_they_are() -> None:
    train, test = [Event("a", "x", 1.0), Event("b", "y", 1.0)], [Event("a", "x", 2.0), Event("c", "q", 2.0)]
    split = given_split(train, test, None, None)
    assert split.relevant == {"a": {"x"}, "c": {"q"}}
    assert split.histories == {"a": [train[0]], "c": []}
    split = given_split(train, test, {"a": [train[1]]}, ["x"])
    assert split.histories == {"a": [train[1]], "c": []}
    assert split.candidates == {"x"}


def test_an_unknown_split_names_those_there_are() -> None:
    with pytest.raises(CatalogueError, match="temporal, random"):
        make_split("leave-one-out", log(), seed=0)


def test_dislikes_are_not_to_be_found() -> None:
    events = [Event("a", f"i{n}", float(n), None, -1.0 if n == 9 else 1.0) for n in range(10)]
    split = make_split("temporal", events, seed=0)
    assert split.relevant == {"a": {"i8"}}
    assert given_split(events[:8], events[8:], None, None).relevant == {"a": {"i8"}}
