"""The files of a Hugging Face model: found in a folder or fetched by name, read without running anything in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from encoders.base import EncoderError

REMEDY = 'use "auto" for the packaged model'

# In the order in which transformers looks for them.
_CHECKPOINTS = (
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
)  # fmt: skip

# What differs between copies of one model without changing a vector.
_INCIDENTAL = {
    "_name_or_path", "dtype", "gradient_checkpointing", "name_or_path", "special_tokens_map_file", "torch_dtype",
    "transformers_version", "use_cache",
}  # fmt: skip

# What is reckoned with, wherever it stands.
_NUMBERS = {
    "max_position_embeddings", "max_seq_len", "max_seq_length", "model_max_length", "n_positions", "pad_token_id",
    "truncate_dim", "vocab_size",
}  # fmt: skip

# What sentence-transformers once named its file after, in the order in which it looks for them.
_SENTENCE_KINDS = ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")


class Module(NamedTuple):
    """One step of a sentence-transformers model: what it does, and the folder of its files."""

    kind: str
    folder: Path


def model_folder(reference: str) -> Path:
    """Return the local folder of a model: the reference itself, or where the Hugging Face library keeps a copy.

    Raises EncoderError when the model is neither a folder nor to be had from the hub.
    """
    folder = Path(reference).expanduser()
    if folder.is_dir():
        if not ((folder / "config.json").is_file() or (folder / "modules.json").is_file()):
            raise EncoderError(f"{reference}: the folder holds no config.json, so it is no model; {REMEDY}")
        return folder
    if folder.exists() or reference.startswith((".", "/", "~")) or reference.count("/") > 1:
        raise EncoderError(f"{reference}: no such model folder; {REMEDY}")
    return _download(reference)


def _download(name: str) -> Path:
    small = ["*.json", "*.txt", "*.model"]
    folder = _fetch(name, [*small, "*.safetensors"])
    modules = read_modules(folder)
    places = [main_folder(folder, modules), *(module.folder for module in modules if module.kind == "Dense")]
    if lacking := [place.relative_to(folder) for place in places if not any(map(Path.is_file, _checkpoint(place)))]:
        folder = _fetch(name, [*small, *((place / "pytorch_model*.bin").as_posix() for place in lacking)])
    return folder


def _fetch(name: str, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=patterns, ignore_patterns=["*onnx*", "openvino*"]))
    except Exception as error:  # the library raises a dozen kinds, from bad names to broken networks
        raise EncoderError(f"{name}: cannot be downloaded ({short_reason(error)}); {REMEDY}") from error


def short_reason(error: BaseException) -> str:
    """Return the kind of an exception and the start of its message on one line."""
    message = " ".join(str(error).split())
    if "weights_only" in message:  # torch advises, on a page, how to run the file's code
        return "no file of tensors alone: save model.state_dict()"
    return f"{type(error).__name__}: {message[:160]}" if message else type(error).__name__


@contextmanager
def as_encoder_error(reference: str) -> Iterator[None]:
    """Raise EncoderError for whatever the block raises: models that want other inputs, or more memory, raise anything."""
    try:
        yield
    except EncoderError:
        raise
    except Exception as error:
        raise EncoderError(f"{reference}: cannot be run here ({short_reason(error)}); {REMEDY}") from error


def weight_files(folder: Path) -> list[Path]:
    """Return the files that a model's weights are loaded from.

    Raises EncoderError when there are none or not all of them, or when they are an adapter's.
    """
    if (folder / "adapter_config.json").is_file():
        raise EncoderError(f"{folder}: holds an adapter (LoRA): merge it into its model and save that, or {REMEDY}")
    files = _checkpoint(folder)
    if not files:
        raise EncoderError(f"{folder}: the folder holds no weights ({_CHECKPOINTS[0]}); {REMEDY}")
    if lacking := [path.name for path in files if not path.is_file()]:
        raise EncoderError(f"{folder}: the folder lacks weights ({lacking[0]}); fetch the model again or {REMEDY}")
    return files


def _checkpoint(folder: Path) -> list[Path]:
    """Return the file that transformers takes of a folder, or those that it lists; other files are not looked at."""
    named = read_json(folder / "config.json").get("transformers_weights")
    for path in (folder / name for name in ([named] if named else _CHECKPOINTS)):
        if path.is_file() and path.suffix == ".json":
            return [folder / shard for shard in sorted(set(read_json(path)["weight_map"].values()))]
        if path.is_file():
            return [path]
    return []


def read_json(path: Path) -> dict[str, Any]:
    """Return the settings in a JSON file, or an empty dict when there is no such file.

    Raises EncoderError when it is not JSON, or holds something else.
    """
    settings = _parsed(path)
    if not isinstance(settings, dict):
        raise EncoderError(f"{path}: holds no settings; fetch the model again or {REMEDY}")
    for name in sorted(_NUMBERS & settings.keys()):
        if not isinstance(settings[name], int | float | None):
            raise EncoderError(f"{path}: its {name} is no number; fetch the model again or {REMEDY}")
    return settings


def _parsed(path: Path) -> Any:
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EncoderError(f"{path}: not valid JSON ({error}); fetch the model again or {REMEDY}") from error


def read_sentence_config(folder: Path) -> dict[str, Any]:
    """Return the settings of a model's sentence-transformers file, the first that there is of the names it reads."""
    names = (f"sentence_{kind}_config.json" for kind in _SENTENCE_KINDS)
    return next((settings for name in names if (settings := read_json(folder / name))), {})


def read_modules(folder: Path) -> list[Module]:
    """Return the steps that a sentence-transformers folder lists in modules.json; none where there is no such file.

    Raises EncoderError where the list is not as the library writes it, or names code of others or a place elsewhere.
    """
    listed = _parsed(folder / "modules.json") or []
    try:
        modules = [Module(str(entry["type"]), folder / str(entry["path"])) for entry in listed]
    except (TypeError, KeyError) as error:
        raise EncoderError(f"{folder}: its modules.json is not as sentence-transformers writes it; {REMEDY}") from error
    for name, place in modules:
        if not name.startswith("sentence_transformers."):
            raise EncoderError(f"{folder}: is made with code of its own ({name}), which is not run; {REMEDY}")
        if not place.resolve().is_relative_to(folder.resolve()):
            raise EncoderError(f"{folder}: its modules.json leads out of the folder; {REMEDY}")
    return [Module(name.rpartition(".")[2], place) for name, place in modules]


def main_folder(folder: Path, modules: list[Module]) -> Path:
    """Return where the files of the model itself are, which older folders of several steps have in one of their own."""
    return next((module.folder for module in modules if module.kind in {"Transformer", "CLIPModel"}), folder)


def essential(config: Any) -> Any:
    """Return a configuration without the entries that differ between copies of one model."""
    if isinstance(config, dict):
        return {key: essential(value) for key, value in config.items() if key not in _INCIDENTAL}
    return [essential(value) for value in config] if isinstance(config, list) else config


def is_two_towers(config: dict[str, Any]) -> bool:
    """Say whether a model's configuration is that of a pair of towers, one for pictures and one for texts."""
    return "vision_config" in config and "text_config" in config
