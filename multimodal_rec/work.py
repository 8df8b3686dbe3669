"""One build or update under way: what the commands of `build` are made of."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from index import VectorIndex
from multimodal_rec.alignment import Alignment, RowSource
from multimodal_rec.arrays import FloatArray
from multimodal_rec.catalogue import Problem, read_catalogue
from multimodal_rec.content import CatalogueVectors, Content, PictureRows, attribute_names, name_features
from multimodal_rec.embed import EmbedCounts, Encoders, StoredTexts, embed_catalogue
from multimodal_rec.errors import CatalogueError
from multimodal_rec.histories import Histories, collect, enough_to_train
from multimodal_rec.index_choice import AUTO, codes_instead, new_index, tune
from multimodal_rec.interactions import Event, read_interactions
from multimodal_rec.item_table import MODALITIES, ItemTable
from multimodal_rec.items import CheckedItem, Item
from multimodal_rec.parts import PartVectors
from multimodal_rec.progress import Progress
from multimodal_rec.ratings import RatingModel, load_ratings
from multimodal_rec.releases import (
    ALIGNMENT_FILE,
    FORMAT,
    ITEMS_FILE,
    PREFERENCES_FOLDER,
    WORDS_FILE,
    EncoderRecord,
    Manifest,
    read_manifest,
    readable_current,
    save_indexes,
)
from multimodal_rec.sources import Sources
from multimodal_rec.space import Space
from multimodal_rec.tuned import configured, tuned_settings
from multimodal_rec.user_vectors import user_vectors
from multimodal_rec.vector_store import DamagedStoreError, StoredRows
from multimodal_rec.word_features import WordWeights
from multimodal_rec.workspace import Workspace

if TYPE_CHECKING:
    from multimodal_rec.preferences import EventVectors, Preferences


LIBRARIES = (
    "multimodal-rec",
    "torch",
    "numpy",
    "faiss-cpu",
    "onnxruntime",
    "transformers",
    "opencv-python",
    "av",
    "pillow",
)

PAGE = 2048
"""Items, or parts of items, whose vectors are assembled at once."""
READ_AT_ONCE = 2048
"""So many items' vectors, some 14 MB, are read once to be aligned; those of more as often as they are needed."""
TUNING_USERS = 128
"""Users whose vectors an approximate index is tuned with."""


@dataclass
class Summary:
    """What a build or an update did."""

    items: int = 0
    """Items that can be found now."""
    removed: int = 0
    """Items that an update or a removal took out."""
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
    index: dict[str, str] = field(default_factory=dict)
    """Kind of the items' index, what was asked for, and why this one."""
    metrics: dict[str, float] = field(default_factory=dict)
    """What was measured in training."""
    settings: dict[str, float] = field(default_factory=dict)
    """Settings of training that `tune` chose; empty where they are the defaults."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Per stage, and in all."""
    release: int = 0
    """Number of the release that was published."""

    @classmethod
    def again(cls, earlier: dict[str, Any], seconds: float) -> Self:
        """That of a build with nothing to do: all that the earlier one encoded is reused."""
        reused = {name: count + earlier["reused"][name] for name, count in earlier["encoded"].items()}
        return cls(
            **earlier | {"encoded": dict.fromkeys(reused, 0), "reused": reused, "seconds": {"total": round(seconds, 3)}}
        )


Rows = tuple[list[str], FloatArray]
"""What an index is to hold: n ids, and float32 (n, dim) vectors."""


class Gathered:
    """Rows that come a page at a time, and wait in a file that has no name; a context that closes it."""

    def __init__(self, dim: int, folder: Path) -> None:
        self._ids: list[str] = []
        self._dim = dim
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - the context's end closes it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def extend(self, ids: list[str], vectors: FloatArray) -> None:
        """Put a page behind the others."""
        self._ids += ids
        self._file.write(np.ascontiguousarray(vectors, dtype=np.float32).data)

    def done(self) -> Rows:
        """All of them, mapped into memory to be read: nobody writes to the file any more, which is there as long as they are."""
        if not self._ids:
            return [], np.zeros((0, self._dim), np.float32)
        self._file.flush()
        return self._ids, np.memmap(self._file, np.float32, "r", shape=(len(self._ids), self._dim)).view(np.ndarray)


