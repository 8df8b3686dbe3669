"""Whether the files of a release are as they were published: each is read whole once, and again after any change.

The states of the files found good are noted beside them: size, inode and both times, one of which no program can set
back. A file that changed moments before it was read is not noted, since it could change within the same tick.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from multimodal_rec.errors import WorkspaceError
from multimodal_rec.sources import file_state, is_settled

VERIFIED_FILE = ".verified.json"


class FileRecord(BaseModel):
    """Size and checksum of a file of the release."""

    model_config = ConfigDict(frozen=True)

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> FileRecord:
        """That of a file as it is now; raises WorkspaceError where it cannot be read."""
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise unreadable(path, error) from error
        return cls(bytes=path.stat().st_size, sha256=digest)


def unreadable(path: Path, error: OSError) -> WorkspaceError:
    """What to raise for a file that may well be as it was published."""
    return WorkspaceError(f"{path} cannot be read ({error.strerror}): check its permissions")


def damaged_files(folder: Path, files: Mapping[str, FileRecord], *, read_all: bool = False) -> Iterator[Path]:
    """Yield the files that are missing or not as recorded; with `read_all` even unchanged ones are read again."""
    known = {} if read_all else _load(folder)
    good: dict[str, Any] = {}
    for name, record in files.items():
        path = folder / name
        state = file_state(str(path))
        noted = [record.sha256, state]
        if state is not None and known.get(name) == noted:
            good[name] = noted
        elif (
            state is None or not path.is_file() or path.stat().st_size != record.bytes or FileRecord.of(path) != record
        ):
            yield path
        elif is_settled(state) and file_state(str(path)) == state:
            good[name] = noted
    if good != known:
        _save(folder, good)


def note_states(folder: Path, states: Mapping[str, list[int] | None], files: Mapping[str, FileRecord]) -> None:
    """Note files as good that were in these states when their records were made, before the folder got its name."""
    settled = {name: [files[name].sha256, state] for name, state in states.items() if state and is_settled(state)}
    _save(folder, settled)


def _load(folder: Path) -> dict[str, Any]:
    try:
        known = json.loads((folder / VERIFIED_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _save(folder: Path, states: Mapping[str, Any]) -> None:
    draft = folder / f"{VERIFIED_FILE}.part"
    with suppress(OSError):  # a folder that only reads can be written to is read whole each time
        draft.write_text(json.dumps(states), encoding="utf-8")
        draft.replace(folder / VERIFIED_FILE)
