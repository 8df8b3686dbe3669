"""Silence a library's warnings about a user's odd files, also when several threads decode at once."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_lock = threading.Lock()
_depth = 0
_saved: Any = None


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore all warnings inside the block.

    `warnings.catch_warnings` alone restores in the wrong order when blocks of several threads overlap; here the first
    block in saves the filters and the last one out restores them.
    """
    global _depth, _saved  # noqa: PLW0603 - the filters themselves are global to the process
    with _lock:
        if _depth == 0:
            _saved = warnings.catch_warnings()
            _saved.__enter__()
            warnings.simplefilter("ignore")
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                _saved.__exit__(None, None, None)
                _saved = None
