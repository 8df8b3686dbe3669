"""Tables on disk, read row by row: JSONL, CSV and Parquet.

A row that cannot be parsed is yielded as a `BadRow`, never raised: one broken line does not cost the rest.
"""

from __future__ import annotations

import csv
import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multimodal_rec.errors import CatalogueError

TABLE_SUFFIXES = frozenset({".jsonl", ".ndjson", ".csv", ".parquet"})
MAX_FIELD_CHARS = 1 << 24
NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""How Python escapes the bytes of a text that is in another encoding."""
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""The JSON escape of a half of a character; alone, as cut texts have it, no database takes it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One parsed row. `place` names it for messages, such as "items.jsonl line 7"."""

    place: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be parsed, and why."""

    place: str
    reason: str


def read_rows(path: Path) -> Iterator[Row | BadRow]:
    """Yield the rows of a .jsonl, .csv or .parquet file in order.

    Raises:
        CatalogueError: the file is missing, of another kind, or not readable as its suffix says.
    """
    readers = {".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".csv": _read_csv, ".parquet": _read_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise CatalogueError(f"{path}: expected a .jsonl, .csv or .parquet file")
    if not path.is_file():
        raise CatalogueError(f"{path}: no such file")
    try:
        yield from reader(path)
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be read ({error.strerror or error})") from error


def is_cut_off(path: Path) -> bool:
    """Whether the last row of a CSV file has no end, as while it is written; a row of another table has one or is none."""
    if path.suffix.lower() != ".csv":
        return False
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 1))
        return file.read() not in (b"", b"\n", b"\r")


def is_nan(value: object) -> bool:
    """Whether a cell is the number that stands for no number."""
    return isinstance(value, float) and math.isnan(value)


def text_or_none(value: object) -> str | None:
    """Return a cell as text: numbers as written, blanks and NaN as None, anything else as None."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if is_nan(value) else str(value)


def number_or_none(value: object) -> float | None:
    """Return a cell as a finite number, a blank or NaN as None.

    Raises:
        ValueError: the cell holds something that is no finite number.
    """
    text = text_or_none(value)
    if text is None:
        if value is None or isinstance(value, str) or is_nan(value):
            return None
        raise ValueError(f"{value!r} is no number")
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not finite")
    return number


def _read_jsonl(path: Path) -> Iterator[Row | BadRow]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            place = f"{path.name} line {number}"
            if not line.strip():
                continue
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                fields = json.loads(text)
            except UnicodeDecodeError:
                yield BadRow(place, "not UTF-8 text")
            except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a ValueError
                reason = "nested too deep" if isinstance(error, RecursionError) else getattr(error, "msg", str(error))
                yield BadRow(place, f"not JSON: {reason}")
            else:
                if isinstance(fields, dict):
                    yield Row(place, _whole_characters(fields) if SURROGATE.search(text) else fields)
                else:
                    yield BadRow(place, "not a JSON object")


def _whole_characters(fields: dict[str, Any]) -> dict[str, Any]:
    """Put a replacement character for each half of a character that stands alone."""
    text = json.dumps(fields, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    repaired: dict[str, Any] = json.loads(text)
    return repaired


def _read_csv(path: Path) -> Iterator[Row | BadRow]:
    csv.field_size_limit(MAX_FIELD_CHARS)
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        # Strict, as a quote that is not closed would take the rows behind it into its cell.
        reader = csv.DictReader(file, strict=True)
        try:
            names = reader.fieldnames or []
        except csv.Error as error:
            raise CatalogueError(f"{path}: no CSV header ({error})") from error
        if any(NOT_UTF8.search(name) for name in names):
            raise CatalogueError(f"{path}: the header is not UTF-8 text; save the file as UTF-8")
        named = [name for name in names if name.strip()]  # a spreadsheet's empty columns have no name
        if len(set(named)) != len(named):
            raise CatalogueError(f"{path}: the header names a column twice")
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                place = f"{path.name} line {reader.reader.line_num}"
                yield BadRow(place, f"not CSV: {error}; inside a quoted cell quotes are doubled")
                continue
            place = f"{path.name} line {reader.line_num}"
            if fields.pop(None, None) is not None:
                yield BadRow(place, "more cells than the header has columns")
            elif any(cell and not cell.isascii() and NOT_UTF8.search(cell) for cell in fields.values()):
                yield BadRow(place, "not UTF-8 text")
            else:
                yield Row(place, fields if len(named) == len(names) else {name: fields[name] for name in named})


def _read_parquet(path: Path) -> Iterator[Row | BadRow]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=4096):
                for row in _python_rows(_in_microseconds(batch)):
                    number += 1
                    place = f"{path.name} row {number}"
                    yield BadRow(place, f"a value cannot be read: {row}") if isinstance(row, str) else Row(place, row)
    except pyarrow.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise CatalogueError(f"{path}: not readable as Parquet ({reason})") from error


def _python_rows(batch: Any) -> list[dict[str, Any] | str]:
    """The rows of an Arrow batch; a row with a value that Python does not know, such as the year 20000, is the reason why."""
    try:
        rows: list[dict[str, Any] | str] = batch.to_pylist()
    except (ValueError, OverflowError) as error:
        if len(batch) == 1:
            return [" ".join(str(error).split())]
        half = len(batch) // 2
        return _python_rows(batch[:half]) + _python_rows(batch[half:])
    return rows


def _in_microseconds(batch: Any) -> Any:
    """An Arrow batch whose times are as fine as Python's: finer ones take pandas to be read."""
    import pyarrow

    for place, column in enumerate(batch.schema):
        kind = column.type
        if not pyarrow.types.is_temporal(kind) or getattr(kind, "unit", "") != "ns":
            continue
        if pyarrow.types.is_timestamp(kind):
            kind = pyarrow.timestamp("us", kind.tz)
        else:
            kind = pyarrow.time64("us") if pyarrow.types.is_time(kind) else pyarrow.duration("us")
        batch = batch.set_column(place, column.name, batch.column(place).cast(kind, safe=False))
    return batch
