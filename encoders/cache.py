"""The folder where what is costly to make is kept between runs; it may be deleted at any time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_root() -> Path:
    """Return the cache folder: `$MULTIMODAL_REC_CACHE`, or the user's."""
    named = os.environ.get("MULTIMODAL_REC_CACHE")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("multimodal-rec")


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a path in a temporary folder and move what is there to `path` when the block succeeds.

    So no reader sees half a file, nor is there one after a power cut. What else the block leaves in the folder goes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, suffix=".part") as folder:
        part = Path(folder) / path.name
        yield part
        _sync(part)
        part.replace(path)
        _sync(path.parent)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder and move it to `path` when the block succeeds, unless another process has put one there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, suffix=".part") as holder:
        part = Path(holder) / path.name
        part.mkdir()
        yield part
        for each in [*part.iterdir(), part]:
            _sync(each)
        try:
            part.rename(path)
        except OSError:
            if not path.is_dir():
                raise
        _sync(path.parent)


def _sync(path: Path) -> None:
    """Have a file's content, or a folder's list of files, on the disk: its name may get there long before it."""
    if os.name != "posix":
        return  # no folder can be opened
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
