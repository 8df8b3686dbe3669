"""Numbered releases of a workspace, published whole or not at all, with one pointer to the current one.

releases/000001/manifest.json   what it is, with the size and SHA-256 of every other file
                items.db        the catalogue as it was, and an index of its words
                index/          item vectors under their ids
                parts/          vectors of passages and shots under their keys
                alignment.safetensors
                words.safetensors, preferences/
                                how telling words are, the fusion network, and the rating model if any; absent without
                                interactions
                .verified.json  which files were found good, and what state they were in
releases/current                the number of the current release

A reader holds a lock on the manifest of its release, which keeps it from being pruned.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Container, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from index import IndexFileError, VectorIndex, load_index
from multimodal_rec.errors import WorkspaceError
from multimodal_rec.holds import Hold
from multimodal_rec.sources import file_state
from multimodal_rec.verification import FileRecord, damaged_files, note_states, unreadable

FORMAT = 19
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
DRAFT, DYING = ".building-", ".removing-"
"""How the names of folders begin that are no releases yet, or no more."""


class EncoderRecord(BaseModel):
    """Which encoder made the vectors of a release."""

    model_config = ConfigDict(frozen=True)

    reference: str
    fingerprint: str
    dim: int


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
    index: dict[str, str] = {}
    """Kind of the items' index, what was asked for, and why this one."""
    metrics: dict[str, float]
    """What was measured in training."""
    versions: dict[str, str]
    """Of the package and the libraries that matter for the result."""
    files: dict[str, FileRecord] = {}
    """Every other file of the release, by its path inside the folder."""
    checksum: str = ""
    """SHA-256 of this manifest with an empty checksum."""

    @property
    def dim(self) -> int:
        """Length of an item's vector."""
        return self.preference_dim + self.text_encoder.dim + self.image_encoder.dim

    def sealed(self) -> Manifest:
        """The same with its checksum."""
        text = self.model_copy(update={"checksum": ""}).model_dump_json()
        return self.model_copy(update={"checksum": hashlib.sha256(text.encode()).hexdigest()})


class Releases:
    """The releases below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def current_number(self) -> int:
        """The number of the current release.

        Raises:
            WorkspaceError: nothing was published yet, or the pointer is damaged.
        """
        try:
            return int((self._folder / CURRENT_FILE).read_text())
        except (OSError, ValueError) as error:
            raise WorkspaceError(
                f"{self._folder.parent} holds no index: make one with `multimodal-rec build`"
            ) from error

    def current(self) -> Path:
        """The folder of the current release.

        Raises:
            WorkspaceError: nothing was published yet, the pointer is damaged, or the release is gone.
        """
        folder = self.folder(self.current_number())
        if not folder.is_dir():
            raise WorkspaceError(f"{folder}: the current release is missing{_way_back(folder)}")
        return folder

    def hold_current(self) -> tuple[Path, Hold]:
        """The folder of the current release, and a hold that keeps it there until it is let go."""
        while True:
            folder = self.current()
            hold = Hold(folder / MANIFEST_FILE)
            if hold.holds or self.current() == folder:
                return folder, hold
            hold.release()

    def folder(self, number: int) -> Path:
        """The folder that a release has, or had."""
        return self._folder / f"{number:06d}"

    def numbers(self) -> list[int]:
        """The releases on disk, oldest first."""
        return sorted(int(path.name) for path in self._folder.glob("[0-9]*") if path.is_dir() and path.name.isdigit())

    def point_to(self, number: int) -> None:
        """Make a release the current one, atomically."""
        pointer = self._folder / f".{CURRENT_FILE}"
        _write_durably(pointer, f"{number}\n")
        pointer.replace(self._folder / CURRENT_FILE)
        _sync(self._folder)

    def prune(self, keep: int, abandoned: Container[int] = ()) -> tuple[list[int], list[int]]:
        """Delete all but the newest and the current releases; return which went, and which a reader still holds.

        Those that were abandoned are none of the newest.
        """
        for left_over in (*self._folder.glob(f"{DYING}*"), *self._folder.glob(f"{DRAFT}*")):
            shutil.rmtree(left_over, ignore_errors=True)
        numbers = self.numbers()
        kept = {self.current_number(), *[number for number in numbers if number not in abandoned][-keep:]}
        gone, held = [], []
        for number in numbers:
            if number in kept:
                continue
            folder, dying = self.folder(number), self._folder / f"{DYING}{number:06d}"
            with Hold(folder / MANIFEST_FILE, alone=True) as hold:
                if hold.refused:
                    held.append(number)
                    continue
                folder.rename(dying)  # no release is ever half there
            shutil.rmtree(dying, ignore_errors=True)
            gone.append(number)
        return gone, held

    @contextmanager
    def publish(self, manifest: Manifest) -> Iterator[Path]:
        """Give a folder to fill; when the block ends well, make it the current release, atomically.

        It follows the current one. Releases after that, from which somebody went back, are abandoned.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        for left_over in self._folder.glob(f"{DRAFT}*"):
            shutil.rmtree(left_over)
        number = max(self.numbers(), default=0) + 1
        draft = self._folder / f"{DRAFT}{number:06d}"
        draft.mkdir()
        try:
            yield draft
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        paths = {path.relative_to(draft).as_posix(): path for path in sorted(draft.rglob("*"))}
        for path in paths.values():
            _sync(path)
        paths = {name: path for name, path in paths.items() if path.is_file()}
        states = {name: file_state(str(path)) for name, path in paths.items()}
        files = {name: FileRecord.of(path) for name, path in paths.items()}
        created = datetime.now(UTC).isoformat(timespec="seconds")
        finished = manifest.model_copy(update={"number": number, "created": created, "files": files})
        _write_durably(draft / MANIFEST_FILE, finished.sealed().model_dump_json(indent=2) + "\n")
        note_states(draft, states, files)
        _sync(draft)
        draft.rename(self.folder(number))
        try:
            before = self.current_number()
        except WorkspaceError:  # there is none yet, or nobody knows which
            before = number - 1
        self.point_to(number)
        self.prune(KEPT, range(before + 1, number))


