"""Predicted ratings of many users and items, from a file to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from multimodal_rec.batch import Skipped, write_table
from multimodal_rec.errors import UnknownUser
from multimodal_rec.interactions import Event, read_interactions
from multimodal_rec.recommender import Recommender


def predict_pairs(
    recommender: Recommender, pairs: Path, output: Path, histories: Mapping[str, Sequence[Event]] | None = None
) -> tuple[int, list[Skipped]]:
    """Write `user_id,item_id,rating` for the rows of a table of user_id and item_id, in its order.

    Users are known by their `histories`, or, without any, by the interactions of the workspace.

    Returns how many ratings were written, and what had to be skipped.

    Raises:
        CatalogueError: a file cannot be read or written.
        QueryError: the release learned from no ratings.
    """
    recommender.predict(history=[])  # what is wrong with it is wrong for all
    rows: list[tuple[str, str]] = []
    items_of: dict[str, list[str]] = {}
    skipped: list[Skipped] = []
    for row in read_interactions(pairs):
        if isinstance(row, Event):
            rows.append((row.user_id, row.item_id))
            items_of.setdefault(row.user_id, []).append(row.item_id)
        else:
            skipped.append((row.place, row.reason))
    ratings: dict[tuple[str, str], float] = {}
    for user, items in items_of.items():
        known = [item for item in items if item in recommender]
        skipped += [(f"{user},{item}", "no item has this id") for item in items if item not in recommender]
        try:
            if histories is None:
                found = recommender.predict(user, known)
            elif user in histories:
                found = recommender.predict(items=known, history=histories[user])
            else:
                raise UnknownUser(user)
        except UnknownUser:
            skipped += [(f"{user},{item}", "no interaction of this user is known") for item in known]
        else:
            ratings |= {(user, item): rating for item, rating in found.items()}
    answered = [pair for pair in rows if pair in ratings]
    write_table(output, ("user_id", "item_id", "rating"), ((*pair, f"{ratings[pair]:.4f}") for pair in answered))
    return len(answered), skipped
