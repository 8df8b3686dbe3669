"""Pictures, sharpened: what nearly all pictures of a catalogue share says little of any one of them.

Features are multiplied by the inverse fourth root of the catalogue's covariance, mixed with the identity: the inner
product of two pictures then counts rare likenesses for more and common ones for less. It finds cropped, mirrored and
recoloured pictures far more often, and costs the search for things of a kind nothing (Jégou and Chum 2012, "Negative
evidences and co-occurences in image retrieval: the benefit of PCA and whitening").
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

MOST_PICTURES = 1280
"""As many pictures tell the covariance well enough."""
FEWEST_PICTURES = 50
MOST_DIRECTIONS = 384
"""Directions of the greatest variance that are told apart; all others count alike."""


def fit_sharpening(pictures: FloatArray) -> FloatArray:
    """Directions along which features shrink, (r, v) and each as long as the root of the share they lose there.

    Args:
        pictures: (n, v) centred unit features, `MOST_PICTURES` or fewer; with fewer than `FEWEST_PICTURES` there are no directions, r = 0.
    """
    if len(pictures) < FEWEST_PICTURES:
        return np.zeros((0, pictures.shape[1]), np.float32)
    rows = pictures / np.float32(len(pictures) ** 0.5)
    variances, basis = np.linalg.eigh(rows @ rows.T)  # the covariance has the same eigenvalues
    variances, basis = variances[::-1][:MOST_DIRECTIONS], basis[:, ::-1][:, :MOST_DIRECTIONS]
    ridge = float(np.vdot(rows, rows)) / rows.shape[1]  # the mean variance
    some = variances > 1e-6 * ridge
    if ridge < 1e-12 or not some.any():  # all pictures are the same
        return np.zeros((0, pictures.shape[1]), np.float32)
    variances, basis = variances[some], basis[:, some]
    directions = rows.T @ (basis / np.sqrt(variances))  # (v, r) unit columns
    lost = 1 - (1 + variances / ridge) ** -0.25
    return np.asarray((directions * np.sqrt(lost)).T, dtype=np.float32)


def sharpened(pictures: FloatArray, directions: FloatArray) -> FloatArray:
    """(n, v) centred features, shrunk along (r, v) directions; their lengths change."""
    return np.asarray(pictures - (pictures @ directions.T) @ directions, dtype=np.float32)