def read_manifest(folder: Path, *, read_all: bool = False) -> Manifest:
    """Read a release's manifest and check every file against it.

    A file that was found good before and has not changed since is not read again, unless `read_all` asks for it.

    Raises:
        WorkspaceError: the manifest is unreadable or of another format, or a file is not as it was published.
    """
    path = folder / MANIFEST_FILE
    try:
        manifest = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except PermissionError as error:
        raise unreadable(path, error) from error
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise WorkspaceError(f"{path}: unreadable{_way_back(folder)}") from error
    if manifest.format != FORMAT:
        raise WorkspaceError(
            f"{folder}: written in format {manifest.format}, this version reads {FORMAT}: "
            "run `multimodal-rec build` again"
        )
    if manifest.sealed() != manifest:
        raise WorkspaceError(f"{path}: not as it was published{_way_back(folder)}")
    for damaged in damaged_files(folder, manifest.files, read_all=read_all):
        raise WorkspaceError(f"{damaged}: not as it was published{_way_back(folder)}")
    return manifest


def _way_back(folder: Path) -> str:
    """What to do without this release."""
    others = [number for number in Releases(folder.parent).numbers() if f"{number:06d}" != folder.name]
    older = [number for number in others if f"{number:06d}" < folder.name]
    if not others:
        return ", run `multimodal-rec build` again"
    to = "" if older else f" --to {others[-1]}"
    return f", go back with `multimodal-rec rollback --workspace {folder.parent.parent}{to}`"


def readable_current(releases: Releases) -> tuple[Path, Manifest] | None:
    """The current release's folder and manifest; None where there is none, or it is not as it was published."""
    try:
        folder = releases.current()
        return folder, read_manifest(folder)
    except WorkspaceError:
        return None


def save_indexes(folder: Path, index: VectorIndex, parts: VectorIndex) -> None:
    """Write the indexes of items and of their parts into the folder of a release that is being made."""
    for name, vectors in ((INDEX_FOLDER, index), (PARTS_FOLDER, parts)):
        (folder / name).mkdir()
        vectors.save(folder / name)


def load_indexes(folder: Path) -> tuple[VectorIndex, VectorIndex]:
    """Open the indexes of a release whose files `read_manifest` has checked: of its items, and of their parts.

    Raises:
        WorkspaceError: one is missing or damaged.
    """
    try:
        index, parts = (load_index(folder / name, verify=False) for name in (INDEX_FOLDER, PARTS_FOLDER))
        return index, parts
    except IndexFileError as error:
        raise WorkspaceError(f"{error}: run `multimodal-rec build` again") from error


def _write_durably(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
