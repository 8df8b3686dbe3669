"""An item of the catalogue, and the check that turns a raw row into one."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from encoders import clean_text
from multimodal_rec.rows import is_nan, text_or_none

KNOWN_FIELDS = frozenset({"id", "title", "description", "categories", "image", "video"})
MAX_ID_CHARS = 512
DEEPEST = 50
"""Levels of lists and objects in an attribute."""
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be recommended; texts are clean. `image` and `video` are absolute paths of existing files."""

    id: str
    title: str | None = None
    description: str | None = None
    categories: tuple[str, ...] = ()
    image: Path | None = None
    video: Path | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Title, categories and description as one text; empty where there is none."""
        parts = (self.title, ", ".join(self.categories), self.description)
        return ". ".join(text for part in parts if part and (text := part.rstrip(".")))


@dataclass(frozen=True, slots=True)
class CheckedItem:
    """An item with what had to be left out of it, one sentence each."""

    item: Item
    warnings: tuple[str, ...] = ()


def check_item(fields: Mapping[str, Any], media_root: Path, note: Callable[[str], None]) -> CheckedItem:
    """Validate a raw row; leave out a medium that cannot be used, as long as something usable remains.

    `note` is told of every media file that the row names, there or missing.

    Raises:
        ValueError: the row is not usable; the message says why.
    """
    item_id = check_id(fields.get("id"), "id")
    warnings: list[str] = []
    media: dict[str, Path | None] = {}
    for name in ("image", "video"):
        media[name] = None
        try:
            media[name] = check_media(fields.get(name), media_root, note)
        except ValueError as error:
            warnings.append(f"{name} left out: {error}")
    texts: dict[str, str | None] = {}
    for name in ("title", "description"):
        text = text_or_none(fields.get(name))
        if text is None and fields.get(name) not in (None, "") and not isinstance(fields[name], str | float):
            warnings.append(f"{name} left out: not text")
        texts[name] = clean_text(text or "") or None
    item = Item(
        id=item_id,
        title=texts["title"],
        description=texts["description"],
        categories=_check_categories(fields.get("categories"), warnings),
        image=media["image"],
        video=media["video"],
        attributes=_check_attributes(fields, warnings),
    )
    if not (item.image or item.video or item.text):
        raise ValueError("; ".join(["no usable text, image or video", *warnings]))
    return CheckedItem(item, tuple(warnings))


def check_id(value: object, name: str) -> str:
    """Return an id as text; whole numbers are taken as written.

    Raises:
        ValueError: the id is missing, not text, too long, or holds control characters.
    """
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if text is None or (isinstance(text, str) and not text.strip()):
        raise ValueError(f"no {name}")
    if not isinstance(text, str):
        raise ValueError(f"{name} is not text: {text!r}")
    if len(text) > MAX_ID_CHARS:
        raise ValueError(f"{name} is longer than {MAX_ID_CHARS} characters")
    if not text.isprintable() and any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError(f"{name} is no valid Unicode: {text!r}")
    if CONTROL_CHARACTER.search(text):
        raise ValueError(f"{name} holds a control character: {text!r}")
    return text


def check_media(value: object, media_root: Path, note: Callable[[str], None]) -> Path | None:
    """Return the absolute path of a media file inside `media_root`, or None for a blank cell.

    Raises:
        ValueError: the path leaves the folder or names no file.
    """
    text = text_or_none(value)
    if text is None:
        if value is None or isinstance(value, str | float):
            return None
        raise ValueError("not text")
    if "\0" in text:
        raise ValueError(f"{text!r} is no path")
    named = os.path.join(media_root, text)  # noqa: PTH118 (done for every item of a catalogue)
    note(named)
    try:
        path, is_inside = _resolved(named, media_root)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error  # a name too long for the file system, say
        raise ValueError(f"{text[:80]!r} cannot be opened ({reason})") from error
    if named != str(
        path
    ):  # a link may lead elsewhere tomorrow, and what the system cannot follow may have been resolved
        note(str(path))
    if not is_inside:
        raise ValueError(f"{text!r} leaves the media folder")
    try:
        if not path.is_file():
            raise ValueError(f"{text!r} does not exist" if not path.exists() else f"{text!r} is no file")
    except OSError as error:
        raise ValueError(f"{text[:80]!r} cannot be opened ({error.strerror})") from error
    return path


def _resolved(named: str, root: Path) -> tuple[Path, bool]:
    """A path without links and dots, and whether it is inside the root; the folder of many files is followed once."""
    folder, name = os.path.split(named)
    if name in ("", ".", "..") or os.path.islink(named):  # noqa: PTH114
        path = Path(named).resolve()
        return path, path.is_relative_to(root.resolve())
    resolved, is_inside = resolved_folder(folder, root)
    return resolved / name, is_inside


@lru_cache(maxsize=4096)
def resolved_folder(folder: str, root: Path) -> tuple[Path, bool]:
    """A folder without links and dots, and whether it is inside the root; remembered until the cache is cleared."""
    resolved = Path(folder).resolve()
    return resolved, resolved.is_relative_to(root.resolve())


def _check_categories(value: object, warnings: list[str]) -> tuple[str, ...]:
    """Take a list, a JSON list in a cell, or text separated by | signs."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            warnings.append("categories left out: not a JSON list")
            return ()
    if isinstance(value, str):
        value = value.split("|")
    if value is None or is_nan(value):
        return ()
    if not isinstance(value, list):
        warnings.append("categories left out: not a list")
        return ()
    names = [text_or_none(each.get("name") if isinstance(each, dict) else each) for each in value]
    if lost := sum(
        name is None and each is not None and not isinstance(each, str) for name, each in zip(names, value, strict=True)
    ):
        warnings.append(f"{lost} of {len(value)} categories left out: not text")
    return tuple(dict.fromkeys(name for each in names if each and (name := clean_text(each))))


def _check_attributes(fields: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    """Take the further fields that hold something."""
    attributes = {}
    for name, value in fields.items():
        if name in KNOWN_FIELDS or value in (None, "") or is_nan(value):
            continue
        try:
            attributes[name] = _finite(value)
        except ValueError as error:
            warnings.append(f"{name} left out: {error}")
    return {name: value for name, value in attributes.items() if value is not None}


def _finite(value: Any, depth: int = 0) -> Any:
    """A value as JSON can hold it: numbers that are none become None. Raises ValueError where it is nested too deep."""
    if depth > DEEPEST:
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(each, depth + 1) for name, each in value.items()}
    return [_finite(each, depth + 1) for each in value] if isinstance(value, list | tuple) else value
