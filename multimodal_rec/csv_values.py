"""Numbers and truth values in the attribute columns of a CSV file, which knows texts only."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from multimodal_rec.items import KNOWN_FIELDS
from multimodal_rec.rows import Row, read_rows

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?")
_TRUTH = {"true": True, "false": False}

Reader = Callable[[str], Any]


def read_csv_values(path: Path) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return what turns a row's attributes into numbers or truth values where their whole column is such.

    A column is one of numbers if every cell that is not blank reads as a number as it is usually written: without
    leading zeros, which codes have, and of no more digits than a number keeps. One of truth values has just `true` and
    `false`, in whatever case. The file is read until no column is left that might be either.
    """
    possible: dict[str, list[Reader]] = {}
    for row in read_rows(path):
        if not isinstance(row, Row):
            continue
        for name, cell in row.fields.items():
            if name in KNOWN_FIELDS or not isinstance(cell, str) or not (text := cell.strip()):
                continue
            readers = possible.setdefault(name, [read_number, read_truth])
            if readers:
                readers[:] = [read for read in readers if read(text) is not None]
        if len(possible) == len(row.fields.keys() - KNOWN_FIELDS) and not any(possible.values()):
            break
    readers_of = {name: readers[0] for name, readers in possible.items() if readers}

    def typed(fields: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: readers_of[name](cell.strip()) if name in readers_of and isinstance(cell, str) else cell
            for name, cell in fields.items()
        }

    return typed


def read_number(text: str) -> int | float | None:
    """The number that a text is, None if it is none."""
    if not _NUMBER.fullmatch(text):
        return None
    return int(text) if text.lstrip("-").isdigit() else float(text)


def read_truth(text: str) -> bool | None:
    """The truth value that a text is, None if it is none."""
    return _TRUTH.get(text.lower())
