"""From a reference on the command line to an encoder."""

from __future__ import annotations

from encoders.base import EncoderError, ImageEncoder, TextEncoder
from encoders.model_files import as_encoder_error
from encoders.threads import default_threads


def load_text_encoder(reference: str = "auto", *, threads: int | None = None) -> TextEncoder:
    """Return the text encoder that a reference names.

    `auto` is the packaged model; everything else is the name or the folder of a Hugging Face text model, or of a CLIP-
    or SigLIP-like one, whose text tower it is. `threads` caps the CPU threads (default: the physical cores, at most 8).
    Raises EncoderError when the model cannot be had.
    """
    from encoders.text_models import load_packaged_text, load_text_model

    count = threads or default_threads()
    if reference == "auto":
        return load_packaged_text(reference, count)
    _reject_empty(reference)
    if reference.startswith("torchvision:"):
        raise EncoderError(f'{reference}: torchvision has no text models; use "auto" for the packaged one')
    with as_encoder_error(reference):  # damaged files of a model raise anything
        return load_text_model(reference, count)


def load_image_encoder(reference: str = "auto", *, threads: int | None = None) -> ImageEncoder:
    """Return the image encoder that a reference names.

    `auto` is the packaged model; `torchvision:NAME` a torchvision classifier with its default weights, and
    `torchvision:NAME:PATH.pth` with local ones; everything else is the name or the folder of a Hugging Face vision
    model. `threads` caps the CPU threads (default: the physical cores, at most 8). Raises EncoderError when the model
    cannot be had.
    """
    count = threads or default_threads()
    if reference == "auto":
        from encoders.efficientnet_lite import load_packaged_image

        return load_packaged_image(reference, count)
    _reject_empty(reference)
    with as_encoder_error(reference):
        if reference.startswith("torchvision:"):
            from encoders.torchvision_models import load_torchvision

            return load_torchvision(reference, count)
        from encoders.vision_models import load_vision_model

        return load_vision_model(reference, count)


def _reject_empty(reference: str) -> None:
    if not reference.strip():
        raise EncoderError('an empty encoder reference; use "auto" for the packaged model')
