"""Conditions, as people write them, mean what they say."""

from __future__ import annotations

import csv
import math
from datetime import UTC, date, datetime
from typing import Any

import pytest

from multimodal_rec.errors import QueryError
from multimodal_rec.filters import AVAILABLE_NOW, Condition, parse_where, read_value


def brief(where: Any) -> list[tuple[str, str, list[str], bool]]:
    return [(each.name, each.operator, [v.text for v in each.values], each.negated) for each in parse_where(where)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("price<=20", ("price", "<=", ["20"], False)),
        (" price  >  -2.5e3 ", ("price", ">", ["-2.5e3"], False)),
        ("language=en,fr", ("language", "=", ["en", "fr"], False)),
        ("language == en , fr", ("language", "=", ["en", "fr"], False)),
        ("genre!=Horror", ("genre", "=", ["Horror"], True)),
        ("not genre != Horror", ("genre", "=", ["Horror"], False)),
        ("not  NOT not price<5", ("price", "<", ["5"], True)),
        ('director="Smith, Jr.",Li', ("director", "=", ["Smith, Jr.", "Li"], False)),
        ("formula=a=b", ("formula", "=", ["a=b"], False)),
        ("release date>=2024-05-01", ("release date", ">=", ["2024-05-01"], False)),
        ("nothing=1", ("nothing", "=", ["1"], False)),
        ("Available-Now", ("", AVAILABLE_NOW, [], False)),
        ("not available-now", ("", AVAILABLE_NOW, [], True)),
    ],
)
def test_a_condition_is_read_as_it_is_written(text: str, expected: tuple[str, str, list[str], bool]) -> None:
    assert brief(text) == [expected]


def test_mappings_mean_the_same_as_texts() -> None:
    mapping = {
        "price": {">=": 5, "<": 20.5},
        "language": ["en", "fr"],
        "genre": {"!=": "Horror"},
        "seasons": 3,
        "subtitled": True,
        "available-now": True,
    }
    texts = ["price>=5", "price<20.5", "language=en,fr", "genre!=Horror", "seasons=3", "subtitled=true", AVAILABLE_NOW]
    assert parse_where(mapping) == parse_where(texts) == parse_where([mapping])
    assert parse_where({"available-now": False}) == parse_where("not available-now")
    assert parse_where(None) == parse_where([]) == parse_where({}) == ()
    assert hash(parse_where(mapping)) == hash(parse_where(texts))


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("price", "'price' is no condition: write NAME=VALUE"),
        ("", "'' is no condition"),
        ("=5", "'=5' is no condition"),
        ("price<=", "'price<=' lacks a value"),
        ("genre=a,,b", "'genre=a,,b' lacks a value"),
        ("price<cheap", "'price<cheap': only one number or ISO date can follow <"),
        ("price<1,2", "only one number or ISO date"),
        ("published_at>2024-13-45", "only one number or ISO date"),
        ("price<nan", "only one number or ISO date"),
        ({"price": {"~": 1}}, "no comparison is called '~'"),
        ({"price": None}, "None is no value of a condition"),
        ({"price": [[1]]}, r"\[1\] is no value"),
        ({"price": math.inf}, "inf is no value"),
        ({"price": {"<": [1, 2]}}, "only one number or ISO date"),
        (7, "7 is no condition"),
        ([["price<1"]], "is no condition"),
    ],
)
def test_what_is_no_condition_is_quoted_with_the_remedy(where: Any, says: str) -> None:
    with pytest.raises(QueryError, match=says) as caught:
        parse_where(where)
    assert "\n" not in str(caught.value)


def test_an_endless_value_is_no_condition() -> None:
    before = csv.field_size_limit(1000)
    try:
        with pytest.raises(QueryError, match="is no condition"):
            parse_where("a=" + "b" * 2000)
    finally:
        csv.field_size_limit(before)


def test_values_are_read_in_all_the_ways_they_can() -> None:
    day = datetime(2024, 5, 1, tzinfo=UTC).timestamp()
    assert read_value("20")[1:3] == (20.0, 20.0)
    for same in ("2024-05-01", "2024-05-01T02:00:00+02:00", date(2024, 5, 1), datetime(2024, 5, 1)):
        assert read_value(same).time == day
    for text in ("007", "+1", "1_000", "1e999", "2024-5-1", "nan", "inf", "0x10", "१२"):
        assert math.isnan(read_value(text).number)
        assert math.isnan(read_value(text).time)
    assert read_value(True).text == "true"
    assert math.isnan(read_value(True).number)


@pytest.mark.parametrize(
    ("text", "seconds"), [("now", 0), ("now-7d", -604800), ("now + 2h", 7200), ("now-1w", -604800)]
)
def test_times_told_by_now_move_with_it(text: str, seconds: int) -> None:
    (condition,) = parse_where(f"published_at>={text}")
    assert condition.changes_with_time
    assert condition.values[0].at(1e9).time == 1e9 + seconds
    assert not Condition("a", "=", (read_value("5"),)).changes_with_time
