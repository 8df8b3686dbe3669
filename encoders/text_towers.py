"""The text half of a CLIP- or SigLIP-like model as a text encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from encoders.fingerprint import settings_digest
from encoders.model_files import read_json
from encoders.on_demand import network_of
from encoders.text import LONGEST_PASSAGE, TokenRules, TransformerText
from encoders.text_models import CODE_VERSION, example_tokens, long_tokens, token_window
from encoders.tokenizer_files import load_tokenizer, tokenizer_digest

if TYPE_CHECKING:
    from torch import nn


def open_text_tower(
    reference: str,
    folder: Path,
    config: dict[str, Any],
    *,
    image_digest: str,
    model: Callable[[], nn.Module],
    forget: Callable[[], None],
    threads: int,
) -> TransformerText:
    """Return the text tower of the model in a folder; `image_digest` is its image side's fingerprint.

    `forget` lets go of the model, which `model` keeps for both sides.
    """
    tokenizer = load_tokenizer(folder)
    rules = _rules(folder, config["text_config"], tokenizer)
    digest = settings_digest(
        {
            "model": image_digest,
            "code": CODE_VERSION,
            "tokenizer": tokenizer_digest(folder),
            "window": rules.window,
            "passage": LONGEST_PASSAGE,
            "pad": rules.pad_id,
            **({"left": True} if rules.pad_left else {}),
        }
    )

    def tower() -> nn.Module:
        from encoders.vision_modules import TextTower

        return TextTower(model())

    network, output = network_of(
        reference,
        digest,
        tower,
        example_tokens(rules),
        threads,
        dynamic=(0,) if rules.fixed_length else (0, 1),
        others=[long_tokens(rules)],
        forget=forget,
    )
    return TransformerText(
        reference,
        digest,
        dim=output.dim,
        tokenizer=lambda: tokenizer,
        network=network,
        rules=rules,
        bears_padding=output.bears_padding,
    )


def _rules(folder: Path, text_config: dict[str, Any], tokenizer: Any) -> TokenRules:
    """Return the window and the padding; what the file leaves out has transformers' default for the kind of model."""
    from transformers import AutoConfig

    complete = AutoConfig.from_pretrained(str(folder), trust_remote_code=False).text_config
    settings = read_json(folder / "tokenizer_config.json")
    pad = settings.get("pad_token")
    content = pad.get("content") if isinstance(pad, dict) else pad
    pad_id = tokenizer.token_to_id(content) if content else None
    if pad_id is None:
        pad_id = complete.pad_token_id or 0
    fixed_length = str(text_config.get("model_type") or complete.model_type).startswith("siglip")
    window = complete.max_position_embeddings if fixed_length else token_window(folder, complete.to_dict())
    left = fixed_length and settings.get("padding_side") == "left"
    return TokenRules(window, complete.vocab_size, pad_id, fixed_length, pad_left=left)
