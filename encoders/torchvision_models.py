"""torchvision's classifiers, each with its own transforms; features are what its last linear layer reads."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from encoders.base import Classes, EncoderError
from encoders.class_files import cached_classes, imagenet_names
from encoders.fingerprint import file_digest, fingerprint
from encoders.image import PreparedImages, without_long_ends
from encoders.image_files import PIXELS_VERSION
from encoders.model_files import REMEDY, short_reason
from encoders.on_demand import network_of

if TYPE_CHECKING:
    from PIL import Image
    from torch import nn

CODE_VERSION = 2  # raise it when this code gives other vectors for the same weights


def load_torchvision(reference: str, threads: int) -> PreparedImages:
    """Return the classifier that `torchvision:NAME` or `torchvision:NAME:PATH.pth` names.

    Raises EncoderError for an unknown name, weights that cannot be downloaded, or a file that does not fit.
    """
    import torchvision
    from PIL import Image

    _, name, *rest = reference.split(":", 2)
    if name not in torchvision.models.list_models(module=torchvision.models):
        raise EncoderError(f'{reference}: torchvision has no classifier "{name}"; {REMEDY}')
    published = torchvision.models.get_model_weights(name).DEFAULT
    path = Path(rest[0]).expanduser() if rest else _downloaded(reference, published)
    if not path.is_file():
        raise EncoderError(f"{reference}: no such weights file; {REMEDY}")
    transforms = published.transforms()
    digest = fingerprint(
        [path], kind="torchvision", name=name, transforms=repr(transforms), code=CODE_VERSION, pixels=PIXELS_VERSION
    )

    def prepare(image: Image.Image) -> npt.NDArray[Any]:
        return np.asarray(transforms(without_long_ends(image)))

    @cache  # asked for twice, by the export and for the classes
    def model() -> nn.Module:
        return _load(reference, name, path, is_published=_is_published(path, published))

    def features() -> nn.Module:
        from encoders.classifier_modules import ClassifierFeatures

        return ClassifierFeatures(model())

    noise = np.random.default_rng(0).integers(0, 256, (2, 300, 400, 3), dtype=np.uint8)
    example = {"pixels": np.stack([prepare(Image.fromarray(picture)) for picture in noise])}
    network, (dim, _) = network_of(reference, digest, features, example, threads, forget=model.cache_clear)
    classes = cached_classes(digest, lambda: _classes(model(), dim))
    return PreparedImages(reference, digest, dim, classes, None, prepare, network)


def _downloaded(reference: str, published: Any) -> Path:
    """Return where torch keeps the published weights, downloading them when they are not there."""
    import torch

    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(published.url).path).name
    if not path.is_file():
        try:
            published.get_state_dict(progress=False, check_hash=True)
        except Exception as error:  # network, disk and hash errors alike
            raise EncoderError(f"{reference}: cannot be downloaded ({short_reason(error)}); {REMEDY}") from error
    return path


def _is_published(path: Path, published: Any) -> bool:
    """Say whether a file holds the published weights, by the start of its digest, which their name ends with."""
    return file_digest(path).startswith(Path(urlsplit(published.url).path).stem.rpartition("-")[2])


def _load(reference: str, name: str, path: Path, *, is_published: bool) -> nn.Module:
    """Return the architecture with the state dict in a file, whatever its number of classes."""
    import torch
    from torchvision.models import get_model

    from encoders.classifier_modules import last_linear

    options: dict[str, Any] = {}
    if name in {"googlenet", "inception_v3"}:
        # Published weights expect their input scaled as TensorFlow does, others not; auxiliary heads serve only training.
        options = {"init_weights": False, "transform_input": is_published}
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        model: nn.Module = get_model(name, weights=None, **options)
        found = last_linear(model)
        last = f"{found[0]}.weight" if found else "classifier.1.weight"  # SqueezeNet ends in a convolution
        if last in state and len(state[last]) != 1000:
            model = get_model(name, weights=None, num_classes=len(state[last]), **options)
        missing, unexpected = model.load_state_dict(_renamed(name, state), strict=False)
    except Exception as error:  # a pickle that is refused, a damaged file, shapes that differ
        raise EncoderError(f"{reference}: its weights do not load ({short_reason(error)}); {REMEDY}") from error
    if wrong := [key for key in [*missing, *unexpected] if not key.lower().startswith("aux")]:
        raise EncoderError(f"{reference}: the file does not hold the weights of {name} (see {wrong[0]}); {REMEDY}")
    return model.eval()


def _renamed(name: str, state: dict[str, Any]) -> dict[str, Any]:
    """Return a state dict with the names of today; the published DenseNets write `norm.1` for `norm1`."""
    if not name.startswith("densenet"):
        return state
    return {
        re.sub(r"(denselayer\d+\.(?:norm|relu|conv))\.(?=[12]\.)", r"\1", key): value for key, value in state.items()
    }


def _classes(model: nn.Module, dim: int) -> Classes | None:
    from encoders.classifier_modules import linear_classifier

    weight, bias = linear_classifier(model, dim)
    return Classes(imagenet_names(), weight, bias) if len(weight) == 1000 else None
