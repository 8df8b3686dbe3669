"""Work done aside, and arithmetic kept to one thread, as contended cores slow it down on several."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ContextDecorator
from functools import lru_cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

Result = TypeVar("Result")


_pool = ThreadPoolExecutor(2, thread_name_prefix="aside")


def aside(work: Callable[..., Result], *arguments: object) -> Future[Result]:
    """Do some work while the caller does something else; it must not wait for other work done so.

    Where no thread can be started any more, as the interpreter is ending, it is done at once.
    """
    try:
        return _pool.submit(work, *arguments)
    except RuntimeError:
        try:
            return done(work(*arguments))
        except Exception as error:
            failed: Future[Result] = Future()
            failed.set_exception(error)
            return failed


def done(result: Result) -> Future[Result]:
    """What `aside` returns, of work that is not needed or done already."""
    future: Future[Result] = Future()
    future.set_result(result)
    return future


def _after_fork() -> None:
    """A forked process has none of the threads of the one that it comes from."""
    global _pool  # noqa: PLW0603
    _pool = ThreadPoolExecutor(2, thread_name_prefix="aside")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _OneThread(ContextDecorator):
    """Keeps the linear algebra of the process to one thread, until the last of those who asked for it has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._limit = _controller(len(sys.modules)).limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limit.restore_original_limits()


one_thread = _OneThread()
"""A context, or a decorator of functions, that may be entered again while inside, by any thread."""


@lru_cache(maxsize=1)
def _controller(modules: int) -> ThreadpoolController:  # noqa: ARG001
    """The libraries that are loaded, looked for again only once more modules are: it takes longer than a question."""
    return ThreadpoolController()