@dataclass(frozen=True)
class Learned:
    """What a release learned from events; None where there were too few."""

    preferences: Preferences | None
    events: EventVectors | None
    seed: int
    training_key: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    words: WordWeights | None = None
    """That the features of items were made with."""
    ratings: RatingModel | None = None
    """Beside preferences, where the log holds ratings that differ."""
    settings: dict[str, float] = field(default_factory=dict)
    """That it was learned with, where they are not the defaults."""

    @classmethod
    def recorded(cls, folder: Path, manifest: Manifest) -> Self:
        """What an earlier release learned."""
        if not manifest.preference_dim:
            return cls(None, None, manifest.seed, manifest.training_key, manifest.metrics)
        from multimodal_rec.preferences import EventVectors, Preferences

        words = WordWeights.load(folder / WORDS_FILE)
        folder = folder / PREFERENCES_FOLDER
        preferences, events = Preferences.load(folder), EventVectors.load(folder)
        return cls(
            preferences,
            events,
            manifest.seed,
            manifest.training_key,
            manifest.metrics,
            words,
            load_ratings(folder),
            preferences.record.settings if preferences.record else {},
        )

    def of_items(self, content: Content) -> Self:
        """The same with what it tells of these items as events and of their ratings, and of no others."""
        if self.preferences is None:
            return self
        from multimodal_rec.preferences import EventVectors

        events = EventVectors(content.ids, self.preferences.event_block(content.ids, content.features))
        ratings = self.ratings and self.ratings.of_catalogue(content.ids, content.features)
        return replace(self, events=events, ratings=ratings)

    def with_items(self, content: Content) -> Self:
        """The same with what it tells of these items as events and of their ratings, in the place of what it told."""
        if self.preferences is None or self.events is None:
            return self
        events = self.events.with_rows(content.ids, self.preferences.event_block(content.ids, content.features))
        ratings = self.ratings and self.ratings.with_items(content.ids, content.features)
        return replace(self, events=events, ratings=ratings)

    def joined(self, pages: Sequence[Learned]) -> Self:
        """The same with what these tell of their items."""
        ratings = [page.ratings for page in pages if page.ratings]
        events = [page.events for page in pages if page.events]
        return replace(
            self,
            events=events[0].joined(events) if events else None,
            ratings=ratings[0].joined(ratings) if ratings else None,
        )

    def save_items(self, folder: Path) -> None:
        """Write what is told of single items into the folder of what was learned."""
        if self.events:
            self.events.save(folder)
        if self.ratings:
            self.ratings.save(folder)


