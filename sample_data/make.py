"""Draw and write the sample catalogue beside this file: `python sample_data/make.py`."""

from __future__ import annotations

import csv
import json
import re
import shutil
import unicodedata
import zlib
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from people import TASTES, evenings, watchables
from PIL import Image
from scenes import SIZE, frame, picture
from titles import QUERIES, TITLES, UNAVAILABLE, UNSEEN, UNTITLED, Title

HERE = Path(__file__).parent
RATE = 12
TWOS = 2  # frames that each drawing stays, as in animation drawn by hand
DRAWINGS = 10  # drawings a shot
PAN = 2  # pixels between drawings; whole ones keep the files small
SEED = 2025


def slug(text: str) -> str:
    """Turn a title into an id: "Salt Road" becomes "salt-road"."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def seed_of(text: str) -> int:
    """Return a small number that is always the same for a text."""
    return zlib.crc32(text.encode()) % 9000


def titled(title: Title) -> dict:
    """Make the row of a title."""
    name = slug(title.title)
    return {
        "id": name,
        "title": title.title,
        "description": title.description,
        "categories": title.categories.split(", "),
        "image": f"images/{name}.jpg" if title.still else None,
        "video": f"videos/{name}.webm" if title.clip else None,
        "year": title.year,
        "language": title.language,
        "minutes": title.minutes,
        "available": name not in UNAVAILABLE,
    }


def untitled(name: str) -> dict:
    """Make the row of an upload that came without a word."""
    empty: dict = {"title": None, "description": None, "categories": [], "image": f"images/{name}.jpg", "video": None}
    return {"id": name, **empty, "year": 2025, "language": None, "minutes": None, "available": True}


def draw(view: str, seed: int, path: Path) -> None:
    """Draw a still and save it."""
    Image.fromarray(picture(view, seed)).save(path, quality=86, optimize=True)


def film(views: Iterable[str], seed: int, path: Path) -> None:
    """Film the views one after another, a hard cut between them, the camera moving in each."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP90"), RATE, SIZE)
    for shot, view in enumerate(views):
        way = 1 if (seed + shot) % 2 else -1
        for drawing in range(DRAWINGS):
            pan = way * PAN * (drawing - DRAWINGS // 2)
            drawn = frame(view, seed + 37 * shot, TWOS * (drawing + 1) / RATE, pan)
            for _ in range(TWOS):
                writer.write(np.ascontiguousarray(drawn[..., ::-1]))
    writer.release()
    steady(path)


def steady(path: Path) -> None:
    """Replace the random identifiers of a WebM file wherever it repeats them, so that the same frames make the same bytes."""
    data = path.read_bytes()
    for tag, length in ((b"\x73\xa4\x90", 16), (b"\x73\xc5\x88", 8)):
        at = data.find(tag, 0, 1024) + len(tag)
        if at >= len(tag):
            data = data.replace(data[at : at + length], bytes(range(1, length + 1)))
    path.write_bytes(data)


def write_csv(name: str, header: str, rows: Iterable[Iterable[object]]) -> None:
    """Write a table; None becomes an empty cell."""
    with (HERE / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


def write_media() -> None:
    """Draw all stills, clips and example queries."""
    for folder in ("images", "videos", "queries"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
        (HERE / folder).mkdir()
    for title in TITLES:
        name = slug(title.title)
        if title.still:
            draw(title.view, seed_of(name), HERE / "images" / f"{name}.jpg")
        if title.clip:
            film(title.clip, seed_of(name), HERE / "videos" / f"{name}.webm")
    for name, view in UNTITLED.items():
        draw(view, seed_of(name), HERE / "images" / f"{name}.jpg")
    for name, (seed, views) in QUERIES.items():
        if name.endswith(".webm"):
            film(views, seed, HERE / "queries" / name)
        else:
            draw(views[0], seed, HERE / "queries" / name)


def write_tables() -> None:
    """Write the catalogue, the viewers and their evenings."""
    items = [titled(title) for title in TITLES] + [untitled(name) for name in UNTITLED]
    lines = [json.dumps(item, ensure_ascii=False) + "\n" for item in items]
    (HERE / "items.jsonl").write_text("".join(lines), encoding="utf-8")
    worlds = {slug(t.title): t.view.split()[0] for t in TITLES} | {
        name: view.split()[0] for name, view in UNTITLED.items()
    }
    choice = watchables(items, worlds, UNSEEN, SEED)
    events = [
        event
        for user, taste in TASTES.items()
        for event in evenings(user, taste, choice, np.random.default_rng((SEED, seed_of(user))))
    ]
    events.sort(key=lambda event: (event.timestamp, event.user))
    write_csv("interactions.csv", "user_id,item_id,timestamp,rating", events)
    write_csv("users.csv", "user_id,taste", TASTES.items())


if __name__ == "__main__":
    write_tables()
    write_media()
    total = sum(path.stat().st_size for path in HERE.rglob("*") if path.is_file())
    print(f"{len(TITLES) + len(UNTITLED)} items, {len(TASTES)} viewers, {total / 1e6:.1f} MB")
