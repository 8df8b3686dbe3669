"""The interactions in SQLite: one row an event, read back as histories in order of time.

Rows are of two sorts. A build imports those of a log, and the next build replaces them; the service adds live ones,
which have a `kind` and stay until their user is forgotten.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Self

from multimodal_rec.interactions import Event
from multimodal_rec.sql import readable, rows_among

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL, item_id TEXT NOT NULL,
    timestamp REAL, rating REAL, weight REAL NOT NULL,
    kind TEXT, event_id TEXT
);
CREATE INDEX IF NOT EXISTS events_by_user ON events (user_id, timestamp, number);
"""
_LIVE_SCHEMA = "CREATE UNIQUE INDEX IF NOT EXISTS live_events ON events (event_id) WHERE event_id IS NOT NULL"
_FIELDS = "user_id, item_id, timestamp, rating, weight, kind"
_IMPORTED_TWICE = """
DELETE FROM events WHERE kind IS NULL AND EXISTS (
    SELECT 1 FROM events AS live WHERE live.kind IS NOT NULL AND live.user_id = events.user_id
    AND live.item_id = events.item_id AND live.timestamp = events.timestamp
)"""
LAST_CHARACTER = "\U0010ffff"
BUSY_SECONDS = 60.0
"""How long a change waits for another process's."""
EVENTS_REMEDY = "move it away, with the live events in it, and run `multimodal-rec build` with all interactions"


class EventTable:
    """Events in the order in which they came, undated ones counted as the oldest. Threads may share it.

    Where the file or its folder is another user's, who lets it be read alone, so is the table.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            # SQLite reads beside the log that a writer has open; without one it would have to make it.
            how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
            self._db = sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, check_same_thread=False)
            self._db.execute("SELECT 1 FROM events LIMIT 1")  # SQLite opens the file when it is first asked
        else:
            self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(_SCHEMA)
            self._add_missing_columns()
            self._db.execute(_LIVE_SCHEMA)
        # One statement at a time: beside another thread's, a query would be answered from that one's older snapshot.
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Yield all that the table holds, in a stable order; raises WorkspaceError where it is damaged, as all that read."""
        with readable(self._path, EVENTS_REMEDY):
            yield from self._db.execute("SELECT * FROM events ORDER BY number")

    def __len__(self) -> int:
        """Number of events."""
        with self._asking():
            return int(self._db.execute("SELECT count(*) FROM events").fetchone()[0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all changes inside durable together when the block ends well, and none otherwise."""
        with self._asking(), self._db:
            yield

    def put(self, events: Iterable[Event], *, replace_all: bool = False) -> None:
        """Append a log's events in one transaction; with `replace_all`, those of the log before go.

        A row that says the same as a live event (user, item, time) is that event, and is not counted twice.
        """
        with self.transaction():
            if replace_all:
                self._db.execute("DELETE FROM events WHERE kind IS NULL")
            self._db.executemany(
                f"INSERT INTO events ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
                map(_to_record, events),
            )
            if self._db.execute("SELECT 1 FROM events WHERE kind IS NOT NULL LIMIT 1").fetchone():
                self._db.execute(_IMPORTED_TWICE)

    def add_live(self, events: Iterable[tuple[str | None, Event]]) -> int:
        """Append (id, event) pairs, and return how many were new: of those with a known id nothing is added."""
        with self.transaction():
            return self._db.executemany(
                f"INSERT INTO events (event_id, {_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?) "  # noqa: S608
                "ON CONFLICT (event_id) WHERE event_id IS NOT NULL DO NOTHING",
                ((event_id, *_to_record(event)) for event_id, event in events),
            ).rowcount

    def forget(self, user_id: str) -> int:
        """Delete all events of a user, on the disk too, and return how many there were."""
        with self._asking():
            self._db.execute("PRAGMA secure_delete = ON")
            with self._db:
                count = self._db.execute("DELETE FROM events WHERE user_id = ?", (user_id,)).rowcount
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return count

    def users(self, prefix: str = "", *, limit: int = -1, offset: int = 0) -> list[str]:
        """Users in alphabetical order: those whose id starts with `prefix`, at most `limit`, from `offset` on."""
        query = (
            "SELECT DISTINCT user_id FROM events WHERE user_id >= ? AND user_id < ? ORDER BY user_id LIMIT ? OFFSET ?"
        )
        with self._asking():
            found = self._db.execute(query, (prefix, f"{prefix}{LAST_CHARACTER}", limit, offset))
            return [row[0] for row in found.fetchall()]

    def item_counts(self) -> dict[str, int]:
        """How many events each item has."""
        with self._asking():
            return dict(self._db.execute("SELECT item_id, count(*) FROM events GROUP BY item_id ORDER BY item_id"))

    def any_of(self, item_ids: Sequence[str]) -> bool:
        """Whether any of these items has an event."""
        with self._asking():
            return next(rows_among(self._db, "SELECT 1 FROM events WHERE item_id IN (?)", item_ids), None) is not None

    def live_count(self) -> int:
        """Number of live events."""
        with self._asking():
            return int(self._db.execute("SELECT count(*) FROM events WHERE kind IS NOT NULL").fetchone()[0])

    def history(self, user_id: str) -> list[Event]:
        """One user's events, oldest first; empty for an unknown user."""
        query = f"SELECT {_FIELDS} FROM events WHERE user_id = ? ORDER BY timestamp, number"  # noqa: S608
        with self._asking():
            records = self._db.execute(query, (user_id,)).fetchall()
        return [Event(*record) for record in records]

    def histories(self) -> Iterator[tuple[str, list[Event]]]:
        """Every user with their events, oldest first, in alphabetical order of users."""
        query = f"SELECT {_FIELDS} FROM events ORDER BY user_id, timestamp, number"  # noqa: S608
        with readable(self._path, EVENTS_REMEDY):
            for user_id, records in groupby(self._db.execute(query), key=lambda record: str(record[0])):
                yield user_id, [Event(*record) for record in records]

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Ask, or change, while no other thread does."""
        with self._lock, readable(self._path, EVENTS_REMEDY):
            yield

    def _add_missing_columns(self) -> None:
        """Bring a table of before there were live events up to date."""
        present = {row[1] for row in self._db.execute("PRAGMA table_info(events)")}
        for name in ("kind", "event_id"):
            if name not in present:
                self._db.execute(f"ALTER TABLE events ADD COLUMN {name} TEXT")


def _to_record(event: Event) -> Sequence[object]:
    return event.user_id, event.item_id, event.timestamp, event.rating, event.weight, event.kind
