"""The words of an item as features: names, years and rare terms that a sentence encoder blurs."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file

from multimodal_rec.alignment import unit
from multimodal_rec.array_files import save_arrays
from multimodal_rec.arrays import FloatArray

WORD_DIM = 1024
SLOTS = 1 << 16
"""Counters of words; words that share one are taken for one."""
MOST_COMMON = 0.3
"""A word that more than this share of the texts has says nothing of an item."""
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class WordWeights:
    """How telling each word of a catalogue is: the rarer the more, and nothing where it occurs once only."""

    weights: FloatArray  # (SLOTS,)

    @classmethod
    def fit(cls, texts: Iterable[str]) -> Self:
        """Learn from the texts of a catalogue (Sparck Jones 1972, inverse document frequency)."""
        counts = np.zeros(SLOTS)
        total = 0
        for text in texts:
            total += 1
            counts[list({_hash(word) % SLOTS for word in _words(text)})] += 1
        telling = (counts > 1) & (counts <= MOST_COMMON * total)
        weights = np.where(telling, np.log(max(total, 1) / np.maximum(counts, 1)), 0)
        return cls(weights.astype(np.float32))

    def features(self, texts: Sequence[str]) -> FloatArray:
        """(n, 1024) unit rows whose products are those of weighted words; zero for a text without a telling one.

        Words are projected with signs by their hash (Weinberger et al. 2009).
        """
        rows = np.zeros((len(texts), WORD_DIM), np.float32)
        for row, text in enumerate(texts):
            for word, count in Counter(_words(text)).items():
                code = _hash(word)
                sign = 1 if code >> 31 else -1
                rows[row, (code >> 16) % WORD_DIM] += sign * self.weights[code % SLOTS] * (1 + np.log(count))
        return unit(rows)

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        save_arrays(path, {"weights": self.weights})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        return cls(**load_file(path))


def _words(text: str) -> list[str]:
    return WORD.findall(text.casefold())


def _hash(word: str) -> int:
    return zlib.crc32(word.encode(errors="replace"))
