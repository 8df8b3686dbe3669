"""A bridge from pictures to the space of texts, for encoders that were never trained together.

Two parts, each of unit length and summed:

* the **label bridge** needs no data: a picture's class probabilities average the text vectors of the class names and of
  the scenes they stand for (Norouzi et al. 2013, "Zero-Shot Learning by Convex Combination of Semantic Embeddings");
* the **learned bridge** is a kernel ridge regression from pictures to texts, fitted on the catalogue's own items that
  have both, in the coordinates along the axes in which pictures differ most where they are sharpened. How much each
  part counts, and how far the sum can be trusted, is what foretells the texts of pairs best that were left out of the
  fit, one at a time.

Texts that are much alike, such as "Photo 17" and "Photo 18", leave unsaid what sets their pictures apart, and from those
that no picture foretells nothing can be learned. There the label bridge stands alone, and counts in an item as much as
the texts leave unsaid.

Encoders with a text tower of their own (CLIP) need no label bridge, and have none.

Features that are never negative, as after a rectifier, tell how much of each pattern a picture holds. Their square roots
are compared, so that a pattern that fills the picture does not drown the others (Arandjelović and Zisserman 2012,
"Three things everyone should know to improve object retrieval").
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from encoders import Classes, TextEncoder, class_scenes
from encoders.memory import return_freed_memory
from multimodal_rec.array_files import save_arrays
from multimodal_rec.arrays import BoolArray, FloatArray, IntArray
from multimodal_rec.kernel_ridge import MOST_PAIRS, KernelRidge, drawn_evenly, kernel
from multimodal_rec.sharpening import MOST_PICTURES, principal_axes, sharpened
from multimodal_rec.threads import one_thread

PROMPT = "a photo of a {}"
TEMPERATURE = 2.0
TOP_CLASSES = 50
MIN_PAIRS = 50
MOST_ALIKE = 32
"""So many items with the same text teach, such as the name of a folder: from more, a bridge would learn that text alone."""
ROWS_AT_ONCE = 1024
"""So many of a catalogue's rows are worked on at once: what is made of them on the way takes several times their memory."""
LABEL_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""What is tried as the share of the label bridge beside the learned one."""
LEAST_GAIN = 0.02
"""A label bridge that raises the trust by a smaller share than this is left out: it takes as much work and memory as the
learned one."""
LEAST_TOLD = 0.125
"""What a learned bridge foretells of that which sets texts apart is at least this share of what they have in common, or
labels tell more: of films without words it told genres as well as they did where it was .1, twice as well at .25."""
BLIND_TRUST = 0.25
"""The cosine that a label bridge without a learned one is taken to reach."""
MOST_TRUSTED = 2.0
BRIDGED_BESIDE_TEXT = 0.5
"""Greatest weight of a bridged picture beside an item's own text, where pictures foretell texts."""


def unit(rows: FloatArray) -> FloatArray:
    """Rows scaled to unit length; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-12)


def present(rows: FloatArray) -> BoolArray:
    """(n,) which rows are not all zero."""
    return np.asarray(rows.any(axis=1))


class RowSource(Protocol):
    """n vectors of d dimensions: an array, or what reads rows when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """n and d."""

    def __getitem__(self, rows: IntArray, /) -> FloatArray:
        """Return the rows of these numbers."""


class Pictures(NamedTuple):
    """What n pictures are in a shared space; rows are of unit length or zero."""

    bridged: FloatArray  # (n, t) in the space of centred texts
    visual: FloatArray  # (n, v) centred features, sharpened where the alignment says so


