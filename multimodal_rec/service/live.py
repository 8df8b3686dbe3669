"""The recommender that is being asked, and its successor: a new release takes over between two requests."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from multimodal_rec.errors import RecommenderError
from multimodal_rec.recommender import Recommender
from multimodal_rec.workspace import Workspace

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25
"""How often a new release is looked for."""


@dataclass
class _Held:
    """An open release and the number of requests that are using it."""

    recommender: Recommender
    number: int
    opened: float
    users: int = 0
    replaced: bool = False


class LiveRecommender:
    """Always the current release of a workspace. A replaced one is closed when its last request has ended.

    Raises:
        WorkspaceError: there is no release, or it is damaged.
    """

    def __init__(self, workspace: Path, *, threads: int | None = None) -> None:
        self._releases = Workspace(workspace).releases
        self._threads = threads
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()
        self._stopped = threading.Event()
        recommender = Recommender.open(workspace, threads=threads)
        self._workspace = workspace
        self._held = self._hold(recommender)
        self._watcher = threading.Thread(target=self._watch, name="releases", daemon=True)

    @property
    def release(self) -> int:
        """Number of the release that answers."""
        return self._held.number

    @property
    def opened(self) -> float:
        """When it took over, in seconds since 1970."""
        return self._held.opened

    @contextmanager
    def use(self) -> Iterator[Recommender]:
        """Give the recommender for one request."""
        with self._lock:
            held = self._held
            held.users += 1
        try:
            yield held.recommender
        finally:
            with self._lock:
                held.users -= 1
                unused = held.replaced and not held.users
            if unused:
                held.recommender.close()

    def refresh(self) -> bool:
        """Answer from the current release if it is another one, and return whether it is.

        Raises:
            WorkspaceError: it cannot be opened; the one before goes on answering.
        """
        with self._refreshing:
            if self._number() == self._held.number:
                return False
            fresh = self._held.recommender.successor()
            with self._lock:
                before, self._held = self._held, self._hold(fresh)
                before.replaced = True
                unused = not before.users
            if unused:
                before.recommender.close()
            logger.info("release", extra={"fields": {"release": self._held.number, "items": len(fresh)}})
            return True

    def start(self) -> None:
        """Begin to look for new releases."""
        self._watcher.start()

    def stop(self) -> None:
        """Stop looking, and close."""
        self._stopped.set()
        if self._watcher.is_alive():
            self._watcher.join()
        self._held.recommender.close()

    def _number(self) -> int:
        return int(self._releases.current().name)

    def _hold(self, recommender: Recommender) -> _Held:
        return _Held(recommender, recommender.manifest.number, time.time())

    def _watch(self) -> None:
        told = ""
        while not self._stopped.wait(POLL_SECONDS):
            try:
                self.refresh()
                told = ""
            except (RecommenderError, OSError) as error:
                if str(error) != told:  # once, not four times a second
                    logger.error("release not taken over: %s", error)
                told = str(error)
