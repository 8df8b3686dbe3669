"""Columns of a CSV file become numbers or truth values where all of their cells are such, and stay text otherwise."""

from __future__ import annotations

from pathlib import Path

from multimodal_rec.catalogue import read_catalogue
from multimodal_rec.items import CheckedItem

TABLE = """id,title,price,pages,zip,fresh,mixed,odd,code,blank,exp,late
007,1984,2.50,100,01234,TRUE,1,yes,12345678901234567,,1e3,1
2,t,-3,7,99999,false,two,no,1,,-2.5E-2,2
3,t,,,55555,,3,true,2, ,,n/a
"""


def attributes(path: Path) -> dict[str, dict[str, object]]:
    rows = [row.item for row in read_catalogue(path) if isinstance(row, CheckedItem)]
    return {item.id: dict(item.attributes) for item in rows}


def test_each_column_has_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text(TABLE)
    found = attributes(path)
    assert list(found) == ["007", "2", "3"]
    assert found["007"] == {
        "price": 2.5,
        "pages": 100,
        "zip": "01234",
        "fresh": True,
        "mixed": "1",
        "odd": "yes",
        "code": "12345678901234567",
        "exp": 1000.0,
        "late": "1",
    }
    assert isinstance(found["007"]["pages"], int)
    assert found["2"]["fresh"] is False
    assert (found["2"]["price"], found["2"]["exp"]) == (-3, -0.025)
    assert found["3"] == {"zip": "55555", "mixed": "3", "odd": "true", "code": "2", "blank": " ", "late": "n/a"}


def test_titles_that_are_numbers_stay_titles(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("id,title\n1,1984\n2,300\n")
    items = [row.item for row in read_catalogue(path) if isinstance(row, CheckedItem)]
    assert [(item.id, item.title) for item in items] == [("1", "1984"), ("2", "300")]


def test_other_tables_keep_what_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text('{"id": "1", "title": "t", "price": "5", "fresh": "true"}\n')
    assert attributes(path) == {"1": {"price": "5", "fresh": "true"}}
