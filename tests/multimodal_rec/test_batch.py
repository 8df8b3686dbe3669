"""Queries read from files, and answers written to them."""

from __future__ import annotations

import csv
import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from multimodal_rec.batch import limited, read_histories, read_ids, read_queries, write_lists
from multimodal_rec.errors import CatalogueError
from multimodal_rec.interactions import Event
from multimodal_rec.query import Query
from multimodal_rec.recommender import Hit


def queries_file(folder: Path, *rows: dict[str, Any] | str) -> Path:
    path = folder / "queries.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def hit(rank: int, item_id: str, score: float) -> Hit:
    return Hit(rank, item_id, score, None, (), None, None, {})


def test_ids_are_lines_without_blanks_and_repetitions(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_bytes("\ufeffb\r\n\r\n  \na id\né 🎬\nb\n 1\n1".encode())
    assert read_ids(path) == ["b", "a id", "é 🎬", " 1", "1"]


@pytest.mark.parametrize("content", [None, b"\xff\xfeb\0"])
def test_ids_that_cannot_be_read_are_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "ids.txt").write_bytes(content)
    with pytest.raises(CatalogueError, match=r"ids\.txt: no readable list of ids"):
        read_ids(tmp_path / "ids.txt")


def test_histories_are_grouped_and_in_time_order(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,timestamp\nb,1,9\na,2,5\nb,,1\na,3,\nb,4,2\n")
    histories, skipped = read_histories(path)
    assert list(histories.items()) == [
        ("b", [Event("b", "4", 2.0), Event("b", "1", 9.0)]),
        ("a", [Event("a", "3"), Event("a", "2", 5.0)]),
    ]
    assert skipped == [("log.csv line 4", "no item_id")]


def test_queries(tmp_path: Path) -> None:
    rows = [
        {"id": "words", "text": "a quiet film"},
        {"id": 7, "image": "pictures/one.jpg"},
        {"id": "all", "text": "t", "image": "/elsewhere/two.jpg", "video": "../three.mp4", "more": 1},
        {"id": "blank", "text": "t", "image": "", "video": None},
    ]
    assert list(read_queries(queries_file(tmp_path, *rows))) == [
        ("words", Query(text="a quiet film")),
        ("7", Query(image=tmp_path / "pictures/one.jpg")),
        ("all", Query(text="t", image=Path("/elsewhere/two.jpg"), video=tmp_path / "../three.mp4")),
        ("blank", Query(text="t")),
    ]


def test_queries_have_conditions_and_ids_to_leave_out(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "text": "t", "where": "price<5", "exclude": ["x", 7]},
        {"id": "b", "text": "t", "where": {"language": ["en", "fr"]}},
        {"id": "c", "text": "t", "where": ["price<5", {"genre": "Drama"}], "exclude": None},
        {"id": "d", "text": "t", "exclude": "x"},
    ]
    queries = list(read_queries(queries_file(tmp_path, *rows)))
    assert queries == [
        ("a", Query(text="t", where="price<5", exclude=("x", "7"))),
        ("b", Query(text="t", where={"language": ["en", "fr"]})),
        ("c", Query(text="t", where=["price<5", {"genre": "Drama"}])),
        ("d", "exclude is no list of ids"),
    ]
    assert list(limited(queries, ["year>2000"], ["y"])) == [
        ("a", Query(text="t", where=["year>2000", "price<5"], exclude=("y", "x", "7"))),
        ("b", Query(text="t", where=["year>2000", {"language": ["en", "fr"]}], exclude=("y",))),
        ("c", Query(text="t", where=["year>2000", "price<5", {"genre": "Drama"}], exclude=("y",))),
        ("d", "exclude is no list of ids"),
    ]


def test_queries_mix_many_parts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "no.jpg").touch()
    rows = [
        {"id": "m", "text": ["a", "b"], "item": [1, "x"], "less_like": ["no.jpg", "dull"], "weights": {"text": 2}},
        {"id": "u", "user": 5, "taste": 0.5, "unique": True, "words": None},
        {"id": "l", "text": "t", "words": False},
        {"id": "o", "text": "t", "words": "off"},
        {"id": "t", "text": "t", "tast": 0.5},
        {"id": "w", "text": "t", "weights": {"text": "much"}},
        {"id": "i", "text": "t", "item": {"a": 1}},
    ]
    assert list(read_queries(queries_file(tmp_path, *rows))) == [
        (
            "m",
            Query(["a", "b"], item=["1", "x"], less_like=[tmp_path / "no.jpg", "dull"], weights={"text": 2}),
        ),
        ("u", Query(user="5", taste=0.5, unique=True)),
        ("l", Query("t", words=False)),
        ("o", "words is true or false"),
        ("t", Query("t")),
        ("w", "taste and each of the weights is a number"),
        ("i", "item is neither text nor a list of texts"),
    ]
    (told,) = caplog.messages
    assert told.startswith("queries.jsonl line 5: 'tast', which no query has, is passed over")


def test_bad_queries_cost_no_other(tmp_path: Path) -> None:
    rows = [{"text": "no id"}, "no JSON", {"id": " ", "text": "t"}, {"id": "good", "text": "t"}, "[1]", {"id": [1]}]
    assert list(read_queries(queries_file(tmp_path, *rows))) == [
        ("queries.jsonl line 1", "no id"),
        ("queries.jsonl line 2", "not JSON: Expecting value"),
        ("queries.jsonl line 3", "no id"),
        ("good", Query(text="t")),
        ("queries.jsonl line 5", "not a JSON object"),
        ("queries.jsonl line 6", "no id"),
    ]


def test_missing_queries_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"queries\.jsonl: no such file"):
        list(read_queries(tmp_path / "queries.jsonl"))


def test_lists_are_written_as_rows(tmp_path: Path) -> None:
    path = tmp_path / "recs.csv"
    lists = [("u,1", [hit(1, 'q"uote', 0.5), hit(2, "é", -1e-9)]), ("none", []), ("v", [hit(1, "a\\b", 1 / 3)])]
    assert write_lists(path, "user_id", iter(lists)) == 3
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["user_id", "item_id", "rank", "score"],
            ["u,1", 'q"uote', "1", "0.500000"],
            ["u,1", "é", "2", "-0.000000"],
            ["v", "a\\b", "1", "0.333333"],
        ]


def test_lists_that_cannot_be_written_are_refused_before_they_are_made(tmp_path: Path) -> None:
    made = []

    def lists() -> Iterator[tuple[str, list[Hit]]]:
        made.append("u")
        yield "u", []

    with pytest.raises(CatalogueError, match=r"nowhere/recs\.csv: cannot be written \(No such file or directory\)"):
        write_lists(tmp_path / "nowhere/recs.csv", "user_id", lists())
    assert made == []


def test_a_folder_that_is_not_to_be_written_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(CatalogueError, match=r"recs\.csv: cannot be written \(Read-only file system\)$"):
        write_lists(tmp_path / "recs.csv", "user_id", [])


def test_ids_of_queries_that_occur_twice_are_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = queries_file(tmp_path, *({"id": name, "text": name} for name in "abbaac"))
    assert [name for name, _ in read_queries(path)] == list("abbaac")
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: 3 rows have the id of an earlier one, first 'b': each is answered"
    ]
