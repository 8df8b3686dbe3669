"""FAISS, which takes some hundredths of a second to import, once something of it is asked for: an exact index is built and
changed without."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """The same name of `faiss`, whose stubs know but few of its names."""
    import faiss

    return getattr(faiss, name)
