"""The interactions in SQLite: one row an event, read back as histories in order of time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Self

from multimodal_rec.interactions import Event

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL, item_id TEXT NOT NULL,
    timestamp REAL, rating REAL, weight REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_user ON events (user_id, timestamp, number);
"""
_FIELDS = "user_id, item_id, timestamp, rating, weight"


class EventTable:
    """Events in the order in which they came, undated ones counted as the oldest."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Yield all that the table holds, in a stable order."""
        yield from self._db.execute("SELECT * FROM events ORDER BY number")

    def __len__(self) -> int:
        """Number of events."""
        return int(self._db.execute("SELECT count(*) FROM events").fetchone()[0])

    def put(self, events: Iterable[Event], *, replace_all: bool = False) -> None:
        """Append events in one transaction; with `replace_all`, whatever was there goes."""
        with self._db:
            if replace_all:
                self._db.execute("DELETE FROM events")
            self._db.executemany(
                f"INSERT INTO events ({_FIELDS}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608
                ((e.user_id, e.item_id, e.timestamp, e.rating, e.weight) for e in events),
            )

    def users(self) -> list[str]:
        """All users in alphabetical order."""
        return [row[0] for row in self._db.execute("SELECT DISTINCT user_id FROM events ORDER BY user_id")]

    def item_counts(self) -> dict[str, int]:
        """How many events each item has."""
        return dict(self._db.execute("SELECT item_id, count(*) FROM events GROUP BY item_id ORDER BY item_id"))

    def history(self, user_id: str) -> list[Event]:
        """One user's events, oldest first; empty for an unknown user."""
        query = f"SELECT {_FIELDS} FROM events WHERE user_id = ? ORDER BY timestamp, number"  # noqa: S608
        return [Event(*record) for record in self._db.execute(query, (user_id,))]

    def histories(self) -> Iterator[tuple[str, list[Event]]]:
        """Every user with their events, oldest first, in alphabetical order of users."""
        query = f"SELECT {_FIELDS} FROM events ORDER BY user_id, timestamp, number"  # noqa: S608
        for user_id, records in groupby(self._db.execute(query), key=lambda record: str(record[0])):
            yield user_id, [Event(*record) for record in records]
