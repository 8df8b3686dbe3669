"""What the fusion network makes of one history, in NumPy: for a single user its calls cost less than torch's.

Only the output of the newest event is computed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from multimodal_rec.arrays import FloatArray
from multimodal_rec.fusion import FusionConfig, HistoryEncoder

NORM_EPSILON = 1e-5  # of torch's LayerNorm

_erf = np.vectorize(math.erf, otypes=[np.float32])


@dataclass(frozen=True)
class HistoryReader:
    """The weights of a history encoder."""

    config: FusionConfig
    weights: Mapping[str, FloatArray]

    @classmethod
    def of(cls, encoder: HistoryEncoder, config: FusionConfig) -> Self:
        """Share the weights of a history encoder on the CPU, whose dropout is over."""
        return cls(config, {name: tensor.numpy() for name, tensor in encoder.state_dict().items()})

    def __call__(self, items: FloatArray, ratings: FloatArray) -> FloatArray:
        """(dim + 1,): the user's vector after a history, the popularity coordinate being 1.

        Args:
            items: (L, dim) item vectors without the popularity coordinate, oldest event first, L no more than are read.
            ratings: (L,) standardised, 0 where there is none.
        """
        x = items * np.float32(math.sqrt(items.shape[1])) + ratings[:, None] * self.weights["rating.weight"].T
        x = self._normal("norm", x + self.weights["place.weight"][: len(items)])
        for number in range(self.config.layers):
            x = self._layer(f"layers.layers.{number}", x, 1 if number == self.config.layers - 1 else len(x))
        return np.append(self._normal("layers.norm", x)[-1], np.float32(1.0))

    def _layer(self, name: str, x: FloatArray, asked: int) -> FloatArray:
        """(asked, dim): what a layer makes of the newest events."""
        normal = self._normal(f"{name}.norm1", x)
        weight, bias = self.weights[f"{name}.self_attn.in_proj_weight"], self.weights[f"{name}.self_attn.in_proj_bias"]
        dim, size = x.shape[1], x.shape[1] // self.config.heads
        queries = normal[-asked:] @ weight[:dim].T + bias[:dim]
        keys = normal @ weight[dim : 2 * dim].T + bias[dim : 2 * dim]
        values = normal @ weight[2 * dim :].T + bias[2 * dim :]
        later = np.triu(np.full((asked, len(x)), -np.inf, np.float32), len(x) - asked + 1)
        parts = []
        for start in range(0, dim, size):
            head = slice(start, start + size)
            scores = queries[:, head] @ keys[:, head].T / np.float32(math.sqrt(size)) + later  # (asked, L)
            shares = np.exp(scores - scores.max(1, keepdims=True))
            parts.append(shares / shares.sum(1, keepdims=True) @ values[:, head])
        x = x[-asked:] + self._linear(f"{name}.self_attn.out_proj", np.hstack(parts))
        inner = self._linear(f"{name}.linear1", self._normal(f"{name}.norm2", x))
        inner = inner * (1 + _erf(inner / np.float32(math.sqrt(2)))) / 2  # GELU
        return np.asarray(x + self._linear(f"{name}.linear2", inner), np.float32)

    def _linear(self, name: str, x: FloatArray) -> FloatArray:
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _normal(self, name: str, x: FloatArray) -> FloatArray:
        centred = x - x.mean(1, keepdims=True)
        normal = centred / np.sqrt(np.square(centred).mean(1, keepdims=True) + np.float32(NORM_EPSILON))
        return np.asarray(normal * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"], np.float32)
