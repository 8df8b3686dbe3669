"""The interactions in SQLite come back as histories, oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from multimodal_rec.event_table import EventTable
from multimodal_rec.interactions import Event, in_time_order

EVENTS = [
    Event("zoe", "1", 5.0, 4.5, 0.5),
    Event("al", "1", 9.0),
    Event("zoe", "2", None, 1.0),
    Event("zoe", "3", 2.5),
    Event("Bo", "2"),
    Event("zoe", "4", 5.0),
    Event("zoe", "1", None),
]


@pytest.fixture
def table(tmp_path: Path) -> Iterator[EventTable]:
    with EventTable(tmp_path / "events.db") as table:
        yield table


def test_history_is_in_time_order(table: EventTable) -> None:
    table.put(EVENTS)
    zoe = [event for event in EVENTS if event.user_id == "zoe"]
    assert table.history("zoe") == in_time_order(zoe)
    assert [event.item_id for event in table.history("zoe")] == ["2", "1", "3", "1", "4"]
    assert table.history("zo") == []


def test_histories_hold_every_user_in_order(table: EventTable) -> None:
    table.put(EVENTS)
    assert table.users() == ["Bo", "al", "zoe"]
    assert list(table.histories()) == [(user, table.history(user)) for user in ["Bo", "al", "zoe"]]
    assert len(table) == 7


def test_put_appends_and_ties_stay_as_they_came(table: EventTable) -> None:
    table.put(EVENTS)
    table.put([Event("zoe", "9", 5.0), Event("zoe", "8", 0.0)])
    assert [event.item_id for event in table.history("zoe")] == ["2", "1", "8", "3", "1", "4", "9"]


def test_replace_all_leaves_only_the_new(table: EventTable) -> None:
    table.put(EVENTS)
    table.put([Event("new", "1", 1.0)], replace_all=True)
    assert list(table.histories()) == [("new", [Event("new", "1", 1.0)])]


def test_a_put_that_fails_changes_nothing(table: EventTable) -> None:
    def broken() -> Iterator[Event]:
        yield Event("new", "1")
        raise ValueError("the source broke")

    table.put(EVENTS[:1])
    with pytest.raises(ValueError, match="the source broke"):
        table.put(broken(), replace_all=True)
    assert list(table.histories()) == [("zoe", EVENTS[:1])]


def test_events_are_still_there_when_opened_again(tmp_path: Path) -> None:
    with EventTable(tmp_path / "events.db") as table:
        table.put(EVENTS)
    with EventTable(tmp_path / "events.db") as table:
        assert table.history("al") == [Event("al", "1", 9.0)]
