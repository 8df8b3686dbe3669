"""Events on their way to the disk: many requests share one transaction, and none is answered before it is durable."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from multimodal_rec.interactions import Event
from multimodal_rec.workspace import Workspace

MOST_AT_ONCE = 256
"""Requests in one transaction."""

Identified = tuple[str | None, Event]
"""An event and its id; of those with an id that is known, nothing is added."""


@dataclass(frozen=True)
class _Append:
    events: Sequence[Identified]
    done: Future[int]


class EventLog:
    """The events of a workspace, appended by one thread and read by any.

    Raises:
        WorkspaceError: the table is damaged or cannot be opened.
    """

    def __init__(self, workspace: Path) -> None:
        place = Workspace(workspace)
        self._writing, self._reading = place.events(), place.events()
        self._waiting: queue.SimpleQueue[_Append | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="events", daemon=True)
        self._writer.start()

    def append(self, events: Sequence[Identified]) -> Future[int]:
        """Add events; the result is how many were new, and comes when they are on the disk."""
        done: Future[int] = Future()
        self._waiting.put(_Append(events, done))
        return done

    def history(self, user: str) -> list[Event]:
        """A user's events, oldest first."""
        return self._reading.history(user)

    def users(self, prefix: str, limit: int, offset: int) -> list[str]:
        """Users in alphabetical order."""
        return self._reading.users(prefix, limit=limit, offset=offset)

    def forget(self, user: str) -> int:
        """Delete all events of a user and return how many there were."""
        return self._writing.forget(user)

    def live_count(self) -> int:
        """Number of events that came in live."""
        return self._reading.live_count()

    def close(self) -> None:
        """Write what is waiting, and close."""
        self._waiting.put(None)
        self._writer.join()
        self._writing.close()
        self._reading.close()

    def _write(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, last = [first], False
            while len(batch) < MOST_AT_ONCE and not self._waiting.empty():
                more = self._waiting.get()
                if more is None:
                    last = True
                    break
                batch.append(more)
            self._commit(batch)
            if last:
                return

    def _commit(self, batch: Sequence[_Append]) -> None:
        try:
            with self._writing.transaction():
                counts = [self._writing.add_live(entry.events) for entry in batch]
        except Exception as error:  # every waiting request is told, and the thread lives on
            for entry in batch:
                entry.done.set_exception(error)
        else:
            for entry, count in zip(batch, counts, strict=True):
                entry.done.set_result(count)
