"""One question at a time through the Python face: what it costs beside the bare search, the user network, the encoder.

    python benchmarks/questions.py CATALOGUE --interactions EVENTS [--items 20000] [--workspace FOLDER]

CATALOGUE has `id`, `title`, `description` and `image`. Its items are crossed with one another until there are so many:
the title and the first half of the description of one, the second half of another, no picture; events are shared out
among an item and its crosses. All is built in FOLDER. Then, on one thread, in turns:

* **by user**: `recommend` of users that were not asked before, beside the work it cannot do without: their vectors from
  their histories, and the search by the index, or by FAISS's exact one over the same vectors;
* **by text** and **by picture**: `search` of texts and files that were not asked before, beside encoding them alone.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import faiss
import numpy as np

from encoders import read_image
from multimodal_rec import Recommender

K = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("--interactions", type=Path, required=True)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--asked", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        rec, rows = crossed(arguments, arguments.workspace or Path(scratch) / "index")
        with rec:
            print(f"{len(rec):,} items; medians of {arguments.asked} questions, milliseconds")
            print(f"{'':14}{'question':>10}{'of it':>10}{'ratio':>8}{'share':>8}")
            for what, (whole, part) in timed(rec, rows, arguments).items():
                print(f"{what:14}{1000 * whole:10.2f}{1000 * part:10.2f}{whole / part:8.2f}{part / whole:8.1%}")


def crossed(arguments: argparse.Namespace, workspace: Path) -> tuple[Recommender, list[dict[str, Any]]]:
    """The recommender over the crossed catalogue, and the rows of the catalogue itself."""
    text = arguments.catalogue.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    copies = -(-arguments.items // len(rows))
    workspace.mkdir(parents=True, exist_ok=True)
    catalogue, events = workspace / "crossed.jsonl", workspace / "crossed.csv"
    chance = random.Random(0)
    with catalogue.open("w", encoding="utf-8") as file:
        for number in range(arguments.items):
            row = rows[number % len(rows)] | {"id": f"{rows[number % len(rows)]['id']}/{number // len(rows)}"}
            if number >= len(rows):
                one, other = row["description"] or "", chance.choice(rows)["description"] or ""
                row |= {"description": one[: len(one) // 2] + other[len(other) // 2 :], "image": None}
            file.write(json.dumps(row) + "\n")
    with (
        arguments.interactions.open(encoding="utf-8") as source,
        events.open("w", encoding="utf-8", newline="") as target,
    ):
        reader = csv.DictReader(source)
        writer = csv.DictWriter(target, reader.fieldnames or [])
        writer.writeheader()
        for event in reader:
            copy = crc32(f"{event['user_id']} {event['item_id']}".encode()) % copies
            writer.writerow(event | {"item_id": f"{event['item_id']}/{copy}"})
    rec = Recommender.build(
        catalogue, workspace=workspace, interactions=events, media_root=arguments.catalogue.parent, threads=1
    )
    return rec, rows


def timed(
    rec: Recommender, rows: Sequence[dict[str, Any]], arguments: argparse.Namespace
) -> dict[str, tuple[float, float]]:
    """For each kind of question the median seconds of the whole and of what it cannot do without."""
    chance = np.random.default_rng(0)
    count = min(arguments.asked, len(rec.users()) // 2)
    users, others = chance.permutation(rec.users())[: 2 * count].reshape(2, -1).tolist()
    histories, other_histories = ([rec.history(user) for user in some] for some in (users, others))
    texts = [row["description"].split(".")[0] for row in rows if row.get("description")]
    texts = [texts[place] for place in chance.permutation(len(texts))[: 2 * count]]
    pictures = [arguments.catalogue.parent / row["image"] for row in rows if row.get("image")]
    pictures = [pictures[place] for place in chance.permutation(len(pictures))[: 2 * count]]
    encoders = rec.encoders

    def bare(place: int) -> None:
        vector = rec._computed_user_vectors([histories[place]])
        rec._index.search(vector, K, excluded=[{event.item_id for event in histories[place]}])

    faiss.omp_set_num_threads(1)
    flat: Any = faiss.IndexFlatIP(rec._index.dim)
    flat.add(rec._index.vectors(rec._index.ids))

    def bare_faiss(place: int) -> None:
        flat.search(rec._computed_user_vectors([other_histories[place]]), K + len(other_histories[place]))

    def encode_picture(place: int) -> None:
        encoders.image.encode([read_image(pictures[count + place]).convert("RGB")])

    return {
        "by user": in_turns(count, lambda place: rec.recommend(users[place], k=K), bare),
        "user, FAISS": in_turns(count, lambda place: rec.recommend(others[place], k=K), bare_faiss),
        "by text": in_turns(
            count,
            lambda place: rec.search(texts[place], k=K),
            lambda place: encoders.text.encode([texts[count + place]]),
        ),
        "by picture": in_turns(count, lambda place: rec.search(image=pictures[place], k=K), encode_picture),
    }


def in_turns(count: int, whole: Callable[[int], object], part: Callable[[int], object]) -> tuple[float, float]:
    """The median seconds of both, called in turns, after a few that do not count."""
    seconds: list[list[float]] = [[], []]
    for place in range(count):
        for times, call in zip(seconds, (whole, part), strict=True):
            started = time.perf_counter()
            call(place)
            times.append(time.perf_counter() - started)
    return float(np.median(seconds[0][10:])), float(np.median(seconds[1][10:]))


if __name__ == "__main__":
    main()
