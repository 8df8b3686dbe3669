"""Networks that are ready to run: named arrays in, one float32 array out.

On a CPU, several single-threaded calls side by side beat one call that splits every layer over the cores: nothing waits
for the slowest core between layers, and a small batch stays in a core's cache. So a network says which batch size suits
it and takes many batches at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from encoders.base import FloatArray

if TYPE_CHECKING:
    from torch import nn

CUDA_ROWS = (8, 64)  # smaller batches are filled up, as cuDNN plans each layer anew for every size

Inputs = Mapping[str, npt.NDArray[Any]]


class Network(Protocol):
    """Runs batches of inputs; safe to call from several threads."""

    def batch_size(self, on_cpu: int, on_cuda: int) -> int:
        """Return the one of two numbers of rows that suits the device: few stay in a core's cache, many keep a GPU busy."""

    def run(self, batches: Sequence[Inputs]) -> list[FloatArray]:
        """Return one float32 array per batch, in order."""


class OnnxNetwork:
    """An ONNX file in ONNX Runtime on the CPU, batches spread over threads."""

    def __init__(self, path: Path, threads: int) -> None:
        """Open the file; ONNX Runtime's own exception tells what is wrong with a damaged one."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # the parallelism is across batches, in the callers' threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="encode")

    def batch_size(self, on_cpu: int, on_cuda: int) -> int:  # noqa: ARG002
        """Return the CPU's."""
        return on_cpu

    def run(self, batches: Sequence[Inputs]) -> list[FloatArray]:
        """Run the batches, side by side when there are several."""
        if len(batches) == 1:
            return [self._run_one(batches[0])]
        return list(self._pool.map(self._run_one, batches))

    def _run_one(self, inputs: Inputs) -> FloatArray:
        (output,) = self._session.run(None, dict(inputs))
        return np.asarray(output, np.float32)


class TorchNetwork:
    """A torch module: on CUDA, and the fallback on a CPU for what ONNX cannot express."""

    def __init__(self, module: nn.Module, threads: int, device: str = "cpu", *, half: bool = False) -> None:
        """Move the module to the device, changed to half precision or not; `threads` caps torch's own on a CPU."""
        import torch

        self._on_cuda = device != "cpu"
        self._device = device
        self._half = half
        self._threads = threads
        self._module = (module.half() if half else module).to(device).eval()
        if self._on_cuda:
            self._module = self._module.to(memory_format=torch.channels_last)  # what its matrix units read
        # On CUDA all runs in one thread: cuDNN plans each layer anew for every one that asks, for 1.6 s in all.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="cuda")

    def batch_size(self, on_cpu: int, on_cuda: int) -> int:
        """Return the device's."""
        return on_cuda if self._on_cuda else on_cpu

    def run(self, batches: Sequence[Inputs]) -> list[FloatArray]:
        """Run the batches one after the other, on CUDA in one thread whoever asks."""
        return self._pool.submit(self._run, batches).result() if self._on_cuda else self._run(batches)

    def _run(self, batches: Sequence[Inputs]) -> list[FloatArray]:
        import torch

        # Asked for by each thread that runs, as the setting may be its own.
        if not self._on_cuda and torch.get_num_threads() > self._threads:
            torch.set_num_threads(self._threads)
        with torch.inference_mode():
            outputs = [self._module(*(self._tensor(array) for array in inputs.values())) for inputs in batches]
            counts = [len(next(iter(inputs.values()))) for inputs in batches]
            return [output[:count].float().cpu().numpy() for output, count in zip(outputs, counts, strict=True)]

    def _tensor(self, array: npt.NDArray[Any]) -> Any:
        import torch

        if self._on_cuda:
            rows = next((rows for rows in CUDA_ROWS if rows >= len(array)), len(array))
            array = np.concatenate([array, np.repeat(array[-1:], rows - len(array), axis=0)])
        tensor = torch.from_numpy(np.ascontiguousarray(array)).to(self._device, non_blocking=True)
        return tensor.half() if self._half and tensor.is_floating_point() else tensor
