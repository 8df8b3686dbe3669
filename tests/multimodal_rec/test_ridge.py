"""Ridge regression against leaving each pair out, one at a time."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal_rec.ridge import RIDGE_PENALTIES, ridge


@pytest.mark.parametrize("dim", [8, 100])  # more pairs than dimensions, and fewer
def test_ridge_has_the_penalty_of_smallest_leave_one_out_error(dim: int) -> None:
    random = np.random.default_rng(20)
    x = random.normal(size=(60, dim)) / np.sqrt(1 + np.arange(dim))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    planted = x @ random.normal(size=(dim, 16))
    y = planted + 2 * random.normal(size=planted.shape)

    def solve(rows: np.ndarray, penalty: float) -> np.ndarray:
        return np.linalg.solve(x[rows].T @ x[rows] + penalty * np.eye(dim), x[rows].T @ y[rows])

    def error(penalty: float) -> float:
        others = [np.delete(np.arange(60), row) for row in range(60)]
        return sum(((y[row] - x[row] @ solve(others[row], penalty)) ** 2).sum() for row in range(60))

    unit_penalty = np.trace(x.T @ x) / dim  # the mean eigenvalue
    errors = {penalty: error(penalty * unit_penalty) for penalty in RIDGE_PENALTIES}
    best = min(errors, key=errors.__getitem__)
    assert best not in (min(RIDGE_PENALTIES), max(RIDGE_PENALTIES))
    found = ridge(x.astype(np.float32), y.astype(np.float32))
    np.testing.assert_allclose(found, solve(np.arange(60), best * unit_penalty), atol=1e-4)
