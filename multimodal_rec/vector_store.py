"""The vectors of all content ever encoded, under the hash of the content and the encoder's fingerprint; and the hashes
of files, each with the state that the file was in.

What is in the store is never encoded again; a vector whose checksum fails counts as absent, so it is encoded anew. A
file that SQLite cannot read any more is set aside, and whatever was under way starts over with an empty store.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from encoders import Encoding
from encoders.base import FloatArray
from multimodal_rec.arrays import IntArray
from multimodal_rec.errors import WorkspaceError
from multimodal_rec.item_table import Modality
from multimodal_rec.parts import Part, PartVectors
from multimodal_rec.sql import rows_among

logger = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (
    space TEXT NOT NULL, key BLOB NOT NULL,
    vector BLOB NOT NULL, parts BLOB NOT NULL, spans BLOB NOT NULL, checksum INTEGER NOT NULL,
    PRIMARY KEY (space, key)
);
CREATE TABLE IF NOT EXISTS notes (
    space TEXT NOT NULL, key BLOB NOT NULL, note TEXT NOT NULL,
    PRIMARY KEY (space, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (place TEXT PRIMARY KEY, state BLOB NOT NULL, key BLOB NOT NULL) WITHOUT ROWID"""
_ROWS_AT_ONCE = 512


class DamagedStoreError(WorkspaceError):
    """The store had to be set aside, and is empty now: what was read from it before may be missing."""

    def __init__(self) -> None:
        super().__init__("the vector store was damaged and has been set aside: run the same command again")


class VectorStore:
    """`Encoding`s in SQLite. A space is the fingerprint of an encoder: vectors of two encoders never mix."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self._set_aside(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def put(self, space: str, encodings: Iterable[tuple[bytes, Encoding]]) -> None:
        """Store encodings under their keys, in one transaction that survives the end of the process once this returns.

        Raises:
            DamagedStoreError: the store is empty now.
        """
        encodings = list(encodings)
        noted = [(space, key, encoding.note) for key, encoding in encodings if encoding.note]
        with self._or_set_aside(), self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?, ?)",
                (_to_record(space, key, encoding) for key, encoding in encodings),
            )
            self._db.executemany(
                "DELETE FROM notes WHERE space = ? AND key = ?", [(space, key) for key, _ in encodings]
            )
            self._db.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", noted)

    def present(self, space: str, keys: Sequence[bytes]) -> set[bytes]:
        """Which of these keys have an undamaged encoding.

        Raises:
            DamagedStoreError: the store is empty now.
        """
        return {key for key, *_ in self._undamaged(space, keys)}

    def get(self, space: str, keys: Sequence[bytes]) -> dict[bytes, Encoding]:
        """Return the undamaged encodings among these keys.

        Raises:
            DamagedStoreError: the store is empty now.
        """
        return {key: _from_record(*record) for key, *record in self._undamaged(space, keys)}

    def _undamaged(
        self, space: str, keys: Sequence[bytes], condition: str = ""
    ) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
        """Yield (key, vector, parts, spans) as stored, of those keys whose checksum holds."""
        damaged = 0
        columns = "key, CAST(vector AS BLOB), CAST(parts AS BLOB), CAST(spans AS BLOB), checksum"
        query = f"SELECT {columns} FROM vectors WHERE space = ? AND key IN (?) {condition}"  # noqa: S608
        with self._or_set_aside():
            for key, vector, parts, spans, checksum in rows_among(self._db, query, keys, space):
                if _checksum(vector, parts, spans) == checksum:
                    yield key, vector, parts, spans
                else:
                    damaged += 1
        if damaged:
            logger.error("%s: %d stored vectors are damaged and will be encoded again", self._path.name, damaged)

    def notes(self, space: str, keys: Sequence[bytes]) -> dict[bytes, str]:
        """What was left out of the contents of these keys when they were encoded, of those of which something was.

        Raises:
            DamagedStoreError: the store is empty now.
        """
        query = "SELECT key, CAST(note AS BLOB) FROM notes WHERE space = ? AND key IN (?)"
        with self._or_set_aside():
            return {key: note.decode(errors="replace") for key, note in rows_among(self._db, query, keys, space)}

    def matrix(self, space: str, keys: Sequence[bytes | None], dim: int) -> FloatArray:
        """Return the float32 (n, dim) vectors of n keys; rows of None are zero.

        Raises:
            DamagedStoreError: a key is absent, or the store is empty now.
        """
        rows = np.zeros((len(keys), dim), dtype=np.float32)
        for start in range(0, len(keys), _ROWS_AT_ONCE):
            chunk = keys[start : start + _ROWS_AT_ONCE]
            found = {key: vector for key, vector, *_ in self._undamaged(space, [k for k in chunk if k is not None])}
            for row, key in enumerate(chunk, start):
                if key is not None:
                    if key not in found:
                        raise DamagedStoreError
                    rows[row] = np.frombuffer(found[key], dtype="<f4")
        return rows

    def parts(
        self, space: str, modality: Modality, ids: Sequence[str], keys: Sequence[bytes | None]
    ) -> Iterator[PartVectors]:
        """Yield the vectors of the parts of n items, those of some items at a time.

        Args:
            space: of the encoder.
            modality: that the parts are cut from.
            ids: of the n items.
            keys: of the n items' media, None where an item lacks it.

        Raises:
            DamagedStoreError: the store is empty now.
        """
        for start in range(0, len(keys), _ROWS_AT_ONCE):
            chunk = keys[start : start + _ROWS_AT_ONCE]
            wanted = [key for key in chunk if key is not None]
            found = {
                key: _from_record(*record) for key, *record in self._undamaged(space, wanted, "AND length(parts) > 0")
            }
            parts: list[Part] = []
            owners: list[int] = []
            vectors = []
            for owner, key in enumerate(chunk, start):
                if key in found and len(found[key].parts) == len(found[key].spans):
                    parts += [Part(ids[owner], modality, *span) for span in found[key].spans]
                    owners += [owner] * len(found[key].spans)
                    vectors.append(found[key].parts)
            if parts:
                yield PartVectors(modality, parts, np.array(owners, np.int64), np.concatenate(vectors))

    def file_keys(self, places: Sequence[str]) -> dict[str, tuple[bytes, bytes]]:
        """Of those files that are known, the state in which each was read, and its content key.

        Raises:
            DamagedStoreError: the store is empty now.
        """
        columns = "CAST(place AS BLOB), CAST(state AS BLOB), CAST(key AS BLOB)"
        rows = rows_among(self._db, f"SELECT {columns} FROM files WHERE place IN (?)", places)  # noqa: S608
        with self._or_set_aside():
            return {place.decode(errors="replace"): (state, key) for place, state, key in rows}

    def note_file_keys(self, files: Iterable[tuple[str, bytes, bytes]]) -> None:
        """Note (place, state, content key) of files that were read.

        Raises:
            DamagedStoreError: the store is empty now.
        """
        with self._or_set_aside(), self._db:
            self._db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", files)

    def _open(self) -> None:
        self._db = sqlite3.connect(self._path, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost vectors of late, which are encoded again
        self._db.executescript(_SCHEMA)

    @contextmanager
    def _or_set_aside(self) -> Iterator[None]:
        """Use the file; raises DamagedStoreError, beside an empty store, where SQLite cannot read it any more."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            self._set_aside(error)
            raise DamagedStoreError from error

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        """Start an empty store beside a file that SQLite cannot read any more; a full disk or a lock is raised."""
        if isinstance(error, sqlite3.OperationalError):
            raise error
        damaged = self._path.with_suffix(".damaged")
        logger.error("%s is damaged (%s): kept as %s, all is encoded again", self._path, error, damaged.name)
        self._db.close()
        self._path.replace(damaged)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._open()


