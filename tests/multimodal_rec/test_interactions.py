"""Logs of who liked what in every format, and a history's order."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from multimodal_rec.catalogue import Problem
from multimodal_rec.errors import CatalogueError
from multimodal_rec.interactions import Event, in_time_order, read_interactions

EVENTS = [
    Event("u", "1", 1_700_000_000.0, 4.5),
    Event("u", "2"),
    Event("v w", "1", None, 3.0),
    Event("42", "é", 12.25, None),
]
FIELDS = ("user_id", "item_id", "timestamp", "rating")


def csv_file(folder: Path, text: str) -> Path:
    path = folder / "log.csv"
    path.write_bytes(text.encode())
    return path


def jsonl(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def as_row(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in FIELDS}


def test_csv(tmp_path: Path) -> None:
    text = "\ufeffuser_id,item_id,timestamp,rating\r\nu,1,1700000000,4.5\r\nu,2,,\r\nv w,1, ,3\r\n42,é,12.25,\r\n"
    assert list(read_interactions(csv_file(tmp_path, text))) == EVENTS


def test_jsonl(tmp_path: Path) -> None:
    rows = [as_row(event) for event in EVENTS]
    rows[1] = {"user_id": "u", "item_id": "2"}
    rows[3]["user_id"] = 42
    assert list(read_interactions(jsonl(tmp_path, *rows))) == EVENTS


def test_parquet(tmp_path: Path) -> None:
    columns = {name: [getattr(event, name) for event in EVENTS] for name in FIELDS}
    columns["rating"] = [4.5, float("nan"), 3.0, None]
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "log.parquet")
    assert list(read_interactions(tmp_path / "log.parquet")) == EVENTS


def test_columns_in_any_order_and_only_two_needed(tmp_path: Path) -> None:
    assert list(read_interactions(csv_file(tmp_path, "extra,item_id,user_id\nx,1,u\n"))) == [Event("u", "1")]


def test_weight_is_1_where_it_is_blank(tmp_path: Path) -> None:
    rows = read_interactions(csv_file(tmp_path, "user_id,item_id,weight\nu,1,0.5\nu,2,\nu,3,0\n"))
    assert [row.weight for row in rows if isinstance(row, Event)] == [0.5, 1.0, 0.0]


def test_timestamps_may_be_iso_8601(tmp_path: Path) -> None:
    times = ["2026-01-01T00:00:00Z", "2026-01-01", " 2026-01-01 02:00:00+02:00 ", "1767225600", "2026-01-01T00:00"]
    rows = read_interactions(csv_file(tmp_path, "user_id,item_id,timestamp\n" + "".join(f"u,1,{t}\n" for t in times)))
    assert [row.timestamp for row in rows if isinstance(row, Event)] == [1767225600.0] * 5
    moments = [datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC).date()]
    for place, moment in enumerate(moments):
        path = tmp_path / f"{place}.parquet"
        pyarrow.parquet.write_table(pyarrow.table({"user_id": ["u"], "item_id": ["1"], "timestamp": [moment]}), path)
        assert list(read_interactions(path)) == [Event("u", "1", 1767225600.0)]


@pytest.mark.parametrize(("times", "told"), [(["1767225600000", "", "1767225601000"], 1), (["1", "1767225600000"], 0)])
def test_milliseconds_are_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, times: list[str], told: int
) -> None:
    lines = "".join(f"u,1,{time}\n" for time in times)
    rows = list(read_interactions(csv_file(tmp_path, f"user_id,item_id,timestamp\n{lines}")))
    assert [row.timestamp for row in rows if isinstance(row, Event)] == [
        float(time) if time else None for time in times
    ]
    assert [record.getMessage().endswith("divide them by 1000") for record in caplog.records] == [True] * told


def test_bad_rows_cost_no_other(tmp_path: Path) -> None:
    lines = [
        "user_id,item_id,timestamp,rating",
        "a,1,1,1",
        ",1,1,1",
        "b,,1,1",
        "c,1,yesterday,1",
        "d,1,1,good",
        "e,1,inf,1",
        "f,1,1,1,1",
        "h,1",
    ]
    rows = list(read_interactions(csv_file(tmp_path, "\n".join(lines))))
    assert [row.user_id for row in rows if isinstance(row, Event)] == ["a", "h"]
    assert [(row.place, row.reason) for row in rows if isinstance(row, Problem)] == [
        ("log.csv line 3", "no user_id"),
        ("log.csv line 4", "no item_id"),
        ("log.csv line 5", "timestamp 'yesterday' is neither seconds since 1970 nor ISO 8601"),
        ("log.csv line 6", "rating 'good' is no number"),
        ("log.csv line 7", "timestamp 'inf' is neither seconds since 1970 nor ISO 8601"),
        ("log.csv line 8", "more cells than the header has columns"),
    ]


def test_bad_jsonl_rows_cost_no_other(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path,
        {"user_id": "a", "item_id": "1"},
        {"user_id": "b", "item_id": 1.5},
        {"user_id": "c", "item_id": "1", "rating": [5]},
        {"user_id": "d", "item_id": "1", "timestamp": True},
        {"user_id": "e"},
    )
    with path.open("a") as file:
        file.write('{"user_id": \n{"user_id": "z", "item_id": "1"}\n')
    rows = list(read_interactions(path))
    assert [row for row in rows if isinstance(row, Event)] == [Event("a", "1"), Event("z", "1")]
    assert [row.reason.partition(":")[0] for row in rows if isinstance(row, Problem)] == [
        "item_id is not text",
        "rating [5] is no number",
        "timestamp True is neither seconds since 1970 nor ISO 8601",
        "no item_id",
        "not JSON",
    ]


@pytest.mark.parametrize("header", ["user_id,item", "user,item_id", "user_id;item_id"])
def test_missing_columns_are_refused_by_name(tmp_path: Path, header: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        list(read_interactions(csv_file(tmp_path, f"{header}\nu\n")))
    found = header.replace(",", ", ")
    says = f"interactions need the columns user_id and item_id, found {found}"
    assert str(caught.value) == f"{tmp_path / 'log.csv'}: {says}"


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"gone\.csv: no such file"):
        list(read_interactions(tmp_path / "gone.csv"))


def test_time_order_is_undated_first_and_ties_as_they_came() -> None:
    times = [("a", 5.0), ("b", None), ("c", -1.0), ("d", 5.0), ("e", None), ("f", 0.0)]
    events = [Event("u", name, time) for name, time in times]
    assert [event.item_id for event in in_time_order(events)] == ["b", "e", "c", "f", "a", "d"]
    assert [event.item_id for event in events] == ["a", "b", "c", "d", "e", "f"]
