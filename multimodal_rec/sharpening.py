"""The axes along which the pictures of a catalogue differ most, and pictures sharpened along them.

What nearly all pictures of a catalogue share says little of any one of them. Features are multiplied by the inverse
fourth root of the catalogue's covariance, mixed with the identity: the inner product of two pictures then counts rare
likenesses for more and common ones for less. It finds cropped, mirrored and recoloured pictures far more often, and costs
the search for things of a kind nothing (Jégou and Chum 2012, "Negative evidences and co-occurences in image retrieval:
the benefit of PCA and whitening").
"""

from __future__ import annotations

import numpy as np

from multimodal_rec.arrays import FloatArray
from multimodal_rec.threads import one_thread

MOST_PICTURES = 1280
"""As many pictures tell the covariance well enough."""
FEWEST_PICTURES = 50
MOST_AXES = 384
"""Axes of the greatest variance that are told apart; all others count alike."""
LEAST_VARIANCE = 1e-5
"""Of the greatest: what varies less is rounding, and no axis."""


@one_thread
def principal_axes(pictures: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The axes of the greatest variance, (r, v) orthonormal rows, and the share (r,) of each that sharpening takes away.

    Args:
        pictures: (n, v) centred unit features, `MOST_PICTURES` or fewer; with fewer than `FEWEST_PICTURES` there are no axes, r = 0.
    """
    none = np.zeros((0, pictures.shape[1]), np.float32), np.zeros(0, np.float32)
    if len(pictures) < FEWEST_PICTURES:
        return none
    rows = pictures / np.float32(len(pictures) ** 0.5)
    variances, basis = np.linalg.eigh(rows @ rows.T)  # the covariance has the same eigenvalues
    variances, basis = variances[::-1][:MOST_AXES], basis[:, ::-1][:, :MOST_AXES]
    ridge = float(np.vdot(rows, rows)) / rows.shape[1]  # the mean variance
    if ridge < 1e-12:  # all pictures are the same
        return none
    some = variances > LEAST_VARIANCE * variances[0]
    variances, basis = variances[some], basis[:, some]
    axes = (basis / np.sqrt(variances)).T @ rows
    lost = 1 - (1 + variances / ridge) ** -0.25
    return np.asarray(axes, dtype=np.float32), np.asarray(lost, dtype=np.float32)


def sharpened(pictures: FloatArray, coordinates: FloatArray, axes: FloatArray, lost: FloatArray) -> FloatArray:
    """(n, v) centred features with coordinates (n, r), shrunk along (r, v) axes by the shares (r,); their lengths change."""
    return np.asarray(pictures - (coordinates * lost) @ axes, dtype=np.float32) if len(axes) else pictures
