"""What a table shared by many has beyond the contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from index import FlatIndex, IndexFileError, load_index
from tests.index.conftest import MakeIndex
from tests.index.oracle import recall

DIM = 8


def test_all_see_a_change_at_once(make_postgres_index: MakeIndex, tmp_path: Path) -> None:
    one = make_postgres_index(DIM)
    one.save(tmp_path)
    other = load_index(tmp_path)
    one.add(["a", "b"], np.eye(2, DIM, dtype=np.float32))
    other.remove(["a"])
    assert one.ids == other.ids == ["b"]
    assert one.search(np.ones((1, DIM), np.float32), 5) == other.search(np.ones((1, DIM), np.float32), 5)


def test_a_graph_finds_k_answers_with_any_filter(make_postgres_index: MakeIndex) -> None:
    from index.postgres import PostgresIndex

    make_postgres_index(DIM)
    random = np.random.default_rng(1)
    ids, vectors = [f"item {row}" for row in range(1_500)], random.normal(size=(1_500, DIM)).astype(np.float32)
    index, exact = PostgresIndex(DIM, table="test_graph", graph=True), FlatIndex(DIM)
    for target in (index, exact):
        target.add(ids, vectors)
    queries = random.normal(size=(30, DIM)).astype(np.float32)
    nearly_all = [set(ids[:1_470])] * len(queries)
    for options in ({}, {"allowed": ids[::50]}, {"allowed": ids[::2]}, {"excluded": nearly_all}):
        assert recall(index.search(queries, 10, **options), exact.search(queries, 10, **options)) >= 0.9


def test_what_the_table_cannot_be_is_said(make_postgres_index: MakeIndex, tmp_path: Path) -> None:
    from index.postgres import PostgresIndex

    index = make_postgres_index(DIM)
    index.save(tmp_path)
    with pytest.raises(ValueError, match="NUL"):
        index.add(["nul \0"], np.ones((1, DIM), np.float32))
    assert "nul \0" not in index
    with pytest.raises(ValueError, match=f"dimension {DIM}, not {DIM + 1}"):
        PostgresIndex(DIM + 1, table="test_0")
    with pytest.raises(IndexFileError, match="PGHOST"):
        PostgresIndex.load(tmp_path, conninfo="host=/nowhere")
