"""A classifier taken apart in torch: the features that its last linear layer reads, and that layer."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from encoders.base import FloatArray


class ClassifierFeatures(nn.Module):
    """A classifier without its last linear layer: pixels (n, 3, H, W) to features (n, dim).

    Where there is no linear layer (SqueezeNet ends in a convolution) the features are the class scores themselves.
    """

    def __init__(self, classifier: nn.Module) -> None:
        """Copy the classifier, which stays as it is."""
        super().__init__()
        self.trunk = copy.deepcopy(classifier)
        if found := last_linear(self.trunk):
            parent, _, name = found[0].rpartition(".")
            setattr(self.trunk.get_submodule(parent), name, nn.Identity())

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the features."""
        output: Any = self.trunk(pixels)
        features: Tensor = output if isinstance(output, Tensor) else output.logits
        return features.flatten(1)


def last_linear(model: nn.Module) -> tuple[str, nn.Linear] | None:
    """Return the name and the layer of a model's last linear layer, which is its classifier."""
    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear)]
    return layers[-1] if layers else None


def linear_classifier(model: nn.Module, dim: int) -> tuple[FloatArray, FloatArray]:
    """Return weight (c, dim) and bias (c,) such that features (n, dim) @ weight.T + bias are the model's class scores."""
    found = last_linear(model)
    if found is None:  # the features are the scores
        return torch.eye(dim).numpy(), torch.zeros(dim).numpy()
    layer = found[1]
    bias = torch.zeros(layer.out_features) if layer.bias is None else layer.bias
    return layer.weight.detach().float().numpy(), bias.detach().float().numpy()