class Work:
    """One build or update under way: the open tables, the clock, and what could not be used."""

    def __init__(self, workspace: Workspace, progress: Progress) -> None:
        self.workspace = workspace
        self.progress = progress
        self.summary = Summary()
        self.problems: list[Problem] = []
        self.catalogue_read = False
        """Whether one was read: what is written down of an earlier one stays otherwise."""
        self.sources = Sources()
        self.wanted_index = AUTO
        self.all_encoded = True
        """Whether no medium failed to be encoded: what failed is tried again by every build."""
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

    @contextmanager
    def as_released(self, folder: Path) -> Iterator[None]:
        """Read the items of a release, in the place of those being worked on, which may be changing."""
        with ItemTable(folder / ITEMS_FILE, read_only=True) as released:
            own, self.items = self.items, released
            try:
                yield
            finally:
                self.items = own

    def start_from(self, folder: Path, manifest: Manifest) -> None:
        """Take the items of a release for those to be changed, whatever an earlier change left half done."""
        self.items.restore(folder / ITEMS_FILE, manifest.number)
        self.wanted_index = manifest.index.get("wanted", AUTO)
        self.summary.index = manifest.index

    def read_items(self, catalogue: Path, media_root: Path | None) -> None:
        """Put the items of a catalogue into the table, in the place of all others, and note the problems."""
        with self.stage("catalogue"):
            self.items.put(
                self._usable_items(read_catalogue(catalogue, media_root, self.sources.note)), replace_all=True
            )

    def read_changes(self, catalogue: Path, media_root: Path | None) -> list[str]:
        """Put the items of a catalogue into the table beside the others, note the problems, and return their ids."""
        ids: dict[str, None] = {}

        def noted() -> Iterator[Item]:
            for item in self._usable_items(read_catalogue(catalogue, media_root)):
                ids[item.id] = None
                yield item

        with self.stage("catalogue"):
            self.items.put(noted())
        return list(ids)

    def embed(self, encoders: Encoders, ids: Sequence[str] | None = None) -> list[str]:
        """Encode what is new in the catalogue, or in these items of it; return the items that were of no use and went.

        Raises:
            CatalogueError: no item is left.
        """
        with self.stage("encode"):
            noted, undamaged = len(self.problems), True
            try:
                counts = self._embed(encoders, ids)
            except DamagedStoreError:  # the store is empty now; media that were left out will not be found again
                counts, undamaged = self._embed(encoders, ids), False
                self.problems[noted:] = dict.fromkeys(self.problems[noted:])
            if ids is None:
                encoders.release()  # what follows needs the memory
        self.all_encoded = undamaged and not counts.left_out
        self.summary.encoded, self.summary.reused = counts.encoded, counts.reused
        self.summary.rejected = sum(not problem.kept for problem in self.problems)
        self.summary.warnings = len(self.problems) - self.summary.rejected
        if not len(self.items):
            self.refuse_catalogue()
        return counts.unusable

    def refuse_catalogue(self) -> NoReturn:
        """Raise CatalogueError for a catalogue that holds nothing usable."""
        self.workspace.write_rejected(self.problems)
        if not self.problems:
            raise CatalogueError("the catalogue holds no rows: give one with at least one item")
        first = f"{self.problems[0].place}: {self.problems[0].reason}"
        reasons = f"{self.workspace.path}/rejected.jsonl says why"
        raise CatalogueError(f"no row of the catalogue is usable ({first}): {reasons}")

    def _embed(self, encoders: Encoders, ids: Sequence[str] | None) -> EmbedCounts:
        return embed_catalogue(
            self.items, self.store, encoders, on_problem=self.problems.append, progress=self.progress, ids=ids
        )

    def all_stored(self, encoders: Encoders) -> bool:
        """Whether the store holds the vectors of all media of all items, undamaged."""
        for name in MODALITIES:
            keys = {key for key in self.items.keys(name) if key is not None}
            if len(self.store.present(encoders.space(name), list(keys))) < len(keys):
                return False
        return True

    def word_weights(self) -> WordWeights:
        """How telling each word of the catalogue is."""
        return WordWeights.fit(item.text for page in self.items.pages() for item in page)

    def vectors(
        self, encoders: Encoders, words: WordWeights | None, chosen: Sequence[str] | None = None
    ) -> CatalogueVectors:
        """The stored vectors of all items, or of those chosen; with word weights, the features of words and names too."""
        text, image, video = (
            self.store.matrix(encoders.space(name), self.items.keys(name, chosen), encoders.dim(name))
            for name in MODALITIES
        )
        ids = self.items.ids() if chosen is None else list(chosen)
        described = np.array(self.items.described(chosen), np.bool_)
        if words is None:
            return CatalogueVectors(ids, text, image, video, described)
        categories, attributes, telling = [], [], []
        for page in self.items.pages(chosen):
            categories.append(name_features([item.categories for item in page]))
            attributes.append(name_features([attribute_names(item.attributes) for item in page]))
            telling.append(words.features([item.text for item in page]))
        return CatalogueVectors(
            ids, text, image, video, described, np.vstack(categories), np.vstack(attributes), np.vstack(telling)
        )

    def unchanged(self, input_key: str) -> bool:
        """Whether the current release was built from just the input of this key; the summary is complete then."""
        current = readable_current(self.workspace.releases)
        if current is None:
            return False
        _, manifest = current
        if manifest.input_key != input_key:
            return False
        self.summary.settings = tuned_settings(self.workspace.path)
        self.conclude(manifest)
        return True

    def leave_receipt(self, key: str) -> None:
        """Spare the next build of just the same files all work; the tables must be closed."""
        if self.all_encoded and self.sources.settled:
            self.workspace.write_receipt(key, self.summary.release, self.sources, asdict(self.summary))

    def input_key(self, encoders: Encoders, seed: int, settings: Mapping[str, float]) -> str:
        """A hash of all that a build depends on."""
        key = settings_key(encoder_records(encoders), seed, self.wanted_index, sorted(settings.items()))
        digest = hashlib.sha256(key.encode())
        for table in (self.items, self.events):
            for row in table.rows():
                digest.update(repr(row).encode(errors="replace"))
        return digest.hexdigest()

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

    def stored_rows(self, encoders: Encoders) -> tuple[RowSource, RowSource]:
        """The stored vectors of the texts and of the pictures of all items, (n, t) and (n, v); of many, as they are asked for."""
        text, image, video = (
            StoredRows(self.store, encoders.space(name), self.items.keys(name), encoders.dim(name))
            for name in MODALITIES
        )
        pictures = PictureRows(image, video)
        every = np.arange(len(text.keys))
        return (text, pictures) if len(every) > READ_AT_ONCE else (text[every], pictures[every])

    def align(self, texts: RowSource, pictures: RowSource, encoders: Encoders) -> Alignment:
        """Fit the alignment to a catalogue; what it must know of the classes in words is stored for the next time."""
        told_by = StoredTexts(encoders.text, self.store)
        sharpen = encoders.image.text_tower is None
        return Alignment.fit(texts, pictures, encoders.image.classes, told_by, sharpen=sharpen)

    def pages(self, encoders: Encoders, words: WordWeights | None) -> Iterator[CatalogueVectors]:
        """Yield the stored vectors of all items, a page at a time, as `vectors` does."""
        ids = self.items.ids()
        for start in range(0, len(ids), PAGE):
            yield self.vectors(encoders, words, ids[start : start + PAGE])

    def learn(
        self,
        encoders: Encoders,
        alignment: Alignment,
        words: WordWeights | None,
        seed: int,
        threads: int | None,
        vectors: CatalogueVectors | None = None,
    ) -> Learned:
        """Train the fusion network, or take the current release's where it was trained from just the same.

        It is trained with the settings that `tune` left in the workspace.

        Args:
            encoders: that the stored vectors come from.
            alignment: the centres and the bridge.
            words: that the vectors of words are made with; None where there are no events.
            seed: of everything random.
            threads: CPU threads at the most.
            vectors: of the catalogue, instead of those stored.

        Raises:
            WorkspaceError: the settings are damaged or of another version.
        """
        settings = tuned_settings(self.workspace.path)
        histories = self._histories(self.items.ids() if vectors is None else vectors.ids)
        if words is None or not enough_to_train(histories):
            return Learned(None, None, seed, settings=settings)
        from multimodal_rec.rating_training import fit_ratings
        from multimodal_rec.training import train, training_key

        content = Content.of(self.vectors(encoders, words) if vectors is None else vectors, alignment)
        config = configured(settings)
        key = training_key(histories, content.features, content.ids, seed, config)
        earlier = readable_current(self.workspace.releases)
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
            "validation_ndcg@20_new_items": round(trained.new_item_ndcg, 4),
        }
        ratings = fit_ratings(histories, content.features, ids=content.ids, seed=seed, progress=self.progress)
        metrics |= ratings.config.metrics if ratings else {}
        return Learned(trained.preferences, None, seed, key, metrics, words, ratings, settings)

    def publish(
        self,
        pages: Iterable[CatalogueVectors],
        alignment: Alignment,
        learned: Learned,
        encoders: Encoders,
        *,
        input_key: str = "",
    ) -> None:
        """Assemble the item vectors and publish them with all that a query needs.

        Args:
            pages: the vectors of all items of the table, some of them at a time.
            alignment: the centres and the bridge.
            learned: what was learned from events; what it tells of these items takes the place of what it told.
            encoders: that the vectors come from.
            input_key: of what a build reads to make just this release; empty where what was learned is of another time.
        """
        with self.stage("index"):
            index, part_index, learned = self._indexed(pages, alignment, learned, encoders)
        self._write_release(index, part_index, alignment, learned, encoder_records(encoders), input_key)

    def _indexed(
        self, pages: Iterable[CatalogueVectors], alignment: Alignment, learned: Learned, encoders: Encoders
    ) -> tuple[VectorIndex, VectorIndex, Learned]:
        """The tuned indexes of items and of their parts, and what was learned with what it tells of the items."""
        items, parts, learned = self._assembled(pages, alignment, learned, encoders)
        space = space_of(alignment, learned)
        index, self.summary.index = new_index(self.wanted_index, len(items[0]), space.dim)
        index.add(*items, lasting=True)
        part_index, _ = new_index(self.wanted_index, len(parts[0]), space.dim)
        part_index.add(*parts, lasting=True)
        users = [events for _, events in islice(self.events.histories(), TUNING_USERS)]
        asked = user_vectors(users, index, space, learned.preferences, learned.events)
        tune(index, space, asked)
        if codes := codes_instead(index, self.summary.index):
            index, self.summary.index = codes
            index.add(*items, lasting=True)
            tune(index, space, asked)
        tune(part_index, space, asked[:0])
        return index, part_index, learned

    def _assembled(
        self, pages: Iterable[CatalogueVectors], alignment: Alignment, learned: Learned, encoders: Encoders
    ) -> tuple[Rows, Rows, Learned]:
        """The vectors of all items and of their parts, and what was learned with what it tells of the items."""
        dim = space_of(alignment, learned).dim
        told = []
        with self.gathered(dim) as items, self.gathered(dim) as parts:
            for vectors in pages:
                content = Content.of(vectors, alignment)
                wholes = whole_vectors(content, learned)
                items.extend(content.ids, wholes)
                for rows in part_rows(content, self.parts(encoders, content.ids), wholes, learned):
                    parts.extend(*rows)
                told.append(learned.of_items(content))
            return items.done(), parts.done(), learned.joined(told)

    def gathered(self, dim: int) -> Gathered:
        """Nothing yet of vectors of this length that are to come."""
        return Gathered(dim, self.workspace.path)

    def parts(self, encoders: Encoders, ids: Sequence[str]) -> Iterator[PartVectors]:
        """Yield the stored vectors of the passages and shots of these items, those of some items at a time."""
        for name in MODALITIES:
            yield from self.store.parts(encoders.space(name), name, ids, self.items.keys(name, ids))

    def _write_release(
        self,
        index: VectorIndex,
        parts: VectorIndex,
        alignment: Alignment,
        learned: Learned,
        encoders: tuple[EncoderRecord, EncoderRecord],
        input_key: str,
    ) -> None:
        """Publish the indexes with all that a query needs, and complete the summary."""
        text_encoder, image_encoder = encoders
        manifest = Manifest(
            text_encoder=text_encoder,
            image_encoder=image_encoder,
            preference_dim=learned.preferences.dim if learned.preferences else 0,
            seed=learned.seed,
            training_key=learned.training_key,
            input_key=input_key,
            counts=self.counts(index.ids),
            index=self.summary.index,
            metrics=learned.metrics,
            versions=_versions(),
        )
        with self.stage("publish"), self.workspace.releases.publish(manifest) as folder:
            self.items.snapshot(folder / ITEMS_FILE)
            save_indexes(folder, index, parts)
            alignment.save(folder / ALIGNMENT_FILE)
            if learned.words:
                learned.words.save(folder / WORDS_FILE)
            if learned.preferences:
                learned.preferences.save(folder / PREFERENCES_FOLDER)
            learned.save_items(folder / PREFERENCES_FOLDER)
        self.summary.settings = learned.settings
        self.conclude(read_manifest(self.workspace.releases.current()))

    def counts(self, ids: Sequence[str]) -> dict[str, int]:
        """How many items these are, how many users know any of them, and by how many events."""
        histories = self._histories(ids)
        return {"items": len(ids), "users": len(histories), "interactions": len(histories.items)}

    def conclude(self, manifest: Manifest) -> None:
        """Write down what could not be used, and complete the summary."""
        self.items.mark(manifest.number)
        if self.catalogue_read:
            self.workspace.write_rejected(self.problems)
        self.summary.items, self.summary.users = manifest.counts["items"], manifest.counts["users"]
        self.summary.index = manifest.index
        self.summary.metrics, self.summary.release = manifest.metrics, manifest.number
        self.summary.seconds["total"] = round(time.monotonic() - self.started, 3)

    def _usable_items(self, rows: Iterator[CheckedItem | Problem]) -> Iterator[Item]:
        self.catalogue_read = True
        for number, row in enumerate(rows, start=1):
            if isinstance(row, Problem):
                self.problems.append(row)
            else:
                yield row.item
            self.progress("reading the catalogue", number, 0)

    def _usable_events(self, interactions: Path | None) -> Iterator[Event]:
        if interactions is None:
            return
        self.sources.note(interactions)
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


