"""What the next build is spared, and when it is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from multimodal_rec.sources import Receipt, Sources, file_states

HOUR = 3600 * 10**9


def settle(path: Path) -> Path:
    """Make a file an hour old."""
    then = path.stat().st_mtime_ns - HOUR
    os.utime(path, ns=(then, then))
    return path


def touch(path: Path) -> None:
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1))


def rewrite(path: Path) -> None:
    times = path.stat()
    path.write_text("TEXT")  # of the same length
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_text("text")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [touch, rewrite, replace, Path.unlink])
def test_any_change_of_a_file_is_seen(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = tmp_path / "file"
    path.write_text("text")
    receipt = Receipt("key", 1, file_states([settle(path)]), {})
    assert receipt.holds("key")
    assert not receipt.holds("other")
    change(path)
    assert not receipt.holds("key")


def test_a_missing_file_that_comes_and_a_link_that_leads_elsewhere_are_changes(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text("text")
    link, missing = tmp_path / "link", tmp_path / "missing"
    link.symlink_to("a")
    receipt = Receipt("key", 1, file_states([link, missing]), {})
    assert receipt.holds("key")
    missing.write_text("")
    assert not receipt.holds("key")
    missing.unlink()
    assert receipt.holds("key")
    link.unlink()
    link.symlink_to("b")
    assert not receipt.holds("key")


def test_a_new_file_changes_its_folder(tmp_path: Path) -> None:
    receipt = Receipt("key", 1, file_states([tmp_path]), {})
    (tmp_path / "new").write_text("")
    assert not receipt.holds("key")


def test_a_file_changed_this_moment_is_not_trusted(tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.write_text("")
    sources = Sources()
    future = fresh.stat().st_mtime_ns + HOUR
    sources.note(tmp_path / "missing")
    assert sources.settled
    os.utime(fresh, ns=(future, future))
    sources.note(fresh)
    assert not sources.settled
    assert set(sources.states()) == {str(tmp_path / "missing"), str(fresh)}


def test_a_receipt_is_read_as_written_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    assert Receipt.load(path) is None
    receipt = Receipt("key", 3, file_states([tmp_path, path]), {"items": 2})
    receipt.save(path)
    assert Receipt.load(path) == receipt
    for damaged in ("", "[]", "{}", '{"key": 1}', '{"key": "", "release": 1, "files": 0, "summary": {}}', "[[[["):
        path.write_text(damaged)
        assert Receipt.load(path) is None
