"""Numbered releases of a workspace, published whole or not at all, with one pointer to the current one.

releases/000001/manifest.json   what it is, with the size and SHA-256 of every other file
                items.db        the catalogue as it was
                index/          item vectors under their ids
                parts/          vectors of passages and shots under their keys
                alignment.safetensors
                words.safetensors
                preferences/    the fusion network; absent without interactions
releases/current                the number of the current release
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from index import FlatIndex, IndexFileError
from multimodal_rec.errors import WorkspaceError

FORMAT = 8
MANIFEST_FILE = "manifest.json"
ITEMS_FILE = "items.db"
INDEX_FOLDER = "index"
PARTS_FOLDER = "parts"
ALIGNMENT_FILE = "alignment.safetensors"
WORDS_FILE = "words.safetensors"
PREFERENCES_FOLDER = "preferences"
CURRENT_FILE = "current"
KEPT = 3
"""Releases that stay on disk when a new one is published, the new one included."""


class EncoderRecord(BaseModel):
    """Which encoder made the vectors of a release."""

    model_config = ConfigDict(frozen=True)

    reference: str
    fingerprint: str
    dim: int


class FileRecord(BaseModel):
    """Size and checksum of a file of the release."""

    model_config = ConfigDict(frozen=True)

    bytes: int
    sha256: str


class Manifest(BaseModel):
    """What a release is made of."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    """Version of this layout."""
    number: int = 0
    """Given when the release is published."""
    created: str = ""
    """Time of publication, ISO 8601, UTC."""
    text_encoder: EncoderRecord
    image_encoder: EncoderRecord
    preference_dim: int
    """Length of the preference block, 0 without a fusion network."""
    seed: int
    training_key: str = ""
    """Hash of all that the fusion network was trained from: what has the same key need not be trained again."""
    input_key: str = ""
    """Hash of all that the release was built from: the same input need not be built again."""
    counts: dict[str, int]
    """Items, users and events."""
    metrics: dict[str, float]
    """What was measured in training."""
    versions: dict[str, str]
    """Of the package and the libraries that matter for the result."""
    files: dict[str, FileRecord] = {}
    """Every other file of the release, by its path inside the folder."""
    checksum: str = ""
    """SHA-256 of this manifest with an empty checksum."""

    def sealed(self) -> Manifest:
        """The same with its checksum."""
        text = self.model_copy(update={"checksum": ""}).model_dump_json()
        return self.model_copy(update={"checksum": hashlib.sha256(text.encode()).hexdigest()})


class Releases:
    """The releases below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def current(self) -> Path:
        """The folder of the current release.

        Raises:
            WorkspaceError: nothing was published yet, or the pointer is damaged.
        """
        pointer = self._folder / CURRENT_FILE
        try:
            folder = self._folder / f"{int(pointer.read_text()):06d}"
        except (OSError, ValueError) as error:
            raise WorkspaceError(
                f"{self._folder.parent} holds no index: make one with `multimodal-rec build`"
            ) from error
        if not folder.is_dir():
            raise WorkspaceError(f"{folder}: the current release is missing: run `multimodal-rec build` again")
        return folder

    def numbers(self) -> list[int]:
        """The releases on disk, oldest first."""
        return sorted(int(path.name) for path in self._folder.glob("[0-9]*") if path.is_dir() and path.name.isdigit())

    @contextmanager
    def publish(self, manifest: Manifest) -> Iterator[Path]:
        """Give a folder to fill; when the block ends well, make it the current release, atomically."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for left_over in self._folder.glob(".building-*"):
            shutil.rmtree(left_over)
        number = max(self.numbers(), default=0) + 1
        draft = self._folder / f".building-{number:06d}"
        draft.mkdir()
        try:
            yield draft
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        paths = [path for path in sorted(draft.rglob("*")) if path.is_file()]
        for path in paths:
            _sync(path)
        files = {path.relative_to(draft).as_posix(): _record(path) for path in paths}
        created = datetime.now(UTC).isoformat(timespec="seconds")
        finished = manifest.model_copy(update={"number": number, "created": created, "files": files})
        _write_durably(draft / MANIFEST_FILE, finished.sealed().model_dump_json(indent=2) + "\n")
        final = self._folder / f"{number:06d}"
        draft.rename(final)
        pointer = self._folder / f".{CURRENT_FILE}"
        _write_durably(pointer, f"{number}\n")
        pointer.replace(self._folder / CURRENT_FILE)
        _sync(self._folder)
        for old in self.numbers()[:-KEPT]:
            shutil.rmtree(self._folder / f"{old:06d}", ignore_errors=True)


def read_manifest(folder: Path) -> Manifest:
    """Read a release's manifest and check every file against it.

    Raises:
        WorkspaceError: the manifest is unreadable or of another format, or a file is not as it was published.
    """
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise WorkspaceError(f"{folder / MANIFEST_FILE}: unreadable, run `multimodal-rec build` again") from error
    if manifest.format != FORMAT:
        raise WorkspaceError(
            f"{folder}: written in format {manifest.format}, this version reads {FORMAT}: "
            "run `multimodal-rec build` again"
        )
    if manifest.sealed() != manifest:
        raise WorkspaceError(f"{folder / MANIFEST_FILE}: not as it was published, run `multimodal-rec build` again")
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file() or _record(path) != expected:
            raise WorkspaceError(f"{path}: not as it was published, run `multimodal-rec build` again")
    return manifest


def load_indexes(folder: Path) -> tuple[FlatIndex, FlatIndex]:
    """Open the indexes of a release: of its items, and of their parts.

    Raises:
        WorkspaceError: one is missing or damaged.
    """
    try:
        return FlatIndex.load(folder / INDEX_FOLDER), FlatIndex.load(folder / PARTS_FOLDER)
    except IndexFileError as error:
        raise WorkspaceError(f"{error}: run `multimodal-rec build` again") from error


def _record(path: Path) -> FileRecord:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileRecord(bytes=path.stat().st_size, sha256=digest)


def _write_durably(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
