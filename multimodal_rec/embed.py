"""Bring the vector store up to date with the catalogue: encode what is new, keep what is known."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from encoders import (
    EncoderError,
    Encoding,
    FloatArray,
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
from multimodal_rec.content_keys import changed_files, content_keys, text_key
from multimodal_rec.item_table import MODALITIES, ItemTable, Modality
from multimodal_rec.items import Item
from multimodal_rec.progress import Progress
from multimodal_rec.releases import EncoderRecord, Manifest
from multimodal_rec.threads import aside
from multimodal_rec.vector_store import VectorStore

logger = logging.getLogger(__name__)

LeaveOut = Callable[[Modality, str, str], None]
"""Is told of the modality and the item of a medium that cannot be encoded, and why."""
ORDER: tuple[Modality, ...] = ("image", "video", "text")
"""In which modalities are encoded: of the packaged networks that for texts takes longest to open, which is done beside
the others' work."""
STORED_AT_ONCE: dict[Modality, int] = {"text": 64, "image": 64, "video": 1}
"""Vectors in one transaction: what a crash can cost at the most, beside what is being encoded."""
SOURCES_AT_ONCE = 512
"""Items in memory that wait to be encoded."""


@dataclass(frozen=True)
class Encoders:
    """The text and the image encoder of a workspace."""

    text: TextEncoder
    image: ImageEncoder
    threads: int | None = None
    """CPU threads that encode pictures and clips, at the most."""

    def space(self, modality: Modality) -> str:
        """The fingerprint under which the vectors of a modality are stored."""
        if modality == "video":
            return video_fingerprint(self.image)
        return self.text.fingerprint if modality == "text" else self.image.fingerprint

    def dim(self, modality: Modality) -> int:
        """Length of the vectors of a modality."""
        return self.text.dim if modality == "text" else self.image.dim

    def open(self, modality: Modality) -> None:
        """Make ready to encode a modality, as the first use would."""
        encoder: TextEncoder | ImageEncoder = self.text if modality == "text" else self.image
        encoder.open()

    def release(self) -> None:
        """Give the models' memory back until one of them is used again."""
        self.text.release()
        self.image.release()


@dataclass(frozen=True)
class StoredTexts:
    """A text encoder that looks into the vector store first: for texts that every build needs, such as class names."""

    encoder: TextEncoder
    store: VectorStore

    @property
    def reference(self) -> str:
        """That of the encoder."""
        return self.encoder.reference

    @property
    def fingerprint(self) -> str:
        """That of the encoder."""
        return self.encoder.fingerprint

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.encoder.dim

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return float32 (n, dim), unit length; zero where the encoder has no finite vector."""
        encodings = self.encode_long(texts)
        if not encodings:
            return np.empty((0, self.dim), np.float32)
        vectors = np.stack([each.vector for each in encodings])
        return np.where(np.isfinite(vectors).all(axis=1, keepdims=True), vectors, np.float32(0))

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """Return the same of texts that ask for others, which are not stored."""
        return self.encoder.encode_queries(texts)

    def encode_long(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text, and store those that were not known."""
        keys = [text_key(text) for text in texts]
        found = self.store.get(self.fingerprint, keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            fresh = dict(zip(missing, self.encoder.encode_long(list(missing.values())), strict=True))
            self.encoder.release()  # the next builds find them stored
            self.store.put(self.fingerprint, fresh.items())
            found |= fresh
        return [found[key] for key in keys]

    def open(self) -> None:
        """Make the encoder ready."""
        self.encoder.open()

    def release(self) -> None:
        """Give the encoder's memory back."""
        self.encoder.release()


def recorded_encoders(manifest: Manifest, threads: int | None) -> Encoders:
    """Load the encoders that a release was made with.

    Raises:
        encoders.EncoderError: one of them cannot be had any more, or gives other vectors now.
    """
    return Encoders(recorded_text_encoder(manifest, threads), recorded_image_encoder(manifest, threads), threads)


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
    """Per modality, how many items got a vector encoded now, and how many one that was known; and what failed."""

    encoded: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MODALITIES, 0))
    reused: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MODALITIES, 0))
    left_out: int = 0
    """Media of items that could not be encoded."""
    unusable: list[str] = field(default_factory=list)
    """Items that had nothing left, and were removed."""


