"""Vectors under string ids: add, remove, search by inner product, save. Knows nothing of media or users."""

from index.base import IndexFileError, Match, VectorIndex
from index.flat import FlatIndex

__all__ = ["FlatIndex", "IndexFileError", "Match", "VectorIndex"]
