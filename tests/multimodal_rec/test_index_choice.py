"""A release has the index that was asked for or that suits, keeps it through changes, and answers like exact search."""

from __future__ import annotations

import json
import logging
import random
from pathlib import Path

import numpy as np
import pytest

from index import FlatIndex, HnswIndex, IvfIndex, PqIndex
from multimodal_rec import Recommender, WorkspaceError
from multimodal_rec.build import build
from multimodal_rec.changes import remove, update
from multimodal_rec.index_choice import CODED_VALUES, EXACT_VALUES, codes_instead, new_index, tune
from multimodal_rec.query import Query
from multimodal_rec.releases import load_indexes, read_manifest
from multimodal_rec.space import Space
from multimodal_rec.workspace import Workspace

COUNT = 1100
WORDS = ["quiet", "sea", "winter", "chef", "train", "jazz", "ice", "night", "secret", "child", "volcano", "bread"]


def write(path: Path, numbers: range) -> Path:
    chance = random.Random(numbers.start)
    rows = [{"id": f"i{n}", "title": f"{' '.join(chance.sample(WORDS, 3))} {n}", "price": n % 100} for n in numbers]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def kind(workspace: Path) -> tuple[str, str]:
    record = read_manifest(Workspace(workspace).releases.current()).index
    return record["kind"], record["wanted"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kinds")
    summary = build(write(folder / "items.jsonl", range(COUNT)), folder / "ws")
    assert summary.index["kind"] == "flat"
    assert "1,100 vectors of" in summary.index["reason"]
    assert "exact search" in summary.index["reason"]
    return folder / "ws"


@pytest.mark.parametrize(("wanted", "of_kind"), [("ivf", IvfIndex), ("hnsw", HnswIndex), ("pq", PqIndex)])
def test_the_index_asked_for_answers_like_exact_search_through_all_changes(
    workspace: Path, wanted: str, of_kind: type, tmp_path: Path
) -> None:
    catalogue = workspace.parent / "items.jsonl"
    build(catalogue, workspace)
    queries = [f"{first} {second}" for first in WORDS[:5] for second in WORDS[5:9]]
    with Recommender.open(workspace) as exact:
        truth = [{hit.item_id for hit in exact.search(query)} for query in queries]
        filtered = [[hit.item_id for hit in exact.search(query, where="price<2")] for query in queries]

    summary = build(catalogue, workspace, index=wanted)
    reason = f"{wanted}, as was asked for"
    assert summary.index == {"kind": wanted, "planned": wanted, "wanted": wanted, "reason": reason}
    again = build(catalogue, workspace, index=wanted)
    assert again.release == summary.release
    assert again.index == summary.index
    with Recommender.open(workspace) as opened:
        assert isinstance(load_indexes(Workspace(workspace).releases.current())[0], of_kind)
        found = [{hit.item_id for hit in opened.search(query)} for query in queries]
        assert np.mean([len(a & b) / 10 for a, b in zip(found, truth, strict=True)]) >= 0.95
        few = [[hit.item_id for hit in opened.search(query, where="price<2")] for query in queries]
        assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(few, filtered, strict=True)]) >= 0.98
        assert all(len(hits) == 10 for hits in few)
        assert all(len(opened.search(query, k=30, where="price<2")) == 22 for query in queries)

    update(write(tmp_path / "more.jsonl", range(COUNT, COUNT + 5)), workspace)
    assert kind(workspace) == (wanted, wanted)
    remove(["i0"], workspace)
    assert kind(workspace) == (wanted, wanted)
    with Recommender.open(workspace) as opened:
        assert len(opened) == COUNT + 4
        assert "i0" not in opened
        assert len({hit.item_id for hit in opened.search("bread", k=COUNT + 10)}) == COUNT + 4
    assert build(catalogue, workspace).index["kind"] == "flat"


