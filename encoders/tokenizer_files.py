"""Tokenizers as transformers makes them of a model's files, kept in the cache so that it is imported once.

The ids are not in tokenizer.json alone: transformers applies the settings in tokenizer_config.json over it, and some of
its classes follow rules of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from encoders.base import EncoderError
from encoders.cache import atomic_file
from encoders.export import cached_path
from encoders.fingerprint import file_digest, settings_digest
from encoders.model_files import REMEDY, essential, read_json, short_reason

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CODE_VERSION = 1  # raise it when this code makes other tokenizers of the same files

_WHOLE = "tokenizer.json"
_PARTS = ("vocab.*", "merges.txt", "*.model", "*.bpe")
_SETTINGS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")


def tokenizer_on_demand(folder: Path) -> Callable[[], Tokenizer]:
    """Return what loads the model's tokenizer when it is needed; one that was never used here is made at once.

    Raises as `load_tokenizer`.
    """
    if _kept(folder).exists():
        return partial(load_tokenizer, folder)
    tokenizer = load_tokenizer(folder)
    return lambda: tokenizer


def load_tokenizer(folder: Path) -> Tokenizer:
    """Return the model's tokenizer, neither padding nor truncating.

    Raises EncoderError when there is none.
    """
    from tokenizers import Tokenizer

    kept = _kept(folder)
    with suppress(Exception):  # it is absent or damaged: make it again
        return Tokenizer.from_file(str(kept))
    try:
        tokenizer = _make(folder)
    except Exception as error:
        raise EncoderError(f"{folder}: its tokenizer cannot be loaded ({short_reason(error)}); {REMEDY}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    with suppress(OSError), atomic_file(kept) as part:  # a cache that cannot be written costs time only
        part.write_text(tokenizer.to_str(), encoding="utf-8")
    return tokenizer


def tokenizer_digest(folder: Path) -> str:
    """Return the digest of all that decides a tokenizer's ids: its files, their settings and the kind of model.

    Raises EncoderError when there is no tokenizer.
    """
    patterns = (_WHOLE,) if (folder / _WHOLE).is_file() else _PARTS
    files = {path.name: file_digest(path) for pattern in patterns for path in folder.glob(pattern)}
    if not files:
        raise EncoderError(f"{folder}: holds no tokenizer; fetch the model again or {REMEDY}")
    config = read_json(folder / "config.json")
    return settings_digest(
        {
            "code": CODE_VERSION,
            "files": files,
            "settings": [essential(read_json(folder / name)) for name in _SETTINGS],
            "kind": [config.get("model_type"), config.get("tokenizer_class")],
        }
    )


def _kept(folder: Path) -> Path:
    return cached_path(tokenizer_digest(folder), ".tokenizer.json")


def _make(folder: Path) -> Tokenizer:
    """Return what transformers makes of the files, or tokenizer.json as it is where it makes nothing that can be kept."""
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    from encoders.transformers_models import quiet_transformers

    loader: Any = AutoTokenizer  # its functions carry no types
    try:
        with quiet_transformers():
            made = loader.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
        return Tokenizer.from_str(made.backend_tokenizer.to_str())
    except Exception:
        if not (folder / _WHOLE).is_file():
            raise
        return Tokenizer.from_file(str(folder / _WHOLE))
