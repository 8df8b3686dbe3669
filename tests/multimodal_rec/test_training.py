"""Preferences learned from data with a planted answer: the answer is recovered."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from multimodal_rec.errors import WorkspaceError
from multimodal_rec.fusion_training import FusionTraining
from multimodal_rec.histories import ALL_ALIKE
from multimodal_rec.preferences import EventVectors, Preferences
from multimodal_rec.training import Trained, TrainingConfig, deserved_share, train
from tests.multimodal_rec.planted import group_features, histories, noise_features, tribes

ITEMS, GROUPS = 60, 4
IDS = [f"item {number}" for number in range(ITEMS)]
QUICK = TrainingConfig(fusion=FusionTraining(epochs=2, min_steps=30))
FEATURES = {"image": noise_features(ITEMS, 5), "text": group_features(ITEMS, GROUPS, 6)}


@pytest.fixture(scope="module")
def trained() -> Trained:
    rows = [[item for item in row if item >= 8] for row in tribes(80, ITEMS, GROUPS, seed=2)]  # 0 to 7 are new
    return train(histories(rows), FEATURES, FEATURES["text"], ids=IDS, seed=1, config=QUICK)


def scores_for(preferences: Preferences, history: list[str]) -> np.ndarray:
    items = preferences.item_block(IDS, FEATURES)
    events = EventVectors(IDS, preferences.event_block(IDS, FEATURES))
    return preferences.user_blocks([(events.of(history), [None] * len(history))])[0] @ items.T


@pytest.mark.parametrize("group", range(GROUPS))
def test_users_get_their_group_and_new_items_of_it_too(trained: Trained, group: int) -> None:
    history = [IDS[group + 8], IDS[group + 16], IDS[group + 24]]
    scores = scores_for(trained.preferences, history)
    of_group = np.arange(ITEMS) % GROUPS == group
    new = np.arange(ITEMS) < 8
    assert scores[of_group & ~new].mean() > scores[~of_group & ~new].max() - 1.0
    best = np.argsort(-scores)[:8]
    assert of_group[best].mean() >= 0.75
    assert of_group[np.flatnonzero(new)[np.argsort(-scores[new])[:2]]].all()


def test_a_modality_that_says_nothing_counts_for_less(trained: Trained) -> None:
    content = trained.preferences.foretold.map
    said = {name: float(content({name: rows[:8]}, 8).std()) for name, rows in FEATURES.items() if name in content.items}
    assert said.get("image", 0.0) < 0.7 * said["text"]


def test_the_same_seed_gives_the_same_model(trained: Trained) -> None:
    rows = [[item for item in row if item >= 8] for row in tribes(80, ITEMS, GROUPS, seed=2)]
    again = train(histories(rows), FEATURES, FEATURES["text"], ids=IDS, seed=1, config=QUICK)
    np.testing.assert_array_equal(
        trained.preferences.item_block(IDS, FEATURES), again.preferences.item_block(IDS, FEATURES)
    )


def test_saved_preferences_answer_alike(trained: Trained, tmp_path: Path) -> None:
    trained.preferences.save(tmp_path / "preferences")
    loaded = Preferences.load(tmp_path / "preferences")
    assert loaded.config == trained.preferences.config
    np.testing.assert_array_equal(scores_for(loaded, IDS[9:12]), scores_for(trained.preferences, IDS[9:12]))


def test_someone_without_a_history_gets_what_is_popular(trained: Trained) -> None:
    preferences = trained.preferences
    events = preferences.event_block(IDS, FEATURES)[:0]
    user = preferences.user_blocks([(events, [])])[0]
    np.testing.assert_array_equal(user, [*np.zeros(preferences.dim - 1), 1.0])


def test_undated_histories_teach_no_order() -> None:
    rows = tribes(60, ITEMS, GROUPS, seed=3)
    result = train(histories(rows, dated=False), FEATURES, FEATURES["text"], ids=IDS, config=QUICK)
    assert result.preferences.config.recencies == {"co_liked": ALL_ALIKE}


def test_a_pretrained_folder_is_whole_and_answers_alike(trained: Trained, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "model"
    trained.preferences.save_pretrained(folder)
    loaded = Preferences.from_pretrained(folder)
    np.testing.assert_array_equal(scores_for(loaded, IDS[9:12]), scores_for(trained.preferences, IDS[9:12]))
    assert loaded.record == trained.preferences.record
    assert loaded.record is not None
    assert (loaded.record.users, loaded.record.items) == (80, ITEMS)
    assert loaded.record.losses[-1] < loaded.record.losses[0]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"| ndcg@20 | {trained.validation_ndcg:.4f} |" in card
    assert "## Limits" in card
    assert ElementTree.parse(folder / "loss.svg").getroot().tag.endswith("svg")  # noqa: S314 - our own text
    with pytest.raises(WorkspaceError, match="new folder"):
        trained.preferences.save_pretrained(folder)
    (folder / "model.safetensors").write_bytes(b"damaged")
    for place in (folder, tmp_path / "nowhere"):
        with pytest.raises(WorkspaceError, match="no readable model"):
            Preferences.from_pretrained(place)


def test_pictures_alone_place_new_items_where_they_carry_the_taste() -> None:
    features = {"image": FEATURES["text"], "text": FEATURES["image"]}
    rows = [[item for item in row if item >= 8] for row in tribes(80, ITEMS, GROUPS, seed=5)]
    preferences = train(histories(rows), features, features["image"], ids=IDS, config=QUICK).preferences
    items = preferences.item_block(IDS, features)
    events = preferences.event_block(IDS, features)
    for group in range(GROUPS):
        user = preferences.user_blocks([(events[[group + 8, group + 16, group + 24]], [None] * 3)])[0]
        best = np.argsort(-(items[:8] @ user))[:2]
        assert set(best.tolist()) == {group, group + 4}


def test_a_taste_that_switched_is_followed() -> None:
    random = np.random.default_rng(6)
    own = [np.arange(group, ITEMS, GROUPS) for group in range(GROUPS)]
    rows = []
    for user in range(120):
        before, after = (user % GROUPS, (user + 1) % GROUPS)
        switch = random.integers(3, 8)  # never at the same place
        rows.append([*random.choice(own[before], switch, False), *random.choice(own[after], 12 - switch, False)])
    preferences = train(histories(rows), FEATURES, FEATURES["text"], ids=IDS, config=QUICK).preferences
    items = preferences.item_block(IDS, FEATURES)
    events = preferences.event_block(IDS, FEATURES)
    shares = []
    for before in range(GROUPS):
        after = (before + 1) % GROUPS
        history = [*own[before][:6], *own[after][:5]]
        scores = items @ preferences.user_blocks([(events[history], [None] * len(history))])[0]
        scores[history] = -np.inf
        shares.append(np.isin(np.argsort(-scores)[:8], own[after]).mean())
    assert np.mean(shares) >= 0.75


def share_of_new(preferences: Preferences, new: np.ndarray, ids: list[str], rows: list[list[int]]) -> float:
    """How many of 20 places new items get, as a share, over the lists of all users."""
    items = preferences.item_block(ids, FEATURES)
    events = preferences.event_block(IDS, FEATURES)
    found = []
    for row in rows:
        scores = items @ preferences.user_blocks([(events[row], [None] * len(row))])[0]
        scores[row] = -np.inf
        found.append(new[np.argsort(-scores)[:20]].mean())
    return float(np.mean(found))


def test_new_items_get_the_places_that_they_deserve(trained: Trained) -> None:
    rows = [[item for item in row if item >= 8] for row in tribes(80, ITEMS, GROUPS, seed=2)]
    config = TrainingConfig()
    waiting = share_of_new(trained.preferences, np.arange(ITEMS) < 8, IDS, rows)
    assert abs(waiting - min(config.most_new, config.new_share * 8 / ITEMS)) < 0.03  # all are liked often but for those
    added = [f"added later {item}" if item % 10 == 0 and item >= 8 else item_id for item, item_id in enumerate(IDS)]
    later = np.array([item_id not in IDS for item_id in added])
    assert abs(share_of_new(trained.preferences, later, added, rows) - config.most_new) < 0.03


def test_items_without_events_deserve_little_where_rare_ones_abound() -> None:
    def share(rows: list[list[int]], count: int, newest: list[int] | None = None, *, dated: bool = True) -> float:
        events = histories(rows, dated=dated)
        hidden = np.zeros(len(events.items), dtype=bool)
        hidden[events.bounds[1:] - 1] = newest is not None
        return deserved_share(events, events.select(~hidden), hidden, count)

    popular = [[item, item + 1, (item + 2) % 40] for item in range(38)] * 2
    assert share(popular, 50) == pytest.approx(10 / 50)  # none is rare: those ten must be new
    rare = [[*row, 40 + number] for number, row in enumerate(popular)]  # 76 items with one event each
    assert share(rare, 126) == 0.0  # ten more are as rare
    assert share(rare, 126, newest=[]) == pytest.approx(1.0)  # but each newest event is of an item unheard of before
    assert share(popular, 50, dated=False) == 0.0  # without an order they may as well be old ones that nobody likes
    assert share(rare, 126, newest=[], dated=False) == pytest.approx(0.25)
