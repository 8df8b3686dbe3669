"""torchvision's classifiers with random weights in a local file, against torchvision's own outputs."""

from __future__ import annotations

import pickle
import shutil
import warnings
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest

import encoders
from encoders.export import cached_path, exported_graph
from tests.encoders.conftest import draw


def classifiers() -> list[str]:
    import torchvision

    return list(torchvision.models.list_models(module=torchvision.models))


def save_random(name: str, path: Path, **options: Any) -> Any:
    """Save a classifier with random weights and return it."""
    import torch
    import torchvision

    if name in {"googlenet", "inception_v3"}:
        options |= {"init_weights": False}
    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None, **options).eval()
    for key, parameter in model.named_parameters():
        if key.startswith("heads"):  # torchvision starts these at zero
            torch.nn.init.normal_(parameter, std=0.02)
    torch.save(model.state_dict(), path)
    return model


def check(name: str, path: Path) -> None:
    """Compare features and class scores of one classifier with torchvision's."""
    import torch
    import torchvision

    model = save_random(name, path)
    encoder = encoders.load_image_encoder(f"torchvision:{name}:{path}")
    transforms = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    images = [draw(1, (260, 300)), draw(2, (600, 330))]
    with torch.inference_mode():
        expected = model(torch.stack([transforms(image) for image in images])).numpy()
    assert encoder.classes is not None
    actual = encoder.encode(images) @ encoder.classes.weight.T + encoder.classes.bias
    assert np.abs(actual - expected).max() <= 1e-3 * np.abs(expected).max()
    assert encoder.dim == encoder.classes.weight.shape[1]
    shutil.rmtree(exported_graph(encoder.fingerprint).parent)
    for suffix in (".dim", ".classes.safetensors"):
        cached_path(encoder.fingerprint, suffix).unlink(missing_ok=True)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "squeezenet1_1", "resnet18", "shufflenet_v2_x0_5"])
def test_features_and_classes_equal_torchvision(name: str, tmp_path: Path) -> None:
    check(name, tmp_path / "weights.pth")


@pytest.mark.slow
@pytest.mark.parametrize("name", classifiers())
def test_every_classifier(name: str, tmp_path: Path) -> None:
    if name in {"regnet_y_128gf", "vit_h_14"}:
        pytest.skip("takes 2.6 GB and more for its weights alone")
    check(name, tmp_path / "weights.pth")


def test_a_classifier_of_other_classes_has_features_only(tmp_path: Path) -> None:
    save_random("mobilenet_v3_small", tmp_path / "seven.pth", num_classes=7)
    encoder = encoders.load_image_encoder(f"torchvision:mobilenet_v3_small:{tmp_path / 'seven.pth'}")
    assert (encoder.dim, encoder.classes) == (1024, None)


def test_a_squeezenet_of_other_classes(tmp_path: Path) -> None:
    save_random("squeezenet1_1", tmp_path / "seven.pth", num_classes=7)
    encoder = encoders.load_image_encoder(f"torchvision:squeezenet1_1:{tmp_path / 'seven.pth'}")
    assert (encoder.dim, encoder.classes) == (7, None)


def test_the_names_of_old_densenet_files_are_understood() -> None:
    from encoders.torchvision_models import _renamed

    old = {"features.denseblock1.denselayer1.norm.1.weight": 1, "features.denseblock1.denselayer1.conv.2.weight": 2}
    assert _renamed("densenet121", old) == {
        "features.denseblock1.denselayer1.norm1.weight": 1,
        "features.denseblock1.denselayer1.conv2.weight": 2,
    }


def test_what_cannot_be_had_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    import torchvision

    def no_network(*_: Any, **__: Any) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torchvision.models.ResNet18_Weights, "get_state_dict", no_network)
    with pytest.raises(encoders.EncoderError, match=r'cannot be downloaded .*no route to host.*"auto"'):
        encoders.load_image_encoder("torchvision:resnet18")
    with pytest.raises(encoders.EncoderError, match='no classifier "resnet19"'):
        encoders.load_image_encoder("torchvision:resnet19")
    with pytest.raises(encoders.EncoderError, match="no such weights file"):
        encoders.load_image_encoder(f"torchvision:resnet18:{tmp_path / 'absent.pth'}")


def test_pickles_are_never_run(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(encoders.EncoderError, match="do not load"), warnings.catch_warnings():
        encoders.load_image_encoder(f"torchvision:resnet18:{tmp_path / 'evil.pth'}")
    assert not (tmp_path / "ran").exists()


def test_of_a_whole_module_the_remedy_is_told(tmp_path: Path) -> None:
    import torch
    from torchvision.models import squeezenet1_1

    torch.save(squeezenet1_1(weights=None), tmp_path / "whole.pth")
    with pytest.raises(
        encoders.EncoderError, match=r"do not load \(no file of tensors alone: save model\.state_dict\(\)\); use"
    ):
        encoders.load_image_encoder(f"torchvision:squeezenet1_1:{tmp_path / 'whole.pth'}")


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    save_random("squeezenet1_1", tmp_path / "other.pth")
    with pytest.raises(encoders.EncoderError, match=r"weights of resnet18|do not load"):
        encoders.load_image_encoder(f"torchvision:resnet18:{tmp_path / 'other.pth'}")
