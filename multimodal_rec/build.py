"""From a catalogue to a release: read, embed, align, learn, publish."""

from __future__ import annotations

import time
from pathlib import Path

from encoders import load_image_encoder, load_text_encoder
from multimodal_rec.embed import Encoders
from multimodal_rec.errors import CatalogueError
from multimodal_rec.index_choice import AUTO, checked_kind
from multimodal_rec.progress import Progress, silent
from multimodal_rec.releases import readable_current
from multimodal_rec.tuned import tuned_settings
from multimodal_rec.work import Summary, Work, encoder_records, settings_key
from multimodal_rec.workspace import Workspace


def build(
    catalogue: Path,
    workspace: Path,
    *,
    interactions: Path | None = None,
    text_encoder: str = "auto",
    image_encoder: str = "auto",
    media_root: Path | None = None,
    index: str = AUTO,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = silent,
) -> Summary:
    """Make a workspace answer for this catalogue and these interactions, and for nothing else it held before.

    Only events that the service took in live stay: they were promised to be kept. Where `tune` chose settings for the
    workspace, training takes them.

    Args:
        catalogue: a .jsonl, .csv or .parquet table, or a folder of media.
        workspace: folder to work in, made where it does not exist; vectors that it holds are reused.
        interactions: table of user_id, item_id, timestamp, rating.
        text_encoder: reference of the text encoder, "auto" for the packaged one.
        image_encoder: reference of the image encoder, "auto" for the packaged one.
        media_root: folder of the media, where it is not the catalogue's.
        index: "flat", "pq", "hnsw" or "ivf"; "auto" takes what suits the size and the memory.
        seed: of everything random.
        threads: CPU threads at the most.
        progress: called with the stage, the steps done and the steps in all.

    Raises:
        CatalogueError: a file cannot be read, or no row of the catalogue is usable.
        encoders.EncoderError: an encoder cannot be had.
        WorkspaceError: the workspace is busy or cannot be written, its tuned settings are damaged, or no index has this
            name.
    """
    checked_kind(index)
    if interactions is not None and not interactions.is_file():
        raise CatalogueError(f"{interactions}: no such interactions file")
    encoders = Encoders(
        load_text_encoder(_absolute(text_encoder), threads=threads),
        load_image_encoder(_absolute(image_encoder), threads=threads),
        threads,
    )
    place = Workspace(workspace)
    paths = [str(path and path.absolute()) for path in (catalogue, interactions, media_root, workspace)]
    paths += [str(path and path.resolve()) for path in (catalogue, media_root)]  # as links may lead elsewhere tomorrow
    key = settings_key(encoder_records(encoders), seed, index, sorted(tuned_settings(workspace).items()), *paths)
    with place.writing(create=True):
        if done := _done_already(place, key):
            return done
        place.set_damaged_aside()
        with Work(place, progress) as work:
            work.wanted_index = index
            work.read_items(catalogue, media_root)
            work.embed(encoders)
            work.read_events(interactions)
            input_key = work.input_key(encoders, seed, tuned_settings(workspace))
            if not work.unchanged(input_key):
                _learn_and_publish(work, encoders, seed, threads, input_key)
        work.leave_receipt(key)
        return work.summary


def _done_already(place: Workspace, key: str) -> Summary | None:
    """The summary of the last build, where neither the files that it read nor its release have changed since."""
    started = time.monotonic()
    receipt = place.receipt()
    if receipt is None or not receipt.holds(key):
        return None
    current = readable_current(place.releases)
    if current is None or current[1].number != receipt.release:
        return None
    return Summary.again(receipt.summary, time.monotonic() - started)


def _learn_and_publish(work: Work, encoders: Encoders, seed: int, threads: int | None, input_key: str) -> None:
    with work.stage("align"):
        alignment = work.align(*work.stored_rows(encoders), encoders)
    with work.stage("train"):
        words = work.word_weights() if len(work.events) else None
        learned = work.learn(encoders, alignment, words, seed, threads)
    work.publish(work.pages(encoders, learned.words), alignment, learned, encoders, input_key=input_key)


def _absolute(reference: str) -> str:
    """Make a reference to a local folder or weights file hold from any working directory."""
    if reference == "auto" or not reference.strip():
        return reference
    head, separator, tail = reference.rpartition(":")
    path = Path(tail)
    local = path.is_file() if separator else path.is_dir()
    return f"{head}{separator}{path.resolve()}" if local else reference
