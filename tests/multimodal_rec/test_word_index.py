"""Exact words find their items, in any script; common words move nothing."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from multimodal_rec import word_index
from multimodal_rec.function_words import is_function_word
from multimodal_rec.item_table import ItemTable
from multimodal_rec.items import Item


def item(item_id: str, title: str, description: str | None = None, **attributes: object) -> Item:
    return Item(item_id, title, description, (), None, None, attributes)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[ItemTable]:
    with ItemTable(tmp_path / "draft.db") as draft:
        draft.put(
            [
                item("1", "Amélie", "a quiet film about Kubrick"),
                item("2", "Sony DSC-W80 camera"),
                item("3", "東京物語"),
                item("4", "Kubrick by Kubrick"),
                item("5", "Война и мир", director="Bondarchuk"),
                *(item(f"x{number}", f"common film {number}") for number in range(60)),
            ]
        )
        draft.snapshot(tmp_path / "items.db")
    with ItemTable(tmp_path / "items.db", read_only=True) as snapshot:
        yield snapshot


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amelie", "1"),
        ("DSC-W80", "2"),
        ("dsc", "2"),
        ("東京", "3"),
        ("京物語を見る", "3"),
        ("ВОЙНА", "5"),
        ("films of bondarchuk", "5"),
        ("bondar", "5"),
        ("Kubrick", "4"),
        ('a "dsc" OR NEAR(', "2"),
    ],
)
def test_a_rare_word_finds_its_item(table: ItemTable, text: str, expected: str) -> None:
    found = table.find_words(text)
    assert max(found, key=lambda item_id: found[item_id]) == expected
    assert 0.2 < found[expected] <= 1


@pytest.mark.parametrize("remembered", [2, 4096])
def test_words_that_were_looked_up_before_are_answered_alike(
    table: ItemTable, monkeypatch: pytest.MonkeyPatch, remembered: int
) -> None:
    monkeypatch.setattr(word_index, "MOST_KNOWN", remembered)
    asked = ["bondar amelie", "kubrick", "common", "dsc nothing", "kubrick amelie"]
    first = [table.find_words(text) for text in asked]
    assert [table.find_words(text) for text in asked] == first
    assert len(table._known_words) <= remembered


def test_a_word_in_the_title_beats_one_elsewhere(table: ItemTable) -> None:
    found = table.find_words("kubrick")
    assert set(found) == {"1", "4"}
    rarity = (math.log(65 / 2) / math.log(65)) ** 4
    assert found == pytest.approx({"4": 1.0, "1": 0.6 * rarity})


def test_the_beginning_of_a_word_is_less_sure_than_the_word(table: ItemTable) -> None:
    whole, beginning = table.find_words("bondarchuk")["5"], table.find_words("bondar")["5"]
    assert beginning == pytest.approx(0.4 * whole)
    assert table.find_words("bondar amelie")["5"] < 0.3 * table.find_words("bondarchuk amelie")["5"]


@pytest.mark.parametrize("text", ["common film", "", "?", "*", '"', "zzzz", "AND", "b\0c", "x" * 10_000, "-", "title:"])
def test_what_says_nothing_of_any_item_finds_none(table: ItemTable, text: str) -> None:
    assert table.find_words(text) == {}


def test_the_words_worth_is_shared_by_those_that_the_catalogue_knows(table: ItemTable) -> None:
    assert table.find_words("amelie")["1"] == pytest.approx(1)
    assert table.find_words("amelie unheardof")["1"] == pytest.approx(1)
    doubt = 3 * (1 - math.log(len(table)) / math.log(1000))  # both words are in one item; a name is in one of 1,000
    assert table.find_words("amelie dsc")["1"] == pytest.approx(0.5 * 0.5**doubt)


def test_in_a_small_catalogue_one_word_of_several_says_little(tmp_path: Path) -> None:
    with ItemTable(tmp_path / "items.db") as small:
        small.put(
            Item(str(row), title=title) for row, title in enumerate(["Cold Spot", "Alone", "Somewhere", *"defgh"])
        )
        small.snapshot(tmp_path / "copy.db")
    with ItemTable(tmp_path / "copy.db", read_only=True) as small:
        alone, among = small.find_words("cold")["0"], small.find_words("somewhere alone cold")["0"]
    assert alone == pytest.approx(1)
    assert among == pytest.approx((1 / 3) ** (1 + 3 * (1 - math.log(8) / math.log(1000))))


def test_a_word_in_more_items_than_the_root_of_their_number_is_not_rare(tmp_path: Path) -> None:
    """54 of 3,000 items are few enough, 55 are not, though neither are 2 in 100."""
    with ItemTable(tmp_path / "items.db") as large:
        titles = (f"{'brass' if row < 54 else ''} {'copper' if row < 55 else ''} {row}" for row in range(3000))
        large.put(Item(str(row), title=title) for row, title in enumerate(titles))
        large.snapshot(tmp_path / "copy.db")
    with ItemTable(tmp_path / "copy.db", read_only=True) as large:
        assert len(large.find_words("brass")) == 54
        assert large.find_words("copper") == {}


def test_the_catalogue_keeps_no_index(tmp_path: Path) -> None:
    with ItemTable(tmp_path / "draft.db") as draft:
        draft.put([item("1", "Amélie")])
        with pytest.raises(sqlite3.OperationalError):
            draft.find_words("amelie")


def test_words_that_say_nothing_find_only_the_titles_that_say_just_so(tmp_path: Path) -> None:
    titles = [
        "What a Day",
        "As the Windru blue jacket",
        "The Who",
        "It",
        "Who may the winner be",
        "Don\u2019t",
        "Day by day",
    ]
    with ItemTable(tmp_path / "items.db") as table:
        table.put(item(str(row), title) for row, title in enumerate(titles))
        table.put(item(f"x{number}", f"steel watch {number}") for number in range(60))
        table.snapshot(tmp_path / "copy.db")
    with ItemTable(tmp_path / "copy.db", read_only=True) as table:
        found = {text: table.find_words(text) for text in ("what A day?", "It", "the who", "don't", "the windru")}
        assert {text: max(by_word, key=lambda each: by_word[each]) for text, by_word in found.items()} == {
            "what A day?": "0",
            "It": "3",
            "the who": "2",
            "don't": "5",
            "the windru": "1",
        }
        assert found["the who"] == {"2": pytest.approx(1)}
        assert found["the windru"] == {"1": pytest.approx(1)}
        for text in ("a watch for the wrist", "what's it like?", "(who) is as blunt"):
            assert "1" not in table.find_words(text)


def test_beside_a_picture_a_common_word_is_no_name(tmp_path: Path) -> None:
    titles = ["The Last Film", "When a Man Waits", "Heat"]
    with ItemTable(tmp_path / "items.db") as table:
        table.put(item(str(row), title) for row, title in enumerate(titles))
        table.put(item(f"x{number}", f"number {number}", "a film about a man") for number in range(60))
        table.snapshot(tmp_path / "copy.db")
    with ItemTable(tmp_path / "copy.db", read_only=True) as table:
        for row, text in enumerate(["film", "a man", "heat"]):
            assert max(found := table.find_words(text), key=lambda each: found[each]) == str(row)
        beside = {text: table.find_words(text, alone=False) for text in ("film", "a man", "heat", "the last film")}
        assert beside["film"] == beside["a man"] == {}
        assert beside["heat"] == table.find_words("heat")
        assert set(beside["the last film"]) == {"0"}


@pytest.mark.parametrize("word", ["the", "what's", "(who", "don\u2019t", "can't", "isn't,", "they're"])
def test_function_words(word: str) -> None:
    assert is_function_word(word)
    assert not any(map(is_function_word, ["day", "don", "watch's", "o'neill", "?", "", "may", "東"]))
