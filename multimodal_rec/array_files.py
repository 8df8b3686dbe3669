"""Named arrays in safetensors files, written as any other file is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save


def save_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays under their names; raises OSError.

    The library's own `save_file` makes files that their owner alone may read, and raises no OSError on a full disk.
    """
    path.write_bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))
