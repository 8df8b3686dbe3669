"""Every error that the package raises on purpose.

    RecommenderError
    ├── CatalogueError       a catalogue or interactions file that cannot be read at all
    ├── WorkspaceError       a workspace that is missing, damaged, busy or of another version
    └── QueryError           a query that cannot be answered as it was asked
        ├── UnknownItem
        └── UnknownUser

Errors of models and media are `encoders.EncoderError` and `encoders.MediaError`.
"""

from __future__ import annotations


class RecommenderError(Exception):
    """What happened, to what, and what to do about it, in one line."""


class CatalogueError(RecommenderError):
    """A catalogue or interactions file cannot be read at all."""


class WorkspaceError(RecommenderError):
    """A workspace is missing, damaged, busy or was written by another version."""


class QueryError(RecommenderError):
    """A query cannot be answered as it was asked."""


class UnknownItem(QueryError):  # noqa: N818 - reads as what it says: except UnknownItem
    """No item of the current release has this id."""

    def __init__(self, item_id: str) -> None:
        super().__init__(f"no item has the id {item_id!r}: check the id, or add the item with `update`")
        self.item_id = item_id


class UnknownUser(QueryError):  # noqa: N818
    """No interaction of this user is known."""

    def __init__(self, user_id: str) -> None:
        super().__init__(
            f"no interaction of user {user_id!r} is known: check the id, or pass their events as a history"
        )
        self.user_id = user_id
