"""From a catalogue to a release: read, embed, align, learn, publish. And the changes: update and remove."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from encoders import ImageEncoder, TextEncoder, load_image_encoder, load_text_encoder
from index import FlatIndex
from multimodal_rec.alignment import Alignment
from multimodal_rec.catalogue import Problem, read_catalogue
from multimodal_rec.embed import Encoders, embed_catalogue, recorded_encoders
from multimodal_rec.errors import CatalogueError, UnknownItem, WorkspaceError
from multimodal_rec.histories import Histories, collect
from multimodal_rec.interactions import Event, read_interactions
from multimodal_rec.item_table import MODALITIES
from multimodal_rec.items import Item
from multimodal_rec.progress import Progress, silent
from multimodal_rec.releases import (
    ALIGNMENT_FILE,
    INDEX_FOLDER,
    ITEMS_FILE,
    PREFERENCES_FOLDER,
    EncoderRecord,
    Manifest,
    read_manifest,
)
from multimodal_rec.space import Space, content_blocks, picture_features
from multimodal_rec.workspace import Workspace

if TYPE_CHECKING:
    from multimodal_rec.preferences import Preferences

FloatArray = npt.NDArray[np.float32]

LIBRARIES = ("multimodal-rec", "torch", "numpy", "faiss-cpu", "onnxruntime", "transformers", "opencv-python", "pillow")


@dataclass
class Summary:
    """What a build or an update did."""

    items: int = 0
    """Items that can be found now."""
    rejected: int = 0
    """Rows of the catalogue that could not be used."""
    warnings: int = 0
    """Things left out of rows that were used."""
    users: int = 0
    """Users with at least one event of a known item."""
    interactions: dict[str, int] = field(default_factory=dict)
    """Rows read, rejected, and of unknown items."""
    encoded: dict[str, int] = field(default_factory=dict)
    """Items whose vector was encoded now, per modality."""
    reused: dict[str, int] = field(default_factory=dict)
    """Items whose vector was known, per modality."""
    metrics: dict[str, float] = field(default_factory=dict)
    """What was measured in training."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Per stage, and in all."""
    release: int = 0
    """Number of the release that was published."""


def build(
    catalogue: Path,
    workspace: Path,
    *,
    interactions: Path | None = None,
    text_encoder: str = "auto",
    image_encoder: str = "auto",
    media_root: Path | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = silent,
) -> Summary:
    """Make a workspace answer for this catalogue and these interactions, and for nothing else it held before.

    Args:
        catalogue: a .jsonl, .csv or .parquet table, or a folder of media.
        workspace: folder to work in, made where it does not exist; vectors that it holds are reused.
        interactions: table of user_id, item_id, timestamp, rating.
        text_encoder: reference of the text encoder, "auto" for the packaged one.
        image_encoder: reference of the image encoder, "auto" for the packaged one.
        media_root: folder of the media, where it is not the catalogue's.
        seed: of everything random.
        threads: CPU threads at the most.
        progress: called with the stage, the steps done and the steps in all.

    Raises:
        CatalogueError: a file cannot be read, or no row of the catalogue is usable.
        encoders.EncoderError: an encoder cannot be had.
        WorkspaceError: the workspace is busy or cannot be written.
    """
    if interactions is not None and not interactions.is_file():
        raise CatalogueError(f"{interactions}: no such interactions file")
    encoders = Encoders(
        load_text_encoder(_absolute(text_encoder), threads=threads),
        load_image_encoder(_absolute(image_encoder), threads=threads),
    )
    place = Workspace(workspace)
    with place.writing(create=True), _Work(place, encoders, threads, progress) as work:
        with work.stage("catalogue"):
            work.items.put(work.checked(read_catalogue(catalogue, media_root)), replace_all=True)
        work.embed()
        with work.stage("interactions"):
            work.events.put(work.checked_events(interactions), replace_all=True)
        work.report_unknown_items(interactions)
        work.publish(seed)
        return work.summary


def update(
    catalogue: Path,
    workspace: Path,
    *,
    media_root: Path | None = None,
    threads: int | None = None,
    progress: Progress = silent,
) -> Summary:
    """Add the items of a catalogue to a workspace, replacing those of the same id. What was learned is kept.

    Raises: as `build`.
    """
    place = Workspace(workspace)
    with place.writing():
        folder = place.releases.current()
        encoders = recorded_encoders(read_manifest(folder), threads)
        with _Work(place, encoders, threads, progress) as work:
            with work.stage("catalogue"):
                work.items.put(work.checked(read_catalogue(catalogue, media_root)))
            work.embed()
            work.republish(folder)
            return work.summary


