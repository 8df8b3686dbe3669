"""The threads of a question: one for its arithmetic, which contended cores would slow down on several, and one aside."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

aside = ThreadPoolExecutor(2, thread_name_prefix="aside")
"""For what can be done while its caller does something else; nothing done here waits for anything else done here."""


class _OneThread:
    """Keeps the linear algebra of the process to one thread, until the last of those who asked for it has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._limit = _controller().limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limit.restore_original_limits()


one_thread = _OneThread()
"""A context that may be entered again while inside, by any thread."""


@cache
def _controller() -> ThreadpoolController:
    """The libraries that are loaded: looking for them takes longer than a question."""
    return ThreadpoolController()
