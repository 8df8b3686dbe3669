"""Digests of large files, remembered: weights are hashed once, not at every start. And of samples, which cost little.

A file counts as the same while its place, size, inode and both of its times are. A file that was changed moments ago
is not remembered, since it could change again without a trace in its times.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from encoders.cache import atomic_file, cache_root

LARGE = 4 << 20  # bytes; smaller files are hashed in no time
SETTLED = 5.0  # seconds
PIECE = 4096  # bytes
PIECES = 1024  # of a file that is sampled


def remembered(path: Path, digest: Callable[[Path], str]) -> str:
    """Return the digest of a file, from the notes of earlier runs where the file is still the same."""
    status = path.stat()
    if status.st_size < LARGE:
        return digest(path)
    note = cache_root() / "digests.json"
    identity = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_dev, status.st_ino]
    place = str(path.resolve())
    known = _read(note)
    if (entry := known.get(place)) and entry[:-1] == identity:
        return str(entry[-1])
    result = digest(path)
    if time.time() - max(status.st_mtime, status.st_ctime) > SETTLED:
        try:
            with atomic_file(note) as part:
                part.write_text(json.dumps(known | {place: [*identity, result]}))
        except OSError:
            pass  # a cache that cannot be written costs time only
    return result


def sampled(paths: Iterable[Path]) -> str:
    """Return the digest of files by their sizes and some pieces of each, evenly spread: 3 ms, however large they are.

    It tells when a part of a file was lost, not when single bytes were changed.
    """
    digest = hashlib.sha256()
    for path in paths:
        size = path.stat().st_size
        digest.update(size.to_bytes(8))
        with path.open("rb", buffering=0) as file:
            for start in [*range(0, size, max(PIECE, size // PIECES)), max(0, size - PIECE)]:
                file.seek(start)
                digest.update(file.read(PIECE))
    return digest.hexdigest()


def _read(note: Path) -> dict[str, list[int | str]]:
    try:
        known = json.loads(note.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) and all(isinstance(entry, list) for entry in known.values()) else {}
