"""The interactions in SQLite come back as histories, oldest first."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from multimodal_rec.errors import WorkspaceError
from multimodal_rec.event_table import EventTable
from multimodal_rec.feedback import unwanted, wanted
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


@pytest.mark.parametrize("in_use", [False, True])
def test_another_users_table_is_read(tmp_path: Path, in_use: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = EventTable(tmp_path / "events.db")
    owner.put(EVENTS)
    zoe = owner.history("zoe")
    if not in_use:
        owner.close()
    monkeypatch.setattr(os, "access", lambda *_: False)  # for root all files can be written
    before = sorted(tmp_path.iterdir())
    with EventTable(tmp_path / "events.db") as table:
        assert table.history("zoe") == zoe
        with pytest.raises(WorkspaceError, match="readonly"):
            table.put(EVENTS)
        assert sorted(tmp_path.iterdir()) == before
    owner.close()


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


def test_an_event_sent_twice_counts_once_and_survives_the_next_log(table: EventTable) -> None:
    like = Event("zoe", "7", 20.0, None, 1.0, "like")
    assert table.add_live([("a", like), (None, Event("zoe", "8", 21.0, kind="view"))]) == 2
    assert table.add_live([("a", like), ("b", Event("zoe", "9", 22.0, kind="view"))]) == 1
    table.put([Event("zoe", "7", 20.0, 5.0), Event("zoe", "7", 23.0)], replace_all=True)
    assert [(event.item_id, event.timestamp, event.kind) for event in table.history("zoe")] == [
        ("7", 20.0, "like"),
        ("8", 21.0, "view"),
        ("9", 22.0, "view"),
        ("7", 23.0, None),
    ]
    assert table.live_count() == 3


def test_a_forgotten_user_leaves_nothing_in_the_file(tmp_path: Path) -> None:
    with EventTable(tmp_path / "events.db") as table:
        table.add_live([("k", Event("unforgettable", "1", 1.0, kind="like")), (None, Event("al", "1", 1.0))])
        assert table.forget("unforgettable") == 1
        assert table.users() == ["al"]
        for path in tmp_path.iterdir():
            assert b"unforgettable" not in path.read_bytes(), path


def test_users_are_found_by_the_start_of_their_id(table: EventTable) -> None:
    table.put([Event(user, "1") for user in ("ann", "anna", "an", "bo", "a%", "a\U0001f600")])
    assert table.users("ann") == ["ann", "anna"]
    assert table.users("a", limit=2, offset=1) == ["an", "ann"]
    assert table.users("a%") == ["a%"]


def test_a_table_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "events.db") as old:
        old.execute(
            "CREATE TABLE events (number INTEGER PRIMARY KEY, user_id TEXT NOT NULL, item_id TEXT NOT NULL, "
            "timestamp REAL, rating REAL, weight REAL NOT NULL)"
        )
        old.execute("INSERT INTO events VALUES (1, 'al', '5', 3.0, 4.0, 1.0)")
    old.close()
    with EventTable(tmp_path / "events.db") as table:
        table.add_live([("x", Event("al", "6", 4.0, kind="view"))])
        assert table.history("al") == [Event("al", "5", 3.0, 4.0), Event("al", "6", 4.0, kind="view")]


def test_dislikes_speak_against_an_item_until_it_is_liked_again() -> None:
    def event(item: str, weight: float = 1.0) -> Event:
        return Event("u", item, weight=weight)

    events = [event("a"), event("b"), event("a", -1.0), event("c", -1.0), event("c"), event("d", -1.0)]
    assert unwanted(events) == ["a", "d"]
    assert [each.item_id for each in wanted(events)] == ["b", "c"]
