"""Look over the installation: what is there, what is not, and how to mend it."""

from __future__ import annotations

import importlib
import os
import platform
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `remedy` is empty where it is well."""

    name: str
    ok: bool
    value: str
    remedy: str = ""


LIBRARIES = {
    "torch": "torch",
    "torchvision": "torchvision",
    "transformers": "transformers",
    "onnxruntime": "onnxruntime",
    "faiss-cpu": "faiss",
    "opencv-python": "cv2",
    "pillow": "PIL",
    "numpy": "numpy",
    "pyarrow": "pyarrow",
}


def examine() -> list[Finding]:
    """Look at everything, in the order in which it should be mended."""
    return [
        Finding("python", sys.version_info >= (3, 11), platform.python_version(), "install Python 3.11 or newer"),
        Finding(
            "sqlite", sqlite3.sqlite_version_info >= (3, 27), sqlite3.sqlite_version, "install SQLite 3.27 or newer"
        ),
        *(_library(package, module) for package, module in LIBRARIES.items()),
        _model("text encoder (auto)", _try_text),
        _model("image encoder (auto)", _try_image),
        _threads(),
        _accelerator(),
    ]


def _library(package: str, module: str) -> Finding:
    try:
        found = version(package)
    except PackageNotFoundError:
        return Finding(package, False, "not installed", f"pip install {package}")
    try:
        importlib.import_module(module)
    except ImportError as error:
        return Finding(package, False, f"{found}, does not load: {error}", _remedy(package, str(error)))
    return Finding(package, True, found)


def _remedy(package: str, reason: str) -> str:
    """What to do about a library that is installed but does not load."""
    if "libGL" in reason:
        return "install the system library libGL: apt-get install libgl1 (or your system's name for it)"
    if "libgthread" in reason or "libglib" in reason:
        return "install the system library GLib: apt-get install libglib2.0-0 (or your system's name for it)"
    return f"pip install --force-reinstall {package}"


def _model(name: str, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, attempt())
    except Exception as error:  # whatever is wrong with a model is a finding, not a crash
        return Finding(name, False, str(error).splitlines()[0], "pip install --force-reinstall multimodal-rec")


def _try_text() -> str:
    from encoders import load_text_encoder

    encoder = load_text_encoder()
    same, other = encoder.encode(["a boat on the sea", "a ship on the ocean"]) @ encoder.encode(["tax law"])[0]
    near = float(encoder.encode(["a boat on the sea"])[0] @ encoder.encode(["a ship on the ocean"])[0])
    if near < max(same, other):
        raise RuntimeError("the vectors make no sense")
    return f"{encoder.dim} dimensions, {encoder.fingerprint[:12]}"


def _try_image() -> str:
    from PIL import Image

    from encoders import load_image_encoder

    encoder = load_image_encoder()
    encoder.encode([Image.new("RGB", (64, 64), "teal")])
    return f"{encoder.dim} dimensions, {encoder.fingerprint[:12]}"


def _threads() -> Finding:
    from encoders.threads import default_threads

    value = (
        f"{default_threads()} of {os.cpu_count()} CPUs, OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'unset')}"
    )
    return Finding("threads", True, value)


def _accelerator() -> Finding:
    from encoders.threads import cuda_available

    return Finding("accelerator", True, "CUDA" if cuda_available() else "none: the CPU is used")
