"""What `VectorIndex` promises, held against a NumPy oracle for every implementation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from index import FlatIndex, IndexFileError, VectorIndex
from index.base import FloatArray
from tests.index.oracle import NumpyOracle

DIM = 12
ODD_IDS = ["plain", "with space", 'q"uote', "a/b\\c", "émoji 🎬", "", "0", "-1"]


@pytest.fixture(params=[FlatIndex], ids=["flat"])
def make_index(request: pytest.FixtureRequest) -> Callable[[int], VectorIndex]:
    return request.param


def random_vectors(count: int, seed: int, dim: int = DIM) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def assert_same(found: list[list], expected: list[list]) -> None:
    assert [[match.id for match in row] for row in found] == [[match.id for match in row] for row in expected]
    for row, truth in zip(found, expected, strict=True):
        np.testing.assert_allclose([m.score for m in row], [m.score for m in truth], rtol=1e-4, atol=1e-5)


def filled(make_index: Callable[[int], VectorIndex], count: int = 60) -> tuple[VectorIndex, NumpyOracle]:
    index, oracle = make_index(DIM), NumpyOracle(DIM)
    ids = [f"item {number}" for number in range(count)]
    for target in (index, oracle):
        target.add(ids, random_vectors(count, seed=1))
    return index, oracle


def test_is_a_vector_index(make_index: Callable[[int], VectorIndex]) -> None:
    assert isinstance(make_index(DIM), VectorIndex)


@pytest.mark.parametrize("k", [1, 7, 60, 500])
def test_search_equals_oracle(make_index: Callable[[int], VectorIndex], k: int) -> None:
    index, oracle = filled(make_index)
    queries = random_vectors(25, seed=2)
    assert_same(index.search(queries, k), oracle.search(queries, k))


def test_allowed_and_excluded_equal_oracle(make_index: Callable[[int], VectorIndex]) -> None:
    index, oracle = filled(make_index)
    queries = random_vectors(3, seed=3)
    allowed = {f"item {number}" for number in range(0, 60, 3)} | {"never heard of"}
    excluded = [{"item 3", "item 6", "unknown"}, set(), {f"item {number}" for number in range(57)}]
    for options in ({"allowed": allowed}, {"excluded": excluded}, {"allowed": allowed, "excluded": excluded}):
        assert_same(index.search(queries, 10, **options), oracle.search(queries, 10, **options))


def test_nothing_allowed_gives_nothing(make_index: Callable[[int], VectorIndex]) -> None:
    index, _ = filled(make_index)
    assert index.search(random_vectors(2, seed=4), 5, allowed=set()) == [[], []]
    assert make_index(DIM).search(random_vectors(2, seed=4), 5) == [[], []]


def test_random_adds_replacements_removals_and_queries_equal_oracle(make_index: Callable[[int], VectorIndex]) -> None:
    index, oracle = make_index(DIM), NumpyOracle(DIM)
    random = np.random.default_rng(5)
    for _ in range(300):
        ids = [f"i{number}" for number in random.choice(80, size=random.integers(1, 6), replace=False)]
        if random.random() < 0.6:
            vectors = random.normal(size=(len(ids), DIM)).astype(np.float32)
            index.add(ids, vectors)
            oracle.add(ids, vectors)
        else:
            assert index.remove(ids) == oracle.remove(ids)
        query = random.normal(size=(1, DIM)).astype(np.float32)
        assert_same(index.search(query, 8), oracle.search(query, 8))
        assert len(index) == len(oracle.rows)
    assert set(index.ids) == set(oracle.rows)


def test_vectors_come_back(make_index: Callable[[int], VectorIndex]) -> None:
    index, oracle = filled(make_index)
    np.testing.assert_array_equal(index.vectors(["item 9", "item 2"]), [oracle.rows["item 9"], oracle.rows["item 2"]])
    with pytest.raises(KeyError):
        index.vectors(["unknown"])


def test_save_and_load(make_index: Callable[[int], VectorIndex], tmp_path: Path) -> None:
    index = make_index(DIM)
    index.add(ODD_IDS, random_vectors(len(ODD_IDS), seed=6))
    index.remove(["0"])
    index.save(tmp_path)
    loaded = type(index).load(tmp_path)
    queries = random_vectors(5, seed=7)
    assert loaded.search(queries, 10) == index.search(queries, 10)
    assert loaded.ids == index.ids
    loaded.add(["new"], random_vectors(1, seed=8))
    assert len(loaded) == len(index) + 1
    assert "new" in loaded
    assert "0" not in loaded


def test_damaged_files_are_named(make_index: Callable[[int], VectorIndex], tmp_path: Path) -> None:
    index, _ = filled(make_index)
    index.save(tmp_path)
    largest = max(tmp_path.iterdir(), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-200])
    with pytest.raises(IndexFileError, match=tmp_path.name):
        type(index).load(tmp_path)
    with pytest.raises(IndexFileError):
        type(index).load(tmp_path / "absent")


@pytest.mark.parametrize(
    ("ids", "vectors"),
    [
        (["a", "a"], random_vectors(2, seed=9)),
        (["a"], random_vectors(2, seed=9)),
        (["a"], random_vectors(1, seed=9, dim=DIM + 1)),
        (["a"], np.full((1, DIM), np.nan, dtype=np.float32)),
    ],
    ids=["twice", "count", "shape", "nan"],
)
def test_bad_vectors_change_nothing(
    make_index: Callable[[int], VectorIndex], ids: list[str], vectors: FloatArray
) -> None:
    index, _ = filled(make_index, count=3)
    with pytest.raises(ValueError, match=r"\w"):
        index.add(ids, vectors)
    assert index.ids == ["item 0", "item 1", "item 2"]


def test_k_must_be_positive(make_index: Callable[[int], VectorIndex]) -> None:
    index, _ = filled(make_index)
    with pytest.raises(ValueError, match="at least 1"):
        index.search(random_vectors(1, seed=1), 0)
