"""The right index for a number of vectors, and whatever index a folder holds."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import NamedTuple

from index.base import IndexFileError, VectorIndex
from index.files import read_header
from index.flat import FlatIndex
from index.hnsw import HnswIndex
from index.ivf import IvfIndex
from index.local import LocalIndex
from index.pq import PqIndex

EXACT_VALUES = 4_000_000  # so many numbers are compared with a query in about half a millisecond
GRAPH_RECALL = 0.995  # from here on inverted lists have to be searched so widely that a graph is quicker
BYTES_PER_ID = 160
BYTES_PER_LIST_ENTRY = 60
BYTES_PER_LINKS = 290

KINDS: dict[str, type[LocalIndex]] = {kind.kind: kind for kind in (FlatIndex, HnswIndex, IvfIndex, PqIndex)}

logger = logging.getLogger(__name__)


class Plan(NamedTuple):
    """A kind of index, the bits of a value where it compresses, and why it suits."""

    kind: str
    bits: int
    reason: str


def choose_index(count: int, dim: int, *, memory: int | None = None, recall: float = 0.98) -> LocalIndex:
    """Return an empty index that suits so many vectors, and log why; arguments and errors as `plan_index`."""
    plan = plan_index(count, dim, memory=memory, recall=recall)
    logger.info("%s", plan.reason)
    return make_index(plan.kind, dim, recall=recall, bits=plan.bits)


def make_index(kind: str, dim: int, *, recall: float = 0.98, bits: int = 16) -> LocalIndex:
    """Return an empty index of a kind: flat, pq, hnsw or ivf; only the last needs bits, and one that is exact no recall."""
    if kind == FlatIndex.kind:
        return FlatIndex(dim)
    if kind == IvfIndex.kind:
        return IvfIndex(dim, bits=bits, recall=recall)
    return PqIndex(dim, recall=recall) if kind == PqIndex.kind else HnswIndex(dim, recall=recall)


def plan_index(
    count: int,
    dim: int,
    *,
    memory: int | None = None,
    recall: float = 0.98,
    exact_values: int = EXACT_VALUES,
    coded_values: int = 0,
) -> Plan:
    """Return which index suits so many vectors.

    The exact one where it answers at once, by default in half a millisecond; one of short codes where these do; a graph
    where nearly every answer has to be right and memory is plentiful; otherwise inverted lists, of 16 bits a value or,
    where memory is short, of 8.

    Args:
        count: vectors to expect.
        dim: length of each.
        memory: bytes that the index may take; half of the machine's, or of the container's, by default.
        recall: the wanted share of the 10 best that a query finds; 1 asks for an exact index.
        exact_values: up to so many numbers in all, exact search is quick enough.
        coded_values: up to so many, short codes are. They suit long vectors, however these lie; inverted lists are
            quicker where vectors are short and form neighbourhoods.

    Raises:
        ValueError: no index finds that much in so little memory.
    """
    memory = _half_of_memory() if memory is None else memory
    ids = count * BYTES_PER_ID
    flat = ids + count * dim * 4
    needs = {
        "flat": flat,
        "pq": flat + count * dim // 4,
        "hnsw": flat + count * BYTES_PER_LINKS,
        "ivf16": ids + count * (dim * 2 + BYTES_PER_LIST_ENTRY),
        "ivf8": ids + count * (dim + BYTES_PER_LIST_ENTRY),
    }
    fits = {kind for kind, need in needs.items() if need <= memory}
    what = f"{count:,} vectors of {dim}, {memory / 1e9:.1f} GB"
    if "flat" in fits and (recall >= 1 or count * dim <= exact_values):
        return Plan("flat", 32, f"{what}: exact search, {needs['flat'] / 1e9:.1f} GB")
    if recall >= 1:
        raise ValueError(f"{what}: exact search needs {needs['flat'] / 1e9:.1f} GB: allow more, or a recall below 1")
    if "pq" in fits and count * dim <= coded_values:
        return Plan("pq", 32, f"{what}: short codes, then vectors, {needs['pq'] / 1e9:.1f} GB")
    if "hnsw" in fits and recall >= GRAPH_RECALL:
        return Plan("hnsw", 32, f"{what}: a graph for a recall of {recall:g}, {needs['hnsw'] / 1e9:.1f} GB")
    if "ivf16" in fits:
        return Plan("ivf", 16, f"{what}: inverted lists of 16 bits a value, {needs['ivf16'] / 1e9:.1f} GB")
    if "ivf8" not in fits:
        logger.warning("%s: even 8 bits a value need %.1f GB", what, needs["ivf8"] / 1e9)
    return Plan("ivf", 8, f"{what}: inverted lists of 8 bits a value, {needs['ivf8'] / 1e9:.1f} GB")


def load_index(folder: Path, *, verify: bool = True) -> VectorIndex:
    """Open whatever index was saved in a folder; see `LocalIndex.load` and `PostgresIndex.load`.

    Raises:
        IndexFileError: a file is missing or damaged, or the kind of index is unknown.
        ImportError: the index is in PostgreSQL, and the extra for it is not installed.
    """
    kind = read_header(folder, verify=False).kind
    if kind == "postgres":
        from index.postgres import PostgresIndex

        return PostgresIndex.load(folder, verify=verify)
    if kind not in KINDS:
        raise IndexFileError(f"{folder}: this version knows no index of kind {kind!r}, only {', '.join(KINDS)}")
    return KINDS[kind].load(folder, verify=verify)


def _half_of_memory() -> int:
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")] if hasattr(os, "sysconf") else []
    container = Path("/sys/fs/cgroup/memory.max")
    if container.is_file() and (limit := container.read_text().strip()).isdigit():
        limits.append(int(limit))
    return min(limits, default=2**62) // 2
