"""The attributes of a release's items as columns, and the items that meet conditions as selections of an index.

A column is read when a condition first names it. Each distinct value is looked at once, then every condition is a few
operations on arrays. Finished selections are kept, so that a filter in steady use costs a look into a table.
"""

from __future__ import annotations

import operator
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from threading import RLock
from typing import Any

import numpy as np

from index import Selection
from multimodal_rec.arrays import BoolArray
from multimodal_rec.errors import QueryError
from multimodal_rec.filters import AVAILABLE_NOW, Condition, Value, Where, parse_where, read_value
from multimodal_rec.item_table import ItemTable

Mask = BoolArray

KEPT_SELECTIONS = 64
KEPT_CONDITIONS = 1024
LISTED_NAMES = 30
UNAVAILABLE = ("false", "False", "FALSE", "no", "No", "0")
STARTS, ENDS = ("published_at", "available_from"), ("expires_at", "available_until")
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Column:
    """One attribute of all items, each distinct value once."""

    def __init__(self, cells: Iterable[tuple[int, Any]], count: int) -> None:
        """Take (item, value) pairs, several for an item that has a list, items being numbered up to `count`."""
        self._count = count
        codes: dict[Any, int] = {}
        owners, of_owners = [], []
        for owner, cell in cells:
            key = (cell,) if isinstance(cell, bool) else cell  # a dict takes True for 1
            owners.append(owner)
            of_owners.append(codes.setdefault(key, len(codes)))
        self._owners = np.array(owners, dtype=np.int32)
        self._codes = np.array(of_owners, dtype=np.int32)
        values = [read_value(key[0] if isinstance(key, tuple) else key) for key in codes]
        self._by_text: dict[str, list[int]] = {}
        for code, value in enumerate(values):
            self._by_text.setdefault(value.text, []).append(code)
        self._numbers = np.array([value.number for value in values], dtype=np.float64)
        self._times = np.array([value.time for value in values], dtype=np.float64)

    def __len__(self) -> int:
        return len(self._owners)

    def one_of(self, wanted: Iterable[Value]) -> Mask:
        """Which items have one of these values: the same text, number or moment."""
        matching = np.zeros(len(self._numbers), dtype=bool)
        for value in wanted:
            matching[self._by_text.get(value.text, [])] = True
            matching |= self._numbers == value.number  # NaN equals nothing
            matching |= np.isnan(self._numbers) & (self._times == value.time)
        return self._items(matching)

    def compared(self, sign: str, value: Value) -> Mask:
        """Which items have a value below or above this one; a number compares with numbers, a time with times."""
        known, bound = (self._times, value.time) if np.isnan(value.number) else (self._numbers, value.number)
        return self._items(_COMPARE[sign](known, bound))

    def _items(self, matching: Mask) -> Mask:
        items = np.zeros(self._count, dtype=bool)
        items[self._owners[matching[self._codes]]] = True
        return items


class ItemFilter:
    """Turns conditions into selections of the items of one release. Threads may share it."""

    def __init__(self, table: ItemTable) -> None:
        self._table = table
        self._columns: dict[str, Column] = {}
        self._selections: OrderedDict[bytes, Selection] = OrderedDict()  # by the mask of the items
        self._known: OrderedDict[tuple[Condition, ...], Selection] = OrderedDict()
        self._lock = RLock()

    def select(self, where: Where | None) -> Selection | None:
        """The items that meet all conditions; None where there is no condition.

        Raises:
            QueryError: a condition cannot be understood, or no item has such an attribute.
        """
        conditions = parse_where(where)
        if not conditions:
            return None
        with self._lock:
            selection = self._known.get(conditions)
            if selection is None:
                selection = self._selection(self._mask(conditions))
            if not any(condition.changes_with_time for condition in conditions):
                _keep(self._known, conditions, selection, KEPT_CONDITIONS)
            return selection

    @cached_property
    def _ids(self) -> list[str]:
        return self._table.ids()

    def _selection(self, mask: Mask) -> Selection:
        key = np.packbits(mask).tobytes()
        selection = self._selections.get(key)
        if selection is None:
            selection = Selection(self._ids[row] for row in np.flatnonzero(mask).tolist())
        return _keep(self._selections, key, selection, KEPT_SELECTIONS)

    def _mask(self, conditions: Sequence[Condition]) -> Mask:
        now = time.time()
        mask = np.ones(len(self._ids), dtype=bool)
        for condition in conditions:
            if condition.operator == AVAILABLE_NOW:
                met = self._available(now)
            else:
                column = self._column(condition.name)
                values = [value.at(now) for value in condition.values]
                met = (
                    column.one_of(values) if condition.operator == "=" else column.compared(condition.operator, *values)
                )
            mask &= met ^ condition.negated
        return mask

    def _available(self, now: float) -> Mask:
        """Which items are not marked as unavailable, and have begun and not ended."""
        moment = Value("", time=now)
        columns = {name: self._read(name) for name in ("available", *STARTS, *ENDS)}
        if not any(len(column) for column in columns.values()):
            raise QueryError(
                f"{AVAILABLE_NOW} needs one of the attributes {', '.join(columns)}, {self._what_there_is()}"
            )
        missing = columns["available"].one_of(read_value(text) for text in UNAVAILABLE)
        for name in STARTS:
            missing |= columns[name].compared(">", moment)
        for name in ENDS:
            missing |= columns[name].compared("<=", moment)
        return ~missing

    def _column(self, name: str) -> Column:
        column = self._read(name)
        if not len(column):
            if name in self._table.attributes():
                raise QueryError(
                    f"the attribute {name!r} is no text, number, truth value or list of them in any item: filter by "
                    "another, or give what you want to filter by a field of its own in the catalogue"
                )
            raise QueryError(f"no item has an attribute {name!r}, {self._what_there_is()}")
        return column

    def _read(self, name: str) -> Column:
        if name not in self._columns:
            self._columns[name] = Column(self._table.cells(name), len(self._ids))
        return self._columns[name]

    def _what_there_is(self) -> str:
        names = self._table.attributes()
        if not names:
            return "for the items have none: give the catalogue more fields than id, title and media"
        more = ", …" if len(names) > LISTED_NAMES else ""
        return f"there are: {', '.join(names[:LISTED_NAMES])}{more}; and id, title, categories"


def _keep(table: OrderedDict[Any, Selection], key: Any, selection: Selection, most: int) -> Selection:
    table[key] = selection
    table.move_to_end(key)
    while len(table) > most:
        table.popitem(last=False)
    return selection
