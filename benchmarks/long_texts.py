"""Long texts: does a sentence from the last quarter of a long description find its item?

    python benchmarks/long_texts.py CATALOGUE.jsonl [--words 1000] [--sample 200] [--seed 0]

Joins the descriptions of the catalogue, in random order and each used once, to items of at least so many words, builds
a workspace of them and asks `multimodal-rec search --queries` by sentences of their last quarters, drawn at random.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

MIN_WORDS = 8
"""A shorter sentence says too little to know an item by."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("--words", type=int, default=1000)
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    texts = long_texts(read_descriptions(arguments.catalogue), arguments.words, chance)
    asked = [(number, sentence) for number, text in enumerate(texts) for sentence in late_sentences(text)]
    sample = chance.sample(asked, min(arguments.sample, len(asked)))
    ranks = search(texts, sample)
    print(
        f"{len(texts)} items of {arguments.words} words and more, {len(sample)} sentences of their last quarters asked"
    )
    for limit in (1, 10):
        print(f"  in the first {limit}: {sum(rank <= limit for rank in ranks) / len(sample):.1%}")


def read_descriptions(path: Path) -> list[str]:
    """Return each description once, as sentences."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    texts = dict.fromkeys((row.get("description") or "").strip() for row in rows)
    return [text if text[-1] in ".!?" else f"{text}." for text in texts if text]


def long_texts(descriptions: list[str], words: int, chance: random.Random) -> list[str]:
    """Join descriptions to texts of at least so many words; what is left over is not used."""
    chance.shuffle(descriptions)
    texts: list[str] = []
    joined: list[str] = []
    for description in descriptions:
        joined.append(description)
        if sum(len(text.split()) for text in joined) >= words:
            texts.append(" ".join(joined))
            joined = []
    return texts


def late_sentences(text: str) -> list[str]:
    """Return the sentences that lie wholly in the last quarter of a text and are long enough."""
    ends = [match.end() for match in re.finditer(r"(?<=[.!?])\s+", text)]
    sentences = [
        text[start:end].strip()
        for start, end in zip(ends, [*ends[1:], len(text)], strict=True)
        if start >= len(text) * 3 / 4
    ]
    return [sentence for sentence in sentences if len(sentence.split()) >= MIN_WORDS]


def search(texts: list[str], asked: list[tuple[int, str]]) -> list[int]:
    """Return the ranks at which the sentences find their own texts, where that is among the first ten."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "items.jsonl", [{"id": str(n), "description": text} for n, text in enumerate(texts)])
        write(folder / "queries.jsonl", [{"id": str(n), "text": text} for n, (_, text) in enumerate(asked)])
        run("build", folder / "items.jsonl", "--workspace", folder / "ws")
        run("search", "-w", folder / "ws", "--queries", folder / "queries.jsonl", "--output", folder / "hits.csv")
        with (folder / "hits.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return [int(row["rank"]) for row in rows if asked[int(row["query_id"])][0] == int(row["item_id"])]


def run(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "multimodal_rec.cli", *map(str, arguments)], check=True, stdout=sys.stderr)


def write(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