@dataclass(frozen=True)
class Alignment:
    """The centres of both spaces, and the bridge between them."""

    text_mean: FloatArray  # (t,)
    image_mean: FloatArray  # (v,) of the roots where features are rectified
    rectified: BoolArray  # (1,) whether no feature is negative
    class_weight: FloatArray  # (c, v), c = 0 without a label bridge, or where it tells too little
    class_bias: FloatArray  # (c,)
    class_texts: FloatArray  # (c, t) centred
    axes: FloatArray  # (r, v) in which pictures differ most, see `sharpening`; r = 0 where they are taken as they are
    lost: FloatArray  # (r,) the share of each that sharpening takes away
    landmarks: FloatArray  # (m, r) coordinates of pictures, or (m, v) where r = 0; m = 0 without a learned bridge
    coefficients: FloatArray  # (m, t)
    label_share: FloatArray  # (1,) how much the label bridge counts, 0 to 1; the rest is the learned one's
    trust: FloatArray  # (1,) mean cosine of bridged pictures and the texts of pairs left out of the fit
    alike: FloatArray  # (1,) mean cosine of the texts of two items with pictures, 0 to 1: what they leave unsaid

    @classmethod
    def fit(
        cls,
        texts: RowSource,
        images: RowSource,
        classes: Classes | None,
        text_encoder: TextEncoder,
        *,
        sharpen: bool = True,
    ) -> Self:
        """Fit the bridge to a catalogue, of which no more than `MOST_PAIRS` rows are worked on together.

        Args:
            texts: (n, t) unit text vectors, zero where an item has no text.
            images: (n, v) raw features of pictures or clips, zero where an item has neither.
            classes: the linear classifier over the features, if there is one.
            text_encoder: embeds the names and the scenes of the classes.
            sharpen: whether pictures are sharpened; not where texts are compared with them as they are (CLIP).
        """
        told = _told(classes, text_encoder) if classes else []
        worded, looks = _are_present(texts), _survey(images)
        rectified = np.full(1, looks.present.any() and looks.least >= 0)
        some = np.flatnonzero(worded)
        some, different = _not_too_often(texts, some[drawn_evenly(len(some), MOST_PAIRS)])
        told_mean = np.asarray(np.concatenate(told).mean(0), np.float32) if told else None
        text_mean = _text_mean(texts, some, different, fallback=told_mean)
        image_mean = looks.mean_of_roots if rectified[0] else looks.mean
        empty = np.zeros((0, images.shape[1]), np.float32)
        unlearned = cls(
            text_mean=text_mean,
            image_mean=image_mean,
            rectified=rectified,
            class_weight=classes.weight if classes else empty,
            class_bias=classes.bias if classes else np.zeros(0, np.float32),
            class_texts=unit(np.sum([unit(rows - rows.mean(0)) for rows in told], axis=0))
            if told
            else np.zeros((0, text_encoder.dim), np.float32),
            axes=empty,
            lost=np.zeros(0, np.float32),
            landmarks=empty,
            coefficients=np.zeros((0, text_encoder.dim), np.float32),
            label_share=np.ones(1, np.float32),
            trust=np.full(1, BLIND_TRUST, np.float32),
            alike=np.zeros(1, np.float32),
        )
        if sharpen:
            some = np.flatnonzero(looks.present)
            some = some[drawn_evenly(len(some), MOST_PICTURES)]
            axes, lost = principal_axes(unlearned.centred_images(images[some]))
            unlearned = replace(unlearned, axes=axes, lost=lost)
            return_freed_memory()  # in pieces that are too small for the equations of the bridge
        pairs = np.flatnonzero(worded & looks.present)
        pairs, different = _not_too_often(texts, pairs[drawn_evenly(len(pairs), MOST_PAIRS)])
        alike = _alike(texts, pairs)
        unlearned = replace(unlearned, alike=np.full(1, alike, np.float32))
        if different < MIN_PAIRS:
            return unlearned
        learned = unlearned._learned(texts, images, pairs)
        if told_mean is None or learned.trust[0] * (1 - alike) >= LEAST_TOLD * alike:
            return learned
        return replace(unlearned, text_mean=np.asarray((1 - alike) * text_mean + alike * told_mean, np.float32))

    def _learned(self, texts: RowSource, images: RowSource, pairs: IntArray) -> Self:
        """With a bridge learned from these pairs, and the share of the label bridge beside it that foretells texts best."""
        inputs = np.concatenate([self._coordinates(self.centred_images(images[some])) for some in _in_chunks(pairs)])
        outputs = np.concatenate([self.centred_texts(texts[some]) for some in _in_chunks(pairs)])
        fitted = KernelRidge.fit(inputs, outputs)
        labels, learned = self._labels(images[pairs[fitted.judges]]), unit(fitted.foretold)
        shares = LABEL_SHARES if len(self.class_weight) else LABEL_SHARES[:1]
        trusts = [
            float((unit(share * labels + (1 - share) * learned) * outputs[fitted.judges]).sum(1).mean())
            for share in shares
        ]
        best = int(np.argmax(trusts))
        if trusts[best] < (1 + LEAST_GAIN) * trusts[0]:
            best = 0
        return replace(
            self if shares[best] else self._without_labels(),
            landmarks=fitted.landmarks,
            coefficients=fitted.coefficients,
            label_share=np.full(1, shares[best], np.float32),
            trust=np.full(1, trusts[best], np.float32),
        )

    def _without_labels(self) -> Self:
        return replace(
            self,
            class_weight=self.class_weight[:0],
            class_bias=self.class_bias[:0],
            class_texts=self.class_texts[:0],
        )

    @property
    def bridge_weight(self) -> float:
        """How much a bridged picture counts beside the picture's own features, which count 1.

        The odds of its trust: as much of a text as it foretells, to what it leaves open.
        """
        trust = min(max(float(self.trust[0]), 0.0), 0.99)
        return min(MOST_TRUSTED, trust / (1 - trust))

    @property
    def weight_beside_text(self) -> float:
        """How much a bridged picture counts in an item that has a text of its own, which counts 1.

        Where labels alone tell what it shows, no less than texts leave unsaid.
        """
        weight = min(BRIDGED_BESIDE_TEXT, self.bridge_weight)
        return weight if len(self.landmarks) else max(weight, float(self.alike[0]))

    def centred_texts(self, texts: FloatArray) -> FloatArray:
        """(n, t) text vectors about the centre of their space, unit length; rows of zeros stay."""
        return np.where(present(texts)[:, None], unit(texts - self.text_mean), np.float32(0))

    def centred_images(self, images: FloatArray) -> FloatArray:
        """(n, v) raw features about the centre of their space, unit length; rows of zeros stay."""
        return np.where(present(images)[:, None], unit(_roots(images, self.rectified) - self.image_mean), np.float32(0))

    @one_thread
    def pictures(self, images: FloatArray) -> Pictures:
        """(n, v) raw features as what they say in the space of texts, and as looks; rows of zeros stay."""
        bridged = np.zeros((len(images), len(self.text_mean)), np.float32)
        visual = np.zeros((len(images), len(self.image_mean)), np.float32)
        for some in _in_chunks(np.flatnonzero(present(images))):
            bridged[some], visual[some] = self._pictures(images[some])
        return Pictures(bridged, visual)

    def _pictures(self, images: FloatArray) -> Pictures:
        centred = self.centred_images(images)
        coordinates = self._coordinates(centred)
        if not len(self.landmarks):
            bridged = self._labels(images)
        else:
            bridged = unit(kernel(coordinates, self.landmarks) @ self.coefficients)
            if share := self.label_share[0]:
                bridged = unit((1 - share) * bridged + share * self._labels(images))
        return Pictures(bridged, unit(sharpened(centred, coordinates, self.axes, self.lost)))

    def _coordinates(self, centred: FloatArray) -> FloatArray:
        """(n, r) centred features along the axes, of unit length or less; (n, v) as they are where there are none."""
        return centred @ self.axes.T if len(self.axes) else centred

    def _labels(self, images: FloatArray) -> FloatArray:
        """(n, v) raw features by the label bridge as (n, t) unit vectors; zero where there is none."""
        if not len(self.class_weight):
            return np.zeros((len(images), len(self.text_mean)), np.float32)
        weights = _convex(images @ self.class_weight.T + self.class_bias)
        some = weights.any(axis=0)
        return unit(weights[:, some] @ self.class_texts[some])

    def save(self, path: Path) -> None:
        """Write all arrays as safetensors."""
        save_arrays(path, vars(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        return cls(**load_file(path))


def _told(classes: Classes, text_encoder: TextEncoder) -> list[FloatArray]:
    """The classes in words: (c, t) vectors of their names, and as many of their scenes where these are known."""
    scenes = class_scenes(classes.names)
    names = [PROMPT.format(name) for name in classes.names]
    return [text_encoder.encode(texts) for texts in (names, scenes) if texts]


def _roots(features: FloatArray, rectified: BoolArray) -> FloatArray:
    """(n, v) the square roots of rectified features, other features as they are."""
    return np.sqrt(np.maximum(features, 0)) if rectified[0] else features


def _in_chunks(rows: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    return (rows[start : start + ROWS_AT_ONCE] for start in range(0, len(rows), ROWS_AT_ONCE))


def _are_present(rows: RowSource) -> BoolArray:
    """(n,) which rows are not all zero."""
    return np.concatenate(
        [np.zeros(0, np.bool_), *(present(rows[some]) for some in _in_chunks(np.arange(rows.shape[0])))]
    )


class _Survey(NamedTuple):
    """What all n rows of a source have in common; means are of those that are not all zero, zero of fewer than two."""

    present: BoolArray  # (n,) which rows are not all zero
    least: float  # of all values
    mean: FloatArray  # (d,)
    mean_of_roots: FloatArray  # (d,) the mean of the values' square roots, negative ones left out


def _survey(rows: RowSource) -> _Survey:
    count, dim = rows.shape
    there, least, total, roots = np.zeros(count, np.bool_), np.inf, np.zeros(dim), np.zeros(dim)
    for some in _in_chunks(np.arange(count)):
        chunk = rows[some]
        there[some] = present(chunk)
        least = min(least, float(chunk.min()))
        total += chunk.sum(0, dtype=np.float64)
        roots += np.sqrt(np.maximum(chunk, 0)).sum(0, dtype=np.float64)
    share = 1 / found if (found := np.count_nonzero(there)) > 1 else 0.0
    return _Survey(there, least, np.asarray(total * share, np.float32), np.asarray(roots * share, np.float32))


def _not_too_often(texts: RowSource, rows: IntArray) -> tuple[IntArray, int]:
    """Of these rows the first `MOST_ALIKE` of each text, and how many texts there are."""
    often: Counter[bytes] = Counter()
    kept = []
    for some in _in_chunks(rows):
        for row, text in zip(some, texts[some], strict=True):
            key = hashlib.sha256(text).digest()
            often[key] += 1
            if often[key] <= MOST_ALIKE:
                kept.append(row)
    return np.array(kept, np.int64), len(often)


def _text_mean(texts: RowSource, rows: IntArray, different: int, *, fallback: FloatArray | None) -> FloatArray:
    """The mean (t,) of these rows, where there are enough different ones; else the fallback; else zero."""
    if different >= MIN_PAIRS or (different > 1 and fallback is None):
        return np.asarray(_sum(texts, rows) / len(rows), dtype=np.float32)
    return np.zeros(texts.shape[1], np.float32) if fallback is None else fallback


def _alike(texts: RowSource, rows: IntArray) -> float:
    """The mean cosine of two of these rows of unit length, 0 where it is negative or there are not two."""
    count = len(rows)
    return max(0.0, float(np.square(_sum(texts, rows)).sum() - count) / (count * (count - 1))) if count > 1 else 0.0


def _sum(texts: RowSource, rows: IntArray) -> npt.NDArray[np.float64]:
    return sum((texts[some].sum(0, dtype=np.float64) for some in _in_chunks(rows)), np.zeros(texts.shape[1]))


def _convex(logits: FloatArray) -> FloatArray:
    """Softened probabilities of the likeliest classes, 0 for all others; rows sum to 1."""
    logits = logits / TEMPERATURE
    if logits.shape[1] > TOP_CLASSES:
        floor = np.partition(logits, -TOP_CLASSES, axis=1)[:, -TOP_CLASSES, None]
        logits = np.where(logits >= floor, logits, -np.inf)
    weights = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(weights / weights.sum(1, keepdims=True), dtype=np.float32)
