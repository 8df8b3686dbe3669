"""Bring the vector store up to date with the catalogue: encode what is new, keep what is known."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from encoders import (
    EncoderError,
    Encoding,
    ImageEncoder,
    MediaError,
    TextEncoder,
    encode_images,
    encode_texts,
    encode_videos,
    load_image_encoder,
    load_text_encoder,
    video_fingerprint,
)
from multimodal_rec.catalogue import Problem
from multimodal_rec.item_table import MODALITIES, ItemTable, Modality
from multimodal_rec.items import Item
from multimodal_rec.progress import Progress
from multimodal_rec.releases import EncoderRecord, Manifest
from multimodal_rec.vector_store import VectorStore

logger = logging.getLogger(__name__)

STORED_AT_ONCE = 64
"""Vectors in one transaction: what a crash can cost at the most."""


@dataclass(frozen=True)
class Encoders:
    """The text and the image encoder of a workspace."""

    text: TextEncoder
    image: ImageEncoder

    def space(self, modality: Modality) -> str:
        """The fingerprint under which the vectors of a modality are stored."""
        if modality == "video":
            return video_fingerprint(self.image)
        return self.text.fingerprint if modality == "text" else self.image.fingerprint

    def dim(self, modality: Modality) -> int:
        """Length of the vectors of a modality."""
        return self.text.dim if modality == "text" else self.image.dim


def recorded_encoders(manifest: Manifest, threads: int | None) -> Encoders:
    """Load the encoders that a release was made with.

    Raises:
        encoders.EncoderError: one of them cannot be had any more, or gives other vectors now.
    """
    return Encoders(recorded_text_encoder(manifest, threads), recorded_image_encoder(manifest, threads))


def recorded_text_encoder(manifest: Manifest, threads: int | None) -> TextEncoder:
    """Load the text encoder of a release; raises as `recorded_encoders`."""
    encoder = load_text_encoder(manifest.text_encoder.reference, threads=threads)
    _refuse_to_mix(manifest.text_encoder, encoder.fingerprint)
    return encoder


def recorded_image_encoder(manifest: Manifest, threads: int | None) -> ImageEncoder:
    """Load the image encoder of a release; raises as `recorded_encoders`."""
    encoder = load_image_encoder(manifest.image_encoder.reference, threads=threads)
    _refuse_to_mix(manifest.image_encoder, encoder.fingerprint)
    return encoder


@dataclass
class EmbedCounts:
    """Per modality, how many items got a vector encoded now, and how many one that was known."""

    encoded: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MODALITIES, 0))
    reused: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MODALITIES, 0))


def embed_catalogue(
    items: ItemTable,
    store: VectorStore,
    encoders: Encoders,
    *,
    on_problem: Callable[[Problem], None],
    progress: Progress,
) -> EmbedCounts:
    """Note the content keys of all items, and encode what the store does not hold.

    A medium that cannot be encoded is left out of its item; an item that has nothing left is removed. Either is
    reported to `on_problem`.
    """
    counts = EmbedCounts()
    for modality in MODALITIES:
        _embed_modality(modality, items, store, encoders, counts, on_problem, progress)
    for page in items.pages():
        empty = [item.id for item in page if not (item.text or item.image or item.video)]
        items.remove(empty)
        for item_id in empty:
            on_problem(Problem("catalogue", item_id, "no usable text, image or video"))
    return counts


def content_key(modality: Modality, item: Item) -> bytes | None:
    """A hash of the content, or None where the item lacks the modality.

    Raises:
        MediaError: the file cannot be read.
    """
    if modality == "text":
        return hashlib.sha256(item.text.encode(errors="replace")).digest() if item.text else None
    path = item.image if modality == "image" else item.video
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise MediaError(f"{path.name}: cannot be read ({error.strerror or error})") from error


def _embed_modality(
    modality: Modality,
    items: ItemTable,
    store: VectorStore,
    encoders: Encoders,
    counts: EmbedCounts,
    on_problem: Callable[[Problem], None],
    progress: Progress,
) -> None:
    space = encoders.space(modality)
    total = len(items)
    waiting: list[bytes] = []  # keys of what the encoder was given and has not yet answered, in order
    fresh: set[bytes] = set()
    failed: dict[bytes, str] = {}

    def missing() -> Iterator[Any]:
        done = 0
        for page in items.pages():
            keys: dict[str, bytes] = {}
            sources: dict[bytes, Any] = {}
            for item in page:
                try:
                    key = content_key(modality, item)
                except MediaError as error:
                    _leave_out(modality, item, str(error), items, on_problem)
                    continue
                if key is not None:
                    keys[item.id] = key
                    sources[key] = _source(modality, item)
            items.set_keys(modality, ((keys.get(item.id), item.id) for item in page))
            known = store.present(space, list(sources))
            for item in page:
                done += 1
                key = keys.get(item.id)
                if key is not None and key not in known and key not in fresh:
                    fresh.add(key)
                    waiting.append(key)
                    yield sources[key]
                if key is not None:
                    counter = counts.encoded if key in fresh else counts.reused
                    counter[modality] += 1
                progress(f"encoding {modality}", done, total)

    stream = iter(_encode(modality, encoders, missing()))
    while answers := list(islice(stream, STORED_AT_ONCE)):
        encoded = []
        for key, (_, answer) in zip(waiting[: len(answers)], answers, strict=True):
            if isinstance(answer, MediaError):
                failed[key] = str(answer)
            else:
                encoded.append((key, answer))
        del waiting[: len(answers)]
        store.put(space, encoded)
    for key, reason in failed.items():
        for item in items.with_key(modality, key):
            counts.encoded[modality] -= 1
            _leave_out(modality, item, reason, items, on_problem)


def _encode(
    modality: Modality, encoders: Encoders, sources: Iterator[Any]
) -> Iterable[tuple[Any, Encoding | MediaError]]:
    if modality == "text":
        return encode_texts(encoders.text, sources)
    if modality == "image":
        return encode_images(encoders.image, sources)
    return _encode_videos(encoders.image, sources)


def _encode_videos(encoder: ImageEncoder, sources: Iterator[Path]) -> Iterator[tuple[Path, Encoding | MediaError]]:
    """Encode clips; where OpenCV itself cannot run here, each clip is answered with that reason."""
    for path in sources:
        try:
            yield from encode_videos(encoder, [path])
        except EncoderError as error:
            yield path, MediaError(str(error))


def _refuse_to_mix(recorded: EncoderRecord, fingerprint: str) -> None:
    if fingerprint != recorded.fingerprint:
        raise EncoderError(
            f"{recorded.reference}: gives other vectors now than when the index was made: "
            "run `multimodal-rec build` again, or bring back the model and version of then"
        )


def _source(modality: Modality, item: Item) -> str | Path | None:
    return {"text": item.text, "image": item.image, "video": item.video}[modality]


def _leave_out(
    modality: Modality, item: Item, reason: str, items: ItemTable, on_problem: Callable[[Problem], None]
) -> None:
    logger.warning("item %r: %s left out: %s", item.id, modality, reason)
    items.drop(modality, item.id)
    on_problem(Problem("catalogue", item.id, f"{modality} left out: {reason}", kept=True))
