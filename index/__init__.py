"""Vectors under string ids: add, remove, search by inner product, save. Knows nothing of media or users."""

from index.base import IndexFileError, Match, VectorIndex
from index.choose import choose_index, load_index, make_index, plan_index
from index.flat import FlatIndex
from index.hnsw import HnswIndex
from index.ivf import IvfIndex
from index.pq import PqIndex
from index.selection import Selection

__all__ = [
    "FlatIndex",
    "HnswIndex",
    "IndexFileError",
    "IvfIndex",
    "Match",
    "PqIndex",
    "Selection",
    "VectorIndex",
    "choose_index",
    "load_index",
    "make_index",
    "plan_index",
]
