"""What texts are joined by, where some items have no words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from index import FlatIndex, Selection
from index.base import FloatArray
from multimodal_rec import Recommender
from multimodal_rec.alignment import unit
from multimodal_rec.expansion import EXAMPLES, LOOKS, Expansion
from multimodal_rec.query import Query
from multimodal_rec.space import Space

SPACE = Space(3, 8, 6)
KIND, OTHER = np.eye(8, dtype=np.float32)[:2]
LOOK, OTHER_LOOK = np.eye(6, dtype=np.float32)[:2]


def expansion(words: FloatArray, looks: FloatArray) -> Expansion:
    """Over items that have words, and as many that have none and would be found first if they counted."""
    index = FlatIndex(SPACE.dim)
    ids = [f"w{n}" for n in range(len(words))]
    index.add(ids, SPACE.vectors(semantic=words, visual=looks, preference=np.ones((len(words), 3), np.float32)))
    hidden = np.tile(KIND, (len(words), 1))
    index.add(
        [f"h{n}" for n in range(len(words))],
        SPACE.vectors(semantic=hidden, visual=np.tile(OTHER_LOOK, (len(words), 1))),
    )
    return Expansion(SPACE, index, Selection(ids))


def test_the_name_of_a_kind_is_joined_by_what_its_items_look_like() -> None:
    noise = 0.2 * np.random.default_rng(0).normal(size=(2 * EXAMPLES, 8)).astype(np.float32)
    of_kind = np.arange(2 * EXAMPLES)[:, None] < EXAMPLES
    expanded = expansion(unit(np.where(of_kind, KIND, OTHER) + noise), np.where(of_kind, LOOK, OTHER_LOOK))(KIND[None])
    blocks = SPACE.blocks
    assert not expanded[:, blocks["preference"]].any()
    assert np.linalg.norm(expanded[0, blocks["semantic"]]) == pytest.approx(1, abs=1e-5)
    assert expanded[0, blocks["semantic"]] @ KIND > 0.9
    looks = expanded[0, blocks["visual"]]
    assert 0.5 * LOOKS < looks @ LOOK <= LOOKS + 1e-6
    assert looks @ OTHER_LOOK < 0.1 * LOOKS


def test_a_text_that_one_item_meets_best_stays_nearly_as_it_is() -> None:
    words = np.tile(OTHER, (EXAMPLES, 1))
    words[0] = KIND
    expanded = expansion(words, np.tile(LOOK, (EXAMPLES, 1)))(KIND[None])
    assert expanded[0, SPACE.blocks["semantic"]] @ KIND > 0.999
    assert np.linalg.norm(expanded[0, SPACE.blocks["visual"]]) < 0.1 * LOOKS


def test_examples_without_pictures_add_no_looks() -> None:
    words = np.tile(KIND, (EXAMPLES, 1))
    expanded = expansion(words, np.zeros((EXAMPLES, 6), np.float32))(np.stack([KIND, OTHER]))
    assert not expanded[:, SPACE.blocks["visual"]].any()
    np.testing.assert_allclose(expanded[0, SPACE.blocks["semantic"]], KIND, atol=1e-6)


KINDS = {"a ripe tomato": (200, 30, 20), "the open sea": (20, 60, 180), "fresh green grass": (40, 160, 50)}


def pictures(folder: Path, count: int) -> Iterator[dict[str, str]]:
    """Items with titles and pictures, each kind in its own colour."""
    random = np.random.default_rng(0)
    for number in range(count):
        kind = list(KINDS)[number % 3]
        pixels = np.clip(random.normal(KINDS[kind], 25, (64, 64, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        yield {"id": f"{number}", "title": f"{kind}, number {number}", "image": f"{number}.png"}


@pytest.mark.parametrize("untitled", [0, 60])
def test_only_a_catalogue_with_items_without_words_is_asked_so(tmp_path: Path, untitled: int) -> None:
    rows = list(pictures(tmp_path, 120))
    rows[:untitled] = [{"id": row["id"], "image": row["image"]} for row in rows[:untitled]]
    catalogue = tmp_path / "items.jsonl"
    catalogue.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Recommender.build(catalogue, workspace=tmp_path / "index") as rec:
        for place, kind in enumerate(KINDS):
            (vector,) = rec.query_vectors([Query(kind)])
            assert bool(vector[-rec.manifest.image_encoder.dim :].any()) == bool(untitled)
            found = [int(hit.item_id) for hit in rec.search(kind, k=40)]
            assert all(number % 3 == place for number in found)
