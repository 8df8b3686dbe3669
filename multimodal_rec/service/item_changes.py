"""Changes of items, many in one release: those that come while one is being published go together with the next."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from multimodal_rec.changes import change
from multimodal_rec.errors import UnknownItem, WorkspaceError
from multimodal_rec.recommender import Recommender
from multimodal_rec.service.live import LiveRecommender

Row = Mapping[str, Any]
"""An item as a catalogue states it; media are absolute paths."""

WAIT_SECONDS = 20.0
"""How long a change waits for its turn."""
OTHER_WRITER_SECONDS = 10.0
"""How long it then waits for another process that changes the workspace."""


@dataclass(frozen=True)
class _Waiting:
    """A change that has not been made, and where its caller hears of the release that holds it."""

    wanted: Mapping[str, Row | None]  # None where an item is to go
    told: Future[int] = field(default_factory=Future)


class ItemChanges:
    """Adds, replaces and removes items of the workspace that is being served."""

    def __init__(self, workspace: Path, live: LiveRecommender) -> None:
        self._workspace = workspace
        self._live = live
        self._turn = threading.Lock()
        self._queue = threading.Lock()
        self._waiting: list[_Waiting] = []

    def put(self, rows: Sequence[Row]) -> int:
        """Add or replace items, and return the release that holds them.

        Raises:
            CatalogueError, WorkspaceError: as `changes.change`.
        """
        return self._make(_Waiting({str(row["id"]): row for row in rows}))

    def remove(self, ids: Sequence[str]) -> int:
        """Take items out, and return the release that is without them.

        Raises:
            UnknownItem, WorkspaceError: as `changes.change`.
        """
        return self._make(_Waiting(dict.fromkeys(ids)))

    def _make(self, own: _Waiting) -> int:
        """Wait for the turn, then make all changes that wait, unless another one's turn has made this one."""
        with self._queue:
            self._waiting.append(own)
        if not self._turn.acquire(timeout=WAIT_SECONDS):
            with self._queue:
                if own in self._waiting:
                    self._waiting.remove(own)
                    raise WorkspaceError("other items are being changed: try again")
            return own.told.result()
        try:
            if not own.told.done():
                with self._queue:
                    together, self._waiting = self._waiting, []
                self._publish(together)
        finally:
            self._turn.release()
        return own.told.result()

    def _publish(self, together: Sequence[_Waiting]) -> None:
        """Make these changes in one release; where that fails, each alone, so that only the one at fault fails."""
        with self._live.use() as recommender:
            possible = _possible(together, recommender)
            try:
                self._change({item_id: row for each in possible for item_id, row in each.wanted.items()}, recommender)
                self._live.refresh()
            except Exception as error:
                if len(possible) == 1:
                    possible[0].told.set_exception(error)
                    return
                alone = possible
            else:
                for each in possible:
                    each.told.set_result(self._live.release)
                return
        for each in alone:
            self._publish([each])

    def _change(self, last: Mapping[str, Row | None], recommender: Recommender) -> None:
        removed = [item_id for item_id, row in last.items() if row is None and item_id in recommender]
        rows = [row for row in last.values() if row is not None]
        if not rows and not removed:  # all that was added went again
            return
        with TemporaryDirectory(prefix="multimodal-rec-") as folder:
            catalogue = Path(folder) / "items.jsonl"
            catalogue.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            change(
                self._workspace,
                catalogue if rows else None,
                removed=removed,
                media_root=Path("/"),
                encoders=recommender.encoders if rows else None,
                wait=OTHER_WRITER_SECONDS,
            )


def _possible(together: Sequence[_Waiting], recommender: Recommender) -> list[_Waiting]:
    """Those of these changes that remove only items that there are then; the callers of the others are told."""
    last: dict[str, Row | None] = {}
    possible = []
    for each in together:
        gone = [item_id for item_id, row in each.wanted.items() if row is None]
        there = [last[item_id] is not None if item_id in last else item_id in recommender for item_id in gone]
        if all(there):
            last |= each.wanted
            possible.append(each)
        else:
            each.told.set_exception(UnknownItem(gone[there.index(False)]))
    return possible