def embed_catalogue(
    items: ItemTable,
    store: VectorStore,
    encoders: Encoders,
    *,
    on_problem: Callable[[Problem], None],
    progress: Progress,
    ids: Sequence[str] | None = None,
) -> EmbedCounts:
    """Note the content keys of all items, or of those of these ids, and encode what the store does not hold.

    A medium that cannot be encoded is left out of its item; an item that has nothing left is removed. Either is
    reported to `on_problem`, and so is what an encoder left out of a medium, now or when it was encoded.
    """
    counts = EmbedCounts()
    openings: list[Future[None]] = []

    def leave_out(modality: Modality, item_id: str, reason: str) -> None:
        logger.warning("item %r: %s left out: %s", item_id, modality, reason)
        items.drop(modality, item_id)
        counts.left_out += 1
        on_problem(Problem("catalogue", item_id, f"{modality} left out: {reason}", kept=True))

    def on_missing(modality: Modality) -> None:
        openings.append(aside(encoders.open, modality))  # where it fails, its first use does, and tells

    missing = _note_keys(items, store, encoders, counts, leave_out, on_missing, progress, ids)
    for modality in ORDER:
        _encode_missing(modality, missing[modality], items, store, encoders, counts, leave_out, progress)
    wait(openings)  # whoever releases the encoders next must not see them opened afterwards
    _tell_notes(items, store, encoders, on_problem, ids)
    counts.unusable = items.without_content(ids)
    items.remove(counts.unusable)
    for item_id in counts.unusable:
        on_problem(Problem("catalogue", item_id, "no usable text, image or video"))
    return counts


def _note_keys(
    items: ItemTable,
    store: VectorStore,
    encoders: Encoders,
    counts: EmbedCounts,
    leave_out: LeaveOut,
    on_missing: Callable[[Modality], None],
    progress: Progress,
    ids: Sequence[str] | None,
) -> dict[Modality, dict[bytes, str]]:
    """Note the content keys of all items, or of these, and count them.

    Returns, per modality, the keys whose vectors the store does not hold, each with the id of an item that has it;
    `on_missing` is told of a modality with its first one.
    """

    def on_unreadable(modality: Modality, item: Item, error: MediaError) -> None:
        leave_out(modality, item.id, str(error))

    missing: dict[Modality, dict[bytes, str]] = {modality: {} for modality in MODALITIES}
    done, total = 0, len(items) if ids is None else len(ids)
    for page in items.pages(ids):
        keys = content_keys(page, store, on_unreadable)
        text, image, video = (keys[modality] for modality in MODALITIES)
        items.note_keys((text.get(item.id), image.get(item.id), video.get(item.id), item.id) for item in page)
        for modality in ORDER:
            own = keys[modality]
            known = store.present(encoders.space(modality), list(set(own.values())))
            new = {key: item_id for item_id, key in own.items() if key not in known}
            if new and not missing[modality]:
                on_missing(modality)
            missing[modality] |= new
            counts.encoded[modality] += sum(key in new for key in own.values())
            counts.reused[modality] += sum(key in known for key in own.values())
        done += len(page)
        progress("looking for changes", done, total)
    return missing


