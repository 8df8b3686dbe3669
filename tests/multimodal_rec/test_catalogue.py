"""Catalogues in every format, awkward and hostile ones too: what becomes an item, and what is said of the rest."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from multimodal_rec.catalogue import Problem, read_catalogue
from multimodal_rec.errors import CatalogueError
from multimodal_rec.items import CheckedItem, Item

BOM = "\ufeff"


def read(path: Path, media_root: Path | None = None) -> tuple[list[Item], list[Problem]]:
    rows = list(read_catalogue(path, media_root))
    return (
        [row.item for row in rows if isinstance(row, CheckedItem)],
        [row for row in rows if isinstance(row, Problem)],
    )


def jsonl(folder: Path, *rows: dict[str, Any] | str) -> Path:
    path = folder / "items.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def csv_file(folder: Path, text: str) -> Path:
    path = folder / "items.csv"
    path.write_bytes(text.encode())
    return path


def parquet(folder: Path, columns: dict[str, Any]) -> Path:
    path = folder / "items.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not looked at here")


def titles(items: Sequence[Item]) -> dict[str, str | None]:
    return {item.id: item.title for item in items}


def test_jsonl_row_becomes_an_item(tmp_path: Path) -> None:
    touch(tmp_path, "a/one.jpg", "one.mp4")
    row = {
        "id": "one",
        "title": "The sea",
        "description": "Quiet.",
        "categories": ["Drama", " Sea ", "Drama", ""],
        "image": "a/one.jpg",
        "video": "one.mp4",
        "price": 9.5,
        "available": False,
        "tags": ["x", "y"],
        "note": "",
        "nothing": None,
    }
    items, problems = read(jsonl(tmp_path, row))
    assert problems == []
    assert items == [
        Item(
            id="one",
            title="The sea",
            description="Quiet.",
            categories=("Drama", "Sea"),
            image=tmp_path / "a/one.jpg",
            video=tmp_path / "one.mp4",
            attributes={"price": 9.5, "available": False, "tags": ["x", "y"]},
        )
    ]
    assert items[0].text == "The sea. Drama, Sea. Quiet"


def test_csv_with_bom_quotes_and_line_breaks(tmp_path: Path) -> None:
    text = BOM + 'id,title,description\r\n1,"A ""quoted"", title","first line\r\nsecond line"\r\n2,plain,\r\n'
    items, problems = read(csv_file(tmp_path, text))
    assert problems == []
    assert items == [
        Item(id="1", title='A "quoted", title', description="first line\nsecond line"),
        Item(id="2", title="plain"),
    ]


@pytest.mark.parametrize("first", ["{}", BOM + "{}"], ids=["plain", "bom"])
def test_jsonl_with_bom_and_blank_lines(tmp_path: Path, first: str) -> None:
    line = first.replace("{}", '{"id": "a", "title": "é 🎬"}')
    items, problems = read(jsonl(tmp_path, line, "", "   ", {"id": "b", "title": "t"}))
    assert titles(items) == {"a": "é 🎬", "b": "t"}
    assert problems == []


@pytest.mark.parametrize(
    ("cell", "categories"),
    [
        ("Drama|Sea", ("Drama", "Sea")),
        (" Drama | | Sea |Drama", ("Drama", "Sea")),
        ('"[""Drama"", ""Sea, deep""]"', ("Drama", "Sea, deep")),
        ("Drama", ("Drama",)),
        ("", ()),
        ("[]", ()),
    ],
)
def test_categories_in_a_cell(tmp_path: Path, cell: str, categories: tuple[str, ...]) -> None:
    items, problems = read(csv_file(tmp_path, f"id,title,categories\n1,t,{cell}\n"))
    assert [item.categories for item in items] == [categories]
    assert problems == []


@pytest.mark.parametrize("cell", ["[oops", 7, {"a": 1}, True])
def test_categories_that_are_no_list_are_left_out_with_a_warning(tmp_path: Path, cell: object) -> None:
    items, problems = read(jsonl(tmp_path, {"id": "1", "title": "t", "categories": cell}))
    assert items == [Item(id="1", title="t")]
    assert [(problem.id, problem.kept) for problem in problems] == [("1", True)]
    assert problems[0].reason.startswith("categories left out: not a ")


def test_csv_row_with_too_many_cells_costs_no_other(tmp_path: Path) -> None:
    items, problems = read(csv_file(tmp_path, "id,title\n1,a\n2,b,c\n3\n4,d\n"))
    assert titles(items) == {"1": "a", "4": "d"}
    assert problems == [
        Problem("items.csv line 3", None, "more cells than the header has columns"),
        Problem("items.csv line 4", "3", "no usable text, image or video"),
    ]


def test_csv_header_that_names_a_column_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"items\.csv.*twice"):
        read(csv_file(tmp_path, "id,title,title\n1,a,b\n"))


def test_same_catalogue_in_three_formats_is_equal(tmp_path: Path) -> None:
    touch(tmp_path, "one.jpg", "two.mp4")
    rows = [
        {"id": "1", "title": "Föhn", "categories": ["A", "B"], "image": "one.jpg", "language": "Norwegian"},
        {"id": "2", "description": 'He said "no",\nand left', "categories": [], "video": "two.mp4"},
        {"id": "3 / ü", "title": "t", "description": "d", "categories": ["C"], "language": "English"},
    ]
    columns = ("id", "title", "description", "categories", "image", "video", "language")
    with (tmp_path / "items.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({**row, "categories": "|".join(row["categories"])} for row in rows)
    parquet(tmp_path, {name: [row.get(name) for row in rows] for name in columns})
    jsonl(tmp_path, *rows)
    items, problems = read(tmp_path / "items.jsonl")
    assert problems == []
    assert [item.id for item in items] == ["1", "2", "3 / ü"]
    assert items[0].attributes == {"language": "Norwegian"}
    assert read(tmp_path / "items.csv") == (items, [])
    assert read(tmp_path / "items.parquet") == (items, [])


def test_parquet_rows(tmp_path: Path) -> None:
    columns = {
        "id": [1, 2, None],
        "title": ["a", None, "c"],
        "categories": [["x", None, "y"], None, []],
        "description": [None, float("nan"), None],
        "price": [1.5, 2.5, 3.5],
    }
    items, problems = read(parquet(tmp_path, columns))
    assert items == [Item(id="1", title="a", categories=("x", "y"), attributes={"price": 1.5})]
    assert problems == [
        Problem("items.parquet row 2", "2", "no usable text, image or video"),
        Problem("items.parquet row 3", None, "no id"),
    ]


def test_numeric_ids_are_taken_as_written(tmp_path: Path) -> None:
    rows = [{"id": 7, "title": "a"}, {"id": "007", "title": "b"}, {"id": 7.5, "title": "c"}, {"id": True, "title": "d"}]
    items, problems = read(jsonl(tmp_path, *rows))
    assert titles(items) == {"7": "a", "007": "b"}
    assert [problem.reason for problem in problems] == ["id is not text: 7.5", "id is not text: True"]


def test_of_a_duplicate_id_the_last_comes_last_with_a_warning(tmp_path: Path) -> None:
    rows = [{"id": "1", "title": "old"}, {"id": "2", "title": "t"}, {"id": 1, "title": "new"}]
    items, problems = read(jsonl(tmp_path, *rows))
    assert titles(items) == {"1": "new", "2": "t"}
    reason = "the id occurs twice: this row replaces items.jsonl line 1"
    assert problems == [Problem("items.jsonl line 3", "1", reason, kept=True)]


def test_a_duplicate_that_is_unusable_replaces_nothing(tmp_path: Path) -> None:
    items, problems = read(jsonl(tmp_path, {"id": "1", "title": "good"}, {"id": "1"}))
    assert titles(items) == {"1": "good"}
    assert problems == [Problem("items.jsonl line 2", "1", "no usable text, image or video")]


@pytest.mark.parametrize("path", ["../secret.jpg", "a/../../secret.jpg", "link.jpg", "linked/secret.jpg", "{absolute}"])
def test_path_that_leaves_the_folder(tmp_path: Path, path: str) -> None:
    touch(tmp_path, "secret.jpg", "catalogue/a/own.jpg")
    folder = tmp_path / "catalogue"
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "linked").symlink_to(tmp_path)
    path = path.replace("{absolute}", str(tmp_path / "secret.jpg"))
    items, problems = read(jsonl(folder, {"id": "1", "image": path}, {"id": "2", "title": "t", "image": path}))
    reason = f"image left out: {path!r} leaves the media folder"
    assert items == [Item(id="2", title="t")]
    assert problems == [
        Problem("items.jsonl line 1", "1", f"no usable text, image or video; {reason}"),
        Problem("items.jsonl line 2", "2", reason, kept=True),
    ]


def test_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    touch(tmp_path, "real.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "real.jpg")
    items, problems = read(jsonl(tmp_path, {"id": "1", "image": "./link.jpg"}))
    assert items == [Item(id="1", image=tmp_path / "real.jpg")]
    assert problems == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("gone.jpg", "'gone.jpg' does not exist"),
        ("folder", "'folder' is no file"),
        ("a\0b", "'a\\x00b' is no path"),
        ("x" * 300, f"{'x' * 80!r} cannot be opened (File name too long)"),
    ],
    ids=["missing", "folder", "nul", "too long"],
)
def test_medium_that_is_no_file(tmp_path: Path, path: str, reason: str) -> None:
    (tmp_path / "folder").mkdir()
    items, problems = read(jsonl(tmp_path, {"id": "1", "title": "t", "image": path, "video": path}))
    assert items == [Item(id="1", title="t")]
    assert [problem.reason for problem in problems] == [f"image left out: {reason}", f"video left out: {reason}"]


def test_media_root(tmp_path: Path) -> None:
    touch(tmp_path, "media/one.jpg", "table/two.jpg")
    path = jsonl(tmp_path / "table", {"id": "1", "image": "one.jpg"}, {"id": "2", "image": "../table/two.jpg"})
    items, problems = read(path, media_root=tmp_path / "media")
    assert items == [Item(id="1", image=tmp_path / "media/one.jpg")]
    assert [problem.id for problem in problems] == ["2"]
    assert "leaves the media folder" in problems[0].reason
    with pytest.raises(CatalogueError, match=r"nowhere.*no folder"):
        read(path, media_root=tmp_path / "nowhere")


def test_blank_cells_and_nan_are_absent(tmp_path: Path) -> None:
    rows = [
        '{"id": "1", "title": "t", "description": NaN, "categories": NaN, "image": NaN, "video": ""}',
        {"id": "2", "title": " ", "description": "d", "image": "\t", "video": None},
        {"id": "3", "title": "  ", "description": ""},
        {"id": " ", "title": "t"},
        {"title": "t"},
        {"id": "4", "title": 1984},
    ]
    items, problems = read(jsonl(tmp_path, *rows))
    assert items == [Item(id="1", title="t"), Item(id="2", description="d"), Item(id="4", title="1984")]
    assert [(problem.place, problem.reason) for problem in problems] == [
        ("items.jsonl line 3", "no usable text, image or video"),
        ("items.jsonl line 4", "no id"),
        ("items.jsonl line 5", "no id"),
    ]


def test_texts_are_clean_and_an_item_of_nothing_readable_is_rejected(tmp_path: Path) -> None:
    rows = [
        {
            "id": "1",
            "title": "Caf&eacute; un<b>believ</b>able",
            "categories": ["R&amp;B", " "],
            "description": "<p>A.</p>",
        },
        {"id": "2", "title": "-", "description": "good"},
        {"id": "3", "title": "\u200d", "description": "<p>&nbsp;</p>", "categories": ["..."]},
    ]
    items, problems = read(jsonl(tmp_path, *rows))
    assert items == [
        Item(id="1", title="Café unbelievable", categories=("R&B",), description="A."),
        Item(id="2", description="good"),
    ]
    assert items[0].text == "Café unbelievable. R&B. A"
    assert [(problem.id, problem.reason) for problem in problems] == [("3", "no usable text, image or video")]


def test_attributes_are_what_json_can_hold(tmp_path: Path) -> None:
    deep: object = 1
    for _ in range(60):
        deep = [deep]
    rows = [
        '{"id": "1", "title": "t", "genre": "Horror", "tags": [NaN, "x"], "price": Infinity, "size": {"a": -Infinity}}',
        {"id": "2", "title": "t", "deep": deep, "genre": "Drama"},
    ]
    items, problems = read(jsonl(tmp_path, *rows))
    assert items[0].attributes == {"genre": "Horror", "tags": [None, "x"], "size": {"a": None}}
    assert items[1].attributes == {"genre": "Drama"}
    assert [problem.reason for problem in problems] == ["deep left out: nested deeper than 50 levels"]


def test_categories_with_names_and_others(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "title": "t", "categories": [{"id": 18, "name": "Drama"}, "Sea", None]},
        {"id": "2", "title": "t", "categories": [["Drama"], True, "Sea"]},
        {"id": "3", "title": "t", "categories": 5.5},
    ]
    items, problems = read(jsonl(tmp_path, *rows))
    assert [item.categories for item in items] == [("Drama", "Sea"), ("Sea",), ()]
    assert [(problem.id, problem.reason) for problem in problems] == [
        ("2", "2 of 3 categories left out: not text"),
        ("3", "categories left out: not a list"),
    ]


def test_a_quote_that_is_not_closed_costs_its_own_rows_alone(tmp_path: Path) -> None:
    text = 'id,title,description\n1,"open,x\n2,b,"closed"\n3,c,d\n4,5" disc,\n5,"open\n'
    items, problems = read(csv_file(tmp_path, text))
    assert titles(items) == {"3": "c", "4": '5" disc'}
    assert [problem.place for problem in problems] == ["items.csv line 3", "items.csv line 6"]
    assert all(problem.reason.startswith("not CSV") for problem in problems)


def test_csv_in_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes("id,title\n1,Café\n2,good\n".encode("latin-1"))
    items, problems = read(path)
    assert titles(items) == {"2": "good"}
    assert problems == [Problem("items.csv line 2", None, "not UTF-8 text")]
    path.write_bytes("id,titré\n1,a\n".encode("latin-1"))
    with pytest.raises(CatalogueError, match="header is not UTF-8"):
        read(path)


def test_csv_columns_without_a_name_are_no_columns(tmp_path: Path) -> None:
    items, problems = read(csv_file(tmp_path, "id,title,,\n1,a,,\n2,b,x,\n"))
    assert items == [Item(id="1", title="a"), Item(id="2", title="b")]
    assert problems == []


def test_parquet_values_that_python_does_not_know_cost_one_row(tmp_path: Path) -> None:
    columns = {
        "id": ["1", "2", "3"],
        "title": ["a", "b", "c"],
        "on": pyarrow.array([0, 2**30, 1], pyarrow.date32()),
        "at": pyarrow.array([1_700_000_000_123_456_789, 0, None], pyarrow.timestamp("ns", "UTC")),
    }
    items, problems = read(parquet(tmp_path, columns))
    assert titles(items) == {"1": "a", "3": "c"}
    assert items[0].attributes["at"] == datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)
    assert [problem.place for problem in problems] == ["items.parquet row 2"]
    assert "cannot be read" in problems[0].reason


def test_title_that_is_no_text_is_left_out_with_a_warning(tmp_path: Path) -> None:
    items, problems = read(jsonl(tmp_path, {"id": "1", "title": ["a"], "description": "d"}))
    assert items == [Item(id="1", description="d")]
    assert problems == [Problem("items.jsonl line 1", "1", "title left out: not text", kept=True)]


@pytest.mark.parametrize("character", ["\0", "\n", "\r", "\t", "\x1b", "\x7f", "\u2028", "\u2029", "\x85"])
def test_control_characters_in_ids_are_refused(tmp_path: Path, character: str) -> None:
    rows = [{"id": f"a{character}b", "title": "t"}, {"id": "good", "title": "t"}]
    items, problems = read(jsonl(tmp_path, *rows))
    assert titles(items) == {"good": "t"}
    assert [problem.reason for problem in problems] == [f"id holds a control character: {f'a{character}b'!r}"]


def test_half_a_character_is_replaced_and_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text('{"id": "cut", "title": "x \\ud83d", "n": "\\ud83d\\ude00"}\n{"id": "good", "title": "t"}\n')
    items, problems = read(path)
    assert titles(items) == {"cut": "x \ufffd", "good": "t"}
    assert items[0].attributes == {"n": "😀"}
    assert problems == []


def test_hostile_cells_cost_one_row_or_less(tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text('{"id": "a", "n": ' + "1" * 5000 + '}\n{"id": "b", "title": "t"}\n')
    items, problems = read(tmp_path / "items.jsonl")
    assert titles(items) == {"b": "t"}
    assert problems[0].reason.startswith("not JSON")
    (tmp_path / "items.csv").write_text("id,title,categories\nc,t," + '"' + "[" * 20_000 + '"\n')
    items, problems = read(tmp_path / "items.csv")
    assert titles(items) == {"c": "t"}
    assert problems == [Problem("items.csv line 2", "c", "categories left out: not a JSON list", kept=True)]


def test_odd_but_honest_ids_are_kept(tmp_path: Path) -> None:
    ids = ["with space", 'q"uote', "a/b\\c", "émoji 🎬", "-1", "' OR 1=1 --", "x" * 512]
    items, problems = read(jsonl(tmp_path, *({"id": name, "title": "t"} for name in ids), {"id": "x" * 513}))
    assert [item.id for item in items] == ids
    assert [problem.reason for problem in problems] == ["id is longer than 512 characters"]


def test_bad_lines_cost_no_other(tmp_path: Path) -> None:
    good = b'{"id": "%d", "title": "t"}\n'
    bad = [b"no JSON\n", b'{"id": "x", \n', b'["a list"]\n', b'{"id": "\xff"}\n', b"[" * 100_000 + b"\n", b"null\n"]
    path = tmp_path / "items.jsonl"
    path.write_bytes(
        b"".join(good % number + line for number, line in enumerate(bad)) + b'{"id": "last", "title": "t"}'
    )
    items, problems = read(path)
    assert [item.id for item in items] == ["0", "1", "2", "3", "4", "5", "last"]
    assert [problem.place for problem in problems] == [f"items.jsonl line {line}" for line in range(2, 13, 2)]
    assert [problem.reason.split(":")[0] for problem in problems] == [
        "not JSON",
        "not JSON",
        "not a JSON object",
        "not UTF-8 text",
        "not JSON",
        "not a JSON object",
    ]


def test_folder_of_media(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "b-side_two.JPG",
        "films/drama/one.mp4",
        "films/one.png",
        "notes.txt",
        ".hidden.jpg",
        ".git/x.jpg",
        "films/noend",
    )
    items, problems = read(tmp_path)
    assert items == [
        Item(id="b-side_two.JPG", title="b side two", image=tmp_path / "b-side_two.JPG"),
        Item(id="films/one.png", title="one", categories=("films",), image=tmp_path / "films/one.png"),
        Item(
            id="films/drama/one.mp4",
            title="one",
            categories=("films", "drama"),
            video=tmp_path / "films/drama/one.mp4",
        ),
    ]
    assert problems == [
        Problem("notes.txt", "notes.txt", "neither a picture nor a clip (.txt)"),
        Problem("films/noend", "films/noend", "neither a picture nor a clip (noend)"),
    ]


def test_a_workspace_is_no_part_of_its_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "ws/items.db", "ws/vectors.db", "ws/releases/1/x.png", "films/ws/items.db", "films/b.png")
    items, problems = read(tmp_path)
    assert [item.id for item in items] == ["a.png", "films/b.png"]
    assert [problem.place for problem in problems] == ["films/ws/items.db"]


def test_names_of_a_folder_are_clean_texts(tmp_path: Path) -> None:
    touch(tmp_path, "R&amp;B/-.jpg", "_/Cafe\u0301.jpg")
    items, problems = read(tmp_path)
    assert [(item.title, item.categories) for item in items] == [(None, ("R&B",)), ("Caf\u00e9", ())]
    assert problems == []


def test_folder_with_links_and_a_line_break_in_a_name(tmp_path: Path) -> None:
    touch(tmp_path, "secret.jpg", "media/a.jpg", "media/line\nbreak.jpg")
    (tmp_path / "media/link.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "media/inside.jpg").symlink_to(tmp_path / "media/a.jpg")
    items, problems = read(tmp_path / "media")
    assert {item.id: item.image for item in items} == {
        "a.jpg": tmp_path / "media/a.jpg",
        "inside.jpg": tmp_path / "media/a.jpg",
    }
    assert [problem.reason for problem in problems] == [
        "file name holds a control character: 'line\\nbreak.jpg'",
        "a link that leaves the folder",
    ]


def test_folder_with_what_is_no_file(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", os.fsdecode(b"bad\xff.jpg"))
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "nothing.jpg").symlink_to("gone.jpg")
    items, problems = read(tmp_path)
    assert [item.id for item in items] == ["a.jpg"]
    told = {problem.place: problem.reason for problem in problems}
    assert told.keys() == {os.fsdecode(b"bad\xff.jpg"), "pipe.mp4", "loop.jpg", "nothing.jpg"}
    assert told["pipe.mp4"] == "no file"
    assert told["nothing.jpg"] == "a link to nothing"
    assert "no valid Unicode" in told[os.fsdecode(b"bad\xff.jpg")]


@pytest.mark.parametrize("header", ["id;title", "sku,title", "id,price"])
def test_missing_columns_are_refused_by_name(tmp_path: Path, header: str) -> None:
    path = tmp_path / "items.csv"
    path.write_text(f"{header}\n1,2\n" if "," in header else f"{header}\n1;2\n")
    needed = "a catalogue needs the column id and one of categories, description, image, title, video"
    with pytest.raises(CatalogueError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: {needed}, found {header.replace(',', ', ')}"


def test_what_is_no_catalogue_is_refused_by_name(tmp_path: Path) -> None:
    touch(tmp_path, "items.xlsx", "items.parquet")
    for name, says in [
        ("items.xlsx", "expected .* or a folder"),
        ("items.parquet", "Parquet"),
        ("gone.jsonl", "no such catalogue"),
    ]:
        with pytest.raises(CatalogueError, match=rf"{name}.*{says}"):
            read(tmp_path / name)
