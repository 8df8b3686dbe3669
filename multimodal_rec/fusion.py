"""The fusion network: the modalities of an item become one vector, and a history becomes a user's vector.

An item's modalities are projected and mixed by learned gates over those that are present; a vector of its own is
added for items that were seen in training, and dropped at random there, so that content has to stand alone for new
items. A causal Transformer reads the item vectors of a history (Kang and McAuley 2018, SASRec). A score is the inner
product of the two, so that a plain vector index can rank by it; the last coordinate carries the item's popularity.
There is no table of users.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn


class FusionShape(BaseModel):
    """The shape of the network, whatever the data."""

    model_config = ConfigDict(frozen=True)

    dim: int = 64
    """Dimension of item and user vectors, without the popularity coordinate."""
    history: int = 50
    """How many of a user's newest events are read."""
    layers: int = 1
    """Transformer layers."""
    heads: int = 2
    """Attention heads of each layer."""
    dropout: float = 0.2
    """Dropout inside the Transformer."""


class FusionConfig(FusionShape):
    """The shape of the network for a catalogue."""

    items: int
    """Number of items, seen in training or not."""
    features: dict[str, int]
    """Dimension of each modality's vectors."""


class ItemTower(nn.Module):
    """Features of the modalities that are present, and an own vector for known items, to one item vector."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.project = nn.ModuleDict({name: nn.Linear(d, config.dim) for name, d in config.features.items()})
        self.gate = nn.ModuleDict({name: nn.Linear(d, 1) for name, d in config.features.items()})
        self.own = nn.Embedding(config.items, config.dim)
        self.popularity = nn.Linear(config.dim, 1)
        self.own_popularity = nn.Embedding(config.items, 1)
        nn.init.normal_(self.own.weight, std=0.02)
        nn.init.zeros_(self.own_popularity.weight)

    def forward(self, index: Tensor, features: Mapping[str, Tensor], known: Tensor) -> Tensor:
        """Embed items.

        Args:
            index: (n,) positions in the catalogue.
            features: for each modality (n, d_m); a row of zeros means that the item lacks it.
            known: (n,) 1.0 where the item's own vector counts, 0.0 where content has to stand alone.

        Returns:
            (n, dim + 1) item vectors, the last coordinate being the popularity.
        """
        mixed = torch.zeros(len(index), self.own.embedding_dim, device=index.device)
        if features:
            projected = torch.stack([self.project[name](x) for name, x in features.items()], 1)  # (n, M, dim)
            present = torch.stack([x.abs().sum(1) > 0 for x in features.values()], 1)  # (n, M)
            logits = torch.cat([self.gate[name](x) for name, x in features.items()], 1)  # (n, M)
            gates = logits.masked_fill(~present, -1e9).softmax(1) * present  # (n, M), all zero where nothing is there
            mixed = (gates[:, :, None] * projected).sum(1)  # (n, dim)
        own = known[:, None] * self.own(index)  # (n, dim)
        popularity = self.popularity(mixed) + known[:, None] * self.own_popularity(index)  # (n, 1)
        return torch.cat([mixed + own, popularity], 1)


class HistoryEncoder(nn.Module):
    """A causal Transformer over the item vectors of a history."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.place = nn.Embedding(config.history, config.dim)
        self.rating = nn.Linear(1, config.dim, bias=False)
        self.norm = nn.LayerNorm(config.dim)
        self.dropout = nn.Dropout(config.dropout)
        layer = nn.TransformerEncoderLayer(
            config.dim,
            config.heads,
            dim_feedforward=4 * config.dim,
            dropout=config.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(layer, config.layers, nn.LayerNorm(config.dim), enable_nested_tensor=False)
        nn.init.normal_(self.place.weight, std=0.02)
        nn.init.zeros_(self.rating.weight)

    def forward(self, items: Tensor, ratings: Tensor) -> Tensor:
        """Read histories, oldest event first, padded behind.

        Args:
            items: (B, L, dim) item vectors without the popularity coordinate.
            ratings: (B, L) standardised, 0 where there is none.

        Returns:
            (B, L, dim + 1): the user's vector after each event; the popularity coordinate is 1.
        """
        length = items.shape[1]
        x = items * items.shape[2] ** 0.5 + self.rating(ratings[:, :, None])  # (B, L, dim)
        x = self.dropout(self.norm(x + self.place.weight[:length]))
        causal = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)  # True: may not look there
        x = self.layers(x, mask=causal)
        return torch.cat([x, torch.ones_like(x[:, :, :1])], 2)


class FusionNetwork(nn.Module):
    """The item tower and the history encoder, trained together."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.config = config
        self.item_tower = ItemTower(config)
        self.history_encoder = HistoryEncoder(config)