def test_size_decides_where_nothing_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="multimodal_rec"):
        small, record = new_index("auto", EXACT_VALUES // 128, 128)
        assert isinstance(small, FlatIndex)
        assert record["wanted"] == "auto"
        middling, record = new_index("auto", EXACT_VALUES // 128 + 1, 128)
        assert isinstance(middling, PqIndex)
        assert record["reason"].startswith("62,501 vectors of 128")
        large, record = new_index("auto", CODED_VALUES // 128 + 1, 128)
        assert isinstance(large, IvfIndex)
        assert record["reason"].startswith("2,000,001 vectors of 128")
    assert "index of the items: 62,500 vectors of 128" in caplog.text


@pytest.fixture
def no_size_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inverted lists are tried on all catalogues."""
    monkeypatch.setattr("multimodal_rec.index_choice.EXACT_VALUES", 1000)
    monkeypatch.setattr("multimodal_rec.index_choice.CODED_VALUES", 1000)


@pytest.mark.usefixtures("no_size_decides")
def test_codes_take_the_place_of_lists_that_have_to_be_read_to_the_end() -> None:
    random = np.random.default_rng(0)
    shapeless = random.normal(size=(4000, 64)).astype(np.float32)
    clustered = np.repeat(random.normal(size=(40, 64)), 100, axis=0) + 0.05 * random.normal(size=(4000, 64))
    for wanted, vectors, replaced in (("auto", shapeless, True), ("ivf", shapeless, False), ("auto", clustered, False)):
        index, record = new_index(wanted, 4000, 64)
        assert record["kind"] == "ivf"
        index.add([str(number) for number in range(4000)], vectors.astype(np.float32))
        index.tune(vectors[::40].astype(np.float32))
        codes = codes_instead(index, record)
        assert bool(codes) == replaced
        if codes:
            assert isinstance(codes[0], PqIndex)
            assert (codes[1]["kind"], codes[1]["planned"]) == ("pq", "ivf")
            assert "ivf would compare" in codes[1]["reason"]


@pytest.mark.usefixtures("no_size_decides")
def test_changes_keep_the_index_that_took_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multimodal_rec.index_choice.LOOKS_FAR", 0.0)
    built = build(write(tmp_path / "items.jsonl", range(COUNT)), tmp_path / "ws")
    assert (built.index["kind"], built.index["planned"]) == ("pq", "ivf")
    with Recommender.open(tmp_path / "ws") as rec:
        before = rec.query_vectors([Query("bread")]), [hit.item_id for hit in rec.search("bread")]
        assert len(rec.search("bread", k=COUNT)) == COUNT
    update(write(tmp_path / "more.jsonl", range(COUNT, COUNT + 2)), tmp_path / "ws")
    assert kind(tmp_path / "ws") == ("pq", "auto")
    remove([f"i{COUNT}", f"i{COUNT + 1}"], tmp_path / "ws")
    with Recommender.open(tmp_path / "ws") as rec:
        np.testing.assert_array_equal(rec.query_vectors([Query("bread")]), before[0])
        assert [hit.item_id for hit in rec.search("bread")] == before[1]


def test_an_approximate_index_is_tuned_with_users_and_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    space = Space(2, 3, 4)
    index, _ = new_index("ivf", 2000, space.dim)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2000, space.dim)).astype(np.float32)
    vectors[:1900, space.blocks["visual"]] = 0
    index.add([str(number) for number in range(2000)], vectors)
    given: list[np.ndarray] = []
    monkeypatch.setattr(index, "tune", given.append)
    users = np.ones((5, space.dim), np.float32)
    tune(index, space, users)
    (queries,) = given
    np.testing.assert_array_equal(queries[:5], users)
    searches = queries[5:]
    assert not searches[:, space.blocks["preference"]].any()
    assert searches[:, space.blocks["semantic"]].any(axis=1).all()  # of a picture, what it shows in words
    by_picture = searches[:, space.blocks["visual"]].any(axis=1)
    assert (~by_picture).sum() == 64
    assert 0 < by_picture.sum() < 64


def test_an_unknown_index_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="no index is called 'tree': take auto, flat, pq, hnsw or ivf"):
        build(tmp_path / "items.jsonl", tmp_path / "ws", index="tree")
    assert not (tmp_path / "ws").exists()
