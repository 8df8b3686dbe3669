"""The catalogue in SQLite: items in a stable order, each with the content keys of its vectors."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

from multimodal_rec.items import Item
from multimodal_rec.sql import rows_among
from multimodal_rec.word_index import Holders, add_words, find_words, index_words, remove_words

Modality = Literal["text", "image", "video"]
MODALITIES: tuple[Modality, ...] = ("text", "image", "video")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    title TEXT, description TEXT, categories TEXT NOT NULL,
    image TEXT, video TEXT, attributes TEXT NOT NULL,
    text_key BLOB, image_key BLOB, video_key BLOB
)"""
_FIELDS = "id, title, description, categories, image, video, attributes"
_KEYS = ("text_key", "image_key", "video_key")
_POSITIONS = "SELECT position FROM items ORDER BY position"
_MEMBERS = "items, json_each(CASE WHEN json_valid(attributes) THEN attributes ELSE '{}' END)"
"""Every attribute of every item; JSON that only Python can read, with NaN in it, has none."""
RECENT = 20_000
"""Items of a read-only table that are kept in memory."""
_PAGE = 1024


class ItemTable:
    """Items under their ids. An item keeps its position when it is replaced."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._recent: dict[str, Item] = {}  # of a table that cannot change, what was read of late
        self._count: int | None = None  # once it was asked for; it holds where the table cannot change
        self._known_words: dict[str, Holders] = {}
        if read_only:
            self._db = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True, check_same_thread=False)
            self._db.execute("SELECT 1 FROM items LIMIT 1")  # SQLite opens the file when it is first asked
        else:
            self._db = sqlite3.connect(path, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Yield all that the table holds, in a stable order."""
        yield from self._db.execute("SELECT * FROM items ORDER BY position")

    @property
    def release(self) -> int:
        """The number of the release that holds just these items; 0 where something may have changed since."""
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def mark(self, release: int) -> None:
        """Note that this release holds just these items."""
        self._db.execute(f"PRAGMA user_version = {release:d}")

    def restore(self, snapshot: Path, release: int) -> None:
        """Take over the items of a release, unless they are the same: an update that did not come to its end is undone."""
        if self.release == release:
            return
        self._db.execute("ATTACH ? AS release", (str(snapshot),))
        with self._changing():
            self._db.execute("DELETE FROM items")
            self._db.execute("INSERT INTO items SELECT * FROM release.items")
        self._db.execute("DETACH release")
        self.mark(release)

    def take_back(self, snapshot: Path, ids: Iterable[str]) -> None:
        """Put items that went back as a snapshot has them, those of these ids that it holds."""
        self._db.execute("ATTACH ? AS release", (str(snapshot),))
        with self._changing():
            self._db.executemany(
                "INSERT INTO items SELECT * FROM release.items WHERE id = ?", [(item_id,) for item_id in ids]
            )
        self._db.execute("DETACH release")

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One transaction; the items are those of no release from then on."""
        if self.release:
            self.mark(0)
        with self._db:
            yield

    def __len__(self) -> int:
        """Number of items."""
        if self._read_only and self._count is not None:
            return self._count
        self._count = int(self._db.execute("SELECT count(*) FROM items").fetchone()[0])
        return self._count

    def count(self, modality: Modality) -> int:
        """Number of items that have this modality, once their keys are set."""
        return int(self._db.execute(f"SELECT count({modality}_key) FROM items").fetchone()[0])  # noqa: S608

    def put(self, items: Iterable[Item], *, replace_all: bool = False) -> None:
        """Add or replace items in one transaction; with `replace_all`, whatever else was there goes."""
        with self._changing():
            if replace_all:
                self._db.execute("DELETE FROM items")
            self._db.executemany(
                f"INSERT INTO items ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "  # noqa: S608
                "title = excluded.title, description = excluded.description, categories = excluded.categories, "
                "image = excluded.image, video = excluded.video, attributes = excluded.attributes, "
                "text_key = NULL, image_key = NULL, video_key = NULL",
                map(_to_record, items),
            )

    def remove(self, ids: Sequence[str]) -> int:
        """Delete these items and return how many there were."""
        with self._changing():
            return self._db.executemany("DELETE FROM items WHERE id = ?", [(item_id,) for item_id in ids]).rowcount

    def ids(self, *, having: Modality | None = None) -> list[str]:
        """All ids in order of position, or those of items that have a modality, once their keys are set."""
        condition = f"WHERE {having}_key IS NOT NULL" if having else ""
        return [row[0] for row in self._db.execute(f"SELECT id FROM items {condition} ORDER BY position")]  # noqa: S608

    def get(self, ids: Sequence[str]) -> dict[str, Item]:
        """Return those of the items that are there, under their ids."""
        found = {item_id: self._recent[item_id] for item_id in ids if item_id in self._recent}
        missing = [item_id for item_id in ids if item_id not in found] if self._read_only else ids
        query = f"SELECT {_FIELDS} FROM items WHERE id IN (?)"  # noqa: S608
        for record in rows_among(self._db, query, missing):
            found[record[0]] = _from_record(record)
        if self._read_only and missing:
            if len(self._recent) > RECENT:
                self._recent = {}
            self._recent |= {item_id: found[item_id] for item_id in missing if item_id in found}
        return found

    def page(self, offset: int, limit: int) -> list[Item]:
        """At most `limit` items in order of position, from the one at `offset` on."""
        query = f"SELECT {_FIELDS} FROM items ORDER BY position LIMIT ? OFFSET ?"  # noqa: S608
        return [_from_record(record) for record in self._db.execute(query, (limit, offset)).fetchall()]

    def pages(self, ids: Sequence[str] | None = None) -> Iterator[list[Item]]:
        """Yield all items in order of position, or these in theirs, a page at a time; rows may be changed between pages."""
        if ids is not None:
            for start in range(0, len(ids), _PAGE):
                found = self.get(ids[start : start + _PAGE])
                yield [found[item_id] for item_id in ids[start : start + _PAGE]]
            return
        last = -1
        query = f"SELECT position, {_FIELDS} FROM items WHERE position > ? ORDER BY position LIMIT ?"  # noqa: S608
        while records := self._db.execute(query, (last, _PAGE)).fetchall():
            last = records[-1][0]
            yield [_from_record(record[1:]) for record in records]

    def find_words(self, text: str, *, alone: bool = True) -> dict[str, float]:
        """How well the items of a snapshot meet the rare words of a text, 0 to 1; see `multimodal_rec.word_index`."""
        return find_words(self._db, text, len(self), self._known_words if self._read_only else {}, alone=alone)

    def without_content(self, ids: Sequence[str] | None = None) -> list[str]:
        """Ids of the items, of all or of these, that have no content key at all."""
        query = "SELECT id FROM items WHERE text_key IS NULL AND image_key IS NULL AND video_key IS NULL"
        if ids is not None:
            empty = {item_id for (item_id,) in rows_among(self._db, query + " AND id IN (?)", ids)}
            return [item_id for item_id in ids if item_id in empty]
        return [row[0] for row in self._db.execute(query + " ORDER BY position")]

    def unlike(self, snapshot: Path, ids: Sequence[str] | None = None) -> list[str]:
        """Those of these ids, or of all in either, whose item is not as a snapshot has it, its content included."""
        same = " AND ".join(f"new.{name} IS old.{name}" for name in (*_FIELDS.split(", "), *_KEYS))
        query = f"SELECT id FROM items new JOIN release.items old USING (id) WHERE id IN (?) AND {same}"  # noqa: S608
        self._db.execute("ATTACH ? AS release", (str(snapshot),))
        try:
            if ids is None:
                either = "SELECT id FROM items UNION SELECT id FROM release.items"
                ids = [row[0] for row in self._db.execute(either)]
            alike = {item_id for (item_id,) in rows_among(self._db, query, ids)}
            return [item_id for item_id in ids if item_id not in alike]
        finally:
            self._db.execute("DETACH release")

    def set_keys(self, modality: Modality, keys: Iterable[tuple[bytes | None, str]]) -> None:
        """Note the content key of one modality for (key, item id) pairs."""
        with self._changing():
            self._db.executemany(f"UPDATE items SET {modality}_key = ? WHERE id = ?", keys)  # noqa: S608

    def note_keys(self, keys: Iterable[tuple[bytes | None, bytes | None, bytes | None, str]]) -> None:
        """Note all content keys for (text key, image key, video key, item id) rows."""
        with self._changing():
            self._db.executemany("UPDATE items SET text_key = ?, image_key = ?, video_key = ? WHERE id = ?", keys)

    def drop(self, modality: Modality, item_id: str) -> None:
        """Take a medium away from an item, because it cannot be used."""
        column = "" if modality == "text" else f"{modality} = NULL, "
        with self._changing():
            self._db.execute(f"UPDATE items SET {column}{modality}_key = NULL WHERE id = ?", (item_id,))  # noqa: S608

    def described(self, ids: Sequence[str] | None = None) -> list[bool]:
        """Which items have a title or a description: in order of position, or those of these ids."""
        return list(map(bool, self._of_each("title IS NOT NULL OR description IS NOT NULL", ids)))

    def keys(self, modality: Modality, ids: Sequence[str] | None = None) -> list[bytes | None]:
        """The content keys of one modality, None where an item lacks it: in order of position, or those of these items."""
        return self._of_each(f"{modality}_key", ids)

    def _of_each(self, expression: str, ids: Sequence[str] | None) -> list[Any]:
        """What an SQL expression is for each item: in order of position, or for those of these ids."""
        if ids is None:
            return [row[0] for row in self._db.execute(f"SELECT {expression} FROM items ORDER BY position")]  # noqa: S608
        found = dict(rows_among(self._db, f"SELECT id, {expression} FROM items WHERE id IN (?)", ids))  # noqa: S608
        return [found[item_id] for item_id in ids]

    def holders(self, modality: Modality, keys: Container[bytes]) -> list[tuple[bytes, str]]:
        """(key, id) of the items whose modality has one of these content keys, in order of position."""
        query = f"SELECT {modality}_key, id FROM items WHERE {modality}_key IS NOT NULL ORDER BY position"  # noqa: S608
        return [(key, item_id) for key, item_id in self._db.execute(query) if key in keys]

    def attributes(self) -> list[str]:
        """The names of all attributes, in alphabetical order."""
        return [row[0] for row in self._db.execute(f"SELECT DISTINCT name.key FROM {_MEMBERS} name ORDER BY 1")]  # noqa: S608

    def cells(self, name: str) -> Iterator[tuple[int, str | int | float | bool]]:
        """Yield (item, value) for an attribute or for id, title, categories; items count from 0 in order of position.

        A list gives a pair for each of its values. What is neither text, number nor truth value is passed over.
        """
        if name in ("id", "title"):
            query = f"SELECT position, {name}, 'text' FROM items WHERE {name} IS NOT NULL"  # noqa: S608
        elif name == "categories":
            query = "SELECT position, cell.value, cell.type FROM items, json_each(categories) cell"
        else:
            query = f"SELECT position, cell.value, cell.type FROM {_MEMBERS} cell WHERE cell.key = :name"  # noqa: S608
        places = {position: place for place, (position,) in enumerate(self._db.execute(_POSITIONS))}
        for position, value, kind in self._db.execute(query, {"name": name}):
            for cell in json.loads(value) if kind == "array" else [value]:
                if kind in ("true", "false"):
                    yield places[position], kind == "true"
                elif kind != "object" and (isinstance(cell, str) or _is_finite(cell)):
                    yield places[position], cell

    def snapshot(self, path: Path) -> None:
        """Write a compact copy of the table to a new file, with an index of its words."""
        self._db.execute("VACUUM INTO ?", (str(path),))
        copy = sqlite3.connect(path)
        index_words(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # a lone file, readable from read-only media
        copy.close()

    def snapshot_changes(self, earlier: Path, path: Path, ids: Sequence[str]) -> None:
        """Write a snapshot to a new file, from an earlier one that differs from the table in these items alone."""
        shutil.copyfile(earlier, path)
        copy = sqlite3.connect(path)
        copy.execute("PRAGMA journal_mode = MEMORY")  # a draft that is not finished is not used
        with copy:
            remove_words(copy, ids)
            copy.executemany("DELETE FROM items WHERE id = ?", [(item_id,) for item_id in ids])
            for item_id in ids:
                for row in self._db.execute("SELECT * FROM items WHERE id = ?", (item_id,)):
                    copy.execute(f"INSERT INTO items VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
            add_words(copy, ids)
        copy.close()


def _is_finite(value: object) -> bool:
    """Whether this is a number that a float can hold."""
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


def _to_column(path: Path | None) -> str | bytes | None:
    """A path as text, or as bytes where it is no text: names of files may be in any encoding."""
    if path is None:
        return None
    encoded = os.fsencode(path)
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        return encoded


def _to_record(item: Item) -> tuple[str | bytes | None, ...]:
    return (
        item.id,
        item.title,
        item.description,
        json.dumps(item.categories, ensure_ascii=False),
        _to_column(item.image),
        _to_column(item.video),
        json.dumps(item.attributes, ensure_ascii=False, default=str),
    )


def _from_record(record: tuple[str, str | None, str | None, str, str | bytes | None, str | bytes | None, str]) -> Item:
    item_id, title, description, categories, image, video, attributes = record
    return Item(
        id=item_id,
        title=title,
        description=description,
        categories=tuple(json.loads(categories)),
        image=Path(os.fsdecode(image)) if image else None,
        video=Path(os.fsdecode(video)) if video else None,
        attributes=json.loads(attributes),
    )
