"""The catalogue in SQLite keeps its order, its keys and its values."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from multimodal_rec.item_table import MODALITIES, ItemTable
from multimodal_rec.items import Item

FULL = Item(
    id="q\"uo'te 🎬",
    title="Föhn",
    description="two\nlines",
    categories=("A", "B, C"),
    image=Path("/media/a b.jpg"),
    video=Path("/media/é.mp4"),
    attributes={"price": 9.5, "available": False, "tags": ["x"], "nested": {"y": None}},
)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[ItemTable]:
    with ItemTable(tmp_path / "items.db") as table:
        yield table


def named(*ids: str, title: str = "t") -> list[Item]:
    return [Item(id=item_id, title=title) for item_id in ids]


def test_items_come_back_as_they_were(table: ItemTable) -> None:
    plain = Item(id="plain", description="d")
    table.put([FULL, plain])
    assert table.get(["plain", FULL.id, "unknown"]) == {FULL.id: FULL, "plain": plain}
    assert len(table) == 2


def test_paths_may_be_in_any_encoding(table: ItemTable) -> None:
    path = Path(os.fsdecode(b"/media/caf\xe9/a.jpg"))
    table.put([Item(id="latin-1", image=path, video=path)])
    (item,) = table.get(["latin-1"]).values()
    assert (item.image, item.video) == (path, path)


def test_items_are_still_there_when_opened_again(tmp_path: Path) -> None:
    with ItemTable(tmp_path / "items.db") as table:
        table.put([FULL])
    with ItemTable(tmp_path / "items.db") as table:
        assert list(table.pages()) == [[FULL]]


def test_replacing_keeps_the_position_and_forgets_the_keys(table: ItemTable) -> None:
    table.put(named("c", "a", "b"))
    for modality in MODALITIES:
        table.set_keys(modality, [(b"key", name) for name in "abc"])
    table.put([Item(id="a", title="new", attributes={"n": 1}), Item(id="d", title="t")])
    assert table.ids() == ["c", "a", "b", "d"]
    assert table.get(["a"]) == {"a": Item(id="a", title="new", attributes={"n": 1})}
    for modality in MODALITIES:
        assert table.keys(modality) == [b"key", None, b"key", None]


def test_of_the_same_id_in_one_put_the_last_wins(table: ItemTable) -> None:
    table.put([Item(id="a", title="first"), Item(id="b", title="t"), Item(id="a", title="last")])
    assert table.ids() == ["a", "b"]
    assert table.get(["a"])["a"].title == "last"


def test_replace_all_leaves_only_the_new(table: ItemTable) -> None:
    table.put(named("a", "b"))
    table.put(named("c", "b", title="new"), replace_all=True)
    assert table.ids() == ["c", "b"]
    assert table.get(["b"])["b"].title == "new"


def test_a_put_that_fails_changes_nothing(table: ItemTable) -> None:
    table.put(named("a"))

    def broken() -> Iterator[Item]:
        yield from named("b", "a", title="new")
        raise ValueError("the source broke")

    with pytest.raises(ValueError, match="the source broke"):
        table.put(broken(), replace_all=True)
    assert list(table.pages()) == [named("a")]


def test_remove_counts_what_was_there(table: ItemTable) -> None:
    table.put(named("a", "b", "c"))
    assert table.remove(["b", "unknown", "b"]) == 1
    assert table.remove([]) == 0
    assert table.ids() == ["a", "c"]


def test_keys_stand_by_modality_in_order_of_position(table: ItemTable) -> None:
    table.put(named("b", "a", "c"))
    table.set_keys("text", [(b"1", "a"), (None, "b"), (b"1", "c"), (b"9", "unknown")])
    table.set_keys("image", [(b"2", "b")])
    assert table.keys("text") == [None, b"1", b"1"]
    assert table.keys("image") == [b"2", None, None]
    assert table.keys("video") == [None, None, None]
    assert {modality: table.count(modality) for modality in MODALITIES} == {"text": 2, "image": 1, "video": 0}
    assert table.holders("text", {b"1", b"2"}) == [(b"1", "a"), (b"1", "c")]
    assert table.holders("image", {b"1"}) == []


def test_items_unlike_those_of_a_snapshot(table: ItemTable, tmp_path: Path) -> None:
    table.put(named("a", "b", "c", "d", "e"))
    table.set_keys("image", [(b"1", "a"), (b"2", "b"), (b"3", "c")])
    table.snapshot(tmp_path / "release.db")
    ids = ["a", "b", "c", "d", "e", "new", "unheard of"]
    assert table.unlike(tmp_path / "release.db", ids) == ["new", "unheard of"]
    table.put([Item(id="b", title="b", categories=("other",)), Item(id="new", title="new")])
    table.set_keys("image", [(b"2", "b"), (b"4", "c")])
    table.remove(["d"])
    assert table.unlike(tmp_path / "release.db", ids) == ["b", "c", "d", "new", "unheard of"]
    assert table.unlike(tmp_path / "release.db", ["e", "a"]) == []
    assert table.unlike(tmp_path / "release.db") == ["b", "c", "d", "new"]


def test_drop_takes_one_medium_away(table: ItemTable) -> None:
    table.put([FULL])
    for modality in MODALITIES:
        table.set_keys(modality, [(b"k", FULL.id)])
    table.drop("image", FULL.id)
    table.drop("text", FULL.id)
    item = table.get([FULL.id])[FULL.id]
    assert (item.image, item.video, item.title) == (None, FULL.video, FULL.title)
    assert {modality: table.keys(modality) for modality in MODALITIES} == {
        "text": [None],
        "image": [None],
        "video": [b"k"],
    }


def test_pages_give_each_item_once_while_rows_are_changed(table: ItemTable) -> None:
    ids = [f"{number:04}" for number in range(2500)]
    table.put(named(*ids))
    seen = []
    for page in table.pages():
        seen += [item.id for item in page]
        table.set_keys("text", ((b"k", item.id) for item in page))
        table.put([Item(id=page[0].id, title="changed")])
        table.remove([page[-1].id, "2400"])
    assert seen == [name for name in ids if name != "2400"]
    assert table.get(["0000"])["0000"].title == "changed"
    assert table.keys("text")[:2] == [None, b"k"]


def test_get_of_more_ids_than_one_statement_takes(table: ItemTable) -> None:
    ids = [f"{number}" for number in range(1200)]
    table.put(named(*ids))
    assert set(table.get(ids)) == set(ids)


def test_snapshot_is_a_lone_file_that_later_changes_do_not_touch(table: ItemTable, tmp_path: Path) -> None:
    folder = tmp_path / "odd ?#%20 name"
    folder.mkdir()
    table.put([FULL, *named("a", "b")])
    table.set_keys("text", [(b"k", "a")])
    table.remove(["b"])
    table.snapshot(folder / "copy.db")
    table.remove(["a"])
    (folder / "copy.db").chmod(0o444)
    with ItemTable(folder / "copy.db", read_only=True) as copy:
        assert copy.ids() == [FULL.id, "a"]
        assert copy.get([FULL.id]) == {FULL.id: FULL}
        assert copy.keys("text") == [None, b"k"]
        with pytest.raises(sqlite3.OperationalError):
            copy.remove(["a"])
    with closing(sqlite3.connect(folder / "copy.db")) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert [path.name for path in folder.iterdir()] == ["copy.db"]
