"""Lists are put together as told: compared with what a plain loop over the candidates gives, and with values by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from multimodal_rec import Recommender
from multimodal_rec.errors import QueryError
from multimodal_rec.slate import AGAINST, Boost, Candidates, Slate, against, choose, nearly_one, repeats, standardised

SAMPLE = Path(__file__).parents[2] / "sample_data"


def candidates(scores: list[float], directions: list[float], **more: object) -> Candidates:
    """Contents are directions in a plane, in degrees."""
    angles = np.radians(np.array(directions))
    fields: dict = {
        "tastes": np.zeros((len(scores), 0), np.float32),
        "new": np.zeros(len(scores), bool),
        "categories": [()] * len(scores),
        "fields": [{}] * len(scores),
    }
    contents = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return Candidates(np.array(scores, np.float32), contents, 2, **fields | more)


FOUR = candidates([4.0, 3.9, 3.0, 1.0], [0, 5, 90, 180])


def test_the_default_is_the_order_of_scores() -> None:
    assert choose(candidates([1.0, 3.0, 2.0], [0, 0, 0]), Slate(), 2) == [1, 2]


def test_diversity_puts_an_unlike_item_above_a_like_one() -> None:
    assert choose(FOUR, Slate(), 3) == [0, 1, 2]
    assert choose(candidates([4.0, 3.9, 3.85, 1.0], [0, 5, 90, 180]), Slate(diversity=0.5), 3) == [0, 2, 1]


@pytest.mark.parametrize("diversity", [0.1, 0.3, 0.5, 0.9])
def test_diversity_equals_marginal_relevance_computed_item_by_item(diversity: float) -> None:
    random = np.random.default_rng(3)
    contents, tastes = random.normal(size=(30, 6)), random.normal(size=(30, 4)) + 3
    contents /= np.linalg.norm(contents, axis=1, keepdims=True)
    scores = random.normal(size=30)
    genres = [random.choice(["sea", "war", "love"], size=2, replace=False).tolist() for _ in range(30)]
    pool = Candidates(
        scores.astype(np.float32),
        contents.astype(np.float32),
        6,
        tastes.astype(np.float32),
        np.zeros(30, bool),
        genres,
        [{}] * 30,
    )
    found = choose(pool, Slate(diversity=diversity), 24)

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.sqrt(a @ a * (b @ b)))

    centre = tastes.mean(axis=0)
    pairs = [(i, j) for i in range(30) for j in range(30) if i != j]
    views = [
        {(i, j): cosine(tastes[i] - centre, tastes[j] - centre) for i, j in pairs},
        {(i, j): cosine(contents[i], contents[j]) for i, j in pairs},
        {(i, j): len(set(genres[i]) & set(genres[j])) / 2 for i, j in pairs},
    ]

    def in_deviations(view: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
        values = list(view.values())
        return {pair: (value - np.mean(values)) / np.std(values) for pair, value in view.items()}

    views = [in_deviations(view) for view in views]
    alike = in_deviations({pair: sum(view[pair] for view in views) for pair in pairs})
    relevance = (scores - scores.mean()) / scores.std()
    expected = [int(np.argmax(scores))]
    while len(expected) < 24:
        strength = diversity * min(1, (len(expected) + 1) / 20)
        values = {
            i: (1 - diversity) * relevance[i] - strength * np.mean([alike[i, j] for j in expected])
            for i in range(30)
            if i not in expected
        }
        expected.append(max(values, key=lambda i: values[i]))
    assert found == expected


def test_a_diversity_of_one_asks_only_for_unlikeness() -> None:
    assert choose(candidates([4.0, 3.9, 3.0, 2.9], [0, 5, 90, 180]), Slate(diversity=1.0), 3) == [0, 3, 2]


def test_one_candidate_needs_no_likeness() -> None:
    assert choose(candidates([4.0], [0]), Slate(diversity=0.5), 3) == [0]


def test_new_items_get_their_share_spread_over_the_list() -> None:
    new = np.array([False, False, False, False, True, True, True])
    seven = candidates([7, 6, 5, 4, 3, 2, 1], [0] * 7, new=new)
    assert choose(seven, Slate(new_share=0.5), 6) == [0, 4, 1, 5, 2, 6]
    assert choose(seven, Slate(new_share=0.3), 5) == [0, 1, 2, 4, 3]
    assert choose(seven, Slate(new_share=1.0), 5) == [4, 5, 6, 0, 1]


def test_of_nearly_identical_items_the_best_is_shown() -> None:
    twins = candidates([1.0, 3.0, 2.0], [1, 0, 90])
    assert choose(twins, Slate(), 3) == [1, 2, 0]
    assert choose(twins, Slate(unique=True), 3) == [1, 2]
    chain = candidates([3.0, 2.0, 1.0], [0, 9, 18])
    assert repeats(chain.scores, nearly_one(chain.contents, 2)) == [1]


def test_what_is_nearly_one_is_told_by_words_and_by_looks() -> None:
    """Words and pictures are directions in a plane each, in degrees; None is nothing."""

    def contents(*items: tuple[float | None, float | None]) -> np.ndarray:
        planes = [
            [0.0, 0.0] if each is None else [np.cos(x := np.radians(each)), np.sin(x)] for i in items for each in i
        ]
        return np.array(planes, np.float32).reshape(len(items), 4)

    def same(one: tuple[float | None, float | None], other: tuple[float | None, float | None]) -> bool:
        (_, across), (back, _) = nearly_one(contents(one, other), 2)
        assert across == back
        return bool(across)

    assert same((0, 0), (0, 0))
    assert same((0, 0), (45, 30)), "saved anew, with another subtitle"
    assert not same((0, 0), (60, 0)), "another thing of the same picture"
    assert not same((0, 0), (0, 45)), "another picture of the same words"
    assert same((0, None), (10, None))
    assert not same((0, None), (20, None))
    assert same((0, 0), (10, None))
    assert same((None, 0), (None, 30))
    assert not same((None, None), (None, None)), "nothing is known of either"
    assert not same((0, None), (None, 0))


def test_a_film_in_two_releases_is_shown_once(tmp_path: Path) -> None:
    source, *others = sorted((SAMPLE / "images").glob("*.jpg"))[:13]
    with Image.open(source) as opened:
        picture = opened.convert("RGB")
    picture.save(tmp_path / "first.png")
    picture.resize((picture.width * 2 // 3, picture.height * 2 // 3)).save(tmp_path / "again.jpg", quality=60)
    rows = [
        {"id": "first", "title": "The Lighthouse Keeper", "image": "first.png"},
        {"id": "again", "title": "The Lighthouse Keeper (remastered)", "image": "again.jpg"},
        {"id": "other", "title": "Annual report of a dairy company", "image": "first.png"},
    ]
    for path in others:
        shutil.copyfile(path, tmp_path / path.name)
        rows.append({"id": path.stem, "title": path.stem.replace("-", " "), "image": path.name})
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Recommender.build(tmp_path / "items.jsonl", workspace=tmp_path / "ws") as rec:
        plain = [hit.item_id for hit in rec.search(image=source, k=15)]
        assert set(plain[:3]) == {"first", "again", "other"}
        unique = [hit.item_id for hit in rec.search(image=source, k=15, unique=True)]
        assert set(unique[:2]) == {"first", "other"}
        assert "again" not in unique
        assert len(unique) == 14, "all others stay"


def test_no_category_takes_more_than_its_places() -> None:
    four = candidates([4, 3, 2, 1], [0] * 4, categories=[("sea",), ("sea", "war"), ("war",), ("sea",)])
    assert choose(four, Slate(per_category=1), 4) == [0, 2]
    assert choose(four, Slate(per_category=2), 4) == [0, 1, 2]


def test_boosts_move_items_by_deviations() -> None:
    scores = [2.0, 1.0, 0.0]
    fields = [{"language": "no"}, {"language": "en"}, {"tags": ["a", "b"]}]
    three = candidates(scores, [0] * 3, fields=fields, categories=[(), ("sea",), ()])
    step = 1 / np.std(scores)
    assert choose(three, Slate(boosts=(Boost("language", "en", step * 0.9),)), 3) == [0, 1, 2]
    assert choose(three, Slate(boosts=(Boost("language", "en", step * 1.1),)), 3) == [1, 0, 2]
    assert choose(three, Slate(boosts=(Boost("tags", "b", step * 2.1),)), 3) == [2, 0, 1]
    assert choose(three, Slate(boosts=(Boost("categories", "sea", -step * 1.1),)), 3) == [0, 2, 1]


def test_what_is_like_an_unwanted_item_loses() -> None:
    assert against(FOUR.scores, FOUR.contents, FOUR.contents[:0]).tolist() == FOUR.scores.tolist()
    changed = against(FOUR.scores, FOUR.contents, FOUR.contents[[2]])
    deviation = float(np.std([4.0, 3.9, 3.0, 1.0]))
    expected = [4.0, 3.9 - AGAINST * deviation * np.sin(np.radians(5)), 3.0 - AGAINST * deviation, 1.0]
    np.testing.assert_allclose(changed, expected, atol=1e-5)


def test_equal_scores_stand_still() -> None:
    assert standardised(np.ones(3, np.float32)).tolist() == [0, 0, 0]
    assert choose(candidates([1, 1, 1], [0, 0, 0]), Slate(diversity=0.5), 3) == [0, 1, 2]


def test_strengths_out_of_range_are_refused() -> None:
    with pytest.raises(QueryError, match=r"diversity is 1\.5"):
        Slate(diversity=1.5)
    with pytest.raises(QueryError, match="per_category is 0"):
        Slate(per_category=0)


def test_lists_of_the_recommender_keep_to_the_slate(tmp_path: Path) -> None:
    """Seven texts about four subjects, two of them twice; no model of taste, so that contents alone decide."""
    subjects = [
        "A storm at sea",
        "A storm at sea",
        "Baking bread",
        "Baking bread",
        "Walking on the moon",
        "Chess",
        "Sea birds",
    ]
    rows = [{"id": str(n), "title": title, "categories": [title.split()[-1]]} for n, title in enumerate(subjects)]
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "events.csv").write_text("user_id,item_id\nal,6\n")
    with Recommender.build(
        tmp_path / "items.jsonl", interactions=tmp_path / "events.csv", workspace=tmp_path / "ws"
    ) as rec:
        plain = [hit.item_id for hit in rec.recommend("al", k=6)]
        assert set(plain[:2]) == {"0", "1"}, "the storms are nearest to the birds of the sea"
        first_of_each = [plain[0], *(item for item in plain[2:] if item not in ("2", "3"))]
        first_of_each.insert(min(plain.index("2"), plain.index("3")) - 1, min("23", key=plain.index))
        unique = rec.recommend("al", k=6, slate=Slate(unique=True))
        assert [hit.item_id for hit in unique] == first_of_each
        assert [hit.rank for hit in unique] == [1, 2, 3, 4]
        assert [hit.item_id for hit in rec.recommend("al", k=6, slate=Slate(per_category=1))] == first_of_each
        boosted = rec.recommend("al", k=1, slate=Slate(boosts=(Boost("categories", "Chess", 9),)))
        assert boosted[0].item_id == "5"
