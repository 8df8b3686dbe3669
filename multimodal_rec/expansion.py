"""Texts asked of a catalogue where not every item has words: what they find first shows what to look for.

An item without words is found by its picture, bridged into the space of texts, which tells its kind but roughly. So a
text first finds items that have words, and what it asks is joined by what those are like, in words and in looks
(pseudo-relevance feedback: Rocchio 1971, "Relevance feedback in information retrieval"; on vectors, Li et al. 2023,
"Pseudo relevance feedback with deep language models and dense retrievers"). A text that many items meet alike, the name
of a kind, is joined by much of them; one that a single item meets best, by little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from index import Selection, VectorIndex
from multimodal_rec.alignment import unit
from multimodal_rec.arrays import FloatArray
from multimodal_rec.space import Space

EXAMPLES = 20
"""Items with words that a text is joined by."""
PICKINESS = 15.0
"""An example whose cosine is by d below that of the best counts exp(-PICKINESS d) times as much."""
LOOKS = 0.25
"""How much the looks of examples that meet a text alike count, where the text itself counts 1."""
WORDLESS = 0.05
"""Least share of items without words for which texts are joined by anything."""


@dataclass(frozen=True)
class Expansion:
    """What texts are joined by."""

    space: Space
    index: VectorIndex
    worded: Selection
    """The items that have words of their own."""

    def __call__(self, texts: FloatArray) -> FloatArray:
        """Of (n, t) centred unit text vectors, (n, dim) vectors to ask the index by: their semantic blocks have unit length."""
        result = self.space.vectors(semantic=texts)
        blocks = self.space.blocks
        found = self.index.search(result, EXAMPLES, allowed=self.worded)
        for row, matches in enumerate(found):
            if not matches:
                continue
            examples = self.index.vectors([match.id for match in matches])
            cosines = np.array([match.score for match in matches], np.float32)
            weights = np.exp(np.float32(PICKINESS) * (cosines - cosines.max()))
            alike = _evenness(weights)
            words, looks = (unit(weights @ examples[:, blocks[name]]) for name in ("semantic", "visual"))
            result[row, blocks["semantic"]] = unit(texts[row] + alike * words)
            result[row, blocks["visual"]] = np.float32(LOOKS) * alike * looks
        return result


def _evenness(weights: FloatArray) -> np.float32:
    """1 where all weights are equal, 0 where one is all: the root of how many of them count, by Kish's formula."""
    many = np.square(weights.sum()) / np.square(weights).sum()
    return np.float32(np.sqrt(max(0.0, many - 1) / max(1, len(weights) - 1)))
