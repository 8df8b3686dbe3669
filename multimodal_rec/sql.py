"""SQLite files of a workspace: what is wrong with one in one line, and queries that ask for any number of values."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from multimodal_rec.errors import WorkspaceError

MOST_VALUES = 512
"""In one statement."""
BUILD_AGAIN = "run `multimodal-rec build` again"


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


@contextmanager
def readable(path: Path, remedy: str = BUILD_AGAIN) -> Iterator[None]:
    """Read a file; raises WorkspaceError where SQLite cannot, or finds it damaged and in want of a remedy."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise WorkspaceError(
            f"{path} cannot be read or written ({error}): check its permissions and the disk"
        ) from error
    except sqlite3.DatabaseError as error:
        raise WorkspaceError(f"{path} is damaged ({error}): {remedy}") from error


def damage(path: Path) -> str | None:
    """What SQLite finds wrong with a file that it reads whole; None where nothing is, or there is no file."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path)) as db:
            found = " ".join(db.execute("PRAGMA quick_check(1)").fetchone()[0].split())
    except sqlite3.OperationalError:  # such as a full disk: no damage
        return None
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == "ok" else found
