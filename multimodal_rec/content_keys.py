"""Content keys: the hash of a text, a picture or a clip, under which its vectors are stored.

A file is read once: its key is noted with the state that the file was in, and holds for as long as it is in that state.
A file that changed a moment ago, or whose times lie in the future, is not noted. What changes neither a file's size nor
its times goes unseen, such as a write to memory that is mapped to it: without its vectors.db, a workspace reads all anew.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from encoders import MediaError
from multimodal_rec.item_table import MODALITIES, Modality
from multimodal_rec.items import Item
from multimodal_rec.sources import file_state, is_settled
from multimodal_rec.vector_store import VectorStore

READ_AT_ONCE = 1 << 20
"""Bytes of a file in memory while its key is computed."""


def text_key(text: str) -> bytes:
    """A hash of a text."""
    return hashlib.sha256(text.encode(errors="replace")).digest()


def file_key(path: Path) -> bytes:
    """A hash of a file.

    Raises:
        MediaError: the file cannot be read.
    """
    try:
        digest = hashlib.sha256()
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(READ_AT_ONCE):
                digest.update(chunk)
        return digest.digest()
    except OSError as error:
        raise MediaError(f"{path.name}: cannot be read ({error.strerror or error})") from error


def _as_text(path: Path) -> str:
    """A path as text that can be stored, whatever encoding its names are in."""
    return os.fsencode(path).decode(errors="backslashreplace")


def changed_files(files: Sequence[tuple[bytes, Path]], store: VectorStore) -> set[bytes]:
    """Those of these content keys that their file has no more: it was changed after it was read for its key."""
    known = store.file_keys([_as_text(path) for _, path in files])

    def is_changed(key: bytes, path: Path) -> bool:
        if known.get(_as_text(path)) == (repr(file_state(str(path))).encode(), key):
            return False
        try:
            return file_key(path) != key
        except MediaError:
            return True

    return {key for key, path in files if is_changed(key, path)}


def content_keys(
    items: Sequence[Item], store: VectorStore, on_unreadable: Callable[[Modality, Item, MediaError], None]
) -> dict[Modality, dict[str, bytes]]:
    """The content keys of items under their ids, a dictionary for each modality; none where an item lacks it.

    Files that the store knows in their present state are not read; it is told of the others. Of a file that cannot be
    read, `on_unreadable` is told.
    """
    known = store.file_keys([_as_text(path) for item in items for path in (item.image, item.video) if path])
    read: list[tuple[str, bytes, bytes]] = []

    def current_key(path: Path) -> bytes:
        place = _as_text(path)
        state = file_state(str(path))
        noted = repr(state).encode()
        if place in known and known[place][0] == noted:
            return known[place][1]
        settled = state is not None and is_settled(state)  # as it was before the file is read
        key = file_key(path)
        if settled:
            read.append((place, noted, key))
            known[place] = noted, key  # for other items of the same file
        return key

    keys: dict[Modality, dict[str, bytes]] = {modality: {} for modality in MODALITIES}
    for item in items:
        if text := item.text:
            keys["text"][item.id] = text_key(text)
        media: dict[Modality, Path | None] = {"image": item.image, "video": item.video}
        for modality, path in media.items():
            if path is not None:
                try:
                    keys[modality][item.id] = current_key(path)
                except MediaError as error:
                    on_unreadable(modality, item, error)
    store.note_file_keys(read)
    return keys
