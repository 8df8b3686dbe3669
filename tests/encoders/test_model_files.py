"""Of a model's folder the files that are loaded, and no others, are fetched and counted in its fingerprint."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import encoders
from encoders.model_files import model_folder, weight_files
from tests.encoders.small_models import TEXTS, save_bert

SHARDS = {
    "safetensors": ["model-00001.safetensors", "model-00002.safetensors"],
    "bin": ["pytorch_model-1.bin", "pytorch_model-2.bin"],
}


def fill(folder: Path, names: list[str]) -> Path:
    """Put files of these names into a folder; an index names the shards of its kind."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shards = SHARDS["bin" if ".bin" in name else "safetensors"]
        index = {"weight_map": {f"layer.{place}": shards[place % 2] for place in range(5)}}
        path.write_text(json.dumps(index if name.endswith(".index.json") else {}))
    return folder


@pytest.mark.parametrize(
    ("others", "loaded"),
    [
        (["extra.safetensors", "pytorch_model.bin", "model.safetensors.index.json"], ["model.safetensors"]),
        (["model.safetensors.index.json", "extra.safetensors", "pytorch_model.bin"], SHARDS["safetensors"]),
        (["extra.safetensors", "pytorch_model.bin.index.json"], ["pytorch_model.bin"]),
        (["extra.safetensors", "pytorch_model.bin.index.json", "pytorch_model_old.bin"], SHARDS["bin"]),
    ],
)
def test_what_is_counted_is_what_transformers_loads(tmp_path: Path, others: list[str], loaded: list[str]) -> None:
    assert [path.name for path in weight_files(fill(tmp_path, [*others, *loaded]))] == loaded
    (tmp_path / loaded[-1]).unlink()
    if len(loaded) > 1:
        with pytest.raises(encoders.EncoderError, match=f"lacks weights .{loaded[-1]}"):
            weight_files(tmp_path)


def test_a_file_that_the_settings_name_is_loaded(tmp_path: Path) -> None:
    fill(tmp_path, ["model.safetensors", "other.safetensors"])
    (tmp_path / "config.json").write_text('{"transformers_weights": "other.safetensors"}')
    assert [path.name for path in weight_files(tmp_path)] == ["other.safetensors"]


def test_weights_beside_other_files_decide_on_the_vectors(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = save_bert(tmp_path / "model")
    first = encoders.load_text_encoder(str(folder))
    (folder / "model.safetensors").rename(folder / "extra.safetensors")
    other = save_bert(tmp_path / "other", seed=9)
    for place in (folder, other):
        torch.save(load_file(other / "model.safetensors"), place / "pytorch_model.bin")
    (other / "model.safetensors").unlink()
    second, expected = (encoders.load_text_encoder(str(place)) for place in (folder, other))
    assert first.fingerprint != second.fingerprint == expected.fingerprint
    np.testing.assert_array_equal(second.encode(TEXTS), expected.encode(TEXTS))


@pytest.mark.parametrize(
    ("stored", "left"),
    [
        (["model.safetensors", "pytorch_model.bin", "onnx/model.onnx"], {"pytorch_model.bin", "onnx/model.onnx"}),
        (["extra.safetensors", "pytorch_model.bin", "2_Dense/model.safetensors", "2_Dense/pytorch_model.bin"],
         {"2_Dense/pytorch_model.bin"}),
        (["model.safetensors", "pytorch_model.bin", "2_Dense/pytorch_model.bin"], {"pytorch_model.bin"}),
        (["pytorch_model.bin.index.json", *SHARDS["bin"]], set()),
    ],
)  # fmt: skip
def test_weights_that_are_loaded_are_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: list[str], left: set[str]
) -> None:
    from huggingface_hub.utils import filter_repo_objects

    hub, local = fill(tmp_path / "hub", stored), tmp_path / "local"
    kinds = {"": "Transformer"} | ({"2_Dense": "Dense"} if (hub / "2_Dense").exists() else {})
    listed = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in kinds.items()]
    (hub / "modules.json").write_text(json.dumps(listed))

    def snapshot_download(_: str, **patterns: Any) -> str:
        held = [path.relative_to(hub).as_posix() for path in hub.rglob("*") if path.is_file()]
        for name in filter_repo_objects(held, **patterns):
            (local / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(hub / name, local / name)
        return str(local)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    folder = model_folder("someone/model")
    fetched = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {*stored, "modules.json"} - fetched == left