def remove(ids: Sequence[str], workspace: Path, *, threads: int | None = None) -> Summary:
    """Take items out of a workspace.

    Raises:
        UnknownItem: one of them is not there; nothing is removed then.
        WorkspaceError: the workspace is missing or busy, or nothing would be left in it.
    """
    place = Workspace(workspace)
    with place.writing():
        folder = place.releases.current()
        encoders = recorded_encoders(read_manifest(folder), threads)
        with _Work(place, encoders, threads, silent) as work:
            known = work.items.get(ids)
            for item_id in ids:
                if item_id not in known:
                    raise UnknownItem(item_id)
            if len(known) == len(work.items):
                raise WorkspaceError("removing every item would leave no index: build another catalogue instead")
            work.items.remove(list(known))
            work.republish(folder)
            return work.summary


class _Work:
    """One build or update under way: the open tables, the clock, and what could not be used."""

    def __init__(self, workspace: Workspace, encoders: Encoders, threads: int | None, progress: Progress) -> None:
        self.workspace = workspace
        self.encoders = encoders
        self.threads = threads
        self.progress = progress
        self.summary = Summary()
        self.problems: list[Problem] = []
        self.started = time.monotonic()

    def __enter__(self) -> _Work:
        self.items = self.workspace.items()
        self.events = self.workspace.events()
        self.store = self.workspace.vectors()
        return self

    def __exit__(self, *_: object) -> None:
        self.items.close()
        self.events.close()
        self.store.close()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Take the time of a stage."""
        started = time.monotonic()
        yield
        self.summary.seconds[name] = round(time.monotonic() - started, 3)

    def checked(self, rows: Iterator[object]) -> Iterator[Item]:
        """Pass on the items among the rows of a catalogue, and note the problems."""
        for number, row in enumerate(rows, start=1):
            if isinstance(row, Problem):
                self.problems.append(row)
            else:
                yield row.item  # type: ignore[attr-defined]
            self.progress("reading the catalogue", number, 0)

    def checked_events(self, interactions: Path | None) -> Iterator[Event]:
        """Pass on the events among the rows of an interactions file, and note the problems."""
        counts = self.summary.interactions
        counts.update(rows=0, rejected=0, unknown_items=0)
        if interactions is None:
            return
        for row in read_interactions(interactions):
            counts["rows"] += 1
            if isinstance(row, Problem):
                counts["rejected"] += 1
                self.problems.append(row)
            else:
                yield row
            self.progress("reading the interactions", counts["rows"], 0)

    def report_unknown_items(self, interactions: Path | None) -> None:
        """Note the events of items that the catalogue does not hold; they count as soon as it does."""
        known = set(self.items.ids())
        unknown = Counter(
            event.item_id for _, history in self.events.histories() for event in history if event.item_id not in known
        )
        self.summary.interactions["unknown_items"] = unknown.total()
        name = interactions.name if interactions else ""
        for item_id, count in unknown.items():
            self.problems.append(Problem(name, item_id, f"interaction of an unknown item ({count} rows)"))

    def embed(self) -> None:
        """Encode what is new in the catalogue."""
        with self.stage("encode"):
            counts = embed_catalogue(
                self.items, self.store, self.encoders, on_problem=self.problems.append, progress=self.progress
            )
        self.summary.encoded, self.summary.reused = counts.encoded, counts.reused
        self.summary.rejected = sum(not problem.kept for problem in self.problems)
        self.summary.warnings = len(self.problems) - self.summary.rejected

    def publish(self, seed: int) -> None:
        """Align, learn and publish a new release."""
        ids, texts, images, videos = self._vectors()
        pictures = picture_features(images, videos)
        with self.stage("align"):
            alignment = Alignment.fit(texts, pictures, self.encoders.image.classes, self.encoders.text)
        histories = collect(self.events.histories(), {item_id: place for place, item_id in enumerate(ids)})
        with self.stage("train"):
            preferences, key, metrics = self._learn(histories, ids, alignment, texts, images, videos, seed)
        self._write(ids, texts, images, videos, alignment, preferences, key, seed, metrics, histories)

    def republish(self, folder: Path) -> None:
        """Publish a new release with what an earlier one learned."""
        from multimodal_rec.preferences import Preferences

        manifest = read_manifest(folder)
        ids, texts, images, videos = self._vectors()
        alignment = Alignment.load(folder / ALIGNMENT_FILE)
        preferences = Preferences.load(folder / PREFERENCES_FOLDER) if manifest.preference_dim else None
        histories = collect(self.events.histories(), {item_id: place for place, item_id in enumerate(ids)})
        self._write(
            ids,
            texts,
            images,
            videos,
            alignment,
            preferences,
            manifest.training_key,
            manifest.seed,
            manifest.metrics,
            histories,
        )

    def _vectors(self) -> tuple[list[str], FloatArray, FloatArray, FloatArray]:
        """The ids, and the text, image and video vectors of all items, zero where an item lacks one."""
        ids = self.items.ids()
        if not ids:
            self.workspace.write_rejected(self.problems)
            raise CatalogueError(f"no row of the catalogue is usable: {self.workspace.path}/rejected.jsonl says why")
        text, image, video = (
            self.store.matrix(self.encoders.space(name), self.items.keys(name), self.encoders.dim(name))
            for name in MODALITIES
        )
        return ids, text, image, video

    def _learn(
        self,
        histories: Histories,
        ids: list[str],
        alignment: Alignment,
        texts: FloatArray,
        images: FloatArray,
        videos: FloatArray,
        seed: int,
    ) -> tuple[Preferences | None, str, dict[str, float]]:
        """Train the fusion network, or take the current release's where it was trained from just the same."""
        from multimodal_rec.preferences import Preferences
        from multimodal_rec.training import TrainingConfig, enough_to_train, train, training_key

        if not enough_to_train(histories):
            return None, "", {}
        features = fusion_features(alignment, texts, images, videos)
        config = TrainingConfig()
        key = training_key(histories, features, ids, seed, config)
        earlier = self._current()
        if earlier and earlier[1].training_key == key:
            return Preferences.load(earlier[0] / PREFERENCES_FOLDER), key, earlier[1].metrics
        if self.threads:
            import torch

            torch.set_num_threads(self.threads)
        content = np.hstack(content_blocks(alignment, texts, picture_features(images, videos)))
        trained = train(histories, features, content, ids=ids, seed=seed, config=config, progress=self.progress)
        metrics = {
            "validation_ndcg@20": round(trained.validation_ndcg, 4),
            "epochs": float(trained.epochs),
            "content_weight": trained.preferences.config.content_weight,
        }
        return trained.preferences, key, metrics

    def _current(self) -> tuple[Path, Manifest] | None:
        try:
            folder = self.workspace.releases.current()
            return folder, read_manifest(folder)
        except WorkspaceError:
            return None

    def _write(
        self,
        ids: list[str],
        texts: FloatArray,
        images: FloatArray,
        videos: FloatArray,
        alignment: Alignment,
        preferences: Preferences | None,
        key: str,
        seed: int,
        metrics: dict[str, float],
        histories: Histories,
    ) -> None:
        """Assemble the item vectors and publish them with all that a query needs."""
        semantic, visual = content_blocks(alignment, texts, picture_features(images, videos))
        learned = (
            preferences.item_block(ids, fusion_features(alignment, texts, images, videos))
            if preferences
            else np.zeros((len(ids), 0), np.float32)
        )
        space = Space(learned.shape[1], semantic.shape[1], visual.shape[1])
        index = FlatIndex(space.dim)
        index.add(ids, space.vectors(preference=learned, semantic=semantic, visual=visual))
        manifest = Manifest(
            text_encoder=_record(self.encoders.text),
            image_encoder=_record(self.encoders.image),
            preference_dim=space.preference,
            seed=seed,
            training_key=key,
            counts={"items": len(ids), "users": len(histories), "interactions": len(histories.items)},
            metrics=metrics,
            versions={"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        )
        with self.stage("publish"), self.workspace.releases.publish(manifest) as folder:
            self.items.snapshot(folder / ITEMS_FILE)
            (folder / INDEX_FOLDER).mkdir()
            index.save(folder / INDEX_FOLDER)
            alignment.save(folder / ALIGNMENT_FILE)
            if preferences:
                preferences.save(folder / PREFERENCES_FOLDER)
        self.workspace.write_rejected(self.problems)
        self.summary.items, self.summary.users, self.summary.metrics = len(ids), len(histories), metrics
        self.summary.release = self.workspace.releases.numbers()[-1]
        self.summary.seconds["total"] = round(time.monotonic() - self.started, 3)


def fusion_features(
    alignment: Alignment, texts: FloatArray, images: FloatArray, videos: FloatArray
) -> Mapping[str, FloatArray]:
    """What the fusion network sees of items: for each modality that any item has, centred unit vectors."""
    features = {
        "text": alignment.centred_texts(texts),
        "image": alignment.centred_images(images),
        "video": alignment.centred_images(videos),
    }
    return {name: rows for name, rows in features.items() if rows.any()}


def _record(encoder: TextEncoder | ImageEncoder) -> EncoderRecord:
    return EncoderRecord(reference=encoder.reference, fingerprint=encoder.fingerprint, dim=encoder.dim)


def _absolute(reference: str) -> str:
    """Make a reference to a local folder or weights file hold from any working directory."""
    head, separator, tail = reference.rpartition(":")
    path = Path(tail)
    local = path.is_file() if separator else path.is_dir()
    return f"{head}{separator}{path.resolve()}" if local else reference
