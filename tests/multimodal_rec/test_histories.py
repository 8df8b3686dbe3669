"""Histories as flat arrays, and which of their events are held out."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal_rec.histories import Histories, collect, held_out
from multimodal_rec.interactions import Event

POSITIONS = {f"i{number}": number for number in range(50)}


def dated(user: str, *times: float | None) -> tuple[str, list[Event]]:
    return user, [Event(user, f"i{place}", time) for place, time in enumerate(times)]


def several() -> Histories:
    """Three users of 3, 1 and 2 known events."""
    return collect(
        [
            (
                "a",
                [
                    Event("a", "i4", None, 2.0),
                    Event("a", "gone", 1.0),
                    Event("a", "i1", 1.5),
                    Event("a", "i4", 2.5, 5.0),
                ],
            ),
            ("nobody", [Event("nobody", "gone")]),
            ("b", [Event("b", "i0")]),
            ("c", [Event("c", "i2", 7.0), Event("c", "i3", 7.0)]),
        ],
        POSITIONS,
    )


def held_places(histories: Histories, mask: np.ndarray, user: int) -> list[int]:
    return np.flatnonzero(mask[histories.of(user)]).tolist()


def test_collect_drops_unknown_items_and_users_left_without_any() -> None:
    histories = several()
    assert histories.users == ("a", "b", "c")
    assert histories.bounds.tolist() == [0, 3, 4, 6]
    assert histories.items.tolist() == [4, 1, 4, 0, 2, 3]
    nan = float("nan")
    np.testing.assert_array_equal(histories.ratings, np.float32([2, nan, 5, nan, nan, nan]))
    np.testing.assert_array_equal(histories.timestamps, [nan, 1.5, 2.5, nan, 7, 7])


def test_views_of_histories() -> None:
    histories = several()
    assert len(histories) == 3
    assert histories.lengths.tolist() == [3, 1, 2]
    assert histories.owners.tolist() == [0, 0, 0, 1, 2, 2]
    assert [histories.of(user) for user in range(3)] == [slice(0, 3), slice(3, 4), slice(4, 6)]


def test_collect_of_nothing() -> None:
    histories = collect([], POSITIONS)
    assert len(histories) == 0
    assert histories.bounds.tolist() == [0]
    assert held_out(histories, 0.5, seed=0).tolist() == []


def test_select_keeps_users_who_lose_all_events() -> None:
    histories = several()
    shown = histories.select(np.array([False, True, True, False, False, False]))
    assert shown.users == histories.users
    assert shown.bounds.tolist() == [0, 2, 2, 2]
    assert shown.items.tolist() == [1, 4]
    np.testing.assert_array_equal(shown.ratings, np.float32([np.nan, 5]))
    assert shown.timestamps.tolist() == [1.5, 2.5]
    assert histories.items.tolist() == [4, 1, 4, 0, 2, 3]


@pytest.mark.parametrize(
    ("times", "ordered"),
    [
        ((1, 2, 3), True),
        ((None, 1, 2), True),
        ((None, None, 1, 2), True),
        ((None, None, None, 1, 2), False),
        ((5, 5, 5), False),
        ((None, None), False),
        ((None, 5), False),
        ((5,), False),
    ],
)
def test_order_means_something_where_most_events_carry_different_times(
    times: tuple[float | None, ...], ordered: bool
) -> None:
    assert collect([dated("u", *times)], POSITIONS).ordered.tolist() == [ordered]


@pytest.mark.parametrize(("length", "share", "count"), [(8, 0.25, 2), (9, 0.25, 3), (2, 0.1, 1), (20, 0.125, 3)])
def test_the_newest_are_held_out_where_events_are_ordered(length: int, share: float, count: int) -> None:
    histories = collect([dated("a", *range(length)), dated("b", *range(length))], POSITIONS)
    mask = held_out(histories, share, seed=0)
    newest = list(range(length - count, length))
    assert [held_places(histories, mask, user) for user in (0, 1)] == [newest, newest]


@pytest.mark.parametrize("time", [None, 5.0], ids=["undated", "all at once"])
def test_random_events_are_held_out_where_the_order_means_nothing(time: float | None) -> None:
    histories = collect([dated(f"u{user}", *[time] * 8) for user in range(200)], POSITIONS)
    mask = held_out(histories, 0.25, seed=0)
    places = [tuple(held_places(histories, mask, user)) for user in range(200)]
    assert {len(chosen) for chosen in places} == {2}
    counts = np.bincount(np.concatenate(places), minlength=8)  # 50 expected at each place
    assert counts.min() > 25
    assert counts.max() < 80


def test_the_seed_decides() -> None:
    histories = collect([dated("u", *[None] * 40)], POSITIONS)
    first, same, other = (held_out(histories, 0.25, seed) for seed in (1, 1, 2))
    assert first.tolist() == same.tolist()
    assert first.tolist() != other.tolist()


def test_who_has_one_event_keeps_it() -> None:
    histories = collect([dated("a", 1.0), dated("b", None)], POSITIONS)
    assert held_out(histories, 0.5, seed=0).tolist() == [False, False]
