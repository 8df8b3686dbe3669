"""What content foretells: the closed forms against refitting without each item, and planted relations."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal_rec.alignment import unit
from multimodal_rec.foretell import ContentMap, Scales, combined, fit_map, kernels, likeness, solve

N = 40


@pytest.fixture
def features() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {name: unit(random.normal(size=(N, size)).astype(np.float32)) for name, size in (("a", 6), ("b", 50))}


@pytest.fixture
def targets() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(N, 3)).astype(np.float32)


SCALES = Scales({"a": 1.4, "b": 0.5}, penalty=0.7)


def test_leave_one_out_equals_refitting_without_the_item(features: dict[str, np.ndarray], targets: np.ndarray) -> None:
    _, left_out = fit_map(features, np.arange(N), targets, SCALES)
    kernel = sum(
        scale**2 * (np.exp(x.astype(np.float64) @ x.T) - 1) / (np.e - 1)
        for scale, x in ((1.4, features["a"]), (0.5, features["b"]))
    )
    penalty = SCALES.penalty * np.diag(kernel).mean()
    mean = targets.mean(0)
    for item in (0, 17, N - 1):
        others = np.delete(np.arange(N), item)
        gram = kernel[np.ix_(others, others)] + penalty * np.eye(N - 1)
        dual = np.linalg.solve(gram, targets[others] - mean)
        np.testing.assert_allclose(left_out[item], kernel[item, others] @ dual + mean, atol=2e-3)


def test_the_map_expects_what_the_products_do(features: dict[str, np.ndarray], targets: np.ndarray) -> None:
    rows = np.arange(0, N, 2)
    fitted, _ = fit_map(features, rows, targets[rows], SCALES)
    dual, _ = solve(kernels(features, rows), targets[rows], SCALES)
    across = {name: likeness(x, x[rows]) for name, x in features.items()}
    np.testing.assert_allclose(
        fitted(features, N), combined(across, SCALES, (N, len(rows))) @ dual + targets[rows].mean(0), atol=5e-3
    )


def test_a_planted_relation_is_found_in_items_never_seen(features: dict[str, np.ndarray]) -> None:
    planted = features["a"] @ np.random.default_rng(2).normal(size=(6, 2)).astype(np.float32)
    known, unseen = np.arange(30), np.arange(30, N)
    fitted, _ = fit_map(features, known, planted[known], Scales({"a": 1.0, "b": 0.0}, penalty=0.01))
    errors = fitted.of(features, unseen) - planted[unseen]
    assert np.square(errors).mean() < 0.05 * planted.var()
    assert set(fitted.items) == {"a"}


def test_an_item_without_content_is_expected_to_be_average(features: dict[str, np.ndarray]) -> None:
    items, dual = unit(np.ones((5, 6), np.float32)).astype(np.float16), np.ones((5, 2), np.float32)
    fitted = ContentMap({"a": items}, dual, np.array([3, 4], np.float32), SCALES)
    np.testing.assert_array_equal(fitted({}, 2), [[3, 4], [3, 4]])
    np.testing.assert_array_equal(fitted({"a": np.zeros((1, 6), np.float32)}, 1), [[3, 4]])


def test_without_any_content_all_are_expected_to_be_average(targets: np.ndarray) -> None:
    fitted, left_out = fit_map({}, np.arange(N), targets, Scales({}, 2.0))
    np.testing.assert_allclose(fitted({}, 2), np.tile(targets.mean(0), (2, 1)), rtol=1e-6)
    assert np.isfinite(left_out).all()
