"""Many queries from files, and their answers to files."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from multimodal_rec.errors import CatalogueError, QueryError, UnknownUser
from multimodal_rec.interactions import Event, in_time_order, read_interactions
from multimodal_rec.query import PARTS, TASTE, Query
from multimodal_rec.recommender import BATCH, Hit, Recommender
from multimodal_rec.rows import BadRow, read_rows, text_or_none

logger = logging.getLogger(__name__)

FIELDS = ("id", *PARTS, "weights", "user", "taste", "where", "exclude", "words", "unique")
"""What a row of a queries file may hold."""

Skipped = tuple[str, str]
"""What was passed over, and why."""


def read_ids(path: Path) -> list[str]:
    """Read a file of ids, one a line; blank lines do not count.

    Raises:
        CatalogueError: the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: no readable list of ids") from error
    return list(dict.fromkeys(line.rstrip("\r") for line in lines if line.strip()))


def read_histories(path: Path) -> tuple[dict[str, list[Event]], list[Skipped]]:
    """Read an interactions table as each user's events, oldest first, and what had to be skipped.

    Raises:
        CatalogueError: the file cannot be read.
    """
    histories: dict[str, list[Event]] = {}
    skipped: list[Skipped] = []
    for row in read_interactions(path):
        if isinstance(row, Event):
            histories.setdefault(row.user_id, []).append(row)
        else:
            skipped.append((row.place, row.reason))
    return {user: in_time_order(events) for user, events in histories.items()}, skipped


def user_of(histories: Mapping[str, list[Event]], user: str | None) -> tuple[str, list[Event]]:
    """The user of this id with their events, or, where none is named, the only one.

    Raises:
        UnknownUser: none has this id.
        QueryError: none is named, and there is not just one.
    """
    if user is None:
        if len(histories) != 1:
            raise QueryError(
                f"the history holds {len(histories)} users: name one with --user, or answer many with --output"
            )
        user = next(iter(histories))
    if user not in histories:
        raise UnknownUser(user)
    return user, histories[user]


def read_queries(path: Path) -> Iterator[tuple[str, Query] | Skipped]:
    """Yield (id, query) for each row of a queries file; paths are relative to its folder. A bad row is two texts.

    Text, image, video, item, less_like and exclude are one text or a list; beside them a query may have `user`,
    `taste`, `weights`, `unique`, `words`, and `where`, conditions as in `filters`. Other fields are passed over, and
    told.
    """
    others: set[str] = set()
    known: set[str] = set()
    twice: list[str] = []
    for row in read_rows(path):
        if isinstance(row, BadRow):
            yield row.place, row.reason
            continue
        fields = row.fields
        for name in fields.keys() - {*FIELDS, *others}:
            logger.error("%s: %r, which no query has, is passed over; known are %s", row.place, name, ", ".join(FIELDS))
            others.add(name)
        number = fields.get("id")
        query_id = str(number) if isinstance(number, int) else text_or_none(number)
        if query_id is None:
            yield row.place, "no id"
            continue
        if query_id in known:
            twice.append(query_id)
        known.add(query_id)
        try:
            yield query_id, _query(fields, path.parent)
        except QueryError as error:
            yield query_id, str(error)
    if twice:
        logger.error(
            "%s: %d rows have the id of an earlier one, first %r: each is answered", path, len(twice), twice[0]
        )


def _query(fields: Mapping[str, Any], folder: Path) -> Query:
    """The query of a row.

    Raises:
        QueryError: a field is not of its kind.
    """
    if not isinstance(fields.get("exclude") or [], list):
        raise QueryError("exclude is no list of ids")
    media = {name: [folder / value for value in _texts(fields, name)] for name in ("image", "video")}
    asked = [folder / value if _is_file(folder / value) else value for value in _texts(fields, "less_like")]
    taste, weights = fields.get("taste"), fields.get("weights") or {}
    numbers = [*([] if taste is None else [taste]), *(weights.values() if isinstance(weights, dict) else [weights])]
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
        raise QueryError("taste and each of the weights is a number")
    return Query(
        _one_or_all(_texts(fields, "text")),
        _one_or_all(media["image"]),
        _one_or_all(media["video"]),
        _one_or_all(_texts(fields, "user")[:1]),
        TASTE if taste is None else taste,
        where=fields.get("where"),
        exclude=tuple(_texts(fields, "exclude")),
        item=_one_or_all(_texts(fields, "item")),
        less_like=_one_or_all(asked),
        weights=weights,
        words=_switch(fields, "words", default=True),
        unique=_switch(fields, "unique", default=False),
    )


def _switch(fields: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = fields.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise QueryError(f"{name} is true or false")
    return value


def _one_or_all(values: list[Any]) -> Any:
    """None, the only one, or all of the values."""
    return values[0] if len(values) == 1 else values or None


def _texts(fields: Mapping[str, Any], name: str) -> list[str]:
    """A field that holds a text or a list of them; numbers count as the text that they are written with."""
    value = fields.get(name)
    values = value if isinstance(value, list) else [] if value is None or value == "" else [value]
    if not all(isinstance(each, str | int) and not isinstance(each, bool) for each in values):
        raise QueryError(f"{name} is neither text nor a list of texts")
    return [str(each) for each in values]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text that is no path
        return False


def limited(
    queries: Iterable[tuple[str, Query] | Skipped], where: Sequence[str], exclude: Sequence[str]
) -> Iterator[tuple[str, Query] | Skipped]:
    """Yield the queries with these conditions and ids to leave out beside their own."""
    for name, query in queries:
        if isinstance(query, Query):
            own = query.where if isinstance(query.where, list) else [] if query.where is None else [query.where]
            yield name, replace(query, where=[*where, *own], exclude=(*exclude, *query.exclude))
        else:
            yield name, query


def answer_queries(
    recommender: Recommender, queries: Iterable[tuple[str, Query] | Skipped], k: int, skipped: list[Skipped]
) -> Iterator[tuple[str, list[Hit]]]:
    """Yield (query id, hits); a query that cannot be answered is noted in `skipped` and costs no other."""
    source = iter(queries)
    while chunk := list(islice(source, BATCH)):
        good: list[tuple[str, Query]] = []
        for name, query in chunk:
            if isinstance(query, Query):
                good.append((name, query))
            else:
                skipped.append((name, query))
        try:
            yield from zip((name for name, _ in good), recommender.search_all([q for _, q in good], k=k), strict=True)
        except QueryError:  # one of them: find it
            for name, query in good:
                try:
                    yield name, recommender.search_all([query], k=k)[0]
                except QueryError as error:
                    skipped.append((name, str(error)))


def write_lists(path: Path, key: str, lists: Iterable[tuple[str, Sequence[Hit]]]) -> int:
    """Write `key,item_id,rank,score` rows and return how many lists there were.

    Raises:
        CatalogueError: the file cannot be written.
    """
    count = 0

    def rows() -> Iterator[tuple[object, ...]]:
        nonlocal count
        for name, hits in lists:
            count += 1
            yield from ((name, hit.item_id, hit.rank, f"{hit.score:.6f}") for hit in hits)

    write_table(path, (key, "item_id", "rank", "score"), rows())
    return count


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file, whole or not at all.

    Raises:
        CatalogueError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(rows)
        draft.replace(path)
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        with suppress(OSError):  # of a folder where nothing can be written, nothing can be removed either
            draft.unlink()
