"""The choice of an index, and the opening of whatever was saved."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from index import FlatIndex, HnswIndex, IndexFileError, IvfIndex, choose_index, load_index
from index.files import Header, write_files
from index.ids import Ids
from index.local import LocalIndex

GB = 10**9


@pytest.mark.parametrize(
    ("count", "options", "kind", "bits", "reason"),
    [
        (20_000, {}, FlatIndex, None, "exact search"),
        (200_000, {}, IvfIndex, 16, "16 bits"),
        (200_000, {"recall": 0.999}, HnswIndex, None, "a graph for a recall of 0.999"),
        (200_000, {"recall": 1}, FlatIndex, None, "exact search"),
        (200_000, {"recall": 0.999, "memory": GB // 8}, IvfIndex, 16, "16 bits"),
        (1_000_000, {"memory": GB // 2}, IvfIndex, 16, "16 bits"),
        (1_000_000, {"memory": 2 * GB // 5}, IvfIndex, 8, "8 bits"),
        (20_000, {"memory": 10**7}, IvfIndex, 16, "16 bits"),
    ],
)
def test_size_memory_and_recall_decide(
    count: int,
    options: dict[str, float],
    kind: type[LocalIndex],
    bits: int | None,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, logger="index"):
        index = choose_index(count, 128, **{"memory": 16 * GB, **options})
    assert type(index) is kind
    assert index._settings().get("bits") == bits
    assert reason in caplog.text
    assert f"{count:,} vectors of 128" in caplog.text


def test_too_little_memory_is_said(caplog: pytest.LogCaptureFixture) -> None:
    choose_index(1_000_000, 128, memory=10**6)
    assert "even 8 bits" in caplog.text
    with pytest.raises(ValueError, match="allow more, or a recall below 1"):
        choose_index(1_000_000, 128, memory=10**6, recall=1)
    assert choose_index(10, 4).dim == 4  # half of this machine's memory by default


@pytest.mark.parametrize("kind", [FlatIndex, HnswIndex, IvfIndex])
def test_a_folder_knows_its_kind(kind: type[LocalIndex], tmp_path: Path) -> None:
    index = kind(4)
    index.add(["a", "b"], np.eye(2, 4, dtype=np.float32))
    index.save(tmp_path)
    loaded = load_index(tmp_path)
    assert type(loaded) is kind
    assert loaded.search(np.eye(1, 4, dtype=np.float32), 1)[0][0].id == "a"
    other = next(each for each in (FlatIndex, HnswIndex) if each is not kind)
    with pytest.raises(IndexFileError, match=f"of kind {kind.kind}, not {other.kind}"):
        other.load(tmp_path)


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, Header("oracle", {}), {})
    with pytest.raises(IndexFileError, match="no index of kind 'oracle'"):
        load_index(tmp_path)


def test_ids_of_any_characters_come_back(tmp_path: Path) -> None:
    names = ["\n", "\0", "", "a\u2028b", "\ud800", "".join(map(chr, range(300)))]
    ids = Ids()
    ids.append(names)
    ids.drop([2])
    for name, write in ids.files().items():
        write(tmp_path / name)
    loaded = Ids.load(tmp_path)
    assert list(loaded.by_id) == list(ids.by_id)
    assert loaded.rows().tolist() == [0, 1, 3, 4, 5]


def test_a_saved_index_stays_open_when_another_takes_its_place(tmp_path: Path) -> None:
    old = FlatIndex(2)
    old.add(["old"], np.ones((1, 2), np.float32))
    old.save(tmp_path)
    opened = load_index(tmp_path)
    new = FlatIndex(2)
    new.add(["new", "newer"], 2 * np.ones((2, 2), np.float32))
    new.save(tmp_path)
    assert [match.id for match in opened.search(np.ones((1, 2), np.float32), 2)[0]] == ["old"]
    assert load_index(tmp_path).ids == ["new", "newer"]
    assert not list(tmp_path.glob("*.new"))
