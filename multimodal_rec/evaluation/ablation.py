"""What each modality and each model of taste gives: the same training without it, or with its media shuffled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from multimodal_rec.content import CatalogueVectors
from multimodal_rec.work import Learned

Change = Literal["nothing", "without", "shuffled", "block off"]
FIELDS: dict[str, tuple[str, ...]] = {
    "text": ("texts", "words"),
    "words": ("words",),
    "image": ("images",),
    "video": ("videos",),
    "categories": ("categories",),
    "attributes": ("attributes",),
}
MEDIA = ("text", "image", "video")


@dataclass(frozen=True)
class Variant:
    """Our model with one thing changed.

    Without a modality, and with its media shuffled among the items that have it, everything is trained anew and all
    weights are chosen anew. A block that is off has its weight set to 0 after training: what that costs is what the block
    alone knows.
    """

    change: Change = "nothing"
    of: str = ""

    @property
    def name(self) -> str:
        """Such as "without image"."""
        return {"nothing": "all", "without": f"without {self.of}", "shuffled": f"{self.of} shuffled"}.get(
            self.change, f"{self.of} off"
        )

    def vectors(self, vectors: CatalogueVectors, seed: int) -> CatalogueVectors:
        """The catalogue's vectors with this change."""
        if self.change not in ("without", "shuffled"):
            return vectors
        rows = {field: getattr(vectors, field) for field in FIELDS[self.of]}
        changed = {field: np.zeros_like(own) for field, own in rows.items()}
        if self.change == "shuffled":
            owners = np.flatnonzero(np.any([own.any(axis=1) for own in rows.values()], axis=0))
            order = np.random.default_rng(seed).permutation(owners)
            for field, own in rows.items():
                changed[field][owners] = own[order]
        return replace(vectors, **changed)

    def learned(self, learned: Learned) -> Learned:
        """The trained model with this change."""
        if self.change != "block off" or learned.preferences is None:
            return learned
        config = learned.preferences.config
        off = {self.of: 0.0}
        changed: dict[str, object] = {
            "weights": config.weights | (off if self.of in config.weights else {}),
            "new_weights": config.new_weights | (off if self.of in config.new_weights else {}),
        }
        if self.of == "content":
            changed["content_weight"] = 0.0
        preferences = replace(learned.preferences, config=config.model_copy(update=changed))
        return replace(learned, preferences=preferences)


ALL = Variant()


def variants(vectors: CatalogueVectors, learned: Learned) -> list[Variant]:
    """Every change worth trying: the modalities that the catalogue has, and the blocks that count."""
    present = [name for name, fields in FIELDS.items() if getattr(vectors, fields[0]).any()]
    media = [name for name in present if name in MEDIA]
    result = [Variant("without", name) for name in present] if len(present) > 1 else []
    result += [Variant("shuffled", name) for name in media]
    if learned.preferences:
        config = learned.preferences.config
        blocks = dict.fromkeys([*config.weights, *config.new_weights])
        counted = [b for b in blocks if config.weights.get(b) or config.new_weights.get(b)]
        result += [Variant("block off", block) for block in counted]
    return result
