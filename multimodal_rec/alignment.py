"""A bridge from pictures to the space of texts, for encoders that were never trained together.

Two closed forms, each of unit length and summed:

* the **label bridge** needs no data: a picture's class probabilities average the text vectors of the class names
  (Norouzi et al. 2013, "Zero-Shot Learning by Convex Combination of Semantic Embeddings");
* the **ridge** is a linear map from pictures to texts, fitted on the catalogue's own items that have both.

Encoders with a text tower of their own (CLIP) need no label bridge, and have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from encoders import Classes, TextEncoder

FloatArray = npt.NDArray[np.float32]

PROMPT = "a photo of a {}"
TEMPERATURE = 2.0
TOP_CLASSES = 50
RIDGE_PENALTIES = tuple(10.0**exponent for exponent in np.arange(-2, 2.1, 0.5))
MIN_PAIRS = 50
ROWS_AT_ONCE = 1024
"""Pictures whose class probabilities are in memory at once."""
MOST_JUDGES = 1000
"""Pairs whose leave-one-out errors choose the penalty of a ridge; all of them take part in it."""


def unit(rows: FloatArray) -> FloatArray:
    """Rows scaled to unit length; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-12)


def present(rows: FloatArray) -> npt.NDArray[np.bool_]:
    """(n,) which rows are not all zero."""
    return np.asarray(rows.any(axis=1))


@dataclass(frozen=True)
class Alignment:
    """The centres of both spaces, and the bridge between them."""

    text_mean: FloatArray  # (t,)
    image_mean: FloatArray  # (v,)
    class_weight: FloatArray  # (c, v), c = 0 without a label bridge
    class_bias: FloatArray  # (c,)
    class_texts: FloatArray  # (c, t) centred
    ridge: FloatArray  # (v, t), v = 0 without a ridge

    @classmethod
    def fit(cls, texts: FloatArray, images: FloatArray, classes: Classes | None, text_encoder: TextEncoder) -> Self:
        """Fit the bridge to a catalogue.

        Args:
            texts: (n, t) unit text vectors, zero where an item has no text.
            images: (n, v) raw features of pictures or clips, zero where an item has neither.
            classes: the linear classifier over the features, if there is one.
            text_encoder: embeds the names of the classes.
        """
        prompts = text_encoder.encode([PROMPT.format(name) for name in classes.names]) if classes else None
        has_text, has_image = present(texts), present(images)
        text_mean = _mean(texts[has_text], fallback=prompts, dim=text_encoder.dim)
        image_mean = _mean(images[has_image], fallback=None, dim=images.shape[1])
        empty = np.zeros((0, images.shape[1]), np.float32)
        pairs = has_text & has_image
        return cls(
            text_mean=text_mean,
            image_mean=image_mean,
            class_weight=classes.weight if classes else empty,
            class_bias=classes.bias if classes else np.zeros(0, np.float32),
            class_texts=np.zeros((0, text_encoder.dim), np.float32)
            if prompts is None
            else unit(prompts - prompts.mean(0)),
            ridge=ridge(unit(images[pairs] - image_mean), unit(texts[pairs] - text_mean))
            if pairs.sum() >= MIN_PAIRS
            else np.zeros((0, text_encoder.dim), np.float32),
        )

    def centred_texts(self, texts: FloatArray) -> FloatArray:
        """(n, t) text vectors about the centre of their space, unit length; rows of zeros stay."""
        return np.where(present(texts)[:, None], unit(texts - self.text_mean), np.float32(0))

    def centred_images(self, images: FloatArray) -> FloatArray:
        """(n, v) raw features about the centre of their space, unit length; rows of zeros stay."""
        return np.where(present(images)[:, None], unit(images - self.image_mean), np.float32(0))

    def bridge(self, images: FloatArray) -> FloatArray:
        """(n, v) raw features as (n, t) vectors in the space of centred texts, unit length or zero."""
        result = np.zeros((len(images), len(self.text_mean)), np.float32)
        for start in range(0, len(images), ROWS_AT_ONCE):
            rows = images[start : start + ROWS_AT_ONCE]
            some = result[start : start + ROWS_AT_ONCE]
            if len(self.class_weight):
                some += unit(_convex(rows @ self.class_weight.T + self.class_bias) @ self.class_texts)
            if len(self.ridge):
                some += unit(self.centred_images(rows) @ self.ridge)
            some[:] = np.where(present(rows)[:, None], unit(some), np.float32(0))
        return result

    def save(self, path: Path) -> None:
        """Write all arrays as safetensors."""
        save_file({name: np.ascontiguousarray(value) for name, value in vars(self).items()}, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        return cls(**load_file(path))


def _mean(rows: FloatArray, fallback: FloatArray | None, dim: int) -> FloatArray:
    """The mean of enough rows to have one; else of the fallback; else zero."""
    if len(rows) >= MIN_PAIRS or (len(rows) > 1 and fallback is None):
        return np.asarray(rows.mean(0, dtype=np.float64), dtype=np.float32)
    return np.zeros(dim, np.float32) if fallback is None else np.asarray(fallback.mean(0), dtype=np.float32)


def _convex(logits: FloatArray) -> FloatArray:
    """Softened probabilities of the likeliest classes, 0 for all others; rows sum to 1."""
    logits = logits / TEMPERATURE
    if logits.shape[1] > TOP_CLASSES:
        floor = np.partition(logits, -TOP_CLASSES, axis=1)[:, -TOP_CLASSES, None]
        logits = np.where(logits >= floor, logits, -np.inf)
    weights = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(weights / weights.sum(1, keepdims=True), dtype=np.float32)


def ridge(inputs: FloatArray, outputs: FloatArray) -> FloatArray:
    """(v, t) least-squares map with the L2 penalty of smallest leave-one-out error, by a sample of the pairs.

    One eigendecomposition, in float64 and of the smaller of both Gram matrices, serves all penalties (Hastie, Tibshirani
    and Friedman 2009, section 7.10); they are tried in units of the mean eigenvalue of (v, v).
    """
    rows, columns = inputs.shape
    wide = rows < columns
    with threadpool_limits(1, user_api="blas"):  # several threads on contended cores take many times as long here
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
    judges = np.unique(np.linspace(0, rows - 1, min(rows, MOST_JUDGES)).astype(int))
    rotated = inputs[judges] @ basis.astype(np.float32)  # (j, r)
    leverages = np.square(rotated) @ np.hstack(shrinkings)  # (j, penalties)

    def loss(choice: int) -> float:
        residuals = rotated @ (shrinkings[choice] * products)
        residuals -= outputs[judges]
        residuals /= (1 - leverages[:, choice])[:, None]
        return float(np.vdot(residuals, residuals))

    best = min(range(len(shrinkings)), key=loss)
    return np.asarray(basis @ (shrinkings[best] * products), dtype=np.float32)