@dataclass(frozen=True)
class StoredRows:
    """The vectors of n keys as rows that are read when they are asked for; those of None are zero."""

    store: VectorStore
    space: str
    keys: Sequence[bytes | None]
    dim: int

    @property
    def shape(self) -> tuple[int, ...]:
        """n and d."""
        return len(self.keys), self.dim

    def __getitem__(self, rows: IntArray, /) -> FloatArray:
        """Return the rows of these numbers; raises as `VectorStore.matrix`."""
        return self.store.matrix(self.space, [self.keys[row] for row in rows], self.dim)


def _to_record(space: str, key: bytes, encoding: Encoding) -> tuple[str, bytes, bytes, bytes, bytes, int]:
    vector = encoding.vector.astype("<f4").tobytes()
    parts = encoding.parts.astype("<f4").tobytes()
    spans = json.dumps(encoding.spans).encode()
    return space, key, vector, parts, spans, _checksum(vector, parts, spans)


def _from_record(vector: bytes, parts: bytes, spans: bytes) -> Encoding:
    whole = np.frombuffer(vector, dtype="<f4").astype(np.float32)
    return Encoding(
        vector=whole,
        parts=np.frombuffer(parts, dtype="<f4").astype(np.float32).reshape(-1, len(whole)),
        spans=tuple((start, end) for start, end in json.loads(spans)),
    )


def _checksum(vector: bytes, parts: bytes, spans: bytes) -> int:
    return zlib.crc32(spans, zlib.crc32(parts, zlib.crc32(vector)))
