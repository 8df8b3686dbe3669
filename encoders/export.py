"""From a torch module to a network that runs fast here: exported to ONNX once, checked against torch, cached.

What is in the cache is named after the model's fingerprint, so nothing there can be stale; it may be deleted at any time.
An export is a folder with the graph and the weights in a file each: ONNX Runtime maps the weights into memory, which takes
a third of the time of reading one file with both, lets processes share them, and knows no limit of 2 GB. When it is there,
opening a network needs no torch. ONNX Runtime takes any bytes for weights: a digest of samples lies beside both.
"""

from __future__ import annotations

import copy
import logging
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from encoders.base import FloatArray
from encoders.cache import atomic_file, atomic_folder, cache_root
from encoders.digests import sampled
from encoders.fingerprint import settings_digest
from encoders.network import Inputs, Network, OnnxNetwork, TorchNetwork
from encoders.quiet import quiet
from encoders.threads import cuda_available

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

WEIGHTS = "weights"  # the file beside a graph
DIGEST = "sampled"  # likewise
EXPORT_VERSION = 4  # raise it when the way of exporting changes
TOLERANCE = 1e-3  # of the largest output; correct exports differ by some 1e-6
HALF_TOLERANCE = 2e-2  # likewise; half precision differs by some 1e-3, and by anything where it overflows

log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return the folder of exported models."""
    return cache_root() / "onnx"


def cached_path(fingerprint: str, suffix: str) -> Path:
    """Return where something about the model with this fingerprint lies, or would."""
    return cache_folder() / (settings_digest({"model": fingerprint, "export": EXPORT_VERSION})[:40] + suffix)


def exported_graph(fingerprint: str) -> Path:
    """Return where the ONNX file of the model with this fingerprint lies, or would; its weights are beside it."""
    return cached_path(fingerprint, ".export") / "model.onnx"


def open_network(
    fingerprint: str,
    build: Callable[[], nn.Module],
    example: Inputs,
    threads: int,
    dynamic: tuple[int, ...] = (0,),
    others: Sequence[Inputs] = (),
) -> Network:
    """Return the module as a network on the best device.

    That is CUDA where there is one, in half precision where that changes nothing, else ONNX Runtime on the CPU. `build`
    is called only when the module itself is needed: on CUDA, or when no export is cached. `example` holds two
    rows or more of valid input, in the order of the module's arguments, `dynamic` the axes whose length may vary, and
    `others` are inputs of lengths at which a module may take another path: an export holds the example's only.
    When the export fails or its outputs differ, torch runs the module instead, one warning is logged, and the same
    versions of the libraries do not try again. Raises ValueError when the module gives other outputs each time, or what
    are no numbers.
    """
    if cuda_available():
        return _on_cuda(build(), example, threads)
    graph = exported_graph(fingerprint)
    if graph.parent.exists():
        try:
            if (graph.parent / DIGEST).read_text() != _sampled(graph.parent):
                raise ValueError("not what was written")
            return OnnxNetwork(graph, threads)
        except Exception as error:
            log.warning("the cached export %s is damaged (%s); exporting again", graph.parent.name, _one_line(error))
            shutil.rmtree(graph.parent, ignore_errors=True)
    module = build().eval()
    given_up = cached_path(fingerprint, ".torch")
    if _is_noted(given_up):
        log.info("no ONNX export of this model, as was found before; torch runs it")
        return TorchNetwork(module, threads)
    try:
        with atomic_folder(graph.parent) as part:
            export(module, example, part / graph.name, dynamic)
            _compare(module, OnnxNetwork(part / graph.name, threads), example, dynamic, others)
            (part / DIGEST).write_text(_sampled(part))
    except Exception as error:
        fallback = TorchNetwork(module, threads)
        (first,), (second,) = fallback.run([example]), fallback.run([example])
        if not np.isfinite(first).all():
            raise ValueError("it gives values that are no numbers") from error
        if not np.allclose(first, second, rtol=TOLERANCE, atol=TOLERANCE * float(np.abs(first).max())):
            raise ValueError("it answers differently each time") from error
        log.warning("no ONNX export of this model (%s); torch runs it, more slowly", _one_line(error))
        if not isinstance(error, OSError | MemoryError) and "memory" not in str(error).lower():  # which pass
            with suppress(OSError), atomic_file(given_up) as part:
                part.write_text(_versions())
        return fallback
    return OnnxNetwork(graph, threads)


def _sampled(folder: Path) -> str:
    return sampled(sorted(path for path in folder.iterdir() if path.name != DIGEST))


def _is_noted(given_up: Path) -> bool:
    """Say whether these versions of the libraries have failed to export a model."""
    try:
        return given_up.read_text() == _versions()
    except (OSError, ValueError):
        return False  # absent or damaged: try again


def _versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "onnx", "onnxruntime"))


def _on_cuda(module: nn.Module, example: Inputs, threads: int) -> Network:
    """Return the module on CUDA in half precision, or as it is where half precision changes what it answers."""
    try:
        half = TorchNetwork(copy.deepcopy(module), threads, "cuda", half=True)
        (expected,), (actual,) = TorchNetwork(module, threads).run([example]), half.run([example])
        _check_close(actual, expected, HALF_TOLERANCE)
    except Exception as error:
        log.warning("this model cannot run in half precision (%s); it runs in single, more slowly", _one_line(error))
        return TorchNetwork(module, threads, "cuda")
    return half


def export(module: nn.Module, example: Inputs, path: Path, dynamic: tuple[int, ...] = (0,)) -> None:
    """Write the module as an ONNX file whose `dynamic` axes of input may have any length, the weights beside it."""
    import onnx
    import torch

    tensors = tuple(torch.from_numpy(array) for array in example.values())
    axes = {
        name: {axis: ("n", "length")[axis] for axis in dynamic if axis < array.ndim} for name, array in example.items()
    }
    with (
        quiet(),
        torch.no_grad(),
        _plain_attention(),
        _without_dump(),
        tempfile.TemporaryDirectory(dir=path.parent.parent) as folder,
    ):
        # Tracing warns of every Python branch on a shape, and of its own age; the outputs are compared later.
        torch.onnx.export(
            copy.deepcopy(module).eval(),  # the exporter may leave its module in training mode
            tensors,
            f"{folder}/{path.name}",  # beyond 2 GB with a file beside it for each weight
            dynamo=False,
            input_names=list(example),
            output_names=["vectors"],
            dynamic_axes={**axes, "vectors": {0: "n"}},
            opset_version=17,
        )
        model = onnx.load(f"{folder}/{path.name}")
    onnx.save_model(model, path, save_as_external_data=True, location=WEIGHTS)
    with suppress(FileNotFoundError):  # which a model with few weights does without
        (path.parent / WEIGHTS).chmod(path.stat().st_mode)


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Keep torch from its fused attention inside the block; the exporter does not know that operator."""
    import torch

    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


