"""What it costs to bring an index up to date: with nothing changed, and with one item in a hundred; and memory by size.

    python benchmarks/rebuild.py CATALOGUE.jsonl [--interactions FILE] [--copies 1]

Copies the catalogue and its media to a temporary folder, more than once where a larger one is wanted: each copy has items
of its own, with its pictures turned or mirrored in another way. There it runs `multimodal-rec build`: on a quarter of the
rows in a workspace of its own, on all of them, and three times on the same again (the best counts). Then every hundredth
item gets another title and its picture is inverted or cropped, three times: for `multimodal-rec update` of just those
rows, which keeps what was learned, for `update --remove-missing` of all rows, and for a `build` of all rows, which learns
anew. Seconds are those of the whole process, from start to end, on the clock and on the processor (which other programs
disturb less, but which counts what ran side by side twice); the encoders' exports are in the cache before the first
build, as they are on every day but the first.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

Row = dict[str, Any]
Alter = Callable[[Image.Image], Image.Image]

EVERY = 100
"""One item in so many is changed."""
TURNS: tuple[Alter, ...] = (
    lambda image: image,
    *(partial(Image.Image.transpose, method=method) for method in Image.Transpose),
)
"""How the pictures of each copy of the catalogue are altered."""


@dataclass(frozen=True)
class Run:
    """One command: seconds and peak memory of its process, and the summary that it printed."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    summary: dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("--interactions", type=Path)
    parser.add_argument("--copies", type=int, default=1, choices=range(1, len(TURNS) + 1), metavar=f"1-{len(TURNS)}")
    arguments = parser.parse_args()
    export = "from encoders import load_image_encoder, load_text_encoder; load_text_encoder(), load_image_encoder()"
    # In a process of its own: what a child's peak memory starts from is its parent's size.
    subprocess.run([sys.executable, "-c", export], check=True)
    rows = [json.loads(line) for line in arguments.catalogue.read_text(encoding="utf-8").splitlines() if line.strip()]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = copied(rows, arguments.copies, arguments.catalogue.parent, folder)
        catalogue = folder / "items.jsonl"
        more = ["--interactions", str(arguments.interactions.resolve())] if arguments.interactions else []

        write(catalogue, rows[: len(rows) // 4])
        quarter = run("build", catalogue, folder / "quarter", more)
        write(catalogue, rows)
        first = run("build", catalogue, folder / "all", more)
        again = min((run("build", catalogue, folder / "all", more) for _ in range(3)), key=lambda each: each.seconds)
        rows = changed(rows, folder, ImageOps.invert)
        write(folder / "changes.jsonl", rows[::EVERY])
        updated = run("update", folder / "changes.jsonl", folder / "all")
        rows = changed(rows, folder, partial(ImageOps.crop, border=1))
        write(catalogue, rows)
        found = run("update", catalogue, folder / "all", ["--remove-missing"])
        rows = changed(rows, folder, ImageOps.invert)
        write(catalogue, rows)
        few = run("build", catalogue, folder / "all", more)

    print(
        f"{'':20}{'seconds':>9}{'of first':>10}{'CPU s':>9}{'of first':>10}{'peak MB':>9}  encoded, and seconds by stage"
    )
    runs = {
        "build of a quarter": quarter,
        "build of all": first,
        "nothing changed": again,
        f"1 in {EVERY}: update": updated,
        "  following all rows": found,
        f"1 in {EVERY}: build": few,
    }
    for label, one in runs.items():
        details = {name: count for name, count in one.summary["encoded"].items() if count} | one.summary["seconds"]
        print(
            f"{label:20}{one.seconds:9.2f}{one.seconds / first.seconds:10.1%}{one.cpu_seconds:9.2f}{one.cpu_seconds / first.cpu_seconds:10.1%}{one.megabytes:9.0f}  {details}"
        )
    print(f"  with nothing changed a build is {first.seconds / again.seconds:.0f} x faster than the first")
    print(f"  peak memory of all is {first.megabytes / quarter.megabytes - 1:+.0%} to that of a quarter")


def run(what: str, catalogue: Path, workspace: Path, more: Sequence[str] = ()) -> Run:
    """Build or update in a process of its own and measure it."""
    command = [sys.executable, "-m", "multimodal_rec.cli", what, str(catalogue), "--workspace", str(workspace)]
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen([*command, "--json", *more], stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed")
        output.seek(0)
        return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, json.loads(output.read()))


def changed(rows: list[Row], folder: Path, alter: Alter) -> list[Row]:
    """Alter the picture of every hundredth item in place, and return all rows with new titles for those."""
    result = [dict(row) for row in rows]
    for row in result[::EVERY]:
        row["title"] = f"{row.get('title') or 'Item'}, changed"
        if row.get("image"):
            path = folder / row["image"]
            with Image.open(path) as image:
                alter(image.convert("RGB")).save(path)
    return result


def copied(rows: list[Row], copies: int, source: Path, target: Path) -> list[Row]:
    """Copy the media so many times, and return the rows of all copies."""
    result = []
    for copy, turn in enumerate(TURNS[:copies]):
        for row in rows:
            own = dict(row)
            if copy:
                own |= {"id": f"{row['id']}/{copy}", "title": f"{row.get('title') or 'Item'} {copy}"}
            for field in ("image", "video"):
                if row.get(field):
                    own[field] = f"{copy}/{row[field]}"
                    path = target / own[field]
                    path.parent.mkdir(parents=True, exist_ok=True)
                    if field == "video" or not copy:
                        shutil.copyfile(source / row[field], path)
                    else:
                        with Image.open(source / row[field]) as image:
                            turn(image.convert("RGB")).save(path)
            result.append(own)
    return result


def write(path: Path, rows: list[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
