"""A linear map by ridge regression, with the penalty that foretells best what it has not seen."""

from __future__ import annotations

import numpy as np

from multimodal_rec.arrays import FloatArray
from multimodal_rec.kernel_ridge import drawn_evenly
from multimodal_rec.threads import one_thread

RIDGE_PENALTIES = tuple(10.0**exponent for exponent in np.arange(-2, 2.1, 0.5))
MOST_JUDGES = 1000
"""Pairs whose leave-one-out errors choose the penalty; all of them take part in it."""


@one_thread
def ridge(inputs: FloatArray, outputs: FloatArray) -> FloatArray:
    """(v, t) least-squares map with the L2 penalty of smallest leave-one-out error, by a sample of the pairs.

    One eigendecomposition, in float64 and of the smaller of both Gram matrices, serves all penalties (Hastie, Tibshirani
    and Friedman 2009, section 7.10); they are tried in units of the mean eigenvalue of (v, v).
    """
    rows, columns = inputs.shape
    wide = rows < columns
    gram = inputs @ inputs.T if wide else inputs.T @ inputs
    eigenvalues, basis = np.linalg.eigh(gram.astype(np.float64))
    mean = eigenvalues.sum() / columns
    if mean < 1e-9:  # all pictures are the same: there is nothing to learn
        return np.zeros((0, outputs.shape[1]), np.float32)
    if wide:
        some = eigenvalues > 1e-9 * eigenvalues[-1]
        eigenvalues = eigenvalues[some]
        basis = inputs.T @ (basis[:, some] / np.sqrt(eigenvalues))  # (v, r)
    products = basis.T.astype(np.float32) @ (inputs.T @ outputs)  # (r, t)
    shrinkings = [(1 / (eigenvalues + penalty * mean)).astype(np.float32)[:, None] for penalty in RIDGE_PENALTIES]
    judges = drawn_evenly(rows, MOST_JUDGES)
    rotated = inputs[judges] @ basis.astype(np.float32)  # (j, r)
    leverages = np.square(rotated) @ np.hstack(shrinkings)  # (j, penalties)

    def loss(choice: int) -> float:
        residuals = rotated @ (shrinkings[choice] * products)
        residuals -= outputs[judges]
        residuals /= (1 - leverages[:, choice])[:, None]
        return float(np.vdot(residuals, residuals))

    best = min(range(len(shrinkings)), key=loss)
    return np.asarray(basis @ (shrinkings[best] * products), dtype=np.float32)
