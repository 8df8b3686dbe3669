"""Peers against their definitions, and on planted tastes."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal_rec.evaluation.peers import best_lists, co_occurrences, ease, fit_peers, item_knn
from tests.multimodal_rec.planted import group_features, histories, tribes

ITEMS, GROUPS = 40, 4
ROWS = tribes(120, ITEMS, GROUPS, seed=1, events=7)
CONTENT = group_features(ITEMS, GROUPS, 2)


def indicators() -> np.ndarray:
    result = np.zeros((len(ROWS), ITEMS))
    for row, items in enumerate(ROWS):
        result[row, items] = 1
    return result


def test_co_occurrences_are_those_of_the_matrix() -> None:
    rows = [*ROWS, ROWS[0] + ROWS[0]]  # what is repeated counts once
    chosen, gram = co_occurrences(histories(rows), ITEMS)
    matrix = np.vstack([indicators(), indicators()[0]])
    assert chosen.tolist() == np.flatnonzero(matrix.any(0)).tolist()
    np.testing.assert_array_equal(gram, (matrix.T @ matrix)[np.ix_(chosen, chosen)])


def test_ease_solves_its_constrained_regression() -> None:
    """Each column is the ridge regression of an item on all others (Steck 2019)."""
    matrix = indicators()
    weights = ease((matrix.T @ matrix).astype(np.float32), penalty=20.0)
    for item in (0, 7, 39):
        others = np.delete(np.arange(ITEMS), item)
        a = matrix[:, others]
        expected = np.linalg.solve(a.T @ a + 20.0 * np.eye(ITEMS - 1), a.T @ matrix[:, item])
        np.testing.assert_allclose(weights[others, item], expected, atol=1e-5)
        assert weights[item, item] == 0


def test_neighbours_are_the_nearest_by_cosine() -> None:
    matrix = indicators()
    gram = (matrix.T @ matrix).astype(np.float32)
    weights = item_knn(gram, neighbours=5, shrinkage=0.0)
    norms = np.linalg.norm(matrix, axis=0)
    cosines = gram / np.outer(norms, norms)
    np.fill_diagonal(cosines, 0)
    for item in range(ITEMS):
        kept = np.flatnonzero(weights[:, item])
        assert cosines[kept, item].min() >= np.sort(cosines[:, item])[-5] - 1e-6
        np.testing.assert_allclose(weights[kept, item], cosines[kept, item], rtol=1e-5)
    every, shrunk = (item_knn(gram, neighbours=ITEMS, shrinkage=shrinkage) for shrinkage in (0.0, 10.0))
    np.testing.assert_allclose(shrunk * (np.outer(norms, norms) + 10), every * np.outer(norms, norms), rtol=1e-4)


def test_lists_leave_out_what_was_seen_and_what_is_no_candidate() -> None:
    scores = np.array([[5.0, 4.0, 3.0, 2.0]], np.float32)
    (top,) = best_lists(scores, 3, [np.array([0])], np.array([0, 2, 3]))
    assert top.tolist() == [2, 3]
    assert scores[0, 0] == 5.0


@pytest.mark.parametrize("cold", [False, True])
def test_peers_find_planted_tastes(cold: bool) -> None:
    rows = [[item for item in row if item >= 8] for row in ROWS]
    wanted = np.arange(8) if cold else np.arange(8, ITEMS)
    skilled = {"content kNN": 0.9, "ItemKNN": 0.9, "EASE": 0.9}
    seen = {}
    for fitted in fit_peers(histories(rows), ITEMS, CONTENT, seed=0, cold=cold):
        own = [np.array([group + 8, group + 16]) for group in range(GROUPS)]
        best = best_lists(fitted.peer.scores(own), 2, own, wanted)
        seen[fitted.name] = np.mean([(items % GROUPS == group).mean() for group, items in enumerate(best)])
    assert seen.pop("random" if cold else "popularity") < 0.9
    for name, least in skilled.items():
        if not cold or name == "content kNN":
            assert seen[name] >= least, seen


@pytest.mark.parametrize("cold", [False, True])
def test_als_finds_planted_tastes_too(cold: bool) -> None:
    pytest.importorskip("implicit")
    rows = [[item for item in row if item >= 8] for row in ROWS]
    fitted = {peer.name: peer.peer for peer in fit_peers(histories(rows), ITEMS, CONTENT, seed=0, cold=cold)}
    own = [np.array([group + 8, group + 16]) for group in range(GROUPS)]
    wanted = np.arange(8) if cold else np.arange(8, ITEMS)
    best = best_lists(fitted["ALS + ridge" if cold else "ALS"].scores(own), 2, own, wanted)
    assert all((items % GROUPS == group).all() for group, items in enumerate(best))
