"""Many media in, encodings out, in order and in bounded memory; one bad file never stops the rest."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from encoders.base import Encoding, ImageEncoder, MediaError, TextEncoder
from encoders.cleaning import clean_text
from encoders.image import BATCH_ON_CUDA
from encoders.image_files import read_frames
from encoders.pooling import mean_direction
from encoders.threads import cuda_available, default_threads

Source = TypeVar("Source")

FILES_ON_CPU = 8  # for a thread at once: of few batches the last ones do not keep all threads busy
TEXT_WINDOW = 1024  # texts whose passages are sorted by length together


def encode_images(
    encoder: ImageEncoder, paths: Iterable[Path], *, batch_size: int | None = None, threads: int | None = None
) -> Iterator[tuple[Path, Encoding | MediaError]]:
    """Yield each picture's encoding, or the reason why it has none, in the order of `paths`.

    Each thread reads, prepares and encodes a batch by itself, so decoding overlaps with the network and no more than
    `threads` + 1 batches are in memory. The frames of an animated picture are its parts.
    """
    batch_size = batch_size or (BATCH_ON_CUDA if cuda_available() else FILES_ON_CPU)
    return in_order(lambda batch: _encode_pictures(encoder, batch), paths, batch_size, threads or default_threads())


def encode_texts(
    encoder: TextEncoder, texts: Iterable[str], *, window: int = TEXT_WINDOW
) -> Iterator[tuple[str, Encoding | MediaError]]:
    """Yield each text's encoding, or a MediaError for one that is empty, in the order of `texts`.

    Texts are cleaned first (`clean_text`); the spans of passages count characters of the cleaned text.
    """
    source = iter(texts)
    while batch := list(islice(source, window)):
        cleaned = [clean_text(text) for text in batch]
        encodings = iter(encoder.encode_long([text for text in cleaned if text]))
        for text, clean in zip(batch, cleaned, strict=True):
            yield text, next(encodings) if clean else MediaError("the text is empty")


def in_order(
    encode: Callable[[list[Source]], list[Any]], sources: Iterable[Source], batch_size: int, threads: int
) -> Iterator[tuple[Source, Encoding | MediaError]]:
    """Run `encode` on batches in threads and yield (source, result) in order."""
    source = iter(sources)
    pending: deque[tuple[list[Source], Future[list[Any]]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="media") as pool:
        try:
            while batch := list(islice(source, batch_size)):
                pending.append((batch, pool.submit(encode, batch)))
                if len(pending) > threads:
                    done, future = pending.popleft()
                    yield from zip(done, future.result(), strict=True)
            while pending:
                done, future = pending.popleft()
                yield from zip(done, future.result(), strict=True)
        finally:
            for _, future in pending:
                future.cancel()


def _encode_pictures(encoder: ImageEncoder, paths: list[Path]) -> list[Encoding | MediaError]:
    """Return the encodings of one batch of files."""
    results: list[Encoding | MediaError | None] = [None] * len(paths)
    waiting: list[tuple[int, list[tuple[float, float]], int]] = []  # place, spans, number of frames
    prepared: list[npt.NDArray[Any]] = []

    def flush() -> None:
        if not prepared:
            return
        features = encoder.encode_prepared(np.stack(prepared))
        first = 0
        for place, spans, count in waiting:
            own = features[first : first + count]
            first += count
            results[place] = Encoding(mean_direction(own), own, tuple(spans)) if spans else Encoding.whole(own[0])
        waiting.clear()
        prepared.clear()

    for place, path in enumerate(paths):
        try:
            frames, spans = read_frames(path)
            own = [encoder.prepare(frame) for frame in frames]
        except MediaError as error:
            results[place] = error
            continue
        waiting.append((place, spans, len(own)))
        prepared.extend(own)
        if len(prepared) >= 64:
            flush()
    flush()
    return [result for result in results if result is not None]
