"""What every encoder looks like from outside: the protocols, their results and their errors.

```
EncoderError   a model cannot be had, loaded or run here
MediaError     a file or a text cannot be encoded
```
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

FloatArray = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]


class EncoderError(Exception):
    """A model that cannot be had, loaded or run; one line that ends with the remedy."""


class MediaError(Exception):
    """A file or a text that cannot be encoded; one line with the reason."""


@dataclass(frozen=True)
class Classes:
    """The linear ImageNet-1k classifier on top of an encoder's features: `logits = features @ weight.T + bias`.

    `names` are the 1,000 class names, `weight` float32 (c, dim), `bias` float32 (c,).
    """

    names: tuple[str, ...]
    weight: FloatArray
    bias: FloatArray


@dataclass(frozen=True)
class Encoding:
    """One medium as vectors: the whole, and its parts where it has several.

    `vector` is float32 (dim,). `parts` is float32 (p, dim): the passages of a long text (p = 0 where it fits the
    window), the shots of a clip, the frames of an animated picture (p = 0 where there is one). `spans` says where each
    part lies: (start, end) in seconds, or in characters of the cleaned text. `note` tells what was left out, if anything.
    """

    vector: FloatArray
    parts: FloatArray
    spans: tuple[tuple[float, float], ...] = ()
    note: str = ""

    @staticmethod
    def whole(vector: FloatArray) -> Encoding:
        """Return the encoding of a medium that has no parts."""
        return Encoding(vector, np.empty((0, vector.shape[-1]), np.float32))


@runtime_checkable
class TextEncoder(Protocol):
    """Texts to unit-length vectors."""

    @property
    def reference(self) -> str:
        """The reference that this encoder was loaded by."""

    @property
    def fingerprint(self) -> str:
        """Hex digest that changes whenever the vectors could."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return float32 (n, dim), unit length; a text longer than the window counts to its end."""

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """Return the same of texts that ask for others, which some models tell apart."""

    def encode_long(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text, with the passages of those longer than the window."""

    def open(self) -> None:
        """Make ready to encode, as the first use would; raises EncoderError where it would."""

    def release(self) -> None:
        """Give the model's memory back; the next use opens it again."""


@runtime_checkable
class ImageEncoder(Protocol):
    """Pictures to raw feature vectors, which are not normalised: a classifier may sit on top."""

    @property
    def reference(self) -> str:
        """The reference that this encoder was loaded by."""

    @property
    def fingerprint(self) -> str:
        """Hex digest that changes whenever the vectors could."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def classes(self) -> Classes | None:
        """The ImageNet-1k classifier on the features, if the model has one that is linear."""

    @property
    def text_tower(self) -> TextEncoder | None:
        """Encodes texts into the same space as the pictures; CLIP- and SigLIP-like models only."""

    def prepare(self, image: Image.Image) -> npt.NDArray[Any]:
        """Return the network's input for an RGB picture, (3, H, W); safe to call from several threads."""

    def encode_prepared(self, batch: npt.NDArray[Any]) -> FloatArray:
        """Return raw features float32 (n, dim) of prepared pictures (n, 3, H, W)."""

    def encode(self, images: Sequence[Image.Image]) -> FloatArray:
        """Return raw features float32 (n, dim) of RGB pictures."""

    def open(self) -> None:
        """Make ready to encode, as the first use would; raises EncoderError where it would."""

    def release(self) -> None:
        """Give the model's memory back; the next use opens it again."""
