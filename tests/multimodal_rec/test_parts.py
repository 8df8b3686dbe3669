"""Parts of items: their keys, and the best version of each item."""

from __future__ import annotations

import numpy as np
import pytest

from index import FlatIndex, Selection
from multimodal_rec.content import CatalogueVectors
from multimodal_rec.parts import Part, PartOwners, PartVectors, best_parts, remove_parts


def parts_index(vectors: dict[Part, list[float]]) -> FlatIndex:
    index = FlatIndex(2)
    index.add([part.key for part in vectors], np.array(list(vectors.values()), np.float32))
    return index


@pytest.mark.parametrize("item_id", ["plain", 'a "b" / c\\d 🎬', " ", "1"])
def test_a_part_comes_back_from_its_key(item_id: str) -> None:
    part = Part(item_id, "video", 12.5, 3725.25)
    assert Part.of(part.key) == part


@pytest.mark.parametrize(
    ("start", "end", "at"),
    [
        (0.0, 1.0, "00:00"),
        (11.98, 13.0, "00:12"),
        (12.3, 12.9, "00:12"),
        (75.0, 75.2, "01:15"),
        (3724.2, 3726.0, "1:02:05"),
    ],
)
def test_times_as_people_write_them(start: float, end: float, at: str) -> None:
    assert Part("a", "video", start, end).as_json()["at"] == at


def test_each_item_has_its_best_part_however_many_others_there_are() -> None:
    many = {Part("a", "text", n, n + 1): [1.0 + n, 0.0] for n in range(300)}
    index = parts_index(many | {Part("b", "video", 0, 1): [0.5, 0.0], Part("c", "video", 0, 1): [0.1, 1.0]})
    queries = np.array([[1, 0], [0, 1]], np.float32)
    (best, other) = best_parts(index, queries, 2, PartOwners(index), None, [[], []])
    assert list(best.items())[:2] == [
        ("a", (300.0, Part("a", "text", 299, 300))),
        ("b", (0.5, Part("b", "video", 0, 1))),
    ]
    assert other["c"] == (1.0, Part("c", "video", 0, 1))


def test_items_left_out_or_not_allowed_have_no_part_and_the_others_keep_theirs() -> None:
    many = {Part("a", "text", n, n + 1): [1.0 + n, 0.0] for n in range(300)}
    index = parts_index(many | {Part("b", "video", 0, 1): [0.5, 0.0], Part("c", "video", 0, 1): [0.1, 1.0]})
    owners, queries = PartOwners(index), np.array([[1, 0], [1, 0], [1, 0]], np.float32)
    left_out = [[], ["a"], ["a", "unknown", "b"]]
    found = [list(best) for best in best_parts(index, queries, 2, owners, None, left_out)]
    assert found == [["a", "b", "c"], ["b", "c"], ["c"]]
    found = [list(best) for best in best_parts(index, queries, 2, owners, Selection(["c", "a", "x"]), left_out)]
    assert found == [["a", "c"], ["c"], ["c"]]
    assert [list(best) for best in best_parts(index, queries, 2, owners, Selection(["x"]), left_out)] == [[], [], []]


def test_all_parts_of_an_item_go_with_it() -> None:
    kept = Part("b", "text", 0, 5)
    index = parts_index({Part("a", "text", 0, 5): [1, 0], Part("a", "video", 0, 5): [1, 0], kept: [0, 1]})
    remove_parts(index, ["a", "unknown"])
    assert index.ids == [kept.key]


def test_a_part_takes_the_place_of_all_that_an_item_looks_like() -> None:
    images, videos = np.array([[1, 0], [0, 2], [0, 0]], np.float32), np.array([[0, 3], [0, 0], [1, 1]], np.float32)
    texts = np.array([[1], [2], [3]], np.float32)
    items = CatalogueVectors(["both", "picture", "clip"], texts, images, videos, np.ones(3, np.bool_))
    shots = PartVectors("video", [Part("both", "video", 0, 2)], np.array([0]), np.array([[5, 6]], np.float32))
    versions = items.versions(shots)
    np.testing.assert_array_equal(versions.pictures, shots.vectors)
    np.testing.assert_array_equal(versions.texts, [[1]])
    alone = items.pictures_alone()
    assert alone.parts == [Part("both", "image", 0.0, 0.0)]
    np.testing.assert_array_equal(items.versions(alone).pictures, images[:1])
    passages = PartVectors("text", [Part("both", "text", 0, 9)], np.array([0]), np.array([[7]], np.float32))
    np.testing.assert_array_equal(items.versions(passages).pictures, [[0.5, 1.5]])
