"""The torch half of Hugging Face vision models. Imported only when torch is needed anyway."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

NO_VECTOR = "this kind of model gives no single vector of a picture or of a text"


class BackboneFeatures(nn.Module):
    """A backbone and its pooling: pixels (n, 3, H, W) to features (n, dim)."""

    def __init__(self, backbone: nn.Module, pooled: bool) -> None:
        """`pooled` says whether the backbone's own pooler can be trusted, that is, came with its weights."""
        super().__init__()
        self.backbone = backbone
        self.pooled = pooled

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the projection or the pooler's output, else the class token (n, t, d), or the mean of all places
        where there is none, as in a feature map (n, d, h, w).
        """
        output: Any = self.backbone(pixel_values=pixels)
        projected: Tensor | None = getattr(output, "image_embeds", None)
        if projected is not None:
            return projected
        pooled: Tensor | None = getattr(output, "pooler_output", None)
        if self.pooled and pooled is not None:
            return pooled.flatten(1)
        states: Tensor | None = getattr(output, "last_hidden_state", None)
        if states is None:
            raise TypeError(NO_VECTOR)
        if states.ndim == 4:
            return states.mean((2, 3))
        return states.mean(1) if states.shape[1] == self._count_patches(pixels) else states[:, 0]

    def _count_patches(self, pixels: Tensor) -> int:
        """Return into how many patches a picture is cut, 0 where the model does not say."""
        size: Any = getattr(self.backbone.config, "patch_size", None)
        sides = [size, size] if isinstance(size, int) else size
        if not (isinstance(sides, list | tuple) and len(sides) == 2 and all(sides)):
            return 0
        return (pixels.shape[2] // sides[0]) * (pixels.shape[3] // sides[1])


class ImageTower(nn.Module):
    """The picture half of a CLIP-like model: pixels (n, 3, H, W) to projected embeddings (n, dim)."""

    def __init__(self, model: nn.Module) -> None:
        """Keep the whole model; an export holds only what the forward pass touches."""
        super().__init__()
        self.model: Any = model

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the embeddings, not normalised."""
        return _embedding(self.model.get_image_features(pixel_values=pixels))


class TextTower(nn.Module):
    """The text half of a CLIP-like model: ids (n, t), and a mask unless the length is fixed, to embeddings (n, dim)."""

    def __init__(self, model: nn.Module) -> None:
        """Keep the whole model; an export holds only what the forward pass touches."""
        super().__init__()
        self.model: Any = model

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the embeddings, not normalised."""
        return _embedding(self.model.get_text_features(input_ids=ids, attention_mask=mask))


def _embedding(output: Any) -> Tensor:
    """Return the embedding itself; recent versions of transformers wrap it."""
    embedding = output if isinstance(output, Tensor) else getattr(output, "pooler_output", None)
    if not isinstance(embedding, Tensor) or embedding.ndim != 2:
        raise TypeError(NO_VECTOR)
    return embedding
