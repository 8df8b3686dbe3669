"""What content foretells: the closed forms against refitting without each item, and planted relations."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal_rec.foretell import ContentMap, Scales, combined, fit_map, kernels, solve

N = 40


@pytest.fixture
def features() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {"a": random.normal(size=(N, 6)).astype(np.float32), "b": random.normal(size=(N, 50)).astype(np.float32)}


@pytest.fixture
def targets() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(N, 3)).astype(np.float32)


SCALES = Scales({"a": 1.4, "b": 0.5}, penalty=0.7)


def test_leave_one_out_equals_refitting_without_the_item(features: dict[str, np.ndarray], targets: np.ndarray) -> None:
    _, left_out = fit_map(features, np.arange(N), targets, SCALES)
    rows = np.hstack([1.4 * features["a"], 0.5 * features["b"]]).astype(np.float64)
    penalty = SCALES.penalty * np.square(rows).sum(1).mean()
    mean = targets.mean(0)
    for item in (0, 17, N - 1):
        others = np.delete(np.arange(N), item)
        gram = rows[others].T @ rows[others] + penalty * np.eye(rows.shape[1])
        weights = np.linalg.solve(gram, rows[others].T @ (targets[others] - mean))
        np.testing.assert_allclose(left_out[item], rows[item] @ weights + mean, atol=1e-4)


def test_the_map_expects_what_the_products_do(features: dict[str, np.ndarray], targets: np.ndarray) -> None:
    rows = np.arange(0, N, 2)
    fitted, _ = fit_map(features, rows, targets[rows], SCALES)
    dual, _ = solve(kernels(features, rows), targets[rows], SCALES)
    across = {name: x @ x[rows].T for name, x in features.items()}
    np.testing.assert_allclose(
        fitted(features, N), combined(across, SCALES, (N, len(rows))) @ dual + targets[rows].mean(0), atol=1e-4
    )


def test_a_planted_relation_is_found_in_items_never_seen(features: dict[str, np.ndarray]) -> None:
    features["a"] -= features["a"][:30].mean(0)
    planted = features["a"] @ np.random.default_rng(2).normal(size=(6, 2)).astype(np.float32)
    known = np.arange(30)
    fitted, _ = fit_map(features, known, planted[known], Scales({"a": 1.0, "b": 0.0}, penalty=1e-4))
    np.testing.assert_allclose(fitted(features, N)[30:], planted[30:], atol=0.2)
    assert set(fitted.weights) == {"a"}


def test_an_item_without_content_is_expected_to_be_average(features: dict[str, np.ndarray]) -> None:
    fitted = ContentMap({"a": np.ones((6, 2), np.float32)}, np.array([3, 4], np.float32))
    np.testing.assert_array_equal(fitted({}, 2), [[3, 4], [3, 4]])
    np.testing.assert_array_equal(fitted({"a": np.zeros((1, 6), np.float32)}, 1), [[3, 4]])


def test_without_any_content_all_are_expected_to_be_average(targets: np.ndarray) -> None:
    fitted, left_out = fit_map({}, np.arange(N), targets, Scales({}, 2.0))
    np.testing.assert_allclose(fitted({}, 2), np.tile(targets.mean(0), (2, 1)), rtol=1e-6)
    assert np.isfinite(left_out).all()
