"""Small random vision models and CLIP-like pairs saved here, against transformers' own outputs."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import encoders
from tests.encoders.conftest import cosines
from tests.encoders.small_models import TEXTS, VISION, pictures, save_bert, save_clip, save_tokenizer


def save_with_processor(model: Any, folder: Path) -> Any:
    from transformers import ViTImageProcessor

    processor: Any = ViTImageProcessor(size={"height": 32, "width": 32})
    processor.save_pretrained(folder)
    model.eval().save_pretrained(folder)
    return processor


def outputs(model: Any, processor: Any, **inputs: Any) -> Any:
    import torch

    with torch.inference_mode():
        return model(pixel_values=processor(images=pictures(), return_tensors="pt")["pixel_values"], **inputs)


def vit(**options: Any) -> Any:
    from transformers import ViTConfig, ViTModel

    return ViTModel(ViTConfig(**VISION), **options)


def dinov2() -> Any:
    from transformers import Dinov2Config, Dinov2Model

    return Dinov2Model(Dinov2Config(**VISION))


def resnet() -> Any:
    from transformers import ResNetConfig, ResNetModel

    return ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1]))


def convnext() -> Any:
    from transformers import ConvNextConfig, ConvNextModel

    return ConvNextModel(ConvNextConfig(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2))


@pytest.mark.parametrize("build", [vit, dinov2, resnet, convnext])
def test_backbones_give_their_pooled_output(build: Callable[[], Any], tmp_path: Path) -> None:
    import torch

    torch.manual_seed(0)
    model = build()
    processor = save_with_processor(model, tmp_path)
    encoder = encoders.load_image_encoder(str(tmp_path))
    expected = outputs(model, processor).pooler_output.flatten(1).numpy()
    np.testing.assert_allclose(encoder.encode(pictures()), expected, atol=1e-4)
    assert encoder.classes is None
    assert encoder.text_tower is None


def test_a_backbone_without_a_pooler_gives_its_class_token(tmp_path: Path) -> None:
    model = vit(add_pooling_layer=False)
    processor = save_with_processor(model, tmp_path)
    expected = outputs(model, processor).last_hidden_state[:, 0].numpy()
    np.testing.assert_allclose(encoders.load_image_encoder(str(tmp_path)).encode(pictures()), expected, atol=1e-4)


@pytest.mark.parametrize("size", [8, [8, 16]])
def test_a_backbone_without_pooler_and_class_token_gives_the_mean_of_its_patches(tmp_path: Path, size: Any) -> None:
    from transformers import IJepaConfig, IJepaModel

    model = IJepaModel(IJepaConfig(**VISION | {"patch_size": size}), add_pooling_layer=False)
    processor = save_with_processor(model, tmp_path)
    expected = outputs(model, processor).last_hidden_state.mean(1).numpy()
    np.testing.assert_allclose(encoders.load_image_encoder(str(tmp_path)).encode(pictures()), expected, atol=1e-4)


def test_the_fingerprint_knows_the_preprocessing_wherever_it_is_written(tmp_path: Path) -> None:
    from transformers import CLIPProcessor

    _, processor, tokenizer = save_clip(tmp_path)
    (tmp_path / "preprocessor_config.json").unlink()
    found = set()
    for mean in (0.5, 0.1):
        processor.image_mean = [mean] * 3
        CLIPProcessor(processor, tokenizer).save_pretrained(tmp_path)
        assert not (tmp_path / "preprocessor_config.json").exists()
        found.add(encoders.load_image_encoder(str(tmp_path)).fingerprint)
    assert len(found) == 2


def listed(folder: Path, *kinds: tuple[str, str]) -> None:
    """Write the list of modules of a sentence-transformers folder."""
    modules = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for kind, path in kinds]
    (folder / "modules.json").write_text(json.dumps(modules))


def test_sentence_transformers_folders_of_clip(tmp_path: Path) -> None:
    inner = tmp_path / "0_CLIPModel"
    inner.mkdir()
    save_clip(inner)
    expected = encoders.load_image_encoder(str(inner)).encode(pictures())
    listed(tmp_path, ("CLIPModel", "0_CLIPModel"))
    np.testing.assert_allclose(encoders.load_image_encoder(str(tmp_path)).encode(pictures()), expected)
    assert encoders.load_text_encoder(str(tmp_path)).dim == 24
    listed(tmp_path, ("CLIPModel", "0_CLIPModel"), ("Dense", "1_Dense"))
    for load in (encoders.load_image_encoder, encoders.load_text_encoder):
        with pytest.raises(encoders.EncoderError, match="cannot go through its Dense module"):
            load(str(tmp_path))
    listed(tmp_path, ("CLIPModel", "0_CLIPModel"))
    for settings in ({"truncate_dim": 8}, {"prompts": {"query": "find: ", "document": ""}}):
        (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(settings))
        with pytest.raises(encoders.EncoderError, match="cannot be followed beside pictures"):
            encoders.load_image_encoder(str(tmp_path))


def test_an_imagenet_classifier_keeps_its_classes(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTForImageClassification

    from encoders.class_files import imagenet_names

    names = dict(enumerate(imagenet_names()))
    model = ViTForImageClassification(ViTConfig(**VISION, id2label=names, label2id={v: k for k, v in names.items()}))
    processor = save_with_processor(model, tmp_path)
    encoder = encoders.load_image_encoder(str(tmp_path))
    assert encoder.classes is not None
    scores = encoder.encode(pictures()) @ encoder.classes.weight.T + encoder.classes.bias
    np.testing.assert_allclose(scores, outputs(model, processor).logits.numpy(), atol=1e-4)


def test_another_classifier_has_features_but_no_imagenet_classes(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTForImageClassification

    save_with_processor(ViTForImageClassification(ViTConfig(**VISION, num_labels=7)), tmp_path)
    encoder = encoders.load_image_encoder(str(tmp_path))
    assert (encoder.dim, encoder.classes) == (32, None)


def test_a_classifier_without_classes_is_a_backbone(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTForImageClassification

    model = ViTForImageClassification(ViTConfig(**VISION, num_labels=0))
    processor = save_with_processor(model, tmp_path)
    expected = outputs(model.vit, processor).last_hidden_state[:, 0].numpy()
    np.testing.assert_allclose(encoders.load_image_encoder(str(tmp_path)).encode(pictures()), expected, atol=1e-4)


def test_a_picture_tower_alone_keeps_its_projection(tmp_path: Path) -> None:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    model = CLIPVisionModelWithProjection(CLIPVisionConfig(**VISION, projection_dim=24))
    processor = save_with_processor(model, tmp_path)
    expected = outputs(model, processor).image_embeds.numpy()
    np.testing.assert_allclose(encoders.load_image_encoder(str(tmp_path)).encode(pictures()), expected, atol=1e-4)


def test_a_model_that_cannot_be_run_is_told_in_one_line(tmp_path: Path) -> None:
    from transformers import SwiftFormerConfig, SwiftFormerForImageClassification

    config = SwiftFormerConfig(num_labels=7, depths=[1, 1, 1, 1], embed_dims=[16, 16, 24, 32])  # it has two classifiers
    save_with_processor(SwiftFormerForImageClassification(config), tmp_path)
    with pytest.raises(encoders.EncoderError, match=r'cannot be run here \(RuntimeError: .*\); use "auto"'):
        encoders.load_image_encoder(str(tmp_path))


def test_clip_has_both_towers_in_one_space(tmp_path: Path) -> None:
    model, processor, tokenizer = save_clip(tmp_path)
    encoder = encoders.load_image_encoder(str(tmp_path))
    expected = outputs(model, processor, **tokenizer(TEXTS, padding=True, return_tensors="pt"))
    assert encoder.text_tower is not None
    assert encoder.dim == encoder.text_tower.dim == 24
    assert cosines(encoder.encode(pictures()), expected.image_embeds.numpy()).min() > 0.99999
    assert cosines(encoder.text_tower.encode(TEXTS), expected.text_embeds.numpy()).min() > 0.99999

    as_text = encoders.load_text_encoder(str(tmp_path))
    assert as_text.fingerprint == encoder.text_tower.fingerprint != encoder.fingerprint


def test_what_is_released_keeps_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from encoders import vision_models

    loaded: list[weakref.ref[Any]] = []
    plain = vision_models._load

    def load(*arguments: Any) -> tuple[Any, bool]:
        model, pooled = plain(*arguments)
        loaded.append(weakref.ref(model))
        return model, pooled

    monkeypatch.setattr(vision_models, "_load", load)
    monkeypatch.setenv("MULTIMODAL_REC_CACHE", str(tmp_path / "cache"))
    (tmp_path / "clip").mkdir()
    save_clip(tmp_path / "clip")
    encoder = encoders.load_image_encoder(str(tmp_path / "clip"))
    assert len(loaded) == 1, "both sides share them"
    encoder.release()
    gc.collect()
    assert loaded[0]() is None


@pytest.mark.parametrize("side", ["right", "left"])
def test_siglip_texts_fill_the_window(side: str, tmp_path: Path) -> None:
    import torch
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel

    tokenizer = save_tokenizer(tmp_path, window=16)
    tokenizer.padding_side = side
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings | {"padding_side": side}))
    text = {**VISION, "vocab_size": 40, "max_position_embeddings": 16, "projection_size": 32}
    text |= {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    torch.manual_seed(0)
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=VISION)).eval()
    model.save_pretrained(tmp_path)
    processor: Any = SiglipImageProcessor(size={"height": 32, "width": 32})
    processor.save_pretrained(tmp_path)

    encoder = encoders.load_image_encoder(str(tmp_path))
    tokens = tokenizer(TEXTS, padding="max_length", return_tensors="pt")
    expected = outputs(model, processor, input_ids=tokens["input_ids"])
    assert encoder.text_tower is not None
    assert cosines(encoder.encode(pictures()), expected.image_embeds.numpy()).min() > 0.99999
    assert cosines(encoder.text_tower.encode(TEXTS), expected.text_embeds.numpy()).min() > 0.99999


def test_a_text_model_takes_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(encoders.EncoderError, match="takes no pictures"):
        encoders.load_image_encoder(str(save_bert(tmp_path)))


def test_a_model_that_cannot_be_had() -> None:
    with pytest.raises(encoders.EncoderError, match=r'cannot be downloaded .*"auto"'):
        encoders.load_image_encoder("no-such-org/no-such-model")


def test_preprocessing_that_leaves_pictures_of_many_sizes_is_refused(tmp_path: Path) -> None:
    from transformers import CLIPImageProcessor

    vit().save_pretrained(tmp_path)
    processor: Any = CLIPImageProcessor(size={"shortest_edge": 32}, do_center_crop=False)
    processor.save_pretrained(tmp_path)
    with pytest.raises(encoders.EncoderError, match="does not bring pictures to one size"):
        encoders.load_image_encoder(str(tmp_path))


TEXT = {name: VISION[name] for name in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")}
TEXT |= {"vocab_size": 40, "max_position_embeddings": 20}


def llava() -> Any:
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

    towers = {"text_config": LlamaConfig(**TEXT), "vision_config": CLIPVisionConfig(**VISION)}
    return LlavaForConditionalGeneration(LlavaConfig(**towers, image_token_index=5))


def blip2() -> Any:
    from transformers import Blip2Config, Blip2Model

    text = {"model_type": "opt", "ffn_dim": 64, "word_embed_proj_dim": 32, **TEXT}
    return Blip2Model(
        Blip2Config(text_config=text, vision_config=VISION, qformer_config=TEXT | {"encoder_hidden_size": 32})
    )


def flava() -> Any:
    from transformers import FlavaConfig, FlavaModel

    sizes = {"hidden_size": 32, "projection_dim": 24, "multimodal_config": TEXT}
    return FlavaModel(FlavaConfig(text_config=TEXT, image_config=VISION, **sizes))


def texts_alone() -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(CLIPTextConfig(**TEXT, bos_token_id=1, eos_token_id=2, pad_token_id=0))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (llava, "gives no single vectors of pictures and of texts in one space"),
        (blip2, "this kind of model gives no single vector of a picture or of a text"),
        (flava, "this kind of model gives no single vector of a picture or of a text"),
        (texts_alone, "does not take pictures alone"),
    ],
)
def test_models_that_give_no_vector_of_a_picture_are_told(
    tmp_path: Path, build: Callable[[], Any], reason: str
) -> None:
    save_tokenizer(tmp_path, window=20)
    save_with_processor(build(), tmp_path)
    with pytest.raises(encoders.EncoderError, match=f'{reason}.*"auto"'):
        encoders.load_image_encoder(str(tmp_path))
    if build in {llava, blip2}:
        with pytest.raises(encoders.EncoderError, match=reason):
            encoders.load_text_encoder(str(tmp_path))


def test_a_model_that_takes_patches_is_told(tmp_path: Path) -> None:
    from transformers import Siglip2ImageProcessor

    save_clip(tmp_path)
    processor: Any = Siglip2ImageProcessor(patch_size=8, max_num_patches=16)
    processor.save_pretrained(tmp_path)
    with pytest.raises(encoders.EncoderError, match="takes pictures in parts"):
        encoders.load_image_encoder(str(tmp_path))
