"""What an event says about a taste: what users do speaks for an item, a dislike against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from multimodal_rec.interactions import Event

Kind = Literal["view", "like", "dislike", "rating", "purchase"]
KINDS: tuple[Kind, ...] = get_args(Kind)
UNWANTED = -1.0
"""The weight of a dislike."""


def weight_of(kind: Kind) -> float:
    """The weight of an event of this kind: 1, or below zero for a dislike."""
    return UNWANTED if kind == "dislike" else 1.0


def wanted(events: Sequence[Event]) -> list[Event]:
    """The events (one user's, oldest first) that speak for their items: all but those of disliked items."""
    if all(event.weight >= 0 for event in events):
        return list(events)
    against = set(unwanted(events))
    return [event for event in events if event.weight >= 0 and event.item_id not in against]


def unwanted(events: Sequence[Event]) -> list[str]:
    """Ids of the items that a user (events oldest first) dislikes: those whose newest event is a dislike."""
    newest = {event.item_id: event.weight for event in events}
    return [item_id for item_id, weight in newest.items() if weight < 0]
