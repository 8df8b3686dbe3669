"""What settings of training are worth: how well a model trained with them finds each user's newest events."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from index import make_index
from multimodal_rec.content import Content
from multimodal_rec.errors import CatalogueError
from multimodal_rec.evaluation.measures import found
from multimodal_rec.evaluation.splits import Split, by_user, make_split
from multimodal_rec.histories import Histories, collect, enough_to_train
from multimodal_rec.interactions import Event
from multimodal_rec.preferences import EventVectors, Preferences
from multimodal_rec.progress import Progress
from multimodal_rec.space import Space
from multimodal_rec.training import TrainingConfig, train, training_key
from multimodal_rec.tuned import SPACE, configured
from multimodal_rec.user_vectors import user_vectors

logger = logging.getLogger(__name__)

K = 20
MEASURE = f"ndcg@{K}"
MOST_USERS = 5_000
"""Users, at the most, whose lists are judged."""
BATCH = 256


@dataclass(frozen=True)
class Objective:
    """A catalogue and its events, split in time: the older ones to learn from, the newest ones to be found."""

    content: Content
    split: Split
    histories: Histories
    """Those to learn from."""
    users: list[str]
    """Whose lists are judged."""
    key: str
    """A hash of all that its values depend on beside the settings."""
    seed: int
    progress: Progress

    @classmethod
    def of(cls, content: Content, events: Sequence[Event], seed: int, progress: Progress) -> Self:
        """Hold out the newest fifth of each user's events; of undated ones, a random fifth.

        Args:
            content: of the items.
            events: of known items, grouped by user, oldest first.
            seed: of the split and of the trainings.
            progress: called with the stage, the steps done and the steps in all.

        Raises:
            CatalogueError: too few events are left to learn from, or none to be found.
        """
        split = make_split("temporal", events, seed)
        places = {item_id: place for place, item_id in enumerate(content.ids)}
        histories = collect(by_user(split.train), places)
        if not enough_to_train(histories):
            raise CatalogueError("there are too few events to tune with: a model needs three users with three each")
        users = list(split.histories)
        chosen = np.random.default_rng(seed).permutation(len(users))[:MOST_USERS]
        users = [users[place] for place in np.sort(chosen)]
        everything = collect(by_user(events), places)
        key = training_key(everything, content.features, content.ids, seed, TrainingConfig())
        key = hashlib.sha256(repr((key, SPACE, MEASURE, MOST_USERS)).encode()).hexdigest()
        return cls(content, split, histories, users, key, seed, progress)

    def __call__(self, settings: Mapping[str, int | float]) -> float | None:
        """Mean ndcg@20 of the users' lists; None where training ran into numbers that are none."""
        trained = train(
            self.histories,
            self.content.features,
            np.hstack([self.content.semantic, self.content.visual]),
            ids=self.content.ids,
            seed=self.seed,
            config=configured(settings),
            progress=self.progress,
        )
        value = self._ndcg(trained.preferences)
        logger.info("%s: %s", settings, value)
        return value

    def _ndcg(self, preferences: Preferences) -> float | None:
        content = self.content
        block = preferences.item_block(content.ids, content.features)
        if not np.isfinite(block).all():
            return None
        space = Space(block.shape[1], content.semantic.shape[1], content.visual.shape[1])
        index = make_index("flat", space.dim)
        index.add(content.ids, space.vectors(preference=block, semantic=content.semantic, visual=content.visual))
        events = EventVectors(content.ids, preferences.event_block(content.ids, content.features))
        relevant = self.split.relevant
        total = 0.0
        for start in range(0, len(self.users), BATCH):
            users = self.users[start : start + BATCH]
            histories = [self.split.histories[user] for user in users]
            asked = user_vectors(histories, index, space, preferences, events)
            seen = [{event.item_id for event in own} for own in histories]
            lists = index.search(asked, K, excluded=seen)
            for user, matches in zip(users, lists, strict=True):
                total += found([match.id for match in matches], relevant[user], K)["ndcg"]
        return total / len(self.users)
