"""The one object that answers queries: recommend, search, similar."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import asdict, dataclass, replace
from functools import cached_property, reduce
from itertools import compress, islice
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from encoders import ImageEncoder, TextEncoder
from index import Match, Selection
from multimodal_rec.alignment import Alignment, unit
from multimodal_rec.arrays import FloatArray
from multimodal_rec.build import build
from multimodal_rec.changes import remove, update
from multimodal_rec.columns import ItemFilter
from multimodal_rec.embed import Encoders, recorded_image_encoder, recorded_text_encoder
from multimodal_rec.errors import QueryError, UnknownItem, UnknownUser
from multimodal_rec.expansion import EXAMPLES, WORDLESS, Expansion
from multimodal_rec.feedback import unwanted, wanted
from multimodal_rec.filters import AVAILABLE_NOW, Where
from multimodal_rec.interactions import Event, in_time_order
from multimodal_rec.item_table import ItemTable
from multimodal_rec.items import Item
from multimodal_rec.kernel_ridge import drawn_evenly
from multimodal_rec.lifecycle import Pruned, ReleaseEntry, list_releases, prune, rollback
from multimodal_rec.parts import Part, PartOwners, best_parts
from multimodal_rec.progress import Progress, silent
from multimodal_rec.query import TASTE, Picture, Query, QueryVectors, several
from multimodal_rec.ratings import RatingModel, load_ratings
from multimodal_rec.reasons import Reasons, contributions, nearest
from multimodal_rec.releases import (
    ALIGNMENT_FILE,
    ITEMS_FILE,
    PREFERENCES_FOLDER,
    load_indexes,
    read_manifest,
)
from multimodal_rec.slate import PLAIN, Candidates, Slate, against, choose, nearly_one, repeats
from multimodal_rec.space import Space
from multimodal_rec.threads import aside, done, one_thread
from multimodal_rec.user_vectors import user_vectors
from multimodal_rec.workspace import Workspace

if TYPE_CHECKING:
    from multimodal_rec.preferences import EventVectors, Preferences


BATCH = 256
"""Users or queries answered together in the batch methods."""
REMEMBERED = 4096
"""Vectors of users that were asked about of late, one after another."""
TELLING = attrgetter("item_id", "rating", "weight")
"""What of an event a user's vector depends on, beside its place in the history."""
SAME_SCORE = 1e-5
"""A part that falls short of the whole by less is the whole: the one shot of a clip, say."""
MANY_EXCLUDED = 2048
"""So many ids to leave out of all queries are taken out of the items to choose from, fewer out of each query."""
NOTHING_KNOWN = "no item of this history is in the index: check its item ids"
WORDS = 1.0
"""What an item gains that holds all words of a text, if no other does: as much as the nearest meaning can give."""
UNIQUE = Slate(unique=True)
Version = tuple[float, Part | None]
"""The score of an item by its best version, and which part that is, None for the whole."""
SPREAD_AMONG = 512
"""Items that tell how much the scores of a search and of a user's taste differ, so that both can count alike."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer. `score` is an inner product: comparable within a list, not between lists."""

    rank: int
    item_id: str
    score: float
    title: str | None
    categories: tuple[str, ...]
    image: Path | None
    video: Path | None
    attributes: Mapping[str, Any]
    matched: Part | None = None
    """The passage or the shot that matched best, where one did better than the whole."""
    passage: str | None = None
    """The words of that passage."""
    contributions: Mapping[str, float] | None = None
    """What each part of a search gave to the score, which is their sum: text, image, video, item, less_like, taste, and
    words for what matched by the letter."""

    def as_json(self) -> dict[str, Any]:
        """The hit as JSON-ready fields."""
        fields = asdict(self)
        matched = {"matched": self.matched.as_json() if self.matched else None}
        return fields | {name: fields[name] and str(fields[name]) for name in ("image", "video")} | matched


