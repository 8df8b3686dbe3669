"""What an index of codes looks at: views of the columns that are asked together, few candidates, and all that is new."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from index import FlatIndex, PqIndex, Selection
from index.base import FloatArray
from index.codes import Codes
from tests.index.oracle import recall

COUNT, DIM = 4_000, 96
IDS = [f"item {number}" for number in range(COUNT)]
ALL, TEXTS, PICTURES = (0, DIM), (24, 56), (24, 96)


def vectors(count: int, seed: int) -> FloatArray:
    """Around 60 centres, so that some are far better answers than most."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(60, DIM))
    return (centres[random.integers(60, size=count)] + 0.5 * random.normal(size=(count, DIM))).astype(np.float32)


def queries(columns: tuple[int, int], count: int, seed: int) -> FloatArray:
    asked = vectors(count, seed)
    asked[:, : columns[0]] = 0
    asked[:, columns[1] :] = 0
    return asked


@pytest.fixture
def tuned() -> tuple[PqIndex, FlatIndex]:
    index, exact = PqIndex(DIM, recall=0.99), FlatIndex(DIM)
    for target in (index, exact):
        target.add(IDS, vectors(COUNT, seed=1))
    index.tune(np.concatenate([queries(columns, 60, seed=2) for columns in (ALL, TEXTS, PICTURES)]))
    return index, exact


def columns_and_candidates(index: PqIndex) -> list[tuple[tuple[int, int], list[int]]]:
    return [(view.columns, list(view.depths)) for view in index._views]


@pytest.mark.parametrize("columns", [ALL, TEXTS, PICTURES, (28, 52), (3, 30)])
def test_a_query_is_compared_with_few_vectors_wherever_it_looks(
    tuned: tuple[PqIndex, FlatIndex], columns: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    index, exact = tuned
    assert [view.columns for view in index._views] == [TEXTS, PICTURES, ALL]
    compared: list[int] = []
    nearest_of = index._nearest.__globals__["exact"].nearest_of
    monkeypatch.setattr(
        "index.exact.nearest_of",
        lambda query, rows, some, k: compared.append(len(some)) or nearest_of(query, rows, some, k),
    )
    asked = queries(columns, 40, seed=3)
    least = 0.97 if columns in (ALL, TEXTS, PICTURES) else 0.93  # nobody said that others are asked
    assert recall(index.search(asked, 10), exact.search(asked, 10)) >= least
    assert len(compared) == 40
    assert max(compared) < COUNT / 8


def test_views_and_their_candidates_stay_through_changes_and_files(
    tuned: tuple[PqIndex, FlatIndex], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, exact = tuned
    measured = columns_and_candidates(index)
    trained: list[tuple[int, int]] = []
    train = Codes.train
    monkeypatch.setattr(
        Codes, "train", lambda rows, columns, seed: trained.append(columns) or train(rows, columns, seed)
    )
    for target in (index, exact):
        target.add(["one", "two"], 2 * vectors(2, seed=4))
    assert not trained  # what is new is compared with every query
    for target in (index, exact):
        target.remove(IDS[:2_500])
    assert trained == [TEXTS, PICTURES, ALL]
    assert columns_and_candidates(index) == measured
    index.save(tmp_path)
    loaded = PqIndex.load(tmp_path)
    assert columns_and_candidates(loaded) == measured
    for columns in (ALL, TEXTS, PICTURES):
        asked = queries(columns, 40, seed=5)
        assert recall(loaded.search(asked, 10), exact.search(asked, 10)) >= 0.97
    index.remove(IDS[:3_800])
    assert not index._views  # so few are all compared


def test_items_that_were_seen_leave_room_for_others(tuned: tuple[PqIndex, FlatIndex]) -> None:
    index, exact = tuned
    asked = queries(ALL, 20, seed=6)
    seen = [{match.id for match in row} for row in exact.search(asked, 120)]
    found, expected = (target.search(asked, 10, excluded=seen) for target in (index, exact))
    assert recall(found, expected) >= 0.97
    assert not any(seen[place] & {match.id for match in row} for place, row in enumerate(found))


def test_a_filter_against_the_query_still_has_its_answers(
    tuned: tuple[PqIndex, FlatIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.local.FEW_ROWS", 10)
    index, exact = tuned
    asked = queries(ALL, 5, seed=7)
    for query in asked:
        farthest = Selection(match.id for match in exact.search(query[None], COUNT)[0][-2_000:])
        found, expected = (target.search(query[None], 10, allowed=farthest) for target in (index, exact))
        assert recall(found, expected) == 1
    everything_else = [{match.id for match in exact.search(query[None], COUNT - 3)[0]} for query in asked]
    assert [len(row) for row in index.search(asked, 10, excluded=everything_else)] == [3] * 5
    assert [len(row) for row in index.search(asked[:1], 10**12, excluded=[{IDS[0]}])] == [COUNT - 1]
    assert len(index.search(np.zeros((1, DIM), np.float32), 10)[0]) == 10


def test_the_hardest_queries_say_what_others_of_all_columns_need() -> None:
    """Many easy queries of one block, few hard ones of all."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(6_000, 64)).astype(np.float32)
    easy, hard = rows[:128].copy(), random.normal(size=(60, 64)).astype(np.float32)
    easy[:, 32:] = 0
    index, exact = PqIndex(64, recall=0.99), FlatIndex(64)
    for target in (index, exact):
        target.add([str(row) for row in range(len(rows))], rows)
    index.tune(np.concatenate([easy, hard[:30]]))
    assert recall(index.search(hard[30:], 10), exact.search(hard[30:], 10)) >= 0.97
    nothing = PqIndex(64)
    nothing.add([str(row) for row in range(len(rows))], rows)
    nothing.tune(np.zeros((5, 64), np.float32))
    assert recall(nothing.search(hard, 10), exact.search(hard, 10)) >= 0.95
