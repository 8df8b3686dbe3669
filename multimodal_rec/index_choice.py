"""Which index a release gets, and how hard it looks: as the size and the machine suggest, or as the user says."""

from __future__ import annotations

import logging

import numpy as np

from index import VectorIndex, make_index, plan_index
from multimodal_rec.arrays import FloatArray
from multimodal_rec.errors import WorkspaceError
from multimodal_rec.space import Space

AUTO = "auto"
KINDS = (AUTO, "flat", "pq", "hnsw", "ivf")
EXACT_VALUES = 8_000_000
"""So many numbers are compared with a query in two or three milliseconds: a small part of what it takes to encode a text."""
CODED_VALUES = 256_000_000
"""The codes of so many numbers are."""
RECALL = 0.99
LOOKS_FAR = 0.1
"""Inverted lists that have to compare a query with a larger share of all vectors are no quicker than codes of all."""
TUNED_FROM = 1000
SAMPLE = 64

logger = logging.getLogger(__name__)


def checked_kind(kind: str) -> str:
    """Return the kind of index that a user asks for.

    Raises:
        WorkspaceError: there is none of this name.
    """
    if kind not in KINDS:
        raise WorkspaceError(f"no index is called {kind!r}: take {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    return kind


def new_index(wanted: str, count: int, dim: int) -> tuple[VectorIndex, dict[str, str]]:
    """An empty index for so many vectors, and what a release notes of it: kind, what was wanted, why this one."""
    plan = plan_index(count, dim, recall=RECALL, exact_values=EXACT_VALUES, coded_values=CODED_VALUES)
    if wanted != AUTO:
        plan = plan._replace(kind=wanted, bits=16, reason=f"{wanted}, as was asked for")
    logger.info("index of the items: %s", plan.reason)
    record = {"kind": plan.kind, "planned": plan.kind, "wanted": wanted, "reason": plan.reason}
    return make_index(plan.kind, dim, recall=RECALL, bits=plan.bits), record


def codes_instead(index: VectorIndex, record: dict[str, str]) -> tuple[VectorIndex, dict[str, str]] | None:
    """An empty index of codes, and what to note of it, where a tuned one is no quicker and nobody asked for it; else None."""
    far = getattr(index, "compared_share", 0.0)
    plan = plan_index(len(index), index.dim, recall=RECALL, exact_values=0, coded_values=len(index) * index.dim)
    if far <= LOOKS_FAR or record["wanted"] != AUTO or plan.kind != "pq":
        return None
    reason = f"{plan.reason}: {record['kind']} would compare {far:.0%} of the vectors with a query"
    logger.info("index of the items: %s", reason)
    return make_index(plan.kind, index.dim, recall=RECALL), record | {"kind": plan.kind, "reason": reason}


def tune(index: VectorIndex, space: Space, users: FloatArray) -> None:
    """Let an approximate index look as hard as (u, dim) vectors of users, and searches by text or picture, need it.

    Such a search stands between items: the mean of the blocks of two. A single item would find itself too easily.
    """
    ids = index.ids
    if not hasattr(index, "tune") or len(ids) < TUNED_FROM:
        return
    chosen = np.random.default_rng(0).choice(len(ids), (2, SAMPLE), replace=False)
    one, other = (index.vectors([ids[place] for place in half]) for half in chosen)
    items = (one + other) / np.float32(2)  # (s, dim)
    queries: list[FloatArray] = [users]
    words, looks = (items[:, space.blocks[name]] for name in ("semantic", "visual"))
    queries.append(space.vectors(semantic=words[words.any(axis=1)]))
    seen = looks.any(axis=1)
    queries.append(space.vectors(semantic=words[seen], visual=looks[seen]))
    index.tune(np.concatenate(queries))
