"""Small random text models saved here, pooled as their files say, against sentence-transformers and transformers."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import encoders
from encoders.export import open_network
from encoders.text_models import LONGEST_ROW, position_offset, token_window
from encoders.text_modules import pool
from tests.encoders.conftest import cosines
from tests.encoders.small_models import TEXTS, amend, save_bert, save_tokenizer


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bert(tmp_path_factory.mktemp("bert"))


def library_vectors(folder: Path, **options: Any) -> np.ndarray:
    library = pytest.importorskip("sentence_transformers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = library.SentenceTransformer(str(folder), device="cpu")
        return np.asarray(model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False, **options))


def test_without_pooling_files_the_mean(bert: Path) -> None:
    encoder = encoders.load_text_encoder(str(bert))
    assert encoder.dim == 32
    assert cosines(encoder.encode(TEXTS), library_vectors(bert)).min() > 0.9999


@pytest.mark.parametrize(
    "modes", [["cls"], ["max"], ["mean", "max"], ["mean_sqrt_len_tokens"], ["weightedmean"], ["lasttoken"]]
)
def test_pools_as_the_files_say(bert: Path, tmp_path: Path, modes: list[str]) -> None:
    folder = with_modules(bert, tmp_path, modes)
    encoder = encoders.load_text_encoder(str(folder))
    assert encoder.dim == 32 * len(modes)
    assert cosines(encoder.encode(TEXTS), library_vectors(folder)).min() > 0.9999


def test_dense_layers_are_applied(bert: Path, tmp_path: Path) -> None:
    folder = with_modules(bert, tmp_path, ["mean"], dense=12)
    encoder = encoders.load_text_encoder(str(folder))
    assert encoder.dim == 12
    assert cosines(encoder.encode(TEXTS), library_vectors(folder)).min() > 0.9999


def test_default_prompts_are_put_before(bert: Path, tmp_path: Path) -> None:
    folder = with_modules(bert, tmp_path, ["mean"])
    prompts = {"prompts": {"query": "the quiet " * 6}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    encoder = encoders.load_text_encoder(str(folder))
    assert cosines(encoder.encode(TEXTS), library_vectors(folder)).min() > 0.9999
    long = " ".join(["red shoe."] * 80)
    (encoding,) = encoder.encode_long([long])
    passages = [long[int(a) : int(b)] for a, b in encoding.spans]
    assert [passage[:3] for passage in passages] == ["red"] * len(passages)
    assert [len(each.parts) for each in encoder.encode_long(passages)] == [0] * len(passages), "none is cut short"
    np.testing.assert_allclose(encoding.parts, encoder.encode(passages), atol=1e-5)


@pytest.mark.parametrize(
    ("prompts", "default", "document", "query"),
    [
        ({"query": "the quiet ", "document": "a red "}, None, "a red ", "the quiet "),
        ({"query": "the quiet ", "passage": "shoe: ", "other": "a boat "}, "other", "shoe: ", "the quiet "),
        ({"query": "the quiet ", "document": ""}, "query", "", "the quiet "),
        ({"query": "", "other": "a boat "}, "other", "a boat ", ""),
        ({"other": "a boat "}, None, "", ""),
    ],
)
def test_texts_that_ask_have_a_prompt_of_their_own(
    bert: Path, tmp_path: Path, prompts: dict[str, str], default: str | None, document: str, query: str
) -> None:
    folder = with_modules(bert, tmp_path, ["mean"])
    names = {"prompts": prompts, "default_prompt_name": default}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(names))
    encoder = encoders.load_text_encoder(str(folder))
    assert cosines(encoder.encode(TEXTS), library_vectors(folder, prompt=document)).min() > 0.9999
    assert cosines(encoder.encode_queries(TEXTS), library_vectors(folder, prompt=query)).min() > 0.9999
    assert encoder.encode_queries([]).shape == (0, 32)
    plain = encoders.load_text_encoder(str(bert))
    assert (encoder.fingerprint == plain.fingerprint) == (document == query == "")


def test_the_old_layout_has_its_transformer_in_a_folder(bert: Path, tmp_path: Path) -> None:
    folder = with_modules(bert, tmp_path, ["cls"])
    (folder / "0_Transformer").mkdir()
    for path in list(folder.iterdir()):
        if path.is_file() and path.name != "modules.json":
            path.rename(folder / "0_Transformer" / path.name)
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    (folder / "modules.json").write_text(json.dumps(modules))
    assert cosines(encoders.load_text_encoder(str(folder)).encode(TEXTS), library_vectors(folder)).min() > 0.9999


def test_what_cannot_be_done_is_refused(bert: Path, tmp_path: Path) -> None:
    folder = with_modules(bert, tmp_path, ["mean"])
    prompts = {"prompts": {"query": "the quiet "}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling | {"include_prompt": False}))
    with pytest.raises(encoders.EncoderError, match="pools without its prompt"):
        encoders.load_text_encoder(str(folder))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["CLIPTextModelWithProjection"]}))
    with pytest.raises(encoders.EncoderError, match="without its picture tower"):
        encoders.load_text_encoder(str(folder))


def test_texts_are_made_lower_case_where_the_files_say_so(bert: Path, tmp_path: Path) -> None:
    folder = with_modules(bert, tmp_path, ["mean"])
    amend(folder / "tokenizer.json", normalizer=None)
    as_they_are = encoders.load_text_encoder(str(folder))
    amend(folder / "sentence_bert_config.json", do_lower_case=True)
    encoder = encoders.load_text_encoder(str(folder))
    assert encoder.fingerprint != as_they_are.fingerprint
    long = "İİİ " * 20 + "RED SHOE. " * 40  # a lower-case İ is two characters
    (encoding,) = encoder.encode_long([long])
    passages = [long[int(start) : int(end)] for start, end in encoding.spans]
    np.testing.assert_allclose(encoding.parts, encoder.encode(passages), atol=1e-5)
    assert passages[-1].startswith("RED")
    capitals = [text.upper() for text in TEXTS]
    assert cosines(encoder.encode(capitals), as_they_are.encode(TEXTS)).min() > 0.9999
    assert cosines(encoder.encode(TEXTS), library_vectors(folder)).min() > 0.9999


@pytest.mark.parametrize("kind", ["roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"])
def test_other_names_of_the_file_of_sentence_transformers(bert: Path, tmp_path: Path, kind: str) -> None:
    folder = with_modules(bert, tmp_path, ["mean"])
    amend(folder / "tokenizer.json", normalizer=None)
    as_they_are = encoders.load_text_encoder(str(folder))
    amend(folder / f"sentence_{kind}_config.json", do_lower_case=True, max_seq_length=6)
    assert token_window(folder, {"max_position_embeddings": 48}) == 6
    encoder = encoders.load_text_encoder(str(folder))
    assert cosines(encoder.encode(["RED SHOE"]), as_they_are.encode(["red shoe"])).min() > 0.9999
    amend(folder / "sentence_bert_config.json", max_seq_length=7)
    assert token_window(folder, {"max_position_embeddings": 48}) == 7


def test_vectors_are_cut_short_where_the_files_say_so(bert: Path, tmp_path: Path) -> None:
    folder = with_modules(bert, tmp_path, ["mean"])
    whole = encoders.load_text_encoder(str(folder))
    amend(folder / "config_sentence_transformers.json", truncate_dim=8)
    encoder = encoders.load_text_encoder(str(folder))
    assert (encoder.dim, encoder.encode(TEXTS).shape) == (8, (len(TEXTS), 8))
    assert encoder.fingerprint != whole.fingerprint
    assert cosines(encoder.encode(TEXTS), library_vectors(folder)).min() > 0.9999


@pytest.mark.parametrize("length", [-4, 0, 8.0, "x", True])
def test_a_length_that_vectors_cannot_have_is_told(bert: Path, tmp_path: Path, length: Any) -> None:
    folder = with_modules(bert, tmp_path, ["mean"])
    amend(folder / "config_sentence_transformers.json", truncate_dim=length)
    with pytest.raises(encoders.EncoderError, match=r'its truncate_dim.* is no .*"auto"'):
        encoders.load_text_encoder(str(folder))


def test_a_prompt_that_leaves_no_room_is_told(bert: Path, tmp_path: Path) -> None:
    folder = with_modules(bert, tmp_path, ["mean"])
    amend(folder / "config_sentence_transformers.json", prompts={"query": "sea " * 38, "document": "sea " * 37})
    encoder = encoders.load_text_encoder(str(folder))
    assert len(encoder.encode_long(["red shoe"])[0].parts) == 2
    with pytest.raises(encoders.EncoderError, match=r'its prompt of 38 tokens leaves no room .* 40; .*"auto"'):
        encoder.encode_queries(["red shoe"])


def test_a_model_that_writes_texts_is_pooled_by_its_last_token(tmp_path: Path) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = LlamaConfig(vocab_size=40, **sizes, max_position_embeddings=64, pad_token_id=0)
    LlamaForCausalLM(config).eval().save_pretrained(tmp_path)
    save_tokenizer(tmp_path, window=64)
    encoder = encoders.load_text_encoder(str(tmp_path))
    assert cosines(encoder.encode(TEXTS), library_vectors(tmp_path)).min() > 0.9999


@pytest.mark.parametrize("kind", ["FNet", "Bert"])
def test_a_vector_does_not_depend_on_its_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """FNet mixes all places of a row, padding too; BERT does not, and its rows of several lengths share batches."""
    import torch
    import transformers

    sizes = {"vocab_size": 40, "hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64}
    torch.manual_seed(0)
    model = getattr(transformers, f"{kind}Model")
    model(getattr(transformers, f"{kind}Config")(**sizes, num_attention_heads=4)).eval().save_pretrained(tmp_path)
    save_tokenizer(tmp_path, window=40)
    encoders.load_text_encoder(str(tmp_path))
    encoder: Any = encoders.load_text_encoder(str(tmp_path), threads=1)  # what the first one found out is noted
    texts = [*TEXTS, "the red cat", "blue sea", "a quiet house of the dog"]
    alone = [encoder.encode([text])[0] for text in texts]
    shapes, run = [], encoder._network.run

    def watched(batches: list[Any]) -> Any:
        shapes.extend(batch["ids"].shape for batch in batches)
        return run(batches)

    monkeypatch.setattr(encoder._network, "run", watched)
    np.testing.assert_allclose(encoder.encode(texts), alone, atol=1e-5)
    assert shapes == ([(1, 3), (2, 4), (1, 5), (1, 7), (1, 8), (1, 10)] if kind == "FNet" else [(7, 10)])


def test_what_a_config_leaves_out_has_the_default_of_its_kind() -> None:
    assert (
        position_offset({"model_type": "roberta"}) == position_offset({"model_type": "roberta", "pad_token_id": 1}) == 2
    )
    assert position_offset({"model_type": "xlm-roberta", "pad_token_id": 0}) == 1
    assert position_offset({"model_type": "bert", "pad_token_id": 3}) == 0


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("GPT2", {"n_embd": 32, "n_layer": 1, "n_head": 4, "n_positions": 30}),
        ("Mpt", {"d_model": 32, "n_layers": 1, "n_heads": 4, "max_seq_len": 30}),
        ("IBert", {}),
        ("RobertaPreLayerNorm", {}),
        ("Esm", {"mask_token_id": 3, "position_embedding_type": "absolute"}),
        ("Luke", {"entity_vocab_size": 10, "entity_emb_size": 8}),
    ],
)
def test_the_window_is_what_the_model_has_positions_for(tmp_path: Path, kind: str, sizes: dict[str, Any]) -> None:
    import transformers

    if "n_layer" not in sizes and "n_layers" not in sizes:
        layers = {"num_hidden_layers": 1, "num_attention_heads": 4, "hidden_size": 32, "intermediate_size": 64}
        sizes = sizes | layers | {"pad_token_id": 1, "max_position_embeddings": 32}
    config = getattr(transformers, f"{kind}Config")(vocab_size=40, **sizes)
    getattr(transformers, f"{kind}Model")(config).eval().save_pretrained(tmp_path)
    save_tokenizer(tmp_path, window=1 << 30, pad_id=1)
    encoder = encoders.load_text_encoder(str(tmp_path))
    (fits,) = encoder.encode_long(["red " * 28])
    (does_not,) = encoder.encode_long(["red " * 29])
    assert (len(fits.parts), len(does_not.parts)) == (0, 2)


def test_an_export_is_compared_near_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, lengths = save_bert(tmp_path / "bert", seed=2), []

    def opening(fingerprint: str, build: Any, example: Any, threads: int, dynamic: Any, others: Any) -> Any:
        lengths.extend(inputs["ids"].shape for inputs in (example, *others))
        return open_network(fingerprint, build, example, threads, dynamic, others)

    monkeypatch.setattr("encoders.on_demand.open_network", opening)
    encoders.load_text_encoder(str(folder))
    assert lengths == [(2, 12), (1, 40)]


def test_bigbird_attends_to_all_of_a_row(tmp_path: Path) -> None:
    """To a part of longer ones, where it has seen no short one before: these are read in passages."""
    import torch
    from transformers import BigBirdConfig, BigBirdModel

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    config = BigBirdConfig(vocab_size=40, **sizes, max_position_embeddings=256, block_size=4, num_random_blocks=1)
    BigBirdModel(config).eval().save_pretrained(tmp_path)
    save_tokenizer(tmp_path, window=1 << 30)
    encoder = encoders.load_text_encoder(str(tmp_path))
    fits, does_not = encoder.encode_long(["red " * 26, "red " * 27])
    assert (len(fits.parts), len(does_not.parts)) == (0, 2)
    assert cosines(encoder.encode(TEXTS), library_vectors(tmp_path)).min() > 0.9999


def test_positions_that_a_config_names_and_the_model_has_not(tmp_path: Path) -> None:
    assert token_window(tmp_path, {"model_type": "t5", "n_positions": 100}) == 512
    assert token_window(tmp_path, {"model_type": "xmod", "max_position_embeddings": 34, "pad_token_id": 1}) == 32
    assert token_window(tmp_path, {"model_type": "altclip_text_model", "max_position_embeddings": 34}) == 32
    assert token_window(tmp_path, {"max_position_embeddings": -1}) == 512


def test_tokens_that_the_model_does_not_know_are_told(bert: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bert, tmp_path / "model"))
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["strange"] = 40
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    encoder = encoders.load_text_encoder(str(folder))
    assert encoder.encode(["red"]).shape == (1, 32)
    with pytest.raises(
        encoders.EncoderError, match=f"^{folder}: its tokenizer knows a token 40, the model only 40 tok"
    ):
        encoder.encode(["red", "strange"])


def test_windows_of_many_thousand_tokens_are_not_filled(bert: Path, tmp_path: Path) -> None:
    """Attention takes memory with the square of them."""
    folder = Path(shutil.copytree(bert, tmp_path / "long"))
    amend(folder / "tokenizer_config.json", model_max_length=8192)
    assert token_window(folder, {"max_position_embeddings": 8192}) == LONGEST_ROW
    assert token_window(folder, {"max_position_embeddings": 1024}) == 1024


def residual(folder: Path) -> None:
    amend(folder / "2_Dense" / "config.json", use_residual=True)


def of_tokens(folder: Path) -> None:
    amend(folder / "2_Dense" / "config.json", module_input_name="token_embeddings")


def own_code(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["type"] = "custom_st.Transformer"
    (folder / "modules.json").write_text(json.dumps(modules))


def elsewhere(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["path"] = "../other"
    (folder / "modules.json").write_text(json.dumps(modules))


def no_list(folder: Path) -> None:
    (folder / "modules.json").write_text('{"0": "Transformer"}')


def adapter(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')


def no_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink(missing_ok=True)


def another_output(folder: Path) -> None:
    outputs = {"text": {"method": "forward", "method_output_name": "pooler_output"}}
    amend(folder / "sentence_bert_config.json", modality_config=outputs)


def no_texts(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "vit"}')


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (residual, "Dense layer of this kind"),
        (of_tokens, "Dense layer of this kind"),
        (own_code, "code of its own"),
        (elsewhere, "leads out of the folder"),
        (no_list, "not as sentence-transformers writes it"),
        (adapter, "merge it into its model"),
        (no_tokenizer, "holds no tokenizer"),
        (another_output, "pools its pooler_output"),
        (no_texts, "reads no texts"),
    ],
)
def test_what_would_give_other_vectors_is_refused(
    bert: Path, tmp_path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    folder = with_modules(bert, tmp_path, ["mean"], dense=12)
    spoil(folder)
    with pytest.raises(encoders.EncoderError, match=f'{reason}.*"auto"'):
        encoders.load_text_encoder(str(folder)).encode(TEXTS)


def test_flags_of_older_files_mean_the_same() -> None:
    from encoders.text_models import _pooling_modes

    assert _pooling_modes({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}) == ("cls",)
    assert _pooling_modes({"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}) == ("max", "mean")
    assert _pooling_modes({}) == ("mean",)


def test_the_fingerprint_knows_contents_not_places(bert: Path, tmp_path: Path) -> None:
    first = encoders.load_text_encoder(str(bert)).fingerprint
    copy = Path(shutil.copytree(bert, tmp_path / "copy"))
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "_name_or_path": "elsewhere", "transformers_version": "0"}))
    assert encoders.load_text_encoder(str(copy)).fingerprint == first
    assert encoders.load_text_encoder(str(with_modules(bert, tmp_path / "cls", ["cls"]))).fingerprint != first
    other = save_bert(tmp_path / "other", seed=1)
    assert encoders.load_text_encoder(str(other)).fingerprint != first


def test_a_tail_beyond_the_window_counts(bert: Path) -> None:
    encoder = encoders.load_text_encoder(str(bert))
    head = "the quiet red house " * 40
    first, second = encoder.encode([head + "dog " * 30, head + "sea " * 30])
    assert first @ second < 0.9999


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("no-such-org/no-such-model", "cannot be downloaded"),
        ("./no-such-folder", "no such model folder"),
        ("/no/such/folder", "no such model folder"),
        ("torchvision:resnet18", "no text models"),
        (" ", "empty"),
    ],
)
def test_a_model_that_cannot_be_had_says_so_in_one_line(reference: str, reason: str) -> None:
    with pytest.raises(encoders.EncoderError, match=reason) as raised:
        encoders.load_text_encoder(reference)
    assert "\n" not in str(raised.value)
    assert '"auto"' in str(raised.value)


def test_damaged_models_say_what_is_wrong(bert: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(encoders.EncoderError, match=r"no config\.json"):
        encoders.load_text_encoder(str(empty))
    (empty / "config.json").write_text("{]")
    with pytest.raises(encoders.EncoderError, match="not valid JSON"):
        encoders.load_text_encoder(str(empty))
    damaged = Path(shutil.copytree(bert, tmp_path / "damaged"))
    (damaged / "model.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(encoders.EncoderError, match="cannot be loaded"):
        encoders.load_text_encoder(str(damaged))
    (damaged / "model.safetensors").unlink()
    with pytest.raises(encoders.EncoderError, match="no weights"):
        encoders.load_text_encoder(str(damaged))
    unknown = with_modules(bert, tmp_path / "unknown", ["mean"])
    modules = json.loads((unknown / "modules.json").read_text())
    modules.append({"idx": 2, "name": "2", "path": "2_LSTM", "type": "sentence_transformers.models.LSTM"})
    (unknown / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(encoders.EncoderError, match="LSTM"):
        encoders.load_text_encoder(str(unknown))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("config.json", "[]", "holds no settings"),
        ("config.json", {"vocab_size": "forty"}, "its vocab_size is no number"),
        ("config.json", {"pad_token_id": [0]}, "its pad_token_id is no number"),
        ("tokenizer_config.json", {"model_max_length": "512"}, "its model_max_length is no number"),
        ("sentence_bert_config.json", {"modality_config": 7}, "cannot be run here"),
    ],
)
def test_settings_of_another_kind_are_told(bert: Path, tmp_path: Path, name: str, content: Any, reason: str) -> None:
    damaged = Path(shutil.copytree(bert, tmp_path / "damaged"))
    if isinstance(content, str):
        (damaged / name).write_text(content)
    else:
        amend(damaged / name, **content)
    place = damaged if reason == "cannot be run here" else damaged / name
    with pytest.raises(encoders.EncoderError, match=f'^{place}: {reason}.*"auto"'):
        encoders.load_text_encoder(str(damaged))


def test_weights_that_are_missing_are_not_made_up(bert: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = Path(shutil.copytree(bert, tmp_path / "partial"))
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "layer.1." not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(encoders.EncoderError, match="lack"):
        encoders.load_text_encoder(str(folder))


def test_an_unknown_pooling_is_refused() -> None:
    import torch

    with pytest.raises(encoders.EncoderError, match="median"):
        pool(torch.zeros(1, 2, 3), torch.ones(1, 2, 1), "median")


def with_modules(bert: Path, target: Path, modes: list[str], dense: int | None = None) -> Path:
    """Return a copy of a model with sentence-transformers' pooling files, and a dense layer of that width."""
    import torch
    from safetensors.torch import save_file

    folder = Path(shutil.copytree(bert, target / "model"))
    kinds = [("", "Transformer"), ("1_Pooling", "Pooling"), *([("2_Dense", "Dense")] if dense else [])]
    modules = [
        {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for place, (path, kind) in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    flags = {
        "cls": "cls_token",
        "max": "max_tokens",
        "mean": "mean_tokens",
        "mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
        "weightedmean": "weightedmean_tokens",
        "lasttoken": "lasttoken",
    }
    pooling = {"word_embedding_dimension": 32} | {f"pooling_mode_{flag}": mode in modes for mode, flag in flags.items()}
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    if dense:
        (folder / "2_Dense").mkdir()
        activation = "torch.nn.modules.activation.Tanh"
        config = {"in_features": 32, "out_features": dense, "bias": True, "activation_function": activation}
        (folder / "2_Dense" / "config.json").write_text(json.dumps(config))
        generator = torch.Generator().manual_seed(5)
        weights = {
            "linear.weight": torch.randn(dense, 32, generator=generator),
            "linear.bias": torch.randn(dense, generator=generator),
        }
        save_file(weights, folder / "2_Dense" / "model.safetensors")
    return folder


def test_roberta_counts_positions_from_behind_its_padding(tmp_path: Path) -> None:
    import torch
    from transformers import RobertaConfig, RobertaModel

    save_tokenizer(tmp_path, window=1 << 30, pad_id=1)
    config = RobertaConfig(
        vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=34, pad_token_id=1,
    )  # fmt: skip
    torch.manual_seed(0)
    RobertaModel(config).eval().save_pretrained(tmp_path)
    encoder = encoders.load_text_encoder(str(tmp_path))
    assert cosines(encoder.encode(TEXTS), library_vectors(tmp_path)).min() > 0.9999
    (encoding,) = encoder.encode_long(["the quiet red house " * 20])
    assert len(encoding.parts) >= 3


def test_an_encoder_without_its_decoder(tmp_path: Path) -> None:
    import torch
    from transformers import T5Config, T5EncoderModel

    tokenizer = save_tokenizer(tmp_path, window=40)
    torch.manual_seed(0)
    config = T5Config(vocab_size=40, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, pad_token_id=0)
    model = T5EncoderModel(config).eval()
    model.save_pretrained(tmp_path)
    encoder = encoders.load_text_encoder(str(tmp_path))
    with torch.inference_mode():
        tokens = [tokenizer(text, return_tensors="pt") for text in TEXTS]
        means = [model(ids["input_ids"]).last_hidden_state.mean(1).numpy()[0] for ids in tokens]
    assert cosines(encoder.encode(TEXTS), np.stack(means)).min() > 0.9999


def test_lengths_taken_away_before_a_dense_layer_are_refused(bert: Path, tmp_path: Path) -> None:
    folder = with_modules(bert, tmp_path, ["mean"], dense=12)
    modules = json.loads((folder / "modules.json").read_text())
    modules.insert(2, {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"})
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(encoders.EncoderError, match="normalizes before a Dense module"):
        encoders.load_text_encoder(str(folder))