def _encode_missing(
    modality: Modality,
    missing: dict[bytes, str],
    items: ItemTable,
    store: VectorStore,
    encoders: Encoders,
    counts: EmbedCounts,
    leave_out: LeaveOut,
    progress: Progress,
) -> None:
    """Encode the contents of these keys, each by one of its items; `counts` took all of them for encoded."""
    if not missing:
        return
    space = encoders.space(modality)
    waiting: list[bytes] = []  # keys of what the encoder was given and has not yet answered, in order
    failed: dict[bytes, tuple[str, str]] = {}  # the name of the file that was read, and the reason

    def sources() -> Iterator[Any]:
        pairs = iter(missing.items())
        done = 0
        while chunk := list(islice(pairs, SOURCES_AT_ONCE)):
            found = items.get([item_id for _, item_id in chunk])
            for key, item_id in chunk:
                waiting.append(key)
                yield _source(modality, found[item_id])
                done += 1
                progress(f"encoding {modality}", done, len(missing))

    stream = iter(_encode(modality, encoders, sources()))
    while answers := list(islice(stream, STORED_AT_ONCE[modality])):
        encoded = []
        answered = [(key, *answer) for key, answer in zip(waiting[: len(answers)], answers, strict=True)]
        changed = changed_files([(key, source) for key, source, _ in answered if isinstance(source, Path)], store)
        for key, source, answer in answered:
            name = source.name if isinstance(source, Path) else ""
            if key in changed:
                failed[key] = name, f"{name}, which was read for it, changed meanwhile; run the same command again"
            elif isinstance(answer, MediaError):
                failed[key] = name, str(answer)
            elif not (np.isfinite(answer.vector).all() and np.isfinite(answer.parts).all()):
                reason = "its vector is not finite; take another encoder, or leave it out"
                failed[key] = name, f"{name}: {reason}" if name else reason
            else:
                encoded.append((key, answer))
        del waiting[: len(answers)]
        store.put(space, encoded)
    for key, item_id in items.holders(modality, failed) if failed else ():
        counts.encoded[modality] -= 1
        name, reason = failed[key]
        own = _source(modality, items.get([item_id])[item_id])
        if isinstance(own, Path) and reason.startswith(f"{name}: "):  # another item's file may be the same
            reason = own.name + reason.removeprefix(name)
        leave_out(modality, item_id, reason)


def _tell_notes(
    items: ItemTable,
    store: VectorStore,
    encoders: Encoders,
    on_problem: Callable[[Problem], None],
    ids: Sequence[str] | None,
) -> None:
    """Report what was left out of the contents of all items, or of these, whenever they were encoded."""
    told = items.ids() if ids is None else ids
    for modality in ORDER:
        keys = items.keys(modality, ids)
        notes = store.notes(encoders.space(modality), [key for key in keys if key])
        for key, item_id in zip(keys, told, strict=True):
            if key in notes:
                on_problem(Problem("catalogue", item_id, f"{modality}: {notes[key]}", kept=True))


def _encode(
    modality: Modality, encoders: Encoders, sources: Iterator[Any]
) -> Iterable[tuple[Any, Encoding | MediaError]]:
    if modality == "text":
        return encode_texts(encoders.text, sources)
    if modality == "image":
        return encode_images(encoders.image, sources, threads=encoders.threads)
    return _encode_videos(encoders, sources)


def _encode_videos(encoders: Encoders, sources: Iterator[Path]) -> Iterable[tuple[Path, Encoding | MediaError]]:
    """Encode clips; where OpenCV itself cannot run here, each clip is answered with that reason."""
    try:
        return encode_videos(encoders.image, sources, threads=encoders.threads)
    except EncoderError as error:
        reason = MediaError(str(error))
        return ((path, reason) for path in sources)


def _refuse_to_mix(recorded: EncoderRecord, fingerprint: str) -> None:
    if fingerprint != recorded.fingerprint:
        raise EncoderError(
            f"{recorded.reference}: gives other vectors now than when the index was made: "
            "run `multimodal-rec build` again, or bring back the model and version of then"
        )


def _source(modality: Modality, item: Item) -> str | Path | None:
    return {"text": item.text, "image": item.image, "video": item.video}[modality]
