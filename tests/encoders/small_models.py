"""Small random Hugging Face models, saved to a folder as the real ones are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

_SPECIALS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
WORDS = ["a", "photo", "of", "the", "cat", "dog", "sea", "house", "red", "blue", "film", "quiet", "loud", "shoe"]
TEXTS = ["a photo of the cat", "red shoe", "quiet blue film of the sea house dog", "loud"]
VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 8,
}


def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (50, 70, 3), dtype=np.uint8)) for _ in range(3)]


def amend(path: Path, **more: Any) -> None:
    """Add entries to a JSON file, or make it of them."""
    config = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(config | more))


def save_tokenizer(folder: Path, window: int, pad_id: int = 0) -> Any:
    """Save a word tokenizer that writes [CLS] text [SEP], and return transformers' view of it."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    specials = _SPECIALS[1:]
    specials.insert(pad_id, _SPECIALS[0])
    vocabulary = {word: place for place, word in enumerate([*specials, *WORDS, "."])}
    tokenizer: Any = Tokenizer(models.WordLevel(vocabulary, **{"unk_token": _SPECIALS[3]}))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    pairs = [(word, vocabulary[word]) for word in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=pairs
    )
    names = dict(zip(("pad_token", "cls_token", "sep_token", "unk_token"), _SPECIALS, strict=True))
    wrapped: Any = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=window, **names)
    wrapped.save_pretrained(folder)
    return wrapped


def save_bert(folder: Path, seed: int = 0) -> Path:
    """Save a random BERT of 32 dimensions and a window of 40 tokens."""
    import torch
    from transformers import BertConfig, BertModel

    folder.mkdir(exist_ok=True)
    save_tokenizer(folder, window=40)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=40,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=48,
        pad_token_id=0,
    )
    BertModel(config).eval().save_pretrained(folder)
    return folder


def save_clip(folder: Path) -> tuple[Any, Any, Any]:
    """Save a random CLIP of 24 dimensions; return the model, its processor and its tokenizer."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    tokenizer = save_tokenizer(folder, window=20)
    text = {**VISION, "vocab_size": 40, "max_position_embeddings": 20, "bos_token_id": 1, "eos_token_id": 2}
    torch.manual_seed(0)
    config = CLIPConfig(text_config=text | {"pad_token_id": 0}, vision_config=VISION, projection_dim=24)
    model: Any = CLIPModel(config).eval()
    model.save_pretrained(folder)
    processor: Any = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor.save_pretrained(folder)
    return model, processor, tokenizer
