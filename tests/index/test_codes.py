"""Codes tell nearly what vectors do, also where a few columns vary far more than all others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from index.codes import WIDEST, Codes, _slots

COUNT, DIM = 3_000, 70


def vectors_and_queries(spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of two blocks, two columns of which vary `spread` times as much; queries that ask all, or one block."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(COUNT, DIM)).astype(np.float32)
    vectors[:, [20, 21]] *= spread
    queries = random.normal(size=(60, DIM)).astype(np.float32)
    queries[20:40, :30] = 0
    queries[40:, 30:] = 0
    return vectors, queries


@pytest.mark.parametrize("spread", [1, 10, 30])
def test_the_best_are_among_few_candidates(spread: float) -> None:
    vectors, queries = vectors_and_queries(spread)
    found = Codes.train(vectors, (0, DIM), seed=0).nearest(queries, COUNT // 10)
    best = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
    assert np.mean([np.isin(*pair).mean() for pair in zip(best, found, strict=True)]) > 0.9


def test_a_row_that_was_forgotten_disturbs_none(tmp_path: Path) -> None:
    vectors, queries = vectors_and_queries(1)
    codes = Codes.train(vectors[:2000], (0, DIM), seed=0)
    with_gaps = vectors[:2000].copy()
    with_gaps[::3] = np.nan
    gapped = Codes.train(with_gaps, (0, DIM), seed=0)
    assert len(codes) == len(gapped) == 2000
    found = gapped.nearest(queries, 700)
    best = np.argsort(-np.nan_to_num(queries @ with_gaps.T, nan=-np.inf), axis=1)[:, :10]
    assert np.mean([np.isin(*pair).mean() for pair in zip(best, found, strict=True)]) > 0.9


def test_codes_come_back(tmp_path: Path) -> None:
    vectors, queries = vectors_and_queries(10)
    codes = Codes.train(vectors, (0, DIM), seed=0)
    for name, write in codes.files("some").items():
        write(tmp_path / name)
    np.testing.assert_array_equal(Codes.open(tmp_path, "some").nearest(queries, 50), codes.nearest(queries, 50))


def test_codes_of_some_columns_answer_what_asks_no_others() -> None:
    vectors, queries = vectors_and_queries(10)
    queries = queries[20:40]  # those of columns 30 and more
    some, every = (Codes.train(vectors, columns, seed=0) for columns in ((30, DIM), (0, DIM)))
    best = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
    for codes in (some, every):
        found = codes.nearest(queries, COUNT // 10)
        assert np.mean([np.isin(*pair).mean() for pair in zip(best, found, strict=True)]) > 0.9


def test_columns_that_vary_most_have_a_code_of_their_own() -> None:
    variances = np.ones(21, np.float32)
    variances[7] = 1000
    none = 21
    groups = _slots(variances, (2, 21)).reshape(-1, WIDEST).tolist()
    assert groups[:3] == [[2, 3, 4, 5], [6, none, none, none], [7, none, none, none]]
    assert groups[3:] == [[8, 9, 10, 11], [12, 13, 14, 15], [16, 17, 18, 19], [20, none, none, none]]
    assert len(_slots(np.zeros(8, np.float32), (0, 8))) == 8
