"""Loading transformers' models: quietly, without remote code, and never with weights that are missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from encoders.base import EncoderError
from encoders.model_files import REMEDY, short_reason
from encoders.quiet import quiet
from encoders.threads import cuda_available


def load_pretrained(reference: str, loader: Any, folder: Path) -> tuple[Any, bool]:
    """Return a model in float32 and whether its pooler, if it has one, came with weights.

    transformers fills what a checkpoint lacks with random numbers; only a pooler, which the caller then does
    without, is excused. Raises EncoderError when other weights are missing or the model cannot be loaded.
    """
    try:
        with quiet_transformers():
            # Eager attention is what the ONNX exporter can follow; ONNX Runtime fuses it again.
            attention = {} if cuda_available() else {"attn_implementation": "eager"}
            model, info = loader.from_pretrained(
                str(folder),
                trust_remote_code=False,
                weights_only=True,
                dtype="float32",
                output_loading_info=True,
                **attention,
            )
    except Exception as error:  # anything from unknown kinds of model to damaged files
        raise EncoderError(f"{reference}: cannot be loaded ({short_reason(error)}); {REMEDY}") from error
    missing = sorted(info["missing_keys"])
    if lacking := [key for key in missing if "pooler" not in key]:
        raise EncoderError(f"{reference}: its files lack {len(lacking)} weights (see {lacking[0]}); {REMEDY}")
    return model.eval(), not missing


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from warnings, logs and progress bars inside the block."""
    from transformers.utils import logging as transformers_logging

    logging: Any = transformers_logging  # its functions carry no types

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with quiet():
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
