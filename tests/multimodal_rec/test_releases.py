"""Releases are published whole or not at all, and refused once they are not as they were published."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from multimodal_rec.errors import WorkspaceError
from multimodal_rec.releases import EncoderRecord, Manifest, Releases, read_manifest

MANIFEST = Manifest(
    text_encoder=EncoderRecord(reference="auto", fingerprint="aa", dim=3),
    image_encoder=EncoderRecord(reference="auto", fingerprint="bb", dim=4),
    preference_dim=2,
    seed=5,
    training_key="key",
    counts={"items": 3},
    metrics={"ndcg": 0.25},
    versions={"numpy": "2"},
)
FILES = {"items.db": b"items", "index/vectors.faiss": b"\0\xff" * 50, "index/ids.json": b"{}", "empty": b""}


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path / "ws" / "releases")


def publish(releases: Releases, files: dict[str, bytes] = FILES) -> Path:
    with releases.publish(MANIFEST) as draft:
        for name, content in files.items():
            (draft / name).parent.mkdir(exist_ok=True)
            (draft / name).write_bytes(content)
    return releases.current()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_published_release_is_current_and_complete(releases: Releases) -> None:
    folder = publish(releases)
    manifest = read_manifest(folder)
    assert folder.name == "000001"
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert manifest.files.keys() == FILES.keys()
    assert manifest.files["items.db"].bytes == 5
    assert manifest.number == 1
    assert manifest.created > "2025"
    assert manifest.model_copy(update={"number": 0, "created": "", "files": {}, "checksum": ""}) == MANIFEST


def test_nothing_is_current_until_the_block_has_ended(releases: Releases) -> None:
    first = publish(releases)
    with releases.publish(MANIFEST) as draft:
        (draft / "items.db").write_bytes(b"new")
        assert releases.current() == first
        assert releases.numbers() == [1]
    assert releases.current().name == "000002"
    assert (releases.current() / "items.db").read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_raises_leaves_the_old_release_and_no_draft(
    releases: Releases, error: type[BaseException]
) -> None:
    first = publish(releases)

    def fail() -> None:
        with releases.publish(MANIFEST) as draft:
            (draft / "items.db").write_bytes(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert releases.current() == first
    assert names(first.parent) == ["000001", "current"]
    assert read_manifest(first).number == 1
    assert publish(releases).name == "000002"


def test_only_the_newest_three_are_kept(releases: Releases) -> None:
    for _ in range(5):
        folder = publish(releases)
    assert releases.numbers() == [3, 4, 5]
    assert names(folder.parent) == ["000003", "000004", "000005", "current"]
    assert folder.name == "000005"


def test_left_over_drafts_are_removed(releases: Releases) -> None:
    first = publish(releases)
    left_over = first.parent / ".building-000007" / "index"
    left_over.mkdir(parents=True)
    (left_over / "half").write_bytes(b"half")
    assert publish(releases).name == "000002"
    assert names(first.parent) == ["000001", "000002", "current"]


def test_a_number_is_not_used_again_while_its_release_is_there(releases: Releases) -> None:
    first = publish(releases)
    publish(releases)
    (first.parent / "current").write_text("1\n")
    assert publish(releases).name == "000003"


@pytest.mark.parametrize("name", [name for name, content in FILES.items() if content])
@pytest.mark.parametrize("place", [0, -1])
def test_flipped_bit_is_refused_by_name(releases: Releases, name: str, place: int) -> None:
    path = publish(releases) / name
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(WorkspaceError) as caught:
        read_manifest(releases.current())
    assert str(caught.value) == f"{path}: not as it was published, run `multimodal-rec build` again"


@pytest.mark.parametrize("change", ["missing", "longer", "shorter"])
def test_missing_longer_or_shorter_file_is_refused_by_name(releases: Releases, change: str) -> None:
    path = publish(releases) / "index/vectors.faiss"
    content = path.read_bytes()
    path.unlink()
    if change != "missing":
        path.write_bytes(content + b"\0" if change == "longer" else content[:-1])
    with pytest.raises(WorkspaceError, match=r"index/vectors\.faiss: not as it was published"):
        read_manifest(releases.current())


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"format": 1}', None])
def test_unreadable_manifest_is_refused_by_name(releases: Releases, content: bytes | None) -> None:
    path = publish(releases) / "manifest.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WorkspaceError, match=r"manifest\.json: unreadable, run `multimodal-rec build` again"):
        read_manifest(releases.current())


@pytest.mark.parametrize("name", ["manifest.json", "items.db"])
def test_a_file_that_must_not_be_read_is_named(releases: Releases, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = publish(releases) / name
    original = Path.open

    def opened(self: Path, *arguments: Any, **named: Any) -> Any:
        if self == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return original(self, *arguments, **named)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(WorkspaceError) as caught:
        read_manifest(releases.current(), read_all=True)
    assert str(caught.value) == f"{path} cannot be read (Permission denied): check its permissions"


def test_manifest_of_another_format_is_refused(releases: Releases) -> None:
    path = publish(releases) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(WorkspaceError, match=r"written in format 99, this version reads .*build"):
        read_manifest(releases.current())


def test_edited_manifest_is_refused(releases: Releases) -> None:
    path = publish(releases) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"preference_dim": 8}))
    with pytest.raises(WorkspaceError, match=r"manifest\.json: not as it was published"):
        read_manifest(releases.current())


@pytest.mark.parametrize("content", [None, b"", b"latest\n", b"\xff"])
def test_missing_or_damaged_pointer_names_build(releases: Releases, content: bytes | None) -> None:
    pointer = publish(releases).parent / "current"
    pointer.unlink()
    if content is not None:
        pointer.write_bytes(content)
    with pytest.raises(WorkspaceError) as caught:
        releases.current()
    workspace = pointer.parent.parent
    assert str(caught.value) == f"{workspace} holds no index: make one with `multimodal-rec build`"


def test_pointer_to_a_release_that_is_gone_names_build(releases: Releases) -> None:
    (publish(releases).parent / "current").write_text("9\n")
    with pytest.raises(
        WorkspaceError, match=r"000009: the current release is missing, go back with `multimodal-rec roll"
    ):
        releases.current()
