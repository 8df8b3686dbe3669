"""How a release is put together, without encoders and catalogues."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from index import FlatIndex
from multimodal_rec.work import Gathered

PAGE, PAGES, DIM = 128, 40, 512


def test_vectors_that_come_in_pages_take_no_memory(tmp_path: Path) -> None:
    """They wait in a file, and the index keeps them where they are; NumPy tells tracemalloc what it allocates."""
    chance = np.random.default_rng(0)
    whole = PAGES * PAGE * DIM * 4
    index = FlatIndex(DIM)
    tracemalloc.start()
    try:
        with Gathered(DIM, tmp_path) as gathered:
            for page in range(PAGES):
                rows = chance.random((PAGE, DIM), dtype=np.float32)
                gathered.extend([f"{page}/{row}" for row in range(PAGE)], rows)
            ids, vectors = gathered.done()
        index.add(ids, vectors, lasting=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.2 * whole
    assert not list(tmp_path.iterdir())
    np.testing.assert_array_equal(index.vectors(["39/127"]), rows[-1:])
    assert len(index) == PAGES * PAGE


def test_no_page_gives_no_row(tmp_path: Path) -> None:
    with Gathered(DIM, tmp_path) as gathered:
        ids, vectors = gathered.done()
    assert ids == []
    assert vectors.shape == (0, DIM)


def test_the_end_of_the_context_closes_the_file(tmp_path: Path) -> None:
    with Gathered(DIM, tmp_path) as gathered:
        gathered.extend(["a"], np.zeros((1, DIM), np.float32))
    with pytest.raises(ValueError, match="closed"):
        gathered.extend(["b"], np.zeros((1, DIM), np.float32))
