"""On a CUDA device: the vectors are the CPU's, though most models run in half precision there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import encoders
from encoders.threads import cuda_available
from tests.encoders.conftest import cosines, draw
from tests.encoders.small_models import TEXTS, save_bert, save_clip
from tests.encoders.test_text_models import with_modules
from tests.encoders.test_torchvision_models import save_random
from tests.encoders.test_vision_models import convnext, dinov2, resnet, save_with_processor, vit

pytestmark = pytest.mark.skipif(not cuda_available(), reason="there is no CUDA device")


def on_both(load: Callable[[], Any], patch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Return an encoder that runs on the CPU and the same one on CUDA."""
    on_cpu = opened(load())  # see conftest.py
    with patch.context() as inside:
        inside.delenv("CUDA_VISIBLE_DEVICES")
        on_cuda = opened(load())
    assert on_cuda.fingerprint == on_cpu.fingerprint
    return on_cpu, on_cuda


def opened(encoder: Any) -> Any:
    encoder.open()
    if tower := getattr(encoder, "text_tower", None):
        tower.open()
    return encoder


def check_texts(load: Callable[[], Any], patch: pytest.MonkeyPatch) -> None:
    on_cpu, on_cuda = on_both(load, patch)
    texts = [*TEXTS, " ".join(["red shoe of the quiet house."] * 300)]
    assert cosines(on_cuda.encode(texts), on_cpu.encode(texts)).min() > 0.9999


def check_pictures(load: Callable[[], Any], patch: pytest.MonkeyPatch) -> None:
    on_cpu, on_cuda = on_both(load, patch)
    pictures = [draw(seed, (300, 260)) for seed in range(5)]
    assert cosines(on_cuda.encode(pictures), on_cpu.encode(pictures)).min() > 0.999
    if on_cpu.text_tower:
        assert cosines(on_cuda.text_tower.encode(TEXTS), on_cpu.text_tower.encode(TEXTS)).min() > 0.999


def test_the_packaged_text_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    check_texts(encoders.load_text_encoder, monkeypatch)


def test_the_packaged_image_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    check_pictures(encoders.load_image_encoder, monkeypatch)


@pytest.mark.parametrize("mode", ["mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"])
def test_each_pooling(mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bert").mkdir()
    folder = with_modules(save_bert(tmp_path / "bert"), tmp_path, [mode], dense=12)
    check_texts(lambda: encoders.load_text_encoder(str(folder)), monkeypatch)


@pytest.mark.parametrize("build", [vit, dinov2, resnet, convnext])
def test_backbones(build: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_with_processor(build(), tmp_path)
    check_pictures(lambda: encoders.load_image_encoder(str(tmp_path)), monkeypatch)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "resnet18", "squeezenet1_1", "vit_b_16"])
def test_classifiers_of_torchvision(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights.pth"
    save_random(name, path)
    check_pictures(lambda: encoders.load_image_encoder(f"torchvision:{name}:{path}"), monkeypatch)


def test_both_towers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_clip(tmp_path)
    check_pictures(lambda: encoders.load_image_encoder(str(tmp_path)), monkeypatch)


def test_a_model_that_overflows_half_precision_runs_in_single(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import torch
    from transformers import BertModel

    folder = save_bert(tmp_path / "bert")
    model = BertModel.from_pretrained(folder)
    with torch.no_grad():
        model.encoder.layer[0].intermediate.dense.weight *= 1e5
        model.encoder.layer[0].output.dense.weight *= 1e3
    model.save_pretrained(folder)
    with caplog.at_level(logging.WARNING):
        on_cpu, on_cuda = on_both(lambda: encoders.load_text_encoder(str(folder)), monkeypatch)
    assert "half precision" in caplog.text
    np.testing.assert_allclose(on_cuda.encode(TEXTS), on_cpu.encode(TEXTS), atol=1e-2)


def test_released_memory_goes_back_to_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    _, on_cuda = on_both(encoders.load_image_encoder, monkeypatch)
    before = torch.cuda.memory_reserved()
    on_cuda.release()
    assert torch.cuda.memory_reserved() < before
