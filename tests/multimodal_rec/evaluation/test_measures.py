"""Measures against values worked out by hand, and against ranx."""

from __future__ import annotations

import math

import numpy as np
import pytest

from multimodal_rec.evaluation.measures import Measures, found, gini
from multimodal_rec.evaluation.splits import Split
from multimodal_rec.interactions import Event

IDS = ["a", "b", "c", "d", "e", "f"]
CONTENT = np.array([[1, 0], [0, 2], [1, 1], [0, 0], [3, 0], [0, 1]], np.float32)


def split() -> Split:
    train = [Event(*pair) for pair in [("u", "a"), ("u", "b"), ("v", "a"), ("w", "a"), ("w", "c")]]
    histories = {"u": train[:2], "v": [train[2]], "n": []}
    return Split("given", train, histories, [Event("u", "c"), Event("u", "e"), Event("v", "b"), Event("n", "a")])


@pytest.mark.parametrize(
    ("items", "relevant", "k", "expected"),
    [
        (
            "xay",
            "ab",
            3,
            {"recall": 1 / 2, "ndcg": (1 / math.log2(3)) / (1 + 1 / math.log2(3)), "mrr": 1 / 2, "hit": 1},
        ),
        ("ab", "ab", 2, {"recall": 1, "ndcg": 1, "mrr": 1, "hit": 1}),
        ("xyz", "ab", 3, {"recall": 0, "ndcg": 0, "mrr": 0, "hit": 0}),
        ("a", "abc", 2, {"recall": 1 / 3, "ndcg": 1 / (1 + 1 / math.log2(3)), "mrr": 1, "hit": 1}),
        ("xya", "a", 2, {"recall": 0, "ndcg": 0, "mrr": 0, "hit": 0}),
        ("", "a", 2, {"recall": 0, "ndcg": 0, "mrr": 0, "hit": 0}),
    ],
)
def test_accuracy_by_hand(items: str, relevant: str, k: int, expected: dict[str, float]) -> None:
    assert found(list(items), set(relevant), k) == pytest.approx(expected)


def test_what_lists_are_like_by_hand() -> None:
    lists = {"u": ["c", "e"], "v": ["b", "c"]}
    measured = Measures(split(), IDS, CONTENT, [2, 1]).of(lists)
    assert measured.users == ("u", "v", "n")
    of = measured.of_users
    # three training users: a has 3, b and c have 1, e has none
    assert of["novelty@2"][:2] == pytest.approx([(math.log2(4 / 2) + math.log2(4 / 1)) / 2, math.log2(4 / 2)])
    assert of["diversity@2"][:2] == pytest.approx([1 - math.sqrt(0.5), 1 - math.sqrt(0.5)])
    assert of["popularity_lift@2"][:2] == pytest.approx([0.5 / 2 - 1, 1 / 3 - 1])
    assert np.isnan([of[name][2] for name in ("novelty@2", "diversity@2", "popularity_lift@2")]).all()
    assert of["recall@1"].tolist() == [0.5, 1.0, 0.0]
    assert of["hit@2"].tolist() == [1.0, 1.0, 0.0]
    assert measured.of_all["coverage@2"] == pytest.approx(3 / 4)  # c, e and b of a, b, c and e
    assert measured.of_all["gini@2"] == pytest.approx(gini(["c", "e", "b", "c"], 6))


@pytest.mark.parametrize(
    ("shown", "items", "expected"),
    [("abcd", 4, 0.0), ("aaaa", 4, 0.75), ("", 4, 0.0), ("aab", 2, (2 - 1) / (2 * 3)), ("ab", 4, 0.5)],
)
def test_gini_by_hand(shown: str, items: int, expected: float) -> None:
    assert gini(list(shown), items) == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of numba, which compiles what ranx computes
def test_accuracy_equals_ranx() -> None:
    ranx = pytest.importorskip("ranx")
    random = np.random.default_rng(0)
    names = [f"i{n}" for n in range(60)]
    lists = {f"u{u}": random.permutation(names)[: random.integers(1, 21)].tolist() for u in range(120)}
    relevant = {user: set(random.choice(names, random.integers(1, 30), replace=False).tolist()) for user in lists}
    qrels = ranx.Qrels({user: dict.fromkeys(items, 1) for user, items in relevant.items()})
    run = ranx.Run({u: {item: 1 / (place + 1) for place, item in enumerate(own)} for u, own in lists.items()})
    for k in (5, 10, 20):
        expected = ranx.evaluate(qrels, run, [f"recall@{k}", f"ndcg@{k}", f"mrr@{k}", f"hit_rate@{k}"])
        own = [found(lists[user], relevant[user], k) for user in lists]
        for name, theirs in (("recall", "recall"), ("ndcg", "ndcg"), ("mrr", "mrr"), ("hit", "hit_rate")):
            assert np.mean([row[name] for row in own]) == pytest.approx(expected[f"{theirs}@{k}"], abs=1e-9)