def space_of(alignment: Alignment, learned: Learned) -> Space:
    """The layout of the vectors of items after what was learned."""
    preference = learned.preferences.dim if learned.preferences else 0
    return Space(preference, len(alignment.text_mean), len(alignment.image_mean))


def whole_vectors(content: Content, learned: Learned) -> FloatArray:
    """(n, dim) the vectors of items as wholes."""
    blocks = {"semantic": content.semantic, "visual": content.visual}
    if learned.preferences:
        blocks["preference"] = learned.preferences.item_block(content.ids, content.features)
    return space_of(content.alignment, learned).vectors(**blocks)


def part_rows(content: Content, groups: Iterable[PartVectors], wholes: FloatArray, learned: Learned) -> Iterator[Rows]:
    """Yield the rows of the parts of items, some at a time.

    Args:
        content: of n items.
        groups: their parts, to which those are added that follow from their media.
        wholes: (n, dim) the vectors of the same items as wholes.
        learned: that these were made with.
    """
    space = space_of(content.alignment, learned)
    preference = wholes[:, space.blocks["preference"]]
    for group in chain(groups, [content.vectors.pictures_alone()]):
        for some in group.pages(PAGE):
            own = Content.of(content.vectors.versions(some), content.alignment)
            blocks = {"semantic": own.semantic, "visual": own.visual, "preference": preference[some.owners]}
            yield own.ids, space.vectors(**blocks)


def settings_key(encoders: tuple[EncoderRecord, EncoderRecord], seed: int, *more: object) -> str:
    """A hash of all that a build depends on beside its files."""
    return hashlib.sha256(repr((FORMAT, seed, encoders, _versions(), more)).encode()).hexdigest()


def encoder_records(encoders: Encoders) -> tuple[EncoderRecord, EncoderRecord]:
    """What a release notes of its encoders."""
    text, image = (
        EncoderRecord(reference=encoder.reference, fingerprint=encoder.fingerprint, dim=encoder.dim)
        for encoder in (encoders.text, encoders.image)
    )
    return text, image


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):  # opencv-python-headless does as well, say
            found[name] = version(name)
    return found
