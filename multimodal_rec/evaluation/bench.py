"""A workspace for trials: our model trained and asked just as in earnest, but away from anything that is published."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from encoders import load_image_encoder, load_text_encoder
from multimodal_rec.content import Content
from multimodal_rec.embed import Encoders, recorded_encoders
from multimodal_rec.errors import CatalogueError, WorkspaceError
from multimodal_rec.evaluation.ablation import ALL, Variant
from multimodal_rec.evaluation.splits import Split
from multimodal_rec.interactions import Event
from multimodal_rec.progress import Progress
from multimodal_rec.recommender import Recommender
from multimodal_rec.releases import read_manifest
from multimodal_rec.tuned import Tuned
from multimodal_rec.work import Learned, Work
from multimodal_rec.workspace import Workspace


@dataclass(frozen=True)
class Answer:
    """What our model answers to a split."""

    lists: dict[str, list[str]]
    """Item ids for each user, best first."""
    seconds: float
    """Of training, and of all lists together."""
    learned: Learned
    metrics: dict[str, float] = field(default_factory=dict)
    """What training measured inside its own events."""
    rating_errors: tuple[float, float] | None = None
    """RMSE of the ratings of the test rows, and what it would be had each been taken for the mean; None without any,
    and of variants."""


class Bench:
    """The encoded catalogue, and the model trained on any events of it."""

    def __init__(self, work: Work, encoders: Encoders, threads: int | None) -> None:
        self._work = work
        self._encoders = encoders
        self._threads = threads
        self._words = work.word_weights()
        self.vectors = work.vectors(encoders, self._words)
        self.ids = self.vectors.ids
        self.content = Content.of(self.vectors, work.align(self.vectors.texts, self.vectors.pictures, encoders))

    @property
    def plain_content(self) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        """(n, c) semantic and visual blocks of all items."""
        return np.hstack([self.content.semantic, self.content.visual])

    def answer(self, split: Split, seed: int, k: int, variant: Variant = ALL) -> Answer:
        """Train on a split's events and recommend k items to each of its users."""
        started = time.monotonic()
        recommender, learned = self.train(split.train, seed, variant)
        with recommender:
            hits = recommender.recommend_all(split.histories.items(), k=k, candidates=split.candidates)
            lists = {user: [hit.item_id for hit in own] for user, own in hits}
            seconds = time.monotonic() - started
            errors = rating_errors(recommender, split) if learned.ratings and variant == ALL else None
        return Answer(lists, seconds, learned, learned.metrics, errors)

    def train(self, events: Sequence[Event], seed: int, variant: Variant = ALL) -> tuple[Recommender, Learned]:
        """Train on events and open what was learned."""
        work = self._work
        vectors = variant.vectors(self.vectors, seed)
        alignment = work.align(vectors.texts, vectors.pictures, self._encoders)
        work.events.put(events, replace_all=True)
        learned = work.learn(self._encoders, alignment, self._words, seed, self._threads, vectors)
        work.publish([vectors], alignment, variant.learned(learned), self._encoders)
        return Recommender.open(work.workspace.path, threads=self._threads), learned


def rating_errors(recommender: Recommender, split: Split) -> tuple[float, float] | None:
    """RMSE of the foretold ratings of a split's rated test rows, and of the training rows' mean; None without any."""
    rated: dict[str, dict[str, float]] = {}
    for event in split.test:
        if event.rating is not None and event.item_id in recommender:
            rated.setdefault(event.user_id, {})[event.item_id] = event.rating
    if not rated:
        return None
    mean = float(np.mean([event.rating for event in split.train if event.rating is not None]))
    errors = [
        (foretold - items[item_id], mean - items[item_id])
        for user, items in rated.items()
        for item_id, foretold in recommender.predict(history=split.histories.get(user, ()), items=list(items)).items()
    ]
    ours, plain = np.sqrt(np.mean(np.square(errors), axis=0))
    return float(ours), float(plain)


@contextmanager
def open_bench(
    catalogue: Path,
    *,
    workspace: Path | None,
    text_encoder: str | None,
    image_encoder: str | None,
    media_root: Path | None,
    threads: int | None,
    progress: Progress,
    tuned: Tuned | None = None,
) -> Iterator[Bench]:
    """Encode a catalogue in a temporary folder, with the vectors that a workspace knows; nothing else is touched.

    Encoders that are not named are those of the workspace's release, or "auto". The model is trained with the settings
    of `tuned`, or with the defaults.

    Raises:
        CatalogueError: the catalogue cannot be read, or holds nothing usable.
        WorkspaceError: the workspace cannot be read.
        encoders.EncoderError: an encoder cannot be had.
    """
    with tempfile.TemporaryDirectory(prefix="multimodal-rec-") as folder:
        place = Workspace(Path(folder))
        encoders = None
        if workspace is not None:
            _copy_vectors(workspace / "vectors.db", place.path / "vectors.db")
            if text_encoder is None and image_encoder is None:
                encoders = recorded_encoders(read_manifest(Workspace(workspace).releases.current()), threads)
        encoders = encoders or Encoders(
            load_text_encoder(text_encoder or "auto", threads=threads),
            load_image_encoder(image_encoder or "auto", threads=threads),
            threads,
        )
        if tuned:
            tuned.save(place.path)
        with Work(place, progress) as work:
            work.read_items(catalogue, media_root)
            try:
                work.embed(encoders)
            except CatalogueError as error:
                raise CatalogueError(f"{catalogue}: no row is usable: `multimodal-rec build` says why") from error
            yield Bench(work, encoders, threads)


def tuned_apart(workspace: Path, test: Iterable[Event]) -> Tuned | None:
    """The settings that `tune` chose for a workspace, None where it has none, or holds one of these test events.

    Settings that were chosen with the help of what they are tested on would look better than they are.

    Raises:
        WorkspaceError: they are damaged or of another version.
    """
    tuned = Tuned.load(workspace)
    if tuned is None:
        return None
    rows = {(event.user_id, event.item_id) for event in test}
    with Workspace(workspace).events() as table:
        known = {(user, event.item_id) for user in {user for user, _ in rows} for event in table.history(user)}
    return None if rows & known else tuned


def _copy_vectors(source: Path, target: Path) -> None:
    if not source.is_file():
        raise WorkspaceError(f"{source.parent} holds no vectors: make them with `multimodal-rec build`")
    try:
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as found,
            closing(sqlite3.connect(target)) as copy,
        ):
            found.backup(copy)
    except sqlite3.Error as error:
        raise WorkspaceError(f"{source} cannot be read ({error}): leave --workspace out to encode anew") from error
