"""From a catalogue to a release: read, embed, align, learn, publish. And the changes: update and remove."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from encoders import load_image_encoder, load_text_encoder
from index import FlatIndex, IndexFileError
from multimodal_rec.alignment import Alignment
from multimodal_rec.catalogue import Problem, read_catalogue
from multimodal_rec.content import CatalogueVectors, Content
from multimodal_rec.embed import EmbedCounts, Encoders, embed_catalogue, recorded_encoders
from multimodal_rec.errors import CatalogueError, UnknownItem, WorkspaceError
from multimodal_rec.histories import Histories, collect, enough_to_train
from multimodal_rec.interactions import Event, read_interactions
from multimodal_rec.item_table import MODALITIES
from multimodal_rec.items import CheckedItem, Item
from multimodal_rec.parts import PartVectors, remove_parts
from multimodal_rec.progress import Progress, silent
from multimodal_rec.releases import (
    ALIGNMENT_FILE,
    INDEX_FOLDER,
    ITEMS_FILE,
    PARTS_FOLDER,
    PREFERENCES_FOLDER,
    EncoderRecord,
    Manifest,
    read_manifest,
)
from multimodal_rec.space import Space
from multimodal_rec.vector_store import DamagedStoreError
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
    with place.writing(create=True), _Work(place, progress) as work:
        work.read_items(catalogue, media_root, replace_all=True)
        vectors, parts = work.embed(encoders)
        work.read_events(interactions)
        with work.stage("align"):
            alignment = Alignment.fit(vectors.texts, vectors.pictures, encoders.image.classes, encoders.text)
        content = Content.of(vectors, alignment)
        with work.stage("train"):
            learned = work.learn(content, seed, threads)
        work.publish(vectors, parts, content, alignment, learned, _records(encoders))
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
        manifest = read_manifest(folder)
        encoders = recorded_encoders(manifest, threads)
        with _Work(place, progress) as work:
            work.read_items(catalogue, media_root)
            alignment = Alignment.load(folder / ALIGNMENT_FILE)
            vectors, parts = work.embed(encoders)
            content = Content.of(vectors, alignment)
            work.publish(vectors, parts, content, alignment, Learned.recorded(folder, manifest), _records(encoders))
            return work.summary


def remove(ids: Sequence[str], workspace: Path) -> Summary:
    """Take items out of a workspace.

    Raises:
        UnknownItem: one of them is not there; nothing is removed then.
        WorkspaceError: the workspace is missing or busy, or nothing would be left in it.
    """
    place = Workspace(workspace)
    with place.writing():
        folder = place.releases.current()
        manifest = read_manifest(folder)
        with _Work(place, silent) as work:
            known = work.items.get(ids)
            for item_id in ids:
                if item_id not in known:
                    raise UnknownItem(item_id)
            if len(known) == len(work.items):
                raise WorkspaceError("removing every item would leave no index: build another catalogue instead")
            work.items.remove(list(known))
            index, parts = load_indexes(folder)
            index.remove(known)
            remove_parts(parts, known)
            work.write_release(
                index,
                parts,
                Alignment.load(folder / ALIGNMENT_FILE),
                Learned.recorded(folder, manifest),
                (manifest.text_encoder, manifest.image_encoder),
            )
            return work.summary


@dataclass(frozen=True)
class Learned:
    """The fusion network of a release, None where there was nothing to learn from, and what it came from."""

    preferences: Preferences | None
    seed: int
    training_key: str = ""
    metrics: dict[str, float] = field(default_factory=dict)

    @classmethod
    def recorded(cls, folder: Path, manifest: Manifest) -> Self:
        """What an earlier release learned."""
        from multimodal_rec.preferences import Preferences

        preferences = Preferences.load(folder / PREFERENCES_FOLDER) if manifest.preference_dim else None
        return cls(preferences, manifest.seed, manifest.training_key, manifest.metrics)


class _Work:
    """One build or update under way: the open tables, the clock, and what could not be used."""

    def __init__(self, workspace: Workspace, progress: Progress) -> None:
        self.workspace = workspace
        self.progress = progress
        self.summary = Summary()
        self.problems: list[Problem] = []
        self.started = time.monotonic()

    def __enter__(self) -> Self:
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

    def read_items(self, catalogue: Path, media_root: Path | None, *, replace_all: bool = False) -> None:
        """Put the items of a catalogue into the table, and note the problems."""
        with self.stage("catalogue"):
            self.items.put(self._usable_items(read_catalogue(catalogue, media_root)), replace_all=replace_all)

    def embed(self, encoders: Encoders) -> tuple[CatalogueVectors, list[PartVectors]]:
        """Encode what is new in the catalogue, and return the vectors of all items and of their parts.

        Raises:
            CatalogueError: no item is left.
        """
        with self.stage("encode"):
            noted = len(self.problems)
            try:
                counts, vectors, parts = self._embed(encoders)
            except DamagedStoreError:
                del self.problems[noted:]
                counts, vectors, parts = self._embed(encoders)
        self.summary.encoded, self.summary.reused = counts.encoded, counts.reused
        self.summary.rejected = sum(not problem.kept for problem in self.problems)
        self.summary.warnings = len(self.problems) - self.summary.rejected
        if not len(self.items):
            self.workspace.write_rejected(self.problems)
            raise CatalogueError(f"no row of the catalogue is usable: {self.workspace.path}/rejected.jsonl says why")
        return vectors, parts

    def _embed(self, encoders: Encoders) -> tuple[EmbedCounts, CatalogueVectors, list[PartVectors]]:
        counts = embed_catalogue(
            self.items, self.store, encoders, on_problem=self.problems.append, progress=self.progress
        )
        text, image, video = (
            self.store.matrix(encoders.space(name), self.items.keys(name), encoders.dim(name)) for name in MODALITIES
        )
        ids = self.items.ids()
        parts = [
            self.store.parts(encoders.space(name), name, ids, self.items.keys(name), encoders.dim(name))
            for name in MODALITIES
        ]
        return counts, CatalogueVectors(ids, text, image, video), parts

    def read_events(self, interactions: Path | None) -> None:
        """Put the interactions into the table; those of unknown items count as soon as the catalogue holds them."""
        counts = self.summary.interactions
        with self.stage("interactions"):
            counts.update(rows=0, rejected=0, unknown_items=0)
            self.events.put(self._usable_events(interactions), replace_all=True)
            known = set(self.items.ids())
            for item_id, count in self.events.item_counts().items():
                if interactions and item_id not in known:
                    counts["unknown_items"] += count
                    reason = f"interaction of an unknown item ({count} rows)"
                    self.problems.append(Problem(interactions.name, item_id, reason))

    def learn(self, content: Content, seed: int, threads: int | None) -> Learned:
        """Train the fusion network, or take the current release's where it was trained from just the same."""
        histories = self._histories(content.ids)
        if not enough_to_train(histories):
            return Learned(None, seed)
        from multimodal_rec.training import TrainingConfig, train, training_key

        config = TrainingConfig()
        key = training_key(histories, content.features, content.ids, seed, config)
        earlier = self._current()
        if earlier and earlier[1].training_key == key:
            return Learned.recorded(*earlier)
        if threads:
            import torch

            torch.set_num_threads(threads)
        trained = train(
            histories,
            content.features,
            np.hstack([content.semantic, content.visual]),
            ids=content.ids,
            seed=seed,
            config=config,
            progress=self.progress,
        )
        metrics = {
            "validation_ndcg@20": round(trained.validation_ndcg, 4),
            "epochs": float(trained.epochs),
            "content_weight": trained.preferences.config.content_weight,
        }
        return Learned(trained.preferences, seed, key, metrics)

    def publish(
        self,
        vectors: CatalogueVectors,
        parts: Sequence[PartVectors],
        content: Content,
        alignment: Alignment,
        learned: Learned,
        encoders: tuple[EncoderRecord, EncoderRecord],
    ) -> None:
        """Assemble the item vectors and publish them with all that a query needs."""
        preference = (
            learned.preferences.item_block(content.ids, content.features)
            if learned.preferences
            else np.zeros((len(content.ids), 0), np.float32)
        )
        space = Space(preference.shape[1], content.semantic.shape[1], content.visual.shape[1])
        index = FlatIndex(space.dim)
        index.add(content.ids, space.vectors(preference=preference, semantic=content.semantic, visual=content.visual))
        part_index = FlatIndex(space.dim)
        for group in parts:
            rows = Content.of(vectors.versions(group), alignment)
            part_index.add(
                rows.ids,
                space.vectors(preference=preference[group.owners], semantic=rows.semantic, visual=rows.visual),
            )
        self.write_release(index, part_index, alignment, learned, encoders)

    def write_release(
        self,
        index: FlatIndex,
        parts: FlatIndex,
        alignment: Alignment,
        learned: Learned,
        encoders: tuple[EncoderRecord, EncoderRecord],
    ) -> None:
        """Publish the indexes with all that a query needs, and complete the summary."""
        histories = self._histories(index.ids)
        text_encoder, image_encoder = encoders
        manifest = Manifest(
            text_encoder=text_encoder,
            image_encoder=image_encoder,
            preference_dim=learned.preferences.dim if learned.preferences else 0,
            seed=learned.seed,
            training_key=learned.training_key,
            counts={"items": len(index), "users": len(histories), "interactions": len(histories.items)},
            metrics=learned.metrics,
            versions={"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        )
        with self.stage("publish"), self.workspace.releases.publish(manifest) as folder:
            self.items.snapshot(folder / ITEMS_FILE)
            for name, vectors in ((INDEX_FOLDER, index), (PARTS_FOLDER, parts)):
                (folder / name).mkdir()
                vectors.save(folder / name)
            alignment.save(folder / ALIGNMENT_FILE)
            if learned.preferences:
                learned.preferences.save(folder / PREFERENCES_FOLDER)
        self.workspace.write_rejected(self.problems)
        self.summary.items, self.summary.users, self.summary.metrics = len(index), len(histories), learned.metrics
        self.summary.release = self.workspace.releases.numbers()[-1]
        self.summary.seconds["total"] = round(time.monotonic() - self.started, 3)

    def _usable_items(self, rows: Iterator[CheckedItem | Problem]) -> Iterator[Item]:
        for number, row in enumerate(rows, start=1):
            if isinstance(row, Problem):
                self.problems.append(row)
            else:
                yield row.item
            self.progress("reading the catalogue", number, 0)

    def _usable_events(self, interactions: Path | None) -> Iterator[Event]:
        if interactions is None:
            return
        counts = self.summary.interactions
        for row in read_interactions(interactions):
            counts["rows"] += 1
            if isinstance(row, Problem):
                counts["rejected"] += 1
                self.problems.append(row)
            else:
                yield row
            self.progress("reading the interactions", counts["rows"], 0)

    def _histories(self, ids: Sequence[str]) -> Histories:
        """All events, with items as positions among these ids."""
        return collect(self.events.histories(), {item_id: place for place, item_id in enumerate(ids)})

    def _current(self) -> tuple[Path, Manifest] | None:
        try:
            folder = self.workspace.releases.current()
            return folder, read_manifest(folder)
        except WorkspaceError:
            return None


def load_indexes(folder: Path) -> tuple[FlatIndex, FlatIndex]:
    """Open the indexes of a release: of its items, and of their parts.

    Raises:
        WorkspaceError: one is missing or damaged.
    """
    try:
        return FlatIndex.load(folder / INDEX_FOLDER), FlatIndex.load(folder / PARTS_FOLDER)
    except IndexFileError as error:
        raise WorkspaceError(f"{error}: run `multimodal-rec build` again") from error


def _records(encoders: Encoders) -> tuple[EncoderRecord, EncoderRecord]:
    text, image = (
        EncoderRecord(reference=encoder.reference, fingerprint=encoder.fingerprint, dim=encoder.dim)
        for encoder in (encoders.text, encoders.image)
    )
    return text, image


def _absolute(reference: str) -> str:
    """Make a reference to a local folder or weights file hold from any working directory."""
    head, separator, tail = reference.rpartition(":")
    path = Path(tail)
    local = path.is_file() if separator else path.is_dir()
    return f"{head}{separator}{path.resolve()}" if local else reference
