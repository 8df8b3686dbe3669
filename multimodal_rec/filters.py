"""Conditions on items, from the words of a command line, of JSON or of Python.

    price<=20                    below, above: < <= > >=, for numbers and for times
    language=en,fr               one of these; quotes hold a comma together: director="Smith, Jr."
    genre!=Horror                none of these; items without a genre pass
    published_at>=2024-05-01     ISO 8601, in UTC unless it says otherwise; or now, now-7d (units: m h d w)
    available-now                neither withdrawn, nor not yet published, nor expired
    not CONDITION                everything but that

From Python and in JSON the same strings, or a mapping: `{"price": {">=": 5, "<": 20}, "language": ["en", "fr"]}`.
Several conditions must all be met.
"""

from __future__ import annotations

import csv
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from multimodal_rec.errors import QueryError

Where = str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]
"""What can be given as conditions."""

AVAILABLE_NOW = "available-now"
ORDERS = ("<", "<=", ">", ">=")
_CONDITION = re.compile(r"(?P<name>[^<>=!]+?)\s*(?P<operator><=|>=|!=|==|=|<|>)\s*(?P<value>.*)", re.DOTALL)
_NOT = re.compile(r"(?:not\s+)+", re.IGNORECASE)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RELATIVE = re.compile(r"now(?:\s*(?P<sign>[+-])\s*(?P<count>[0-9]{1,6})(?P<unit>[mhdw]))?")
_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_FORMS = "write NAME=VALUE, NAME=A,B, NAME!=VALUE, NAME<VALUE (or <=, >, >=), available-now, or `not` and one of these"


class Value(NamedTuple):
    """A value as text, and as number and as time (seconds since 1970, UTC) where it can be read as such, else NaN."""

    text: str
    number: float = math.nan
    time: float = math.nan
    from_now: float | None = None
    """Seconds after the moment of the query, for a time that is told by it."""

    def at(self, now: float) -> Value:
        """The same with the time that it means at this moment."""
        return self if self.from_now is None else self._replace(time=now + self.from_now)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: `operator` is =, <, <=, > or >=, or available-now, which has no name and no values."""

    name: str
    operator: str
    values: tuple[Value, ...] = ()
    negated: bool = False

    @property
    def changes_with_time(self) -> bool:
        """Whether the same item may meet it today and not tomorrow."""
        return self.operator == AVAILABLE_NOW or any(value.from_now is not None for value in self.values)


def parse_where(where: Where | None) -> tuple[Condition, ...]:
    """Return conditions, all of which an item has to meet; none for None.

    Raises:
        QueryError: something is no condition; the message quotes it and says how to write one.
    """
    if where is None:
        return ()
    conditions: list[Condition] = []
    for part in where if isinstance(where, list | tuple) else [where]:
        if isinstance(part, str):
            conditions.append(parse_condition(part))
        elif isinstance(part, Mapping):
            conditions += _of_mapping(part)
        else:
            raise QueryError(f"{part!r} is no condition: {_FORMS}")
    return tuple(conditions)


def parse_condition(text: str) -> Condition:
    """Return the condition that a text is; raises as `parse_where`."""
    rest = text.strip()
    if negation := _NOT.match(rest):
        condition = parse_condition(rest[negation.end() :])
        odd = len(negation[0].split()) % 2 == 1
        return replace(condition, negated=condition.negated ^ odd)
    if rest.lower() == AVAILABLE_NOW:
        return Condition("", AVAILABLE_NOW)
    match = _CONDITION.fullmatch(rest)
    if match is None:
        raise QueryError(f"{text!r} is no condition: {_FORMS}")
    operator, written = match["operator"], match["value"]
    try:
        values = next(csv.reader([written.replace("\n", " ")], skipinitialspace=True), [])
    except csv.Error as error:
        raise QueryError(f"{text[:80]!r}… is no condition ({error})") from error
    values = [value.strip() for value in values]
    if not values or "" in values:
        raise QueryError(f"{text!r} lacks a value: {_FORMS}")
    return _condition(match["name"].strip(), operator, [read_value(value) for value in values], text)


def read_value(value: Any) -> Value:
    """Return a text, number, boolean, date or datetime in all the ways it can be read.

    Raises:
        QueryError: it is of another kind.
    """
    if isinstance(value, bool):
        return Value("true" if value else "false")
    if isinstance(value, int | float) and abs(value) <= sys.float_info.max:
        number = float(value)
        return Value(f"{value:d}" if isinstance(value, int) else f"{value!r}", number, number)
    if isinstance(value, datetime):
        return Value(value.isoformat(), time=_timestamp(value))
    if isinstance(value, date):
        return Value(value.isoformat(), time=_timestamp(datetime(value.year, value.month, value.day)))
    if isinstance(value, str):
        return _read_text(value)
    raise QueryError(f"{value!r} is no value of a condition: give a text, a number, true, false or a date")


def _read_text(text: str) -> Value:
    if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return Value(text, number, number)
    if relative := _RELATIVE.fullmatch(text):
        seconds = int(relative["count"]) * _SECONDS[relative["unit"]] if relative["count"] else 0
        return Value(text, from_now=-seconds if relative["sign"] == "-" else seconds)
    if _TIME.match(text):
        try:
            return Value(text, time=_timestamp(datetime.fromisoformat(text)))
        except ValueError:
            pass
    return Value(text)


def _of_mapping(where: Mapping[str, Any]) -> Iterator[Condition]:
    """{"name": value or values} means one of them, {"name": {"<": value}} compares."""
    for name, wanted in where.items():
        if name == AVAILABLE_NOW:
            yield Condition("", AVAILABLE_NOW, negated=not wanted)
            continue
        comparisons = wanted if isinstance(wanted, Mapping) else {"=": wanted}
        for operator, value in comparisons.items():
            several = isinstance(value, Iterable) and not isinstance(value, str | Mapping)
            shown = f"{name}{operator}{value}"
            if operator not in ("=", "==", "!=", *ORDERS):
                raise QueryError(f"{shown!r}: no comparison is called {operator!r}: take =, !=, <, <=, > or >=")
            yield _condition(name, operator, [read_value(each) for each in (value if several else [value])], shown)


def _condition(name: str, operator: str, values: list[Value], shown: str) -> Condition:
    if operator in ORDERS:
        value = values[0] if len(values) == 1 else Value("")
        if math.isnan(value.number) and math.isnan(value.time) and value.from_now is None:
            raise QueryError(f"{shown!r}: only one number or ISO date can follow {operator}, such as price<=20")
    return Condition(name, "=" if operator in ("==", "!=") else operator, tuple(values), operator == "!=")


def _timestamp(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