@contextmanager
def _without_dump() -> Iterator[None]:
    """Keep the exporter from writing out the graph of a failed export inside the block, which no setting of it does."""
    import torch

    write = torch._C._jit_onnx_log
    torch._C._jit_onnx_log = lambda *_: None
    try:
        yield
    finally:
        torch._C._jit_onnx_log = write


def _compare(
    module: nn.Module, network: Network, example: Inputs, dynamic: tuple[int, ...], others: Sequence[Inputs]
) -> None:
    """Raise ValueError unless the network answers as the module does: the example, a part of it, and other inputs."""
    import torch

    part = tuple(slice(1 if axis == 0 else -3) for axis in dynamic)
    for inputs in (example, {name: array[part] for name, array in example.items()}, *others):
        with torch.inference_mode():
            expected = module(*(torch.from_numpy(array) for array in inputs.values())).float().numpy()
        (actual,) = network.run([inputs])
        _check_close(actual, expected, TOLERANCE)


def _check_close(actual: FloatArray, expected: FloatArray, tolerance: float) -> None:
    """Raise ValueError when outputs differ by more than `tolerance` times the largest one; NaN always does."""
    if actual.shape != expected.shape:
        raise ValueError(f"it returns shape {actual.shape} for {expected.shape}")
    with np.errstate(invalid="ignore"):  # infinite ones differ by NaN
        difference, largest = float(np.abs(actual - expected).max()), float(np.abs(expected).max())
    if not difference <= tolerance * largest:
        raise ValueError(f"it differs by {difference:.2g} where the largest output is {largest:.2g}")


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
