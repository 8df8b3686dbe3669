"""Queries of SQLite that ask for any number of values."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

MOST_VALUES = 512
"""In one statement."""


def rows_among(db: sqlite3.Connection, query: str, values: Sequence[object], *before: object) -> Iterator[Any]:
    """Yield the rows of a query in whose `IN (?)` these values are, those of some at a time.

    Args:
        db: to ask.
        query: with `IN (?)`, and a mark for each value before it.
        values: that rows are found by.
        before: the values of the marks before it.
    """
    for start in range(0, len(values), MOST_VALUES):
        some = values[start : start + MOST_VALUES]
        yield from db.execute(query.replace("IN (?)", f"IN ({', '.join('?' * len(some))})"), (*before, *some))
