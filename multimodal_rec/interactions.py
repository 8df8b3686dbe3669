"""The log of who liked what, read from a table, and a user's history in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from multimodal_rec.catalogue import Problem
from multimodal_rec.errors import CatalogueError
from multimodal_rec.items import check_id
from multimodal_rec.rows import BadRow, number_or_none, read_rows


@dataclass(frozen=True, slots=True)
class Event:
    """One interaction. `timestamp` in seconds since 1970, `rating` on the log's own scale, `weight` 1 by default.

    A weight below zero says that the user does not want such items. `kind` is what the service was told ("view",
    "like", …), None for the rows of a log.
    """

    user_id: str
    item_id: str
    timestamp: float | None = None
    rating: float | None = None
    weight: float = 1.0
    kind: str | None = None


def read_interactions(path: Path) -> Iterator[Event | Problem]:
    """Yield the rows of an interactions table in order, as events or as the problems they are.

    Raises:
        CatalogueError: the file cannot be read, or lacks a user_id or item_id column.
    """
    has_columns = path.suffix.lower() not in {".jsonl", ".ndjson"}
    first_bad: BadRow | None = None
    good = 0
    for row in read_rows(path):
        if isinstance(row, BadRow):
            first_bad = first_bad or row
            yield Problem(row.place, None, row.reason)
            continue
        fields = row.fields
        if has_columns and not good and not {"user_id", "item_id"} <= fields.keys():
            raise CatalogueError(
                f"{path}: interactions need the columns user_id and item_id, found {', '.join(fields)}"
            )
        good += 1
        try:
            weight = number_or_none(fields.get("weight"))
            yield Event(
                user_id=check_id(fields.get("user_id"), "user_id"),
                item_id=check_id(fields.get("item_id"), "item_id"),
                timestamp=_seconds(fields.get("timestamp")),
                rating=number_or_none(fields.get("rating")),
                weight=1.0 if weight is None else weight,
            )
        except ValueError as error:
            yield Problem(row.place, None, str(error))
    if first_bad and not good:
        raise CatalogueError(f"{path}: not one row is readable: {first_bad.place}: {first_bad.reason}")


def _seconds(value: object) -> float | None:
    return value.timestamp() if isinstance(value, datetime) else number_or_none(value)


def in_time_order(events: Iterable[Event]) -> list[Event]:
    """Return one user's events oldest first: undated ones before dated ones, ties as they came."""
    return sorted(events, key=lambda event: float("-inf") if event.timestamp is None else event.timestamp)