class Recommender:
    """Answers from the release that was current when it was opened, and from the newest events of its workspace."""

    def __init__(self, workspace: Path, *, threads: int | None = None) -> None:
        self._workspace = Workspace(workspace)
        self._threads = threads
        self._folder, self._hold = self._workspace.releases.hold_current()
        self.manifest = read_manifest(self._folder)
        self._index, self._parts = load_indexes(self._folder)
        self._items = ItemTable(self._folder / ITEMS_FILE, read_only=True)
        self._filter = ItemFilter(self._items)
        self._part_owners = PartOwners(self._parts)
        self._events = self._workspace.events()
        self._remembering = threading.Lock()
        self._remembered: dict[tuple[object, ...], FloatArray] = {}
        self._space = Space(
            self.manifest.preference_dim, self.manifest.text_encoder.dim, self.manifest.image_encoder.dim
        )

    @classmethod
    def build(
        cls,
        catalogue: str | Path,
        *,
        workspace: str | Path,
        interactions: str | Path | None = None,
        text_encoder: str = "auto",
        image_encoder: str = "auto",
        media_root: str | Path | None = None,
        index: str = "auto",
        seed: int = 0,
        threads: int | None = None,
        progress: Progress = silent,
    ) -> Self:
        """Build an index from a catalogue and open it; see `multimodal_rec.build.build`."""
        build(
            Path(catalogue),
            Path(workspace),
            interactions=None if interactions is None else Path(interactions),
            text_encoder=text_encoder,
            image_encoder=image_encoder,
            media_root=None if media_root is None else Path(media_root),
            index=index,
            seed=seed,
            threads=threads,
            progress=progress,
        )
        return cls(Path(workspace), threads=threads)

    @classmethod
    def open(cls, workspace: str | Path, *, threads: int | None = None) -> Self:
        """Open the current release of a workspace.

        Raises:
            WorkspaceError: there is none, or it is damaged.
        """
        return cls(Path(workspace), threads=threads)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._items.close()
        self._events.close()
        self._hold.release()

    def __len__(self) -> int:
        """Number of items."""
        return len(self._index)

    def __contains__(self, item_id: object) -> bool:
        """Whether an item has this id."""
        return item_id in self._index

    def users(self) -> list[str]:
        """All users with interactions, in alphabetical order."""
        return self._events.users()

    def history(self, user: str) -> list[Event]:
        """A user's events, oldest first; empty for an unknown user."""
        return self._events.history(user)

    def item(self, item_id: str) -> Item:
        """Return an item of the release.

        Raises:
            UnknownItem: there is none of this id.
        """
        return self.items([item_id])[item_id]

    def items(self, ids: Sequence[str]) -> dict[str, Item]:
        """Return items of the release under their ids.

        Raises:
            UnknownItem: one of them is not there.
        """
        found = self._items.get(ids)
        for item_id in ids:
            if item_id not in found:
                raise UnknownItem(item_id)
        return found

    def select(self, where: Where) -> Selection:
        """The ids of the items that meet conditions, in the order of the catalogue; `candidates` takes them too.

        Args:
            where: one or several of the conditions of `multimodal_rec.filters`, such as `["price<=20", "genre!=Horror"]`
                or `{"language": ["en", "fr"]}`; all have to be met.

        Raises:
            QueryError: a condition cannot be understood, or no item has such an attribute.
        """
        selected = self._filter.select(where)
        return Selection(self._items.ids()) if selected is None else selected

    def page(self, offset: int, limit: int) -> list[Item]:
        """At most `limit` items in the catalogue's order, from the one at `offset` on."""
        return self._items.page(offset, limit)

    def recommend(
        self,
        user: str | None = None,
        *,
        history: Iterable[Event | str] | None = None,
        k: int = 10,
        candidates: Collection[str] | None = None,
        include_seen: bool = False,
        where: Where | None = None,
        exclude: Collection[str] = (),
        slate: Slate = PLAIN,
    ) -> list[Hit]:
        """The k items that a user would like best.

        Args:
            user: id of a user whose interactions are in the workspace.
            history: instead, the events (or just the item ids, oldest first) of someone who need not be known.
            k: length of the list.
            candidates: ids to choose from, all by default.
            include_seen: also recommend what is in the history.
            where: conditions that the items meet; see `select`.
            exclude: ids of items to leave out.
            slate: how the list is put together: diversity, places for new items, limits, boosts.

        Raises:
            UnknownUser: nothing is known of this user.
            QueryError: neither or both of user and history are given, k is below 1, no event is of a known item, or a
                condition cannot be understood.
        """
        events = self._asked_history("recommend", user, history)
        if history is not None and not any(event.item_id in self._index for event in events):
            raise QueryError(NOTHING_KNOWN)
        lists = self.recommend_all(
            [(user or "", events)],
            k=k,
            candidates=candidates,
            include_seen=include_seen,
            where=where,
            exclude=exclude,
            slate=slate,
        )
        with one_thread:
            return next(lists)[1]

    def recommend_all(
        self,
        histories: Iterable[tuple[str, Sequence[Event]]],
        *,
        k: int = 10,
        candidates: Collection[str] | None = None,
        include_seen: bool = False,
        where: Where | None = None,
        exclude: Collection[str] = (),
        slate: Slate = PLAIN,
    ) -> Iterator[tuple[str, list[Hit]]]:
        """Yield (user, hits) for each (user, events oldest first), many at a time; arguments as in `recommend`."""
        check_k(k)
        allowed, left_out = self._limits(where, exclude, candidates)
        source = iter(histories)
        while batch := list(islice(source, BATCH)):
            queries = self._user_vectors([events for _, events in batch])
            seen = [left_out if include_seen else left_out | {e.item_id for e in events} for _, events in batch]
            disliked = [[i for i in unwanted(events) if i in self._index] for _, events in batch]
            lists = self._answers(queries, slate.pool(k, any(disliked)), allowed=allowed, excluded=seen)
            if any(disliked) or not slate.plain:
                lists = [self.arrange(hits, slate, k, own) for hits, own in zip(lists, disliked, strict=True)]
            yield from zip((user for user, _ in batch), lists, strict=True)

    def search(
        self,
        text: str | Sequence[str] | None = None,
        *,
        image: Picture | Sequence[Picture] | None = None,
        video: str | Path | Sequence[str | Path] | None = None,
        user: str | None = None,
        taste: float = TASTE,
        k: int = 10,
        where: Where | None = None,
        exclude: Collection[str] = (),
        item: str | Sequence[str] | None = None,
        less_like: Picture | Sequence[Picture] | None = None,
        weights: Mapping[str, float] | None = None,
        words: bool = True,
        unique: bool = False,
    ) -> list[Hit]:
        """The k items most like texts, pictures, clips, items, or any mix, leaning to a user's taste if one is named.

        Args:
            text: words, or several texts.
            image: a picture or its file, or several.
            video: the file of a clip, or several.
            user: whose taste counts too.
            taste: how much it does: from 0, only what is asked for counts, to 1, only the user's taste does; at .5 both
                tell items apart alike.
            k: length of the list.
            where: conditions that the items meet; see `select`.
            exclude: ids of items to leave out.
            item: ids of items to find the like of; they are no answers themselves.
            less_like: what to keep away from: item ids, pictures, a clip's `Path`, or words where a text is no item's id.
            weights: how much "text", "image", "video", "item" and "less_like" count; 1, and .5 for the last.
            words: whether rare words of the text find their items by the letter too.
            unique: whether of nearly identical items only the best is shown.

        Raises:
            QueryError: nothing is asked, the text is empty, a file cannot be read, a number is out of its range, or a
                condition of `where` cannot be understood.
            UnknownUser: nothing is known of this user.
            UnknownItem: no item has an id that was named.
        """
        query = Query(
            text, image, video, user, taste, where, exclude, item, less_like, weights or {}, words=words, unique=unique
        )
        with one_thread:
            return self.search_all([query], k=k)[0]

    def search_all(self, queries: Sequence[Query], *, k: int = 10) -> list[list[Hit]]:
        """Answer many searches; raises as `search`."""
        check_k(k)
        results: list[list[Hit]] = []
        for start in range(0, len(queries), BATCH):
            batch = queries[start : start + BATCH]
            limits = [self._limits(q.where, [*q.exclude, *several(q.item)]) for q in batch]
            worded = any(several(query.text) for query in batch)
            # Words are looked up while the encoders are busy.
            by_word = aside(self._by_words, batch, limits) if worded else done([{} for _ in batch])
            try:
                parts = self.query_parts(batch)
                pool = max(UNIQUE.pool(k) if query.unique else k for query in batch)
                found = self._search(sum_of(parts), pool, limits)
            finally:
                wait([by_word])  # it reads files that the caller may close
            for row, (query, versions, words) in enumerate(zip(batch, found, by_word.result(), strict=True)):
                asked = {name: rows[row] for name, rows in parts.items() if rows[row].any()}
                results.append(self._search_hits(query, asked, versions, words, k))
        return results

    def similar(
        self, item: str, *, k: int = 10, where: Where | None = None, exclude: Collection[str] = ()
    ) -> list[Hit]:
        """The k other items whose content is most like this item's; `where` and `exclude` as in `recommend`.

        Raises:
            UnknownItem: no item has this id.
            QueryError: k is below 1, or a condition cannot be understood.
        """
        check_k(k)
        if item not in self._index:
            raise UnknownItem(item)
        query = self._index.vectors([item])
        query[:, self._space.blocks["preference"]] = 0
        allowed, left_out = self._limits(where, exclude)
        return self._answers(query, k, allowed=allowed, excluded=[left_out | {item}])[0]

    def predict(
        self, user: str | None = None, items: Sequence[str] = (), *, history: Iterable[Event | str] | None = None
    ) -> dict[str, float]:
        """The ratings that a user would give items, on the scale of the log, under the items' ids.

        Args:
            user: id of a user whose interactions are in the workspace.
            items: ids of the items.
            history: instead, the events of someone who need not be known; those with a rating count.

        Raises:
            UnknownUser: nothing is known of this user.
            UnknownItem: no item has one of these ids.
            QueryError: neither or both of user and history are given, or the release learned from no ratings.
        """
        if self._ratings is None:
            raise QueryError(
                "this index learned no ratings: build it with --interactions that have ratings, at least 20, not all alike"
            )
        events = self._asked_history("predict", user, history)
        for item_id in items:
            if item_id not in self._index:
                raise UnknownItem(item_id)
        ratings = self._ratings.predict([(e.item_id, e.rating) for e in wanted(events)], items)
        return dict(zip(items, ratings.tolist(), strict=True))

    def reasons(self, item: str, user: str) -> Reasons:
        """Why an item is recommended to a user.

        Raises:
            UnknownItem: no item has this id.
            UnknownUser: nothing is known of this user.
        """
        events = self._known_history(user)
        if item not in self._index:
            raise UnknownItem(item)
        liked = list(dict.fromkeys(e.item_id for e in wanted(events) if e.item_id in self._index and e.item_id != item))
        vectors = self._index.vectors([item, *liked])
        parts = contributions(self._space, self._user_vectors([events])[0], vectors[0])
        return Reasons(parts, nearest(self._space, liked, vectors[1:], vectors[0]))

    def query_parts(self, queries: Sequence[Query]) -> dict[str, FloatArray]:
        """(q, dim) vectors of the parts of searches, and of "taste" where users are named; the index is asked by their sum.

        Raises:
            QueryError, UnknownUser, UnknownItem: as `search` does.
        """
        parts = self._query_vectors.parts(queries)
        if all(query.user is None for query in queries):
            return parts
        tastes = np.zeros((len(queries), self._space.dim), np.float32)
        asked = self._summed(parts, len(queries))
        for row, query in enumerate(queries):
            if query.user is not None:
                vector = self._user_vectors([self._known_history(query.user)])[0]
                tastes[row] = query.taste * self._as_telling(vector, asked[row])
                for rows in parts.values():
                    rows[row] *= 1 - query.taste
        return {**parts, "taste": tastes}

    def _as_telling(self, vector: FloatArray, asked: FloatArray) -> FloatArray:
        """A user's (dim,) vector, scaled so that its scores differ among items as much as those of what else is asked."""
        own, others = (self._some_items @ np.stack([vector, asked], axis=1)).std(axis=0)
        return np.float32(others / own) * vector if own > 0 and others > 0 else vector

    @cached_property
    def _some_items(self) -> FloatArray:
        """(m, dim) vectors of items, evenly apart."""
        ids = list(self._index.ids)
        return self._index.vectors([ids[place] for place in drawn_evenly(len(ids), SPREAD_AMONG)])

    def query_vectors(self, queries: Sequence[Query]) -> FloatArray:
        """(q, dim) vectors of searches, as the index is asked by them; raises as `search`."""
        return self._summed(self.query_parts(queries), len(queries))

    def _summed(self, parts: Mapping[str, FloatArray], *count: int) -> FloatArray:
        """The (count, dim) sum of parts, or (dim,) without a count, in an array of its own; there may be none."""
        return sum_of({"none": np.zeros((*count, self._space.dim), np.float32), **parts})

    def update(
        self, catalogue: str | Path, *, remove_missing: bool = False, media_root: str | Path | None = None
    ) -> None:
        """Add or replace items, and answer from the new release; with `remove_missing`, those that it does not name go."""
        update(
            Path(catalogue),
            self._workspace.path,
            remove_missing=remove_missing,
            media_root=None if media_root is None else Path(media_root),
            threads=self._threads,
        )
        self._reopen()

    def remove(self, ids: Sequence[str]) -> None:
        """Take items out, and answer from the new release."""
        remove(ids, self._workspace.path)
        self._reopen()

    def releases(self) -> list[ReleaseEntry]:
        """The releases of the workspace, oldest first."""
        return list_releases(self._workspace.path)

    def rollback(self, to: int | None = None) -> None:
        """Go back to the release before the current one, or to the one of this number, and answer from it.

        Raises:
            WorkspaceError: there is no such release, or it is damaged, or the workspace is busy.
        """
        rollback(self._workspace.path, to)
        self._reopen()

    def prune(self, keep: int = 1) -> Pruned:
        """Delete all releases but the newest `keep`, the current one, and those that a reader has open.

        Raises:
            WorkspaceError: keep is below 1, or the workspace is busy.
        """
        return prune(self._workspace.path, keep)

    @property
    def encoders(self) -> Encoders:
        """Those of the release; loaded when this is asked first."""
        return Encoders(self._text_encoder, self._image_encoder, self._threads)

    @cached_property
    def _text_encoder(self) -> TextEncoder:
        return recorded_text_encoder(self.manifest, self._threads)

    @cached_property
    def _image_encoder(self) -> ImageEncoder:
        return recorded_image_encoder(self.manifest, self._threads)

    @cached_property
    def _image_encoder_has_texts(self) -> bool:
        """Whether pictures and texts share the image encoder's space, as in CLIP; known without loading `auto`."""
        return self.manifest.image_encoder.reference != "auto" and self._image_encoder.text_tower is not None

    @cached_property
    def _alignment(self) -> Alignment:
        return Alignment.load(self._folder / ALIGNMENT_FILE)

    @cached_property
    def _query_vectors(self) -> QueryVectors:
        return QueryVectors(
            self._space,
            self._index,
            self._alignment,
            text=lambda: self._text_encoder,
            image=lambda: self._image_encoder,
            tower=lambda: self._image_encoder.text_tower if self._image_encoder_has_texts else None,
            expansion=lambda: self._expansion,
        )

    @cached_property
    def _expansion(self) -> Expansion | None:
        """What texts are joined by where pictures taught what they are called, and many items have nothing else."""
        if not len(self._alignment.landmarks):
            return None
        worded = self._items.count("text")
        if len(self) - worded < WORDLESS * len(self) or worded < EXAMPLES:
            return None
        return Expansion(self._space, self._index, Selection(self._items.ids(having="text")))

    @cached_property
    def _preferences(self) -> Preferences | None:
        from multimodal_rec.preferences import Preferences

        return Preferences.load(self._folder / PREFERENCES_FOLDER) if self._space.preference else None

    @cached_property
    def _ratings(self) -> RatingModel | None:
        return load_ratings(self._folder / PREFERENCES_FOLDER) if self._space.preference else None

    @cached_property
    def _history_events(self) -> EventVectors | None:
        from multimodal_rec.preferences import EventVectors

        return EventVectors.load(self._folder / PREFERENCES_FOLDER) if self._space.preference else None

    def successor(self) -> Recommender:
        """Open the release that is current now, with the encoders that are loaded here if it has the same.

        Raises:
            WorkspaceError: it is damaged.
        """
        fresh = Recommender(self._workspace.path, threads=self._threads)
        for name in ("text_encoder", "image_encoder"):
            loaded = self.__dict__.get(f"_{name}")
            if loaded is not None and getattr(fresh.manifest, name) == getattr(self.manifest, name):
                fresh.__dict__[f"_{name}"] = loaded
        return fresh

    def shots(self, item_id: str) -> list[Part]:
        """The shots of an item's clip in order of time; empty where it has no clip, or one of a single shot.

        Raises:
            UnknownItem: no item has this id.
        """
        if item_id not in self._index:
            raise UnknownItem(item_id)
        return self._shots_of.get(item_id, [])

    @cached_property
    def tells_availability(self) -> bool:
        """Whether any item says when or whether it is available, so that available-now can be asked for."""
        try:
            self.select(AVAILABLE_NOW)
        except QueryError:
            return False
        return True

    @cached_property
    def _shots_of(self) -> dict[str, list[Part]]:
        found: dict[str, list[Part]] = {}
        for part in sorted(map(Part.of, self._parts.ids)):
            if part.modality == "video":
                found.setdefault(part.item_id, []).append(part)
        return found

    @cached_property
    def _known_items(self) -> frozenset[str]:
        """Ids of the items with an event in training; of all items where nothing was trained."""
        if self._preferences is None:
            return frozenset(self._index.ids)
        return frozenset(compress(self._preferences.ids, self._preferences.known))

    def arrange(self, hits: Sequence[Hit], slate: Slate, k: int, disliked: Sequence[str] = ()) -> list[Hit]:
        """The k of these hits, best first, that a slate chooses for someone who dislikes some items."""
        if not hits:
            return []
        ids = [hit.item_id for hit in hits]
        vectors = self._index.vectors([*ids, *disliked])
        contents = unit(vectors[:, self._space.preference :])
        candidates = Candidates(
            against(np.array([hit.score for hit in hits], np.float32), contents[: len(ids)], contents[len(ids) :]),
            contents[: len(ids)],
            self._space.semantic,
            vectors[: len(ids), : max(0, self._space.preference - 1)],  # the last says how popular, not what for
            np.array([item_id not in self._known_items for item_id in ids]),
            [hit.categories for hit in hits],
            [hit.attributes for hit in hits],
        )
        return [replace(hits[place], rank=rank) for rank, place in enumerate(choose(candidates, slate, k), start=1)]

    def _reopen(self) -> None:
        fresh = Recommender(self._workspace.path, threads=self._threads)
        self.close()
        self.__dict__ = fresh.__dict__

    def _asked_history(self, what: str, user: str | None, history: Iterable[Event | str] | None) -> list[Event]:
        """The events of a query by either a user or a history, oldest first."""
        if (user is None) == (history is None):
            raise QueryError(f"{what} needs either a user or a history")
        if history is not None:
            return in_time_order(e if isinstance(e, Event) else Event("", e) for e in history)
        return self._known_history(str(user))

    def _known_history(self, user: str) -> list[Event]:
        """A user's events, oldest first; raises UnknownUser where there are none."""
        events = self.history(user)
        if not events:
            raise UnknownUser(user)
        return events

    def _user_vectors(self, histories: Sequence[Sequence[Event]]) -> FloatArray:
        """(u, dim) vectors of users; that of a single one is remembered for as long as the history stays the same."""
        if len(histories) != 1:
            return self._computed_user_vectors(histories)
        key = tuple(map(TELLING, histories[0]))
        with self._remembering:
            vector = self._remembered.pop(key, None)
        if vector is None:
            vector = self._computed_user_vectors(histories)
        with self._remembering:
            self._remembered[key] = vector
            while len(self._remembered) > REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
        return vector

    def _computed_user_vectors(self, histories: Sequence[Sequence[Event]]) -> FloatArray:
        """(u, dim) vectors of users: the learned preference, and the mean content of the newest events."""
        return user_vectors(histories, self._index, self._space, self._preferences, self._history_events)

    def _limits(
        self, where: Where | None, exclude: Collection[str], candidates: Collection[str] | None = None
    ) -> tuple[Selection | None, frozenset[str]]:
        """The items to choose from, None for all, and those to leave out."""
        allowed = self._filter.select(where)
        if candidates is not None:
            allowed = Selection(candidates if allowed is None else (each for each in candidates if each in allowed))
        left_out = frozenset([exclude] if isinstance(exclude, str) else exclude)
        if len(left_out) > MANY_EXCLUDED:
            everything = self._items.ids() if allowed is None else allowed
            return Selection(each for each in everything if each not in left_out), frozenset()
        return allowed, left_out

    def _search(
        self, vectors: FloatArray, k: int, limits: Sequence[tuple[Selection | None, frozenset[str]]]
    ) -> list[dict[str, Version]]:
        """The k items whose best version, whole or part, is nearest to each of the (q, dim) vectors, in its limits."""
        results: list[dict[str, Version]] = [{} for _ in vectors]
        alike: dict[Selection | None, list[int]] = {}
        for row, (allowed, _) in enumerate(limits):
            alike.setdefault(allowed, []).append(row)
        for allowed, rows in alike.items():
            asked, left_out = vectors[rows], [limits[row][1] for row in rows]
            whole = self._index.search(asked, k, allowed=allowed, excluded=left_out)
            parts = best_parts(self._parts, asked, k, self._part_owners, allowed, left_out)
            for row, matches, best in zip(rows, whole, parts, strict=True):
                results[row] = _better(matches, best)
        return results

    def _search_hits(
        self,
        query: Query,
        asked: Mapping[str, FloatArray],
        versions: dict[str, Version],
        by_word: Mapping[str, float],
        k: int,
    ) -> list[Hit]:
        """The k best of the items found by their vectors and of those that hold rare words of the query."""
        scores = {item_id: version[0] + by_word.get(item_id, 0.0) for item_id, version in versions.items()}
        missing = [item_id for item_id in by_word if item_id not in scores]
        if missing:
            more = self._versions_of(missing, self._summed(asked))
            versions = versions | more
            scores |= {item_id: version[0] + by_word[item_id] for item_id, version in more.items()}
        chosen = sorted(scores, key=lambda item_id: -scores[item_id])
        if query.unique:
            contents = self._index.vectors(chosen)[:, self._space.preference :]
            best_first = np.arange(len(chosen), 0, -1, dtype=np.float32)
            copies = set(repeats(best_first, nearly_one(contents, self._space.semantic)))
            chosen = [item_id for place, item_id in enumerate(chosen) if place not in copies]
        chosen = chosen[:k]
        items = self._items.get(chosen)
        vectors = self._index.vectors(chosen)
        hits = []
        for rank, item_id in enumerate(chosen, start=1):
            part = versions[item_id][1]
            vector = self._parts.vectors([part.key])[0] if part else vectors[rank - 1]
            gave = {name: float(rows @ vector) for name, rows in asked.items()}
            if item_id in by_word:
                gave["words"] = by_word[item_id]
            hits.append(_hit(rank, scores[item_id], items[item_id], part, gave))
        return hits

    def _versions_of(self, ids: Sequence[str], vector: FloatArray) -> dict[str, Version]:
        """The version of each of these items, whole or part, that is nearest to a (dim,) vector."""
        whole = [Match(*pair) for pair in zip(ids, self._index.scores(vector, ids).tolist(), strict=True)]
        if not len(self._parts):
            return _better(whole, {})
        (best,) = best_parts(self._parts, vector[None], len(ids), self._part_owners, Selection(ids), [frozenset()])
        return _better(whole, best)

    def _by_words(
        self, queries: Sequence[Query], limits: Sequence[tuple[Selection | None, frozenset[str]]]
    ) -> list[dict[str, float]]:
        """What rare words of each query add to the scores of the items that hold them."""
        results: list[dict[str, float]] = []
        for query, (allowed, left_out) in zip(queries, limits, strict=True):
            share = query.share("text")
            found = self._items.find_words(" ".join(query.texts), alone=share == 1) if query.words and share else {}
            weight = WORDS * share * (1 - query.taste if query.user else 1)
            results.append(
                {
                    item_id: weight * share
                    for item_id, share in found.items()
                    if item_id not in left_out and (allowed is None or item_id in allowed)
                }
            )
        return results

    def _answers(
        self,
        queries: FloatArray,
        k: int,
        *,
        allowed: Collection[str] | None = None,
        excluded: Sequence[Collection[str]] | None = None,
    ) -> list[list[Hit]]:
        matches = self._index.search(queries, k, allowed=allowed, excluded=excluded)
        items = self._items.get(list({match.id for row in matches for match in row}))
        return [
            [_hit(rank, match.score, items[match.id]) for rank, match in enumerate(row, start=1)] for row in matches
        ]


def check_k(k: int) -> None:
    """Raise QueryError unless k is at least 1."""
    if k < 1:
        raise QueryError(f"k is {k}: ask for at least 1 item")


def sum_of(parts: Mapping[str, FloatArray]) -> FloatArray:
    """The sum of arrays of the same shape."""
    return reduce(np.add, parts.values())


def _better(matches: Sequence[Match], best: Mapping[str, tuple[float, Part]]) -> dict[str, Version]:
    """Items found as a whole and items found by a part, each with the better of both."""
    versions: dict[str, Version] = {item_id: (score, None) for item_id, score in matches}
    for item_id, (score, part) in best.items():
        if item_id not in versions or score >= versions[item_id][0] - SAME_SCORE:
            versions[item_id] = score, part
    return versions


def _hit(
    rank: int, score: float, item: Item, matched: Part | None = None, gave: Mapping[str, float] | None = None
) -> Hit:
    media = item.image, item.video
    passage = None
    if matched and matched.modality == "text":
        passage = item.text[int(matched.start) : int(matched.end)]
    return Hit(rank, item.id, score, item.title, item.categories, *media, item.attributes, matched, passage, gave)
