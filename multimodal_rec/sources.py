"""The files that a build read, by the state that they were in: while none has changed, nothing needs to be read again.

A state is a file's size, device, inode and both of its times, or None where there is no file: one that was missing and
has come since is a change too. Links are followed. A file that changed moments before it was read is not trusted, since
it could change once more within the same tick of the clock.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

State = list[int] | None

TICK = 20_000_000
"""Nanoseconds that a file's times may be off, where they have fractions of a second."""
COARSE_TICK = 2_000_000_000
"""Nanoseconds that they may be off where they have none, as on file systems for memory cards."""


class Sources:
    """The files that a build reads, each noted before it is read."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        self.settled = True

    def note(self, path: str | Path) -> None:
        """Note a file or folder, there or missing, that the result depends on."""
        place = os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118 (done for every file of a catalogue)
        if place in self._states:
            return
        state = self._states[place] = file_state(place)
        self.settled = self.settled and (state is None or is_settled(state))

    def states(self) -> dict[str, State]:
        """All that were noted."""
        return dict(self._states)


@dataclass(frozen=True)
class Receipt:
    """What a build leaves behind for the next: the key of its options, its release, its files and its summary."""

    key: str
    release: int
    files: dict[str, State]
    summary: dict[str, Any]

    def holds(self, key: str) -> bool:
        """Whether the options are the same and no file has changed since."""
        return self.key == key and all(file_state(place) == state for place, state in self.files.items())

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        draft = path.with_name(f".{path.name}")
        draft.write_text(json.dumps(vars(self)), encoding="utf-8")
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Receipt | None:
        """Read what `save` wrote; None where there is none or it is damaged."""
        try:
            receipt = cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return receipt if isinstance(receipt.files, dict) and isinstance(receipt.summary, dict) else None


def file_state(place: str) -> State:
    """Size, both times in nanoseconds, device and inode; None where there is no file."""
    try:
        found = os.stat(place)  # noqa: PTH116 (asked of every file of a catalogue)
    except (OSError, ValueError):
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_dev, found.st_ino]


def is_settled(state: list[int]) -> bool:
    """Whether a file last changed so long ago that another change gives it another time."""
    newest = max(state[1:3])
    return time.time_ns() - newest > (COARSE_TICK if newest % 1_000_000_000 == 0 else TICK)


def file_states(paths: Iterable[Path]) -> dict[str, State]:
    """The states of files now, under their absolute paths."""
    return {str(path.absolute()): file_state(str(path)) for path in paths}
