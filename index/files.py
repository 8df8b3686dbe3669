"""The files of a saved index: a header that names the others with their sizes and checksums, written last."""

from __future__ import annotations

import json
import mmap
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from index.base import IndexFileError

HEADER_FILE = "index.json"


class Header(NamedTuple):
    """The kind of a saved index and what its constructor was told or has learned since."""

    kind: str
    settings: dict[str, Any]


def write_files(folder: Path, header: Header, files: Mapping[str, Callable[[Path], object]]) -> None:
    """Write an index into an existing folder: each file by its own function, then the header.

    A file of the same name is replaced, not overwritten, so that an index that has it mapped keeps the old one.
    """
    sums = {}
    for name, write in files.items():
        _replace(folder / name, write)
        sums[name] = [(folder / name).stat().st_size, _checksum(folder / name)]
    content = {"kind": header.kind, "settings": header.settings, "files": sums}
    _replace(folder / HEADER_FILE, lambda path: path.write_bytes(_header_text(content)))


def read_header(folder: Path, *, verify: bool = True) -> Header:
    """Read the header of a saved index; `verify` also reads every file once and compares the checksums.

    Raises:
        IndexFileError: a file is missing or is not as it was written.
    """
    path = folder / HEADER_FILE
    try:
        text = path.read_bytes()
        content = json.loads(text)
        del content["crc32"]
        header = Header(content["kind"], content["settings"])
        sums = dict(content["files"])
    except FileNotFoundError as error:
        raise IndexFileError(f"{path}: the file is missing") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexFileError(f"{path}: the header of the index cannot be read ({error})") from error
    if text != _header_text(content):
        raise IndexFileError(f"{path}: the file is not as it was written")
    for name, (size, checksum) in sums.items():
        _check(folder / name, size, checksum if verify else None)
    return header


def _check(path: Path, size: int, checksum: int | None) -> None:
    try:
        same = path.stat().st_size == size and checksum in (None, _checksum(path))
    except FileNotFoundError as error:
        raise IndexFileError(f"{path}: the file is missing") from error
    except OSError as error:
        raise IndexFileError(f"{path}: the file cannot be read ({error})") from error
    if not same:
        raise IndexFileError(f"{path}: the file is not as it was written")


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    fresh = path.with_name(path.name + ".new")
    write(fresh)
    fresh.replace(path)


def _checksum(path: Path) -> int:
    if not path.stat().st_size:
        return 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return zlib.crc32(content)


def _header_text(content: dict[str, Any]) -> bytes:
    checksum = zlib.crc32(json.dumps(content).encode())
    return json.dumps({**content, "crc32": checksum}, indent=1).encode() + b"\n"
