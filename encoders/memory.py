"""Memory that was freed, given back to the system: torch and the C library keep it for the next to ask."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

M_ARENA_MAX = -8  # of glibc's malloc.h


def share_freed_memory() -> None:
    """Have all threads that this process will start allocate from one arena, if the C library is glibc.

    It gives each its own, whose free end no other thread can use and `return_freed_memory` cannot reach. That is for
    processes that build: each stage has its own threads, and some 30 MB would stay behind.
    """
    if mallopt := _of_glibc("mallopt"):
        mallopt(M_ARENA_MAX, 1)


def return_freed_memory() -> None:
    """Have torch's cache of CUDA's memory, and the C library if it is glibc, return to the system what was freed."""
    cuda: Any = getattr(sys.modules.get("torch"), "cuda", None)
    if hasattr(cuda, "empty_cache") and cuda.is_initialized():  # another thread may just be importing torch
        cuda.empty_cache()
    if trim := _of_glibc("malloc_trim"):
        trim(0)


def _of_glibc(name: str) -> Any:
    """Return a function of glibc, or None where there is another C library."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
