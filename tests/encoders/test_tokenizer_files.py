"""Tokenizers give the ids that transformers gives, whatever of a model's files decides them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import encoders
from encoders.tokenizer_files import load_tokenizer, tokenizer_digest
from tests.encoders.small_models import TEXTS, amend, save_bert, save_tokenizer

STRANGE = ["Red SHOE", "réd shoe", "<s>red", " red  Shoe.", "a red\tshoe", ""]


def words(folder: Path) -> None:
    """Save BERT's tokenizer, which lowers the case, and say that it does not."""
    from transformers import BertTokenizer

    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "Red", "réd", "shoe", "SHOE", "s", "<", ">"]
    save(BertTokenizer, folder, vocab={word: place for place, word in enumerate(known)}, do_lower_case=True)
    amend(folder / "tokenizer_config.json", do_lower_case=False)


def accents(folder: Path) -> None:
    words(folder)
    amend(folder / "tokenizer_config.json", do_lower_case=True, strip_accents=False)


def spaces(folder: Path) -> None:
    """Save RoBERTa's tokenizer, and say that texts begin with a space."""
    from transformers import RobertaTokenizer

    known = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *"abcdefghijklmnopqrstuvwxyz.", "Ġ", "Ġr", "re", "Ġs"]
    merges = [("Ġ", "r"), ("r", "e"), ("Ġ", "s")]
    save(RobertaTokenizer, folder, vocab={word: place for place, word in enumerate(known)}, merges=merges)
    amend(folder / "tokenizer_config.json", add_prefix_space=True)


def lower(folder: Path) -> None:
    """Save a tokenizer that knows capitals, and name a class that lowers the case."""
    from transformers import GemmaTokenizer

    known = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *"RSHOEredshoé.", "re"]
    save(GemmaTokenizer, folder, vocab={word: place for place, word in enumerate(known)}, merges=[("r", "e")])
    amend(folder / "tokenizer_config.json", tokenizer_class="Siglip2Tokenizer")


def added(folder: Path) -> None:
    """Save a tokenizer, and name a token that tokenizer.json does not have."""
    save_tokenizer(folder, window=40)
    amend(folder / "tokenizer_config.json", extra_special_tokens=["<s>"])


def save(tokenizer: Any, folder: Path, **parts: Any) -> None:
    tokenizer(**parts).save_pretrained(folder)


def library(folder: Path) -> Any:
    from transformers import AutoTokenizer

    loader: Any = AutoTokenizer
    return loader.from_pretrained(str(folder), trust_remote_code=False)


@pytest.mark.parametrize("make", [words, accents, spaces, lower, added])
def test_ids_are_those_of_the_library(tmp_path: Path, make: Callable[[Path], None]) -> None:
    from tokenizers import Tokenizer

    make(tmp_path)
    expected = library(tmp_path)(STRANGE).input_ids
    made, kept = load_tokenizer(tmp_path), load_tokenizer(tmp_path)
    for tokenizer in (made, kept):
        assert [tokens.ids for tokens in tokenizer.encode_batch(STRANGE)] == expected
    raw = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert [tokens.ids for tokens in raw.encode_batch(STRANGE)] != expected, "the files decide nothing"


def test_a_tokenizer_is_made_once_and_anew_when_it_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIMODAL_REC_CACHE", str(tmp_path / "cache"))
    words(tmp_path)
    ids = load_tokenizer(tmp_path).encode("Red SHOE").ids
    (kept,) = (tmp_path / "cache").rglob("*.tokenizer.json")
    with monkeypatch.context() as patch:
        patch.setattr("encoders.tokenizer_files._make", lambda *_: pytest.fail("it was made again"))
        assert load_tokenizer(tmp_path).encode("Red SHOE").ids == ids
    kept.write_text(kept.read_text()[:100])
    assert load_tokenizer(tmp_path).encode("Red SHOE").ids == ids
    assert json.loads(kept.read_text())


def test_what_pads_and_truncates_in_a_file_is_left_out(tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    save_tokenizer(tmp_path, window=40)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    tokenizer.enable_padding(length=9)
    tokenizer.enable_truncation(6)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    for _ in range(2):
        assert [len(tokens.ids) for tokens in load_tokenizer(tmp_path).encode_batch(TEXTS)] == [7, 4, 10, 3]


def test_what_the_library_cannot_load_is_read_from_its_file(tmp_path: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    save_tokenizer(tmp_path, window=40)
    expected = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))(TEXTS).input_ids
    amend(tmp_path / "tokenizer_config.json", tokenizer_class="Odd", auto_map={"AutoTokenizer": ["odd.Odd", None]})
    with pytest.raises(ValueError, match="custom code"):
        library(tmp_path)
    assert [tokens.ids for tokens in load_tokenizer(tmp_path).encode_batch(TEXTS)] == expected


def test_the_digest_knows_what_decides_the_ids_not_where_it_lies(tmp_path: Path) -> None:
    words(tmp_path / "first")
    digest = tokenizer_digest(tmp_path / "first")
    copy = Path(shutil.copytree(tmp_path / "first", tmp_path / "copy"))
    amend(copy / "tokenizer_config.json", name_or_path="elsewhere")
    assert tokenizer_digest(copy) == digest
    for name, more in {
        "tokenizer_config.json": {"do_lower_case": True},
        "added_tokens.json": {"<s>": 13},
        "config.json": {"model_type": "bert"},
        "tokenizer.json": {"normalizer": None},
    }.items():
        other = Path(shutil.copytree(copy, tmp_path / f"with {name}"))
        amend(other / name, **more)
        assert tokenizer_digest(other) != digest


def test_an_encoder_follows_the_settings_of_its_tokenizer(tmp_path: Path) -> None:
    bert = save_bert(tmp_path / "bert")
    words(bert)
    encoder = encoders.load_text_encoder(str(bert))
    red, small = encoder.encode(["Red SHOE", "red shoe"])
    assert red @ small < 0.999
    amend(bert / "tokenizer_config.json", do_lower_case=True)
    again = encoders.load_text_encoder(str(bert))
    assert again.fingerprint != encoder.fingerprint
    assert again.encode(["Red SHOE"])[0] @ small > 0.9999
