"""A model's ImageNet classifier, in a file beside its cached export so that reading it needs no torch, and its classes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.resources import files

import numpy as np

from encoders.base import Classes
from encoders.cache import atomic_file
from encoders.export import cached_path


def cached_classes(fingerprint: str, build: Callable[[], Classes | None]) -> Classes | None:
    """Return the classifier of the model with this fingerprint, from the cache or built and put there."""
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import save

    path = cached_path(fingerprint, ".classes.safetensors")
    try:
        with safe_open(path, framework="numpy") as file:
            names = json.loads(file.metadata()["names"])
            return Classes(tuple(names), file.get_tensor("weight"), file.get_tensor("bias")) if names else None
    except (OSError, SafetensorError, KeyError, ValueError):
        pass  # absent or damaged: build it again
    classes = build()
    empty = np.empty(0, np.float32)
    tensors = {"weight": classes.weight, "bias": classes.bias} if classes else {"weight": empty, "bias": empty}
    try:
        with atomic_file(path) as part:
            # `save_file` would raise no OSError on a full disk.
            part.write_bytes(save(tensors, metadata={"names": json.dumps(classes.names if classes else [])}))
    except OSError:
        pass  # a cache that cannot be written costs time only
    return classes


def imagenet_names() -> tuple[str, ...]:
    """Return the 1,000 ImageNet class names in the order of every ImageNet-1k classifier."""
    from torchvision.models import ResNet18_Weights

    return tuple(ResNet18_Weights.DEFAULT.meta["categories"])


def class_scenes(names: Sequence[str]) -> tuple[str, ...]:
    """Return what photographs in which each class is recognised usually show, in a sentence; () where any is unknown.

    The class "ski" is recognised where "a skier going down a snowy slope" is seen: people describe the scene, and seldom
    name the thing (Pratt et al. 2023, "What does a platypus look like?", have sentences for classes written likewise).
    """
    lines = files("encoders").joinpath("imagenet_scenes.tsv").read_text(encoding="utf-8").splitlines()
    scenes = dict(line.split("\t") for line in lines)
    return tuple(scenes[name] for name in names) if all(name in scenes for name in names) else ()
