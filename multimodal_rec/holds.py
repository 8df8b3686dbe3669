"""Holds on files: any number of readers together, or one that is alone. The system lets go of those of a dead process."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self


class Hold:
    """A hold on a file that is there. Where the system has no such locks, nothing is held and nothing refused."""

    def __init__(self, path: Path, *, alone: bool = False) -> None:
        self.holds = False
        """Whether the file was there, and is still there under its name now that it is held."""
        self.refused = False
        """Whether others hold it, so that `alone` cannot be."""
        self._descriptor: int | None = None
        if sys.platform == "win32":
            return  # it deletes no file that is open
        import fcntl

        with suppress(OSError):
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
                self.holds = os.path.samestat(os.fstat(self._descriptor), path.stat())
            except BlockingIOError:
                self.refused = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()

    def release(self) -> None:
        """Let go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
