"""Vectors of users from their histories, as the index is asked by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from index import VectorIndex
from multimodal_rec.arrays import FloatArray
from multimodal_rec.feedback import wanted
from multimodal_rec.histories import CONTENT_RECENCY, age_weights
from multimodal_rec.interactions import Event
from multimodal_rec.space import Space

if TYPE_CHECKING:
    from multimodal_rec.preferences import EventVectors, Preferences


def user_vectors(
    histories: Sequence[Sequence[Event]],
    index: VectorIndex,
    space: Space,
    preferences: Preferences | None,
    history_events: EventVectors | None,
) -> FloatArray:
    """(u, dim) vectors of users: the learned preference, and the mean content of the newest events.

    Args:
        histories: the events of each user, oldest first; those of unknown items do not count.
        index: the items.
        space: the blocks of its vectors.
        preferences: the fusion network, None where there is none.
        history_events: the vectors of its events.
    """
    known = [[event for event in wanted(events) if event.item_id in index] for events in histories]
    vectors = np.zeros((len(known), space.dim), np.float32)
    preference = space.blocks["preference"]
    content = slice(preference.stop, space.dim)
    weight = 1.0
    if preferences and history_events:
        weight = preferences.config.content_weight
        vectors[:, preference] = preferences.user_blocks(
            (history_events.of([event.item_id for event in events]), [event.rating for event in events])
            for events in known
        )
    for row, events in enumerate(known):
        if events and weight:
            ids = [event.item_id for event in events]
            means = age_weights(len(ids), CONTENT_RECENCY) @ index.vectors(ids)[:, content]
            vectors[row, content] = weight * means
    return vectors
