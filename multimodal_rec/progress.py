"""How long work reports where it stands."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with the stage, the steps done and the steps in all."""


def silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""
