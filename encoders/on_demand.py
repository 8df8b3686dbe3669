"""A network that is opened when it is first run, or asked for: knowing a model's fingerprint and the length of its vectors
is cheap.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from encoders.base import FloatArray
from encoders.cache import atomic_file
from encoders.export import cached_path, open_network
from encoders.memory import return_freed_memory
from encoders.model_files import as_encoder_error
from encoders.network import Inputs, Network

if TYPE_CHECKING:
    from torch import nn

LEAST_LEAK = 5e-3  # of the largest output; padding that is seen changes it by some 0.1, half precision by 1e-3


class Output(NamedTuple):
    """What is known of a network's vectors: their length, and whether they stay the same with padding beside them."""

    dim: int
    bears_padding: bool


class NetworkOnDemand:
    """Opens a network when it is needed, which may then raise EncoderError, as at any other time.

    `forget` lets go of what `opening` keeps for the next one.
    """

    def __init__(
        self, reference: str, opening: Callable[[], Network], forget: Callable[[], None] = lambda: None
    ) -> None:
        self._reference = reference
        self._opening = opening
        self._forget = forget
        self._opened: Network | None = None
        self._lock = Lock()  # the first batches may come from several threads

    def batch_size(self, on_cpu: int, on_cuda: int) -> int:
        """Return the one of two numbers of rows that suits the device."""
        return self.open().batch_size(on_cpu, on_cuda)

    def run(self, batches: Sequence[Inputs]) -> list[FloatArray]:
        """Return one float32 array per batch, in order; raises EncoderError when it cannot be opened or run."""
        network = self.open()
        with as_encoder_error(self._reference):
            return network.run(batches)

    def open(self) -> Network:
        """Return the network, opened; raises EncoderError when it cannot be."""
        with self._lock:
            if self._opened is None:
                with as_encoder_error(self._reference):
                    self._opened = self._opening()
            return self._opened

    def release(self) -> None:
        """Let go of the network and its memory; the next run opens it again."""
        with self._lock:
            had, self._opened = self._opened is not None, None
            self._forget()
        if had:
            return_freed_memory()


def network_of(
    reference: str,
    fingerprint: str,
    build: Callable[[], nn.Module],
    example: Inputs,
    threads: int,
    *,
    dynamic: tuple[int, ...] = (0,),
    others: Sequence[Inputs] = (),
    forget: Callable[[], None] = lambda: None,
) -> tuple[NetworkOnDemand, Output]:
    """Return a module's network, not opened yet, and what is known of its vectors.

    Takes what `open_network` does, and `forget` as `NetworkOnDemand`; raises as `remembered_output`.
    """
    network = NetworkOnDemand(
        reference, lambda: open_network(fingerprint, build, example, threads, dynamic, others), forget
    )
    return network, remembered_output(reference, network, example, cached_path(fingerprint, ".output.json"))


def remembered_output(reference: str, network: Network, example: Inputs, note: Path) -> Output:
    """Return what is known of the network's vectors, from a note beside its export or by running the example.

    So a model that is used for the first time is opened here; later it need not be. Raises EncoderError when it cannot
    be run.
    """
    if noted := _read(note):
        return noted
    with as_encoder_error(reference):
        (vectors,) = network.run([example])
        _, dim = vectors.shape
        output = Output(dim, _bears_padding(network, example, vectors))
    try:
        with atomic_file(note) as part:
            part.write_text(json.dumps(output._asdict()))
    except OSError:
        pass  # a cache that cannot be written costs time only
    return output


def _bears_padding(network: Network, example: Inputs, vectors: FloatArray) -> bool:
    """Say whether the example's last row, which is padded where there is a mask, has the same vector without padding."""
    if "mask" not in example:
        return True
    length = int(example["mask"][-1].sum())
    (alone,) = network.run([{name: array[-1:, :length] for name, array in example.items()}])
    return bool(np.abs(alone[0] - vectors[-1]).max() <= LEAST_LEAK * np.abs(alone).max())


def _read(note: Path) -> Output | None:
    try:
        noted = Output(**json.loads(note.read_text()))
    except (OSError, ValueError, TypeError):
        return None  # absent or damaged: write it again
    return noted if type(noted.dim) is int and noted.dim > 0 and type(noted.bears_padding) is bool else None
