"""A catalogue on disk, read as items: a .jsonl, .csv or .parquet table, or a folder of media."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from encoders import IMAGE_SUFFIXES, VIDEO_SUFFIXES, clean_text
from multimodal_rec.csv_values import read_csv_values
from multimodal_rec.errors import CatalogueError
from multimodal_rec.file_names import title_of
from multimodal_rec.items import KNOWN_FIELDS, CheckedItem, Item, check_id, check_item, resolved_folder
from multimodal_rec.rows import TABLE_SUFFIXES, BadRow, read_rows

SHOWN = KNOWN_FIELDS - {"id"}
"""Fields that make an item something to be found."""

WORKSPACE_TABLES = ("items.db", "vectors.db")
"""Files that tell a workspace, which is no part of the folder that it lies in."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of rejected.jsonl. `kept` tells whether the row is used all the same, without the faulty part."""

    place: str
    id: str | None
    reason: str
    kept: bool = False


def read_catalogue(
    path: Path, media_root: Path | None = None, note: Callable[[str | Path], None] = lambda _: None
) -> Iterator[CheckedItem | Problem]:
    """Yield every row of a catalogue in order, as a checked item or as the problem that it is.

    Media paths are relative to the table's folder, or to `media_root`, and may not leave it. Of two rows with the same
    id both are yielded, with a warning: the later one is meant to win. `note` is told of every file and folder that
    the result depends on, before it is read.

    Raises:
        CatalogueError: the path does not exist or is no catalogue at all, or lacks columns without which it is none.
    """
    resolved_folder.cache_clear()  # a link may lead elsewhere by now
    if path.is_dir():
        yield from _read_folder(path, note)
        return
    if not path.exists():
        raise CatalogueError(f"{path}: no such catalogue")
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise CatalogueError(f"{path}: expected a .jsonl, .csv or .parquet file, or a folder of media")
    note(path)
    root = (media_root or path.parent).resolve()
    if not root.is_dir():
        raise CatalogueError(f"{root}: the media root is no folder")
    typed = read_csv_values(path) if path.suffix.lower() == ".csv" else dict
    has_columns = path.suffix.lower() not in {".jsonl", ".ndjson"}
    places: dict[str, str] = {}
    for row in read_rows(path):
        if isinstance(row, BadRow):
            yield Problem(row.place, None, row.reason)
            continue
        if has_columns and not ("id" in row.fields and SHOWN & row.fields.keys()):
            raise CatalogueError(
                f"{path}: a catalogue needs the column id and one of {', '.join(sorted(SHOWN))}, "
                f"found {', '.join(row.fields)}"
            )
        try:
            checked = check_item(typed(row.fields), root, note)
        except ValueError as error:
            yield Problem(row.place, _id_or_none(row.fields.get("id")), str(error))
            continue
        item_id = checked.item.id
        if item_id in places:
            yield Problem(row.place, item_id, f"the id occurs twice: this row replaces {places[item_id]}", kept=True)
        places[item_id] = row.place
        for warning in checked.warnings:
            yield Problem(row.place, item_id, warning, kept=True)
        yield checked


def _id_or_none(value: object) -> str | None:
    try:
        return check_id(value, "id")
    except ValueError:
        return None


def _is_workspace(folder: Path) -> bool:
    return all(os.path.isfile(folder / table) for table in WORKSPACE_TABLES)  # noqa: PTH113 (False where it may not look)


def _read_folder(folder: Path, note: Callable[[str | Path], None]) -> Iterator[CheckedItem | Problem]:
    """Each picture or clip is an item: its id is the path below the folder, its categories the sub-folders."""
    root = folder.resolve()
    unlisted: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=unlisted.append):
        note(Path(parent))
        below = [Path(parent) / name for name in sorted(folders) if not name.startswith(".")]
        folders.clear()
        for path in below:
            if path.is_symlink():
                note(path)
                relative = path.relative_to(folder)
                yield Problem(str(relative), relative.as_posix(), "a link to a folder, which is not followed")
            elif not _is_workspace(path):
                folders.append(path.name)
        for name in sorted(name for name in names if not name.startswith(".")):
            path = Path(parent) / name
            relative = path.relative_to(folder)
            note(path)
            suffix = path.suffix.lower()
            if suffix not in IMAGE_SUFFIXES | VIDEO_SUFFIXES:
                yield Problem(str(relative), relative.as_posix(), f"neither a picture nor a clip ({suffix or name})")
                continue
            try:
                item_id = check_id(relative.as_posix(), "file name")
                resolved = path.resolve()
                if not resolved.is_relative_to(root):
                    raise ValueError("a link that leaves the folder")
                if not path.is_file():
                    raise ValueError("no file" if path.exists() else "a link to nothing")
            except (ValueError, OSError, RuntimeError) as error:  # a link to itself, say
                yield Problem(str(relative), relative.as_posix(), str(error))
                continue
            yield CheckedItem(
                Item(
                    id=item_id,
                    title=title_of(path.stem),
                    categories=tuple(filter(None, map(clean_text, relative.parts[:-1]))),
                    image=resolved if suffix in IMAGE_SUFFIXES else None,
                    video=resolved if suffix in VIDEO_SUFFIXES else None,
                )
            )
    for failure in unlisted:
        note(failure.filename)
        relative, reason = Path(failure.filename).relative_to(folder), f"cannot be listed ({failure.strerror})"
        if not relative.parts:
            raise CatalogueError(f"{folder}: {reason}") from failure
        yield Problem(str(relative), relative.as_posix(), f"this folder {reason}")
