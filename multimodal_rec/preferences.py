"""What was learned from interactions, as a query needs it: histories to user vectors, features to item vectors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict
from safetensors.torch import load_file, save_file

from multimodal_rec.fusion import FusionConfig, FusionNetwork
from multimodal_rec.interactions import Event

FloatArray = npt.NDArray[np.float32]

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
ITEMS_FILE = "items.json"


class PreferenceConfig(BaseModel):
    """All of a preference model but its weights."""

    model_config = ConfigDict(frozen=True)

    fusion: FusionConfig
    """The shape of the network."""
    content_weight: float
    """Weight of the history's mean content beside the learned preference."""
    scale: float
    """What learned item vectors are divided by, so that their mean square length is 1."""
    rating_mean: float
    """Mean rating of the training events, 0 where none is rated."""
    rating_deviation: float
    """Standard deviation of the training events' ratings, 1 where none is rated."""


@dataclass(frozen=True)
class Preferences:
    """A trained fusion network. `known` are the ids that its own item vectors belong to; None where never seen."""

    config: PreferenceConfig
    network: FusionNetwork
    known: tuple[str | None, ...]

    @property
    def dim(self) -> int:
        """Dimensions of the preference block, the popularity included."""
        return self.config.fusion.dim + 1

    def item_block(self, ids: Sequence[str], features: Mapping[str, FloatArray]) -> FloatArray:
        """(n, dim) preference blocks of items, from their features and, where seen in training, their own vectors.

        Args:
            ids: of the n items.
            features: for each modality float32 (n, d_m), zero where an item lacks it.
        """
        places = {item_id: place for place, item_id in enumerate(self.known) if item_id is not None}
        index = torch.tensor([places.get(item_id, 0) for item_id in ids])
        known = torch.tensor([float(item_id in places) for item_id in ids])
        blocks = []
        with torch.inference_mode():
            for rows in torch.arange(len(ids)).split(8192):
                inputs = {
                    name: torch.from_numpy(features[name])[rows]
                    if name in features
                    else torch.zeros(len(rows), self.config.fusion.features[name])
                    for name in self.config.fusion.features
                }
                blocks.append(self.network.item_tower(index[rows], inputs, known[rows]).numpy())
        scaled: FloatArray = (np.concatenate(blocks) / self.config.scale).astype(np.float32)
        return scaled

    def user_blocks(
        self, histories: Sequence[Sequence[Event]], item_blocks: Callable[[Sequence[str]], FloatArray]
    ) -> FloatArray:
        """(u, dim) preference blocks of users, from the newest events of their histories, oldest first.

        Args:
            histories: of u users, events of known items only; one without events gets the popular start.
            item_blocks: looks up the (n, dim) preference blocks of items.
        """
        result = np.zeros((len(histories), self.dim), np.float32)
        result[:, -1] = 1.0
        for row, history in enumerate(histories):
            events = history[-self.config.fusion.history :]
            if events:
                tokens = torch.from_numpy(item_blocks([event.item_id for event in events]) * self.config.scale)
                ratings = torch.tensor([[self._standardised(event.rating) for event in events]])
                with torch.inference_mode():
                    output = self.network.history_encoder(tokens[None, :, :-1], ratings)  # (1, L, dim)
                result[row] = output[0, -1].numpy()
        return result

    def save(self, folder: Path) -> None:
        """Write weights, configuration and item ids into a new folder."""
        folder.mkdir()
        save_file(
            {name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}, folder / WEIGHTS_FILE
        )
        (folder / CONFIG_FILE).write_text(self.config.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (folder / ITEMS_FILE).write_text(json.dumps(self.known, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        config = PreferenceConfig.model_validate_json((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        network = FusionNetwork(config.fusion).eval()
        network.load_state_dict(load_file(folder / WEIGHTS_FILE))
        return cls(config, network, tuple(json.loads((folder / ITEMS_FILE).read_text(encoding="utf-8"))))

    def _standardised(self, rating: float | None) -> float:
        if rating is None:
            return 0.0
        return (rating - self.config.rating_mean) / self.config.rating_deviation
