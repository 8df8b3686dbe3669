"""Kernel ridge regression: what is learned from pairs of vectors, beyond what a linear map can say.

The kernel is the exponential of the inner product, Gaussian for unit vectors. Some pairs stand for all (the Nyström
method, Williams and Seeger 2001): the answer to a vector is a weighted sum over these *landmarks*, fitted to all pairs.
The penalty is the one of smallest leave-one-out error over a sample of the pairs, in closed form (Hastie, Tibshirani and
Friedman 2009, section 7.10).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from multimodal_rec.arrays import FloatArray, IntArray
from multimodal_rec.threads import one_thread

SHARPNESS = 3.0
"""The kernel is exp(SHARPNESS (product - 1))."""
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
MOST_LANDMARKS = 2048
MOST_PAIRS = 16384
"""More pairs teach little that is new."""
MOST_JUDGES = 600
"""Pairs whose leave-one-out errors choose the penalty."""
ROWS_AT_ONCE = 1024
JITTER = 1e-3
"""Keeps the float32 normal equations solvable."""


@dataclass(frozen=True)
class KernelRidge:
    """A map from (n, v) vectors of unit length or less to (n, t), and how well it foretells pairs that it has not seen."""

    landmarks: FloatArray  # (m, v), m = 0 where nothing was learned
    coefficients: FloatArray  # (m, t)
    judges: IntArray  # (j,) which pairs were held out, one at a time
    foretold: FloatArray  # (j, t) what each would have been mapped to without itself

    @classmethod
    @one_thread
    def fit(cls, inputs: FloatArray, outputs: FloatArray) -> KernelRidge:
        """Learn from n pairs, `MOST_PAIRS` or fewer: (n, v) vectors of unit length or less and (n, t) what each is to be mapped to."""
        judges = drawn_evenly(len(inputs), MOST_JUDGES)
        penalty, foretold = _chosen_penalty(inputs[judges], outputs[judges])
        chosen = drawn_evenly(len(inputs), MOST_LANDMARKS)
        landmarks = inputs[chosen]
        gram = JITTER * np.eye(len(landmarks))  # in the precision in which it is solved, as a copy would be made of it
        products = np.zeros((len(landmarks), outputs.shape[1]), np.float32)
        for start in range(0, len(inputs), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            likeness = kernel(inputs[rows], landmarks)  # (r, m)
            own = (chosen >= start) & (chosen < start + ROWS_AT_ONCE)
            gram[own] += penalty * likeness[chosen[own] - start]
            gram += likeness.T @ likeness
            products += likeness.T @ outputs[rows]
            del likeness  # while the next rows are compared, and the equations solved
        coefficients = np.linalg.solve(gram, products)
        return cls(landmarks, np.asarray(coefficients, dtype=np.float32), judges, foretold)


def kernel(left: FloatArray, right: FloatArray) -> FloatArray:
    """(n, m) how alike (n, v) and (m, v) vectors of unit length or less are, up to 1."""
    likeness = left @ right.T
    likeness -= 1
    likeness *= np.float32(SHARPNESS)
    return np.exp(likeness, out=likeness)


def drawn_evenly(count: int, most: int) -> IntArray:
    """At most so many of the first `count` whole numbers, in order and evenly apart."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def _chosen_penalty(inputs: FloatArray, outputs: FloatArray) -> tuple[float, FloatArray]:
    """The penalty of smallest leave-one-out error, and what each pair is foretold from the others with it."""
    eigenvalues, basis = np.linalg.eigh(kernel(inputs, inputs).astype(np.float64))
    rotated = basis.T @ outputs
    best, chosen, residuals_of_best = np.inf, PENALTIES[0], outputs
    for penalty in PENALTIES:
        inverse = 1 / (np.maximum(eigenvalues, 0) + penalty)
        residuals = (basis @ (inverse[:, None] * rotated)) / (np.square(basis) @ inverse)[:, None]
        error = float(np.vdot(residuals, residuals))
        if error < best:
            best, chosen, residuals_of_best = error, penalty, residuals
    return chosen, np.asarray(outputs - residuals_of_best, dtype=np.float32)
