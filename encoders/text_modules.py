"""The torch half of text models: token states to one vector per text. Imported only when torch is needed anyway."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from encoders.base import EncoderError
from encoders.model_files import read_json, weight_files

# How a model pools decides which class it may name, so that a file cannot name just any.
_ACTIVATIONS = {"Identity": nn.Identity, "Tanh": nn.Tanh, "ReLU": nn.ReLU, "GELU": nn.GELU, "Sigmoid": nn.Sigmoid}


class SentenceModule(nn.Module):
    """A transformer, its pooling and dense layers: ids and mask (n, t) to vectors (n, dim)."""

    def __init__(self, transformer: nn.Module, pooling: Sequence[str], dense: Sequence[nn.Module] = ()) -> None:
        """Put the parts together; `pooling` names one mode or several, whose results are concatenated."""
        super().__init__()
        self.transformer = transformer
        self.pooling = tuple(pooling)
        self.dense = nn.Sequential(*dense)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return one vector per row."""
        output: Tensor = self.transformer(input_ids=ids, attention_mask=mask).last_hidden_state  # (n, t, d)
        states = output.float()  # sums over a long text leave the range of half precision
        weights = mask.unsqueeze(-1).to(states.dtype)  # (n, t, 1)
        vectors = torch.cat([pool(states, weights, mode) for mode in self.pooling], dim=-1)
        for layer in self.dense:
            vectors = layer(vectors.to(output.dtype))
        return vectors


def pool(states: Tensor, weights: Tensor, mode: str) -> Tensor:
    """Return one vector per row of token states (n, t, d), where `weights` (n, t, 1) is 1 for real tokens, else 0.

    Raises EncoderError for an unknown mode.
    """
    counts = weights.sum(1).clamp(min=1e-9)  # (n, 1)
    if mode == "cls":
        return states[:, 0]
    if mode == "max":
        return states.masked_fill(weights == 0, -1e9).amax(1)
    if mode == "mean":
        return (states * weights).sum(1) / counts
    if mode == "mean_sqrt_len_tokens":
        return (states * weights).sum(1) / counts.sqrt()
    if mode == "weightedmean":
        places = torch.arange(1, states.shape[1] + 1, device=states.device).to(states.dtype)
        weights = weights * places[None, :, None]
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
    if mode == "lasttoken":
        last = (weights.sum(1, keepdim=True) - 1).clamp(min=0).long()  # (n, 1, 1)
        return states.gather(1, last.expand(-1, 1, states.shape[2])).squeeze(1)
    raise EncoderError(f'pooling "{mode}" is not known here; use "auto" for the packaged model')


def load_dense(folder: Path) -> nn.Module:
    """Return one dense layer with its activation from a sentence-transformers folder."""
    config = read_json(folder / "config.json")
    states = {config.get(f"module_{side}_name") or "sentence_embedding" for side in ("input", "output")}
    if config.get("use_residual") or states != {"sentence_embedding"}:
        raise EncoderError(
            f'{folder}: a Dense layer of this kind cannot be run here; use "auto" for the packaged model'
        )
    name = str(config.get("activation_function", "Tanh")).rsplit(".", 1)[-1]
    if name not in _ACTIVATIONS:
        raise EncoderError(f'{folder}: activation "{name}" is not known here; use "auto" for the packaged model')
    layer = nn.Linear(config["in_features"], config["out_features"], bias=config.get("bias", True))
    (path,) = weight_files(folder)
    layer.load_state_dict({key.removeprefix("linear."): value for key, value in load_weights(path).items()})
    return nn.Sequential(layer, _ACTIVATIONS[name]())


def load_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a weights file, safetensors or torch's own; nothing else in it is ever unpickled."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state
