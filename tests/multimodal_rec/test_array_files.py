"""Files of arrays are as readable as any other file, and a full disk is an OSError."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from multimodal_rec.array_files import save_arrays
from multimodal_rec.errors import WorkspaceError
from multimodal_rec.workspace import Workspace
from tests.multimodal_rec.test_workspace import files_end_at


def test_arrays_come_back_from_a_file_with_ordinary_permissions(tmp_path: Path) -> None:
    arrays = {"turned": np.arange(6, dtype=np.float32).reshape(2, 3).T, "none": np.zeros((0, 4), np.int64)}
    save_arrays(tmp_path / "a.safetensors", arrays)
    (tmp_path / "other").touch()
    assert (tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode
    loaded = load_file(tmp_path / "a.safetensors")
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws")
    with pytest.raises(WorkspaceError, match="make room"), workspace.writing(create=True), files_end_at(1000):
        save_arrays(tmp_path / "a.safetensors", {"large": np.zeros(1000, np.float32)})
