"""What `VectorIndex` promises, held against a NumPy oracle for every implementation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from index import IndexFileError, Match, Selection, VectorIndex
from index.base import FloatArray
from tests.index.conftest import Backend, MakeIndex
from tests.index.oracle import NumpyOracle, recall

DIM = 12
ODD_IDS = ["plain", "with space", 'q"uote', "a/b\\c", "line\nbreak", "émoji 🎬", "", "0", "-1"]


def random_vectors(count: int, seed: int, dim: int = DIM) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def assert_same(found: list[list[Match]], expected: list[list[Match]], tolerance: float) -> None:
    """The same ids in the same order, but for neighbours whose scores the tolerance cannot tell apart."""
    for row, true in zip(found, expected, strict=True):
        assert len({match.id for match in row}) == len(row) == len(true)
        near = tolerance * DIM  # the product of a typical query's and a typical vector's length
        np.testing.assert_allclose([match.score for match in row], [match.score for match in true], atol=near)
        if tolerance < 1e-4:
            assert [match.id for match in row] == [match.id for match in true]


def filled(make_index: MakeIndex, count: int = 60) -> tuple[VectorIndex, NumpyOracle]:
    index, oracle = make_index(DIM), NumpyOracle(DIM)
    ids = [f"item {number}" for number in range(count)]
    for target in (index, oracle):
        target.add(ids, random_vectors(count, seed=1))
    return index, oracle


def test_is_a_vector_index(make_index: MakeIndex) -> None:
    index = make_index(DIM)
    assert isinstance(index, VectorIndex)
    assert (index.dim, len(index), index.ids) == (DIM, 0, [])


@pytest.mark.parametrize("k", [1, 7, 60, 500])
def test_search_equals_oracle(backend: Backend, k: int) -> None:
    index, oracle = filled(backend.make)
    queries = random_vectors(25, seed=2)
    assert_same(index.search(queries, k), oracle.search(queries, k), backend.tolerance)


@pytest.mark.parametrize("k", [1, 7, 500])
def test_queries_that_ask_few_columns_equal_oracle(backend: Backend, k: int) -> None:
    index, oracle = filled(backend.make)
    for target in (index, oracle):
        target.remove(["item 3", "item 59"])
    for first, last in ((0, 2), (3, 8), (11, 12)):
        query = np.zeros((1, DIM), np.float32)
        query[0, first:last] = random_vectors(1, seed=first, dim=last - first)
        assert_same(index.search(query, k), oracle.search(query, k), backend.tolerance)


def test_allowed_and_excluded_equal_oracle(backend: Backend) -> None:
    index, oracle = filled(backend.make)
    queries = random_vectors(3, seed=3)
    allowed = {f"item {number}" for number in range(0, 60, 3)} | {"never heard of", "nul \0"}
    excluded = [{"item 3", "item 6", "unknown"}, set(), {f"item {number}" for number in range(57)}]
    selection = Selection(allowed)
    for options in (
        {"allowed": allowed},
        {"allowed": selection},
        {"excluded": excluded},
        {"allowed": selection, "excluded": excluded},
    ):
        found, expected = index.search(queries, 10, **options), oracle.search(queries, 10, **options)
        assert_same(found, expected, backend.tolerance)


def test_a_selection_follows_changes(backend: Backend) -> None:
    index, oracle = filled(backend.make)
    selection, query = Selection(["item 1", "item 2", "late"]), random_vectors(1, seed=4)
    for change in (
        lambda target: target.remove(["item 1"]),
        lambda target: target.add(["late"], random_vectors(1, seed=5)),
        lambda target: target.add(["item 2"], random_vectors(1, seed=6)),
        lambda target: target.remove([f"item {number}" for number in range(3, 60)]),
    ):
        change(index)
        change(oracle)
        found, expected = index.search(query, 5, allowed=selection), oracle.search(query, 5, allowed=selection)
        assert_same(found, expected, backend.tolerance)


def test_nothing_allowed_gives_nothing(make_index: MakeIndex) -> None:
    index, _ = filled(make_index)
    queries = random_vectors(2, seed=4)
    assert index.search(queries, 5, allowed=set()) == [[], []]
    assert index.search(queries, 5, excluded=[index.ids, index.ids]) == [[], []]
    assert index.search(queries[:0], 5) == []
    assert make_index(DIM).search(queries, 5) == [[], []]


def test_zero_queries_and_vectors_still_get_k_answers(make_index: MakeIndex) -> None:
    index, _ = filled(make_index)
    index.add(["zero 1", "zero 2"], np.zeros((2, DIM), np.float32))
    queries = np.zeros((1, DIM), np.float32)
    assert [len(row) for row in index.search(queries, 30)] == [30]
    assert [len(row) for row in index.search(queries, 100)] == [62]
    np.testing.assert_array_equal(index.vectors(["zero 1"]), queries)


def test_random_adds_replacements_removals_and_queries_equal_oracle(backend: Backend) -> None:
    index, oracle = backend.make(DIM), NumpyOracle(DIM)
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
        assert_same(index.search(query, 8), oracle.search(query, 8), backend.tolerance)
        assert len(index) == len(oracle.rows)
    assert index.ids == list(oracle.rows)


@pytest.mark.slow
def test_ten_thousand_changes_and_queries(backend: Backend) -> None:
    """Up to 3,000 vectors of many lengths, so that graphs are built anew and inverted lists trained several times."""
    index, oracle = backend.make(DIM), NumpyOracle(DIM)
    random = np.random.default_rng(8)
    answers: list[list[Match]] = []
    truths: list[list[Match]] = []
    for step in range(10_000):
        kind, size = random.random(), 1 if random.random() < 0.9 else random.integers(2, 60)
        ids = [f"i{number}" for number in random.choice(4_000, size=size, replace=False)]
        if kind < 0.45 or step < 200:
            vectors = (random.normal(size=(size, DIM)) * random.lognormal(0, 0.5, size=(size, 1))).astype(np.float32)
            index.add(ids, vectors)
            oracle.add(ids, vectors)
        elif kind < 0.65:
            assert index.remove(ids) == oracle.remove(ids)
        else:
            queries = random.normal(size=(random.integers(1, 4), DIM)).astype(np.float32)
            options: dict[str, object] = {}
            if random.random() < 0.3:
                options["allowed"] = {f"i{number}" for number in random.choice(4_000, size=random.integers(1, 3_000))}
            if random.random() < 0.3:
                seen = random.choice(4_000, size=(len(queries), random.integers(1, 300)))
                options["excluded"] = [{f"i{number}" for number in row} for row in seen]
            found, expected = index.search(queries, 10, **options), oracle.search(queries, 10, **options)
            if backend.tolerance < 1e-4 and index.kind not in {"hnsw", "pq"}:
                assert_same(found, expected, backend.tolerance)
            answers += found
            truths += expected
    assert index.ids == list(oracle.rows)
    assert recall(answers, truths) >= (0.95 if backend.tolerance >= 1e-2 else 0.98)


def test_vectors_come_back(backend: Backend) -> None:
    index, oracle = filled(backend.make)
    expected = [oracle.rows["item 9"], oracle.rows["item 2"]]
    np.testing.assert_allclose(index.vectors(["item 9", "item 2"]), expected, atol=backend.tolerance)
    assert index.vectors([]).shape == (0, DIM)
    query = random_vectors(1, seed=3)[0]
    query[7:] = 0
    np.testing.assert_allclose(index.scores(query, ["item 9", "item 2"]), expected @ query, atol=10 * backend.tolerance)
    assert index.scores(query, []).shape == (0,)
    for ask in (index.vectors, lambda ids: index.scores(query, ids)):
        with pytest.raises(KeyError):
            ask(["unknown"])


@pytest.mark.parametrize("kind", ["own", "mapped", "changed"])
def test_lasting_vectors_stay_as_they_are(backend: Backend, tmp_path: Path, kind: str) -> None:
    """An index may keep them, and still changes freely; all others are copied."""
    vectors = random_vectors(60, seed=20)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r").view(np.ndarray)
    given = mapped if kind == "mapped" else vectors.copy()
    index = backend.make(DIM)
    index.add([f"item {number}" for number in range(60)], given, lasting=kind != "changed")
    if kind == "changed":
        given[:] = 0
    index.remove(["item 3"])
    index.add(["item 5", "new"], vectors[:2])
    np.testing.assert_allclose(index.vectors(["item 4", "item 5", "new"]), vectors[[4, 0, 1]], atol=backend.tolerance)
    assert "item 3" not in {match.id for match in index.search(vectors[3:4], 60)[0]}
    (tmp_path / "index").mkdir()
    index.save(tmp_path / "index")
    assert sorted(type(index).load(tmp_path / "index").ids) == sorted(index.ids)
    np.testing.assert_array_equal(given, np.zeros_like(vectors) if kind == "changed" else vectors)


def test_save_and_load(make_index: MakeIndex, tmp_path: Path) -> None:
    index = make_index(DIM)
    index.add(ODD_IDS, random_vectors(len(ODD_IDS), seed=6))
    index.remove(["0"])
    index.save(tmp_path)
    loaded = type(index).load(tmp_path)
    queries = random_vectors(5, seed=7)
    assert loaded.search(queries, 10) == index.search(queries, 10)
    assert loaded.ids == index.ids
    count = len(index)
    loaded.add(["new"], random_vectors(1, seed=8))
    loaded.remove(["plain"])
    assert len(loaded) == count
    assert "new" in loaded
    assert "0" not in loaded
    assert loaded.search(random_vectors(1, seed=8), 1)[0][0].id == "new"
    loaded.save(tmp_path)
    assert type(index).load(tmp_path).ids == loaded.ids


def test_an_empty_index_can_be_saved(make_index: MakeIndex, tmp_path: Path) -> None:
    index = make_index(DIM)
    index.save(tmp_path)
    loaded = type(index).load(tmp_path)
    assert (loaded.dim, loaded.ids) == (DIM, [])
    loaded.add(["a"], random_vectors(1, seed=1))
    assert loaded.ids == ["a"]


def test_damaged_files_are_named(make_index: MakeIndex, tmp_path: Path, flip_byte: Callable[[Path], None]) -> None:
    index, _ = filled(make_index)
    index.save(tmp_path)
    for path in sorted(tmp_path.iterdir()):
        content = path.read_bytes()
        flip_byte(path)
        with pytest.raises(IndexFileError, match=path.name):
            type(index).load(tmp_path)
        path.write_bytes(content[:-1])
        with pytest.raises(IndexFileError, match=path.name):
            type(index).load(tmp_path)
        path.unlink()
        with pytest.raises(IndexFileError, match=path.name):
            type(index).load(tmp_path)
        path.write_bytes(content)
    assert len(type(index).load(tmp_path)) == 60
    with pytest.raises(IndexFileError, match="absent"):
        type(index).load(tmp_path / "absent")


@pytest.mark.parametrize(
    ("ids", "vectors"),
    [
        (["item 0", "item 0"], random_vectors(2, seed=9)),
        (["item 0"], random_vectors(2, seed=9)),
        (["item 0"], random_vectors(1, seed=9, dim=DIM + 1)),
        (["item 0"], np.full((1, DIM), np.nan, dtype=np.float32)),
    ],
    ids=["twice", "count", "shape", "nan"],
)
def test_bad_vectors_change_nothing(make_index: MakeIndex, ids: list[str], vectors: FloatArray) -> None:
    index, _ = filled(make_index, count=3)
    before = index.vectors(index.ids)
    with pytest.raises(ValueError, match=r"\w"):
        index.add(ids, vectors)
    assert index.ids == ["item 0", "item 1", "item 2"]
    np.testing.assert_array_equal(index.vectors(index.ids), before)


def test_threads_search_while_another_changes(make_index: MakeIndex) -> None:
    """Every answer is one of before or after a change, and never half of one."""
    index = make_index(DIM)
    always = [f"always {number}" for number in range(200)]
    index.add(always, random_vectors(200, seed=10))
    queries, stop = random_vectors(4, seed=11), Event()

    def change() -> None:
        for step in range(40):
            batch = [f"now {number}" for number in range(step, step + 30)]
            index.add(batch, random_vectors(30, seed=step))
            index.remove(batch)
        stop.set()

    def ask() -> int:
        asked = 0
        while not stop.is_set() or not asked:
            for row in index.search(queries, 230):
                assert 200 <= len(row) <= 230
                assert {match.id for match in row} >= set(always)
            asked += 1
        return asked

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(ask) for _ in range(3)]
        pool.submit(change).result()
        assert all(answer.result() for answer in answers)
    assert index.ids == always


def test_bad_questions_are_refused(make_index: MakeIndex) -> None:
    index, _ = filled(make_index)
    query = random_vectors(1, seed=1)
    with pytest.raises(ValueError, match="at least 1"):
        index.search(query, 0)
    with pytest.raises(ValueError, match="2 exclude lists"):
        index.search(query, 1, excluded=[set(), set()])
    with pytest.raises(ValueError, match="not finite"):
        index.search(query * np.inf, 1)
    with pytest.raises(ValueError, match="do not fit"):
        index.scores(query[0, :-1], ["item 1"])
    with pytest.raises(ValueError, match="at least one dimension"):
        make_index(0)
