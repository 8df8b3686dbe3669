"""A workspace on disk: the catalogue, the events, the vectors and the releases.

workspace/items.db        the catalogue, being worked on
          events.db       the interactions
          vectors.db      vectors of all content ever encoded, and the content keys of files
          rejected.jsonl  what the last build or update could not use, and why
          tuned.json      the settings that `tune` chose for training
          tuning.db       all that it tried
          receipt.json    what the last build read, so that one of just the same has nothing to do
          releases/       what queries read
"""

from __future__ import annotations

import errno
import json
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from multimodal_rec.catalogue import Problem
from multimodal_rec.errors import WorkspaceError
from multimodal_rec.event_table import EVENTS_REMEDY, EventTable
from multimodal_rec.item_table import ItemTable
from multimodal_rec.releases import Releases
from multimodal_rec.sources import Receipt, Sources, file_states
from multimodal_rec.sql import BUILD_AGAIN, damage, readable
from multimodal_rec.vector_store import VectorStore

logger = logging.getLogger(__name__)

REJECTED_FILE = "rejected.jsonl"
RECEIPT_FILE = "receipt.json"
TABLES = ("items.db", "events.db", "vectors.db")
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, None}
"""The errors of a full disk; NumPy's has no number."""
REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
"""Those of what must not be read or written."""


class Workspace:
    """Paths of a workspace, and the right to change it."""

    def __init__(self, path: Path) -> None:
        """Raises WorkspaceError where the path is a file, or SQLite could not write to such a path."""
        try:
            str(path.absolute()).encode()
        except UnicodeEncodeError as error:
            raise WorkspaceError(f"{str(path)!r}: a workspace's path must be text in UTF-8; choose another") from error
        if os.path.isfile(path):  # noqa: PTH113 - a path that is none is told when it is made
            raise WorkspaceError(f"{path} cannot be written (it is a file): name another folder")
        self.path = path
        self.releases = Releases(path / "releases")

    def items(self) -> ItemTable:
        """Open the catalogue for work; raises WorkspaceError where the file is damaged."""
        path = self.path / "items.db"
        with readable(path):
            return ItemTable(path)

    def events(self) -> EventTable:
        """Open the interactions; raises WorkspaceError where the file is damaged."""
        path = self.path / "events.db"
        with readable(path, EVENTS_REMEDY):
            return EventTable(path)

    def vectors(self) -> VectorStore:
        """Open the vector store; raises WorkspaceError where it cannot be opened."""
        path = self.path / "vectors.db"
        with readable(path):
            return VectorStore(path)

    def set_damaged_aside(self) -> None:
        """Move a damaged table of items away, which a build makes anew.

        The vector store sees to itself; events may have come in live, so that they are nobody's to throw away.
        """
        path = self.path / "items.db"
        if found := damage(path):
            kept = path.with_suffix(".damaged")
            logger.error("%s is damaged (%s): kept as %s, and made anew from what is built", path, found, kept.name)
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    path.with_name(path.name + suffix).replace(kept.with_name(kept.name + suffix))

    @contextmanager
    def writing(self, *, create: bool = False, wait: float = 0) -> Iterator[None]:
        """Hold the workspace for changes: one writer at a time, readers are not disturbed.

        Another process is waited for `wait` seconds.

        Raises:
            WorkspaceError: it does not exist (and `create` is off), cannot be written, or another process holds it; or the
                disk is full before the block ends, or a table turns out to be damaged.
        """
        if not create:
            self.releases.current()
        with self._held(".lock", "changed", wait):
            yield

    @contextmanager
    def tuning(self) -> Iterator[None]:
        """Hold the right to search settings for the workspace; it can be read and changed meanwhile.

        Raises:
            WorkspaceError: it does not exist, cannot be written, or another process holds this right.
        """
        self.releases.current()
        with self._held(".tuning.lock", "tuned"):
            yield

    @contextmanager
    def _held(self, name: str, doing: str, wait: float = 0) -> Iterator[None]:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / name, timeout=wait)
            lock.acquire()
        except Timeout as error:
            raise WorkspaceError(f"{self.path} is being {doing} by another process: wait until it has ended") from error
        except OSError as error:
            raise WorkspaceError(f"{self.path} cannot be written ({error.strerror}): name another folder") from error
        try:
            yield
        except OSError as error:
            if error.errno in REFUSED:
                raise WorkspaceError(
                    f"{error.filename} cannot be used ({error.strerror}): mend its permissions"
                ) from error
            if error.errno not in FULL:
                raise
            reason = f"{self.path} cannot be written any more ({error.strerror or error})"
            raise WorkspaceError(f"{reason}: make room and run the same command again") from error
        except sqlite3.OperationalError as error:
            remedy = "make room, check its permissions, and run the same command again"
            raise WorkspaceError(f"{self.path} cannot be written ({error}): {remedy}") from error
        except sqlite3.DatabaseError as error:  # of the catalogue: the other tables tell of their own
            place = self.path / "items.db"
            raise WorkspaceError(f"{place} is damaged ({error}): {BUILD_AGAIN}") from error
        finally:
            lock.release()

    def receipt(self) -> Receipt | None:
        """What the last build left; None where there was none, or something was left to try again."""
        return Receipt.load(self.path / RECEIPT_FILE)

    def write_receipt(self, key: str, release: int, sources: Sources, summary: dict[str, Any]) -> None:
        """Note that a build read these sources; the tables must be closed, whose states are noted too."""
        logs = [f"{name}-wal" for name in TABLES]  # changes that are not yet in the tables
        own = file_states(self.path / name for name in (*TABLES, *logs, REJECTED_FILE))
        Receipt(key, release, sources.states() | own, summary).save(self.path / RECEIPT_FILE)

    def write_rejected(self, problems: Iterable[Problem]) -> None:
        """Write rejected.jsonl anew, one problem a line."""
        draft = self.path / f".{REJECTED_FILE}"
        with draft.open("w", encoding="utf-8", errors="backslashreplace") as file:
            for problem in problems:
                file.write(json.dumps(asdict(problem), ensure_ascii=False) + "\n")
        draft.replace(self.path / REJECTED_FILE)
