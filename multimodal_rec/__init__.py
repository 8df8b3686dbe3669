"""A recommender that understands what it recommends.

>>> from multimodal_rec import Recommender
>>> rec = Recommender.build("items.jsonl", interactions="interactions.csv", workspace="ws")  # doctest: +SKIP
>>> rec.recommend(user="42", k=10)  # doctest: +SKIP

Importing the package is cheap: the names below are loaded when they are first used.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from encoders import EncoderError, MediaError
    from multimodal_rec.errors import (
        CatalogueError,
        QueryError,
        RecommenderError,
        UnknownItem,
        UnknownUser,
        WorkspaceError,
    )
    from multimodal_rec.interactions import Event
    from multimodal_rec.items import Item
    from multimodal_rec.query import Query
    from multimodal_rec.recommender import Hit, Recommender

_HOMES = {
    "EncoderError": "encoders",
    "MediaError": "encoders",
    "CatalogueError": "multimodal_rec.errors",
    "QueryError": "multimodal_rec.errors",
    "RecommenderError": "multimodal_rec.errors",
    "UnknownItem": "multimodal_rec.errors",
    "UnknownUser": "multimodal_rec.errors",
    "WorkspaceError": "multimodal_rec.errors",
    "Event": "multimodal_rec.interactions",
    "Item": "multimodal_rec.items",
    "Hit": "multimodal_rec.recommender",
    "Query": "multimodal_rec.query",
    "Recommender": "multimodal_rec.recommender",
}

__all__ = [
    "CatalogueError",
    "EncoderError",
    "Event",
    "Hit",
    "Item",
    "MediaError",
    "Query",
    "QueryError",
    "Recommender",
    "RecommenderError",
    "UnknownItem",
    "UnknownUser",
    "WorkspaceError",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    """Load a public name from its module (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
