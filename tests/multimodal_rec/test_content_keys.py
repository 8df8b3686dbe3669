"""A file is read once, and again whenever it may have changed."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from encoders import MediaError
from multimodal_rec import content_keys as module
from multimodal_rec.content_keys import content_keys, file_key, text_key
from multimodal_rec.item_table import Modality
from multimodal_rec.items import Item
from multimodal_rec.sources import TICK
from multimodal_rec.vector_store import VectorStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VectorStore]:
    with VectorStore(tmp_path / "vectors.db") as opened:
        yield opened


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read."""
    names: list[str] = []

    def noted(path: Path) -> bytes:
        names.append(path.name)
        return file_key(path)

    monkeypatch.setattr(module, "file_key", noted)
    return names


def settled(path: Path, content: bytes) -> Path:
    """A file that was written long enough ago to be known by its times."""
    path.write_bytes(content)
    time.sleep(2 * TICK / 1e9)
    return path


def refuse(modality: Modality, item: Item, error: MediaError) -> None:
    raise AssertionError(f"{modality} of {item.id}: {error}")


def digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def test_each_modality_has_a_key(tmp_path: Path, store: VectorStore, read: list[str]) -> None:
    image, video = settled(tmp_path / "a.png", b"picture"), settled(tmp_path / "b.mp4", b"clip")
    items = [Item("both", image=image, video=video), Item("text", title="A title"), Item("image", image=image)]
    assert content_keys(items, store, refuse) == {
        "text": {"text": text_key("A title")},
        "image": {"both": digest(b"picture"), "image": digest(b"picture")},
        "video": {"both": digest(b"clip")},
    }
    assert read == ["a.png", "b.mp4"]


def test_a_file_is_read_once(tmp_path: Path, read: list[str]) -> None:
    items = [Item(str(number), image=settled(tmp_path / f"{number}", bytes([number]))) for number in range(3)]
    for _ in range(2):  # the second time by another process, for all the store knows
        with VectorStore(tmp_path / "vectors.db") as store:
            found = content_keys(items, store, refuse)
        assert found["image"] == {str(number): digest(bytes([number])) for number in range(3)}
    assert read == ["0", "1", "2"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are text")
def test_a_name_in_another_encoding(tmp_path: Path, store: VectorStore, read: list[str]) -> None:
    path = settled(tmp_path / os.fsdecode(b"caf\xe9.jpg"), b"a")
    for _ in range(2):
        keys = content_keys([Item(id="a", image=path)], store, refuse)
        assert keys["image"] == {"a": digest(b"a")}
    assert len(read) == 1


def test_more_files_than_one_statement_takes(tmp_path: Path, store: VectorStore, read: list[str]) -> None:
    paths = [tmp_path / f"é{number}" for number in range(1300)]
    for path in paths:
        path.write_bytes(path.name.encode())
    time.sleep(2 * TICK / 1e9)
    items = [Item(path.name, image=path) for path in paths]
    first = content_keys(items, store, refuse)
    assert content_keys(items, store, refuse) == first
    assert len(read) == 1300


def rewrite(path: Path) -> None:
    """Write other content of the same length, and bring the time of the change back, as an unpacker may."""
    times = path.stat()
    path.write_bytes(b"CONTENT")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def replace(path: Path) -> None:
    """Put another file, made earlier, in its place."""
    other = path.with_name("other")
    other.write_bytes(b"CONTENT")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [rewrite, replace])
def test_a_changed_file_is_read_again(
    tmp_path: Path, store: VectorStore, read: list[str], change: Callable[[Path], None]
) -> None:
    items = [Item("a", image=settled(tmp_path / "a", b"content")), Item("b", image=settled(tmp_path / "b", b"b"))]
    content_keys(items, store, refuse)
    change(tmp_path / "a")
    assert content_keys(items, store, refuse)["image"] == {"a": digest(b"CONTENT"), "b": digest(b"b")}
    assert read == ["a", "b", "a"]


def test_a_file_that_changed_a_moment_ago_is_read_again(tmp_path: Path, store: VectorStore, read: list[str]) -> None:
    path = tmp_path / "a"
    items = [Item("a", image=path)]
    late = time.time_ns() + 10**9  # as if it were written while it is looked at
    for content in (b"one", b"two"):
        path.write_bytes(content)
        os.utime(path, ns=(late, late))
        assert content_keys(items, store, refuse)["image"] == {"a": digest(content)}
    assert read == ["a", "a"]
    assert store.file_keys([str(path)]) == {}


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [Item("a", image=settled(tmp_path / "a", b"content"))]

    def then_replaced(path: Path) -> bytes:
        key = file_key(path)
        settled(path, b"CONTENT")
        return key

    monkeypatch.setattr(module, "file_key", then_replaced)
    content_keys(items, store, refuse)
    monkeypatch.undo()
    assert content_keys(items, store, refuse)["image"] == {"a": digest(b"CONTENT")}


def test_a_file_that_takes_long_to_read_is_no_older_for_it(
    tmp_path: Path, store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"content")

    def slowly(path: Path) -> bytes:
        time.sleep(2 * TICK / 1e9)
        return file_key(path)

    monkeypatch.setattr(module, "file_key", slowly)
    state = module.file_state(str(path))
    assert state is not None
    now = max(state[1:3]) + 1
    monkeypatch.setattr("multimodal_rec.sources.time.time_ns", lambda: now)
    content_keys([Item("a", image=path)], store, refuse)
    assert store.file_keys([str(path)]) == {}


def test_of_a_file_that_is_gone_the_reason_is_told(tmp_path: Path, store: VectorStore) -> None:
    path = settled(tmp_path / "a.png", b"picture")
    items = [Item("a", title="A title", image=path)]
    content_keys(items, store, refuse)
    path.unlink()
    told: list[tuple[Modality, str, str]] = []
    found = content_keys(items, store, lambda modality, item, error: told.append((modality, item.id, str(error))))
    assert found == {"text": {"a": text_key("A title")}, "image": {}, "video": {}}
    assert told == [("image", "a", "a.png: cannot be read (No such file or directory)")]
