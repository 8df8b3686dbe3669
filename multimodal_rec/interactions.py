"""The log of who liked what, read from a table, and a user's history in order of time."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from multimodal_rec.catalogue import Problem
from multimodal_rec.errors import CatalogueError
from multimodal_rec.filters import read_value
from multimodal_rec.items import check_id
from multimodal_rec.rows import BadRow, number_or_none, read_rows

logger = logging.getLogger(__name__)

YEAR_5000 = 95_617_584_000
"""In seconds since 1970; a log whose times are all later most likely has them in milliseconds."""


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

    Timestamps may be ISO 8601 too, in UTC unless they say otherwise. That all of them look like milliseconds is told.

    Raises:
        CatalogueError: the file cannot be read, or lacks a user_id or item_id column.
    """
    has_columns = path.suffix.lower() not in {".jsonl", ".ndjson"}
    first_bad: BadRow | None = None
    good = 0
    earliest = math.inf
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
            weight = _number(fields, "weight")
            event = Event(
                user_id=check_id(fields.get("user_id"), "user_id"),
                item_id=check_id(fields.get("item_id"), "item_id"),
                timestamp=_seconds(fields.get("timestamp")),
                rating=_number(fields, "rating"),
                weight=1.0 if weight is None else weight,
            )
        except ValueError as error:
            yield Problem(row.place, None, str(error))
            continue
        if event.timestamp is not None:
            earliest = min(earliest, event.timestamp)
        yield event
    if YEAR_5000 < earliest < math.inf:
        logger.error(
            "%s: all timestamps are beyond the year 5000, and taken as they are: if they are milliseconds, divide them "
            "by 1000",
            path,
        )
    if first_bad and not good:
        raise CatalogueError(f"{path}: not one row is readable: {first_bad.place}: {first_bad.reason}")


def _number(fields: Mapping[str, Any], name: str) -> float | None:
    try:
        return number_or_none(fields.get(name))
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _seconds(value: object) -> float | None:
    try:
        return number_or_none(value)
    except ValueError:
        text = value.strip() if isinstance(value, str) else value
        time = read_value(text).time if isinstance(text, str | date) else math.nan
        if math.isnan(time):
            raise ValueError(f"timestamp {value!r} is neither seconds since 1970 nor ISO 8601") from None
        return time


def in_time_order(events: Iterable[Event]) -> list[Event]:
    """Return one user's events oldest first: undated ones before dated ones, ties as they came."""
    return sorted(events, key=lambda event: float("-inf") if event.timestamp is None else event.timestamp)
