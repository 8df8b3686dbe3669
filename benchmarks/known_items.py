"""Known-item search: does a catalogue's own picture, clip or sentence find the item that it belongs to?

    python benchmarks/known_items.py CATALOGUE.jsonl WORKSPACE [--sample 300] [--seed 0]

For items drawn at random it asks `multimodal-rec search --queries` by the picture file, by the clip file, and by the
first sentence of the description (where that does not name the title), and prints how often the item itself comes
first and among the first ten. Of items whose files are the same to the byte, either is right.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MIN_WORDS = 6
"""A shorter sentence says too little to know an item by."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    items = [json.loads(line) for line in arguments.catalogue.read_text(encoding="utf-8").splitlines() if line.strip()]
    queries = {
        "picture": list(media_queries(items, "image", arguments.catalogue.parent.resolve())),
        "clip": list(media_queries(items, "video", arguments.catalogue.parent.resolve())),
        "first sentence": list(sentence_queries(items)),
    }
    print(f"{'query':16}{'asked':>7}{'first':>9}{'in ten':>9}")
    for name, rows in queries.items():
        if rows:
            chosen = random.Random(arguments.seed).sample(rows, min(arguments.sample, len(rows)))
            ranks = ask(chosen, arguments.workspace, same_files(rows))
            first, ten = (sum(rank <= limit for rank in ranks) / len(chosen) for limit in (1, 10))
            print(f"{name:16}{len(chosen):7}{first:9.1%}{ten:9.1%}")


def media_queries(items: list[dict[str, Any]], field: str, root: Path) -> Iterator[dict[str, str]]:
    """Yield one query for each item that has this medium alone; an item with both is a mean of the two."""
    for item in items:
        if item.get(field):
            yield {"id": str(item["id"]), field: str(root / item[field])}


def sentence_queries(items: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    """Yield the first sentence of each description, where it is long enough and does not hold the title."""
    for item in items:
        title = re.sub(r"\s*\(.*?\)\s*$", "", item.get("title") or "")
        sentence = re.split(r"(?<=[.!?])\s+", (item.get("description") or "").strip())[0]
        if len(sentence.split()) >= MIN_WORDS and (not title or title.lower() not in sentence.lower()):
            yield {"id": str(item["id"]), "text": sentence}


def same_files(queries: list[dict[str, str]]) -> dict[str, str]:
    """A key for each query id that is equal where the files asked by are equal; the id itself for texts."""
    keys = {}
    for query in queries:
        path = query.get("image") or query.get("video")
        keys[query["id"]] = hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else query["id"]
    return keys


def ask(queries: list[dict[str, str]], workspace: Path, keys: dict[str, str]) -> list[int]:
    """Return the rank at which each query finds its own item, or its like by `keys`, if among the first ten."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "queries.jsonl", Path(folder) / "hits.csv"
        asked.write_text("".join(json.dumps(query) + "\n" for query in queries), encoding="utf-8")
        command = [sys.executable, "-m", "multimodal_rec.cli", "search", "--workspace", str(workspace), "-k", "10"]
        subprocess.run([*command, "--queries", str(asked), "--output", str(answered)], check=True, stdout=sys.stderr)
        ranks: dict[str, int] = {}
        with answered.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if keys.get(row["item_id"]) == keys[row["query_id"]]:
                    ranks[row["query_id"]] = min(int(row["rank"]), ranks.get(row["query_id"], 10))
        return list(ranks.values())


if __name__ == "__main__":
    main()
