"""Hugging Face vision models by name or folder: classifiers, backbones, and CLIP- or SigLIP-like pairs of towers."""

from __future__ import annotations

from functools import cache
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from encoders.base import Classes, EncoderError
from encoders.class_files import cached_classes, imagenet_names
from encoders.fingerprint import fingerprint
from encoders.image import Prepare, PreparedImages, without_long_ends
from encoders.image_files import PIXELS_VERSION
from encoders.model_files import (
    REMEDY,
    Module,
    essential,
    is_two_towers,
    main_folder,
    model_folder,
    read_json,
    read_modules,
    read_sentence_config,
    short_reason,
    weight_files,
)
from encoders.on_demand import network_of

if TYPE_CHECKING:
    from PIL import Image
    from torch import nn

CODE_VERSION = 4  # raise it when this code gives other vectors for the same files
PREPROCESSING = ("preprocessor_config.json", "processor_config.json")


def load_vision_model(reference: str, threads: int) -> PreparedImages:
    """Return a Hugging Face vision model by name or folder.

    Raises EncoderError when it cannot be had, or takes no pictures.
    """
    from PIL import Image

    root = model_folder(reference)
    modules = read_modules(root)
    folder = main_folder(root, modules)
    config = read_json(folder / "config.json")
    settings = [read_json(folder / name) for name in PREPROCESSING]
    prepare = _prepare(reference, folder)
    _refuse_steps(reference, root, folder, modules)
    towers = _has_towers(config)
    digest = fingerprint(
        weight_files(folder),
        kind="vision",
        code=CODE_VERSION,
        pixels=PIXELS_VERSION,
        config=essential(config),
        preprocessing=settings,
    )

    @cache  # asked for twice, by the export and for the classes
    def model() -> tuple[Any, bool]:
        return _load(reference, folder, config)

    def features() -> nn.Module:
        from encoders.classifier_modules import ClassifierFeatures
        from encoders.vision_modules import BackboneFeatures, ImageTower

        if towers:
            return ImageTower(model()[0])
        return ClassifierFeatures(model()[0]) if _is_classifier(config) else BackboneFeatures(*model())

    def classifier() -> Classes | None:
        from encoders.classifier_modules import linear_classifier

        return Classes(imagenet_names(), *linear_classifier(model()[0], dim)) if _is_imagenet(config) else None

    wide, other = (
        Image.fromarray(noise) for noise in np.random.default_rng(0).integers(0, 256, (2, 60, 80, 3), np.uint8)
    )
    try:
        example = {"pixels": np.stack([prepare(wide), prepare(other.transpose(Image.Transpose.ROTATE_90))])}
    except Exception as error:
        reason = f"its preprocessing does not bring pictures to one size ({short_reason(error)})"
        raise EncoderError(f"{reference}: {reason}; {REMEDY}") from error
    if example["pixels"].ndim != 4:  # (2, 3, H, W)
        raise EncoderError(f"{reference}: takes pictures in parts, which cannot be done here; {REMEDY}")
    network, (dim, _) = network_of(reference, digest, features, example, threads, forget=model.cache_clear)
    text_tower = None
    if towers:
        from encoders.text_towers import open_text_tower

        text_tower = open_text_tower(
            reference,
            folder,
            config,
            image_digest=digest,
            model=lambda: model()[0],
            forget=model.cache_clear,
            threads=threads,
        )
    classes = cached_classes(digest, classifier)
    return PreparedImages(reference, digest, dim, classes, text_tower, prepare, network)


def _refuse_steps(reference: str, root: Path, folder: Path, modules: list[Module]) -> None:
    """Raise EncoderError where a sentence-transformers folder asks for more than the model and its preprocessing."""
    if others := sorted({module.kind for module in modules} - {"Transformer", "CLIPModel", "Normalize"}):
        raise EncoderError(f"{reference}: pictures cannot go through its {', '.join(others)} module here; {REMEDY}")
    asked = read_json(root / "config_sentence_transformers.json")
    sentence = read_sentence_config(folder)
    settings = {
        "prompts": any((asked.get("prompts") or {}).values()),
        "truncate_dim": asked.get("truncate_dim"),
        "do_lower_case": sentence.get("do_lower_case"),
    }
    if set_ := [name for name, value in settings.items() if value]:
        raise EncoderError(f"{reference}: its {', '.join(set_)} cannot be followed beside pictures here; {REMEDY}")


def _is_classifier(config: dict[str, Any]) -> bool:
    named = any(name.endswith("ForImageClassification") for name in config.get("architectures") or ())
    return named and config.get("id2label") != {}  # without classes it is a backbone


def _has_towers(config: dict[str, Any]) -> bool:
    """Say whether a model is a pair of towers; a classifier may be made of such a pair, but uses one."""
    return is_two_towers(config) and not _is_classifier(config)


def _is_imagenet(config: dict[str, Any]) -> bool:
    """Say whether a classifier's classes are ImageNet-1k's in their usual order, by the first and the last one."""
    labels = config.get("id2label") or {}
    return (
        _is_classifier(config)
        and len(labels) == 1000
        and str(labels.get("0", "")).lower().startswith("tench")
        and str(labels.get("999", "")).lower().startswith(("toilet tissue", "toilet paper"))
    )


def _prepare(reference: str, folder: Path) -> Prepare:
    """Return the model's own preprocessing as a function from an RGB picture to float32 (3, H, W)."""
    from transformers import AutoImageProcessor

    loader: Any = AutoImageProcessor  # its functions carry no types
    try:
        processor = loader.from_pretrained(str(folder), trust_remote_code=False)
    except Exception as error:
        reason = f"its preprocessing of pictures cannot be loaded ({short_reason(error)})"
        if not any((folder / name).is_file() for name in PREPROCESSING):
            reason = f"takes no pictures, or lacks the file that says how ({PREPROCESSING[0]})"
        raise EncoderError(f"{reference}: {reason}; {REMEDY}") from error

    def prepare(image: Image.Image) -> npt.NDArray[Any]:
        pixels = processor(images=without_long_ends(image), return_tensors="pt")["pixel_values"][0]
        return np.asarray(pixels, np.float32)

    return prepare


def _load(reference: str, folder: Path, config: dict[str, Any]) -> tuple[Any, bool]:
    """Return the model and whether its pooler came with weights; raises EncoderError before it loads one of no use."""
    import transformers
    from transformers import MODEL_MAPPING, AutoConfig, AutoModel, AutoModelForImageClassification

    from encoders.transformers_models import load_pretrained

    loader: Any = AutoModelForImageClassification if _is_classifier(config) else AutoModel
    for name in config.get("architectures") or ():
        # CLIP's picture tower alone; AutoModel would leave the projection out.
        if name.endswith("VisionModelWithProjection"):
            loader = getattr(transformers, name, AutoModel)
    known = AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
    kind: Any = MODEL_MAPPING.get(type(known), None) if loader is AutoModel else loader
    if _has_towers(config):
        if not (hasattr(kind, "get_image_features") and hasattr(kind, "get_text_features")):
            reason = "gives no single vectors of pictures and of texts in one space, as CLIP does"
            raise EncoderError(f"{reference}: {reason}; {REMEDY}")
    elif kind and not _is_classifier(config) and not _takes_pictures_alone(kind):
        raise EncoderError(f"{reference}: does not take pictures alone; {REMEDY}")
    return load_pretrained(reference, loader, folder)


def _takes_pictures_alone(kind: Any) -> bool:
    taken = signature(kind.forward).parameters
    needed = {name for name, each in taken.items() if each.default is each.empty}
    return "pixel_values" in taken and needed <= {"self", "pixel_values", "kwargs"}
