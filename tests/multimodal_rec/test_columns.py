"""The items that meet conditions are those that plain Python finds."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from multimodal_rec.columns import ItemFilter
from multimodal_rec.errors import QueryError
from multimodal_rec.item_table import ItemTable
from multimodal_rec.items import Item

CHANCE = random.Random(3)


def random_attributes() -> dict[str, Any]:
    possible = {
        "price": CHANCE.choice([CHANCE.randrange(30), round(CHANCE.uniform(0, 30), 2)]),
        "language": CHANCE.choice(["en", "fr", "de", 'it\'s "odd"']),
        "tags": CHANCE.sample(["a", "b", "c", 4, True], CHANCE.randrange(4)),
        "subtitled": CHANCE.random() < 0.5,
        "year": CHANCE.choice([1999, "1999", 2005, "unknown"]),
        'we"ird \\ key.x': "yes",
        "published_at": CHANCE.choice(["2024-05-01", "2024-05-02T10:00:00Z", 1714557600, "soon"]),
    }
    return {name: value for name, value in possible.items() if CHANCE.random() < 0.8}


ITEMS = [
    Item(
        f"i{number}",
        title=f"title {number % 7}",
        categories=tuple(CHANCE.sample(["Drama", "Horror", "Comedy"], CHANCE.randrange(3))),
        attributes=random_attributes(),
    )
    for number in range(500)
]


@pytest.fixture(scope="module")
def item_filter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ItemFilter]:
    path = tmp_path_factory.mktemp("columns") / "items.db"
    with ItemTable(path) as table:
        table.put([*ITEMS[:250], Item("gone", attributes={"price": 1}), *ITEMS[250:]])
        table.remove(["gone"])
        yield ItemFilter(table)


def number(item: Item, name: str) -> float | None:
    value = item.attributes.get(name)
    return float(value) if isinstance(value, int | float) or str(value).isdigit() else None


def below(item: Item, name: str, bound: float) -> bool:
    value = number(item, name)
    return value is not None and value < bound


def published(item: Item) -> float | None:
    value = item.attributes.get("published_at")
    if isinstance(value, int):
        return value
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


WANTED: list[tuple[Any, Callable[[Item], bool]]] = [
    ("price<10", lambda item: below(item, "price", 10)),
    ("price>=10", lambda item: "price" in item.attributes and not below(item, "price", 10)),
    ("not price<10", lambda item: not below(item, "price", 10)),
    ({"price": {">": 3, "<=": 3.5}}, lambda item: 3 < item.attributes.get("price", 0) <= 3.5),
    ("price=7,8", lambda item: item.attributes.get("price") in (7, 8)),
    ("language=en,fr", lambda item: item.attributes.get("language") in ("en", "fr")),
    ("language!=en", lambda item: item.attributes.get("language") != "en"),
    ({"language": "it's \"odd\""}, lambda item: item.attributes.get("language") == "it's \"odd\""),
    ("tags=b", lambda item: "b" in item.attributes.get("tags", [])),
    ("tags=4", lambda item: 4 in item.attributes.get("tags", [])),
    ("tags=true", lambda item: True in item.attributes.get("tags", [])),
    ("tags!=a", lambda item: "a" not in item.attributes.get("tags", [])),
    ("subtitled=true", lambda item: item.attributes.get("subtitled") is True),
    ("subtitled=1", lambda item: item.id == "none"),
    ({"subtitled": False}, lambda item: item.attributes.get("subtitled") is False),
    ("year=1999", lambda item: str(item.attributes.get("year")) == "1999"),
    ("year=1999.0", lambda item: str(item.attributes.get("year")) == "1999"),
    ("year>1999", lambda item: item.attributes.get("year") == 2005),
    ({'we"ird \\ key.x': "yes"}, lambda item: 'we"ird \\ key.x' in item.attributes),
    ("categories=Horror", lambda item: "Horror" in item.categories),
    ("categories!=Horror", lambda item: "Horror" not in item.categories),
    ("title=title 3", lambda item: item.title == "title 3"),
    ("id=i3,i499,i7,unknown", lambda item: item.id in ("i3", "i499", "i7")),
    ("published_at>=2024-05-02", lambda item: (published(item) or 0) >= 1714608000),
    ("published_at<2024-05-01T12:00:00+02:00", lambda item: 0 < (published(item) or 0) < 1714557600),
    ("published_at=2024-05-02T12:00:00+02:00", lambda item: item.attributes.get("published_at", "")[-1:] == "Z"
     if isinstance(item.attributes.get("published_at"), str) else False),
    (["price<10", "language=en", "categories!=Horror"], lambda item: below(item, "price", 10)
     and item.attributes.get("language") == "en" and "Horror" not in item.categories),
]  # fmt: skip


@pytest.mark.parametrize(("where", "meets"), WANTED, ids=[str(where) for where, _ in WANTED])
def test_selected_items_are_those_that_plain_python_finds(
    item_filter: ItemFilter, where: Any, meets: Callable[[Item], bool]
) -> None:
    selection = item_filter.select(where)
    assert selection is not None
    assert list(selection) == [item.id for item in ITEMS if meets(item)]


def test_no_condition_selects_nothing_in_particular(item_filter: ItemFilter) -> None:
    assert item_filter.select(None) is item_filter.select([]) is None


def test_the_same_filter_is_the_same_selection(item_filter: ItemFilter) -> None:
    first = item_filter.select(["price<10", "language=en"])
    assert item_filter.select([{"price": {"<": 10}}, "language=en"]) is first
    assert item_filter.select(["language=en", "price<10"]) is first


def test_an_unknown_attribute_is_named_with_those_there_are(item_filter: ItemFilter) -> None:
    with pytest.raises(QueryError) as caught:
        item_filter.select("colour=red")
    assert str(caught.value) == (
        "no item has an attribute 'colour', there are: language, price, published_at, subtitled, tags, "
        'we"ird \\ key.x, year; and id, title, categories'
    )


def test_items_that_can_be_had_now(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    attributes: dict[str, dict[str, Any]] = {
        "plain": {"other": 1},
        "marked": {"available": True},
        "withdrawn": {"available": False},
        "withdrawn in words": {"available": "False"},
        "withdrawn in numbers": {"available": 0},
        "yesterday": {"published_at": (now - hour).isoformat()},
        "tomorrow": {"published_at": (now + hour).isoformat()},
        "in seconds": {"available_from": now.timestamp() + 3600},
        "over": {"available_until": (now - hour).isoformat(), "available": True},
        "expired": {"expires_at": int(now.timestamp()) - 10},
        "still": {"expires_at": (now + hour).isoformat(), "published_at": (now - hour).isoformat()},
    }
    with ItemTable(tmp_path / "items.db") as table:
        table.put(Item(name, attributes=fields) for name, fields in attributes.items())
        items = ItemFilter(table)
        there = ["plain", "marked", "yesterday", "still"]
        assert list(items.select("available-now") or ()) == there
        assert list(items.select("not available-now") or ()) == [name for name in attributes if name not in there]
        assert items.select("available-now") is items.select("available-now")


def test_time_goes_on_between_two_queries(tmp_path: Path) -> None:
    with ItemTable(tmp_path / "items.db") as table:
        table.put([Item("soon", attributes={"published_at": time.time() + 0.3}), Item("old")])
        items = ItemFilter(table)
        assert list(items.select("available-now") or ()) == ["old"]
        time.sleep(0.35)
        assert list(items.select("available-now") or ()) == ["soon", "old"]
        assert list(items.select("published_at>now-1h") or ()) == ["soon"]


def test_a_catalogue_without_attributes_says_so(tmp_path: Path) -> None:
    with ItemTable(tmp_path / "items.db") as table:
        table.put([Item("a")])
        with pytest.raises(QueryError, match="available-now needs one of the attributes available, published_at, "):
            ItemFilter(table).select("available-now")
        with pytest.raises(QueryError, match="no item has an attribute 'price', for the items have none"):
            ItemFilter(table).select("price<5")


def test_odd_values_are_passed_over(tmp_path: Path) -> None:
    with ItemTable(tmp_path / "items.db") as table:
        table.put(
            [
                Item("huge", attributes={"price": 10**400}),
                Item("object", attributes={"price": {"amount": 3}}),
                Item("list", attributes={"price": [None, [1], {"a": 2}, 3]}),
                Item("plain", attributes={"price": 2}),
            ]
        )
        items = ItemFilter(table)
        assert list(items.select("price<1e300") or ()) == ["list", "plain"]
        assert list(items.select("price=3") or ()) == ["list"]


def test_an_attribute_without_a_value_to_compare_is_told(tmp_path: Path) -> None:
    with ItemTable(tmp_path / "items.db") as table:
        table.put([Item("1", attributes={"platform": {"pc": True}})])
        with pytest.raises(QueryError, match="the attribute 'platform' is no text, number, truth value or list"):
            ItemFilter(table).select("platform=pc")


def test_json_that_only_python_reads_costs_no_other_item(tmp_path: Path) -> None:
    path = tmp_path / "items.db"
    with ItemTable(path) as table:
        table.put([Item("nan", attributes={"a": [float("nan")], "price": 1}), Item("plain", attributes={"price": 2})])
        assert list(ItemFilter(table).select("price=2") or ()) == ["plain"]
    with closing(sqlite3.connect(path)) as db:
        assert "NaN" in db.execute("SELECT attributes FROM items").fetchone()[0]


def test_threads_share_a_filter(item_filter: ItemFilter) -> None:
    found: list[list[str]] = []

    def ask() -> None:
        found.extend(list(item_filter.select(f"price<{bound}") or ()) for bound in range(20))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [[item.id for item in ITEMS if below(item, "price", bound)] for bound in range(20)]
    assert sorted(found) == sorted(expected * 4)
