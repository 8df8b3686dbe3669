"""Search across media and words: how often a text, a picture, a mix of both or a rare word finds what it means.

    python benchmarks/cross_modal.py DATA [SECTION …] [--workspaces FOLDER] [--fresh]

DATA holds the data sets `captions`, `fashion` and `ml100k`, each with `items.jsonl` and `images/`. Sections are those of
`SECTIONS`. Workspaces stay in FOLDER, so that a second run encodes nothing;
`--fresh` throws away all but the vectors of the media, for a run after a change of the code.

* **captions**: photos without a text, asked for by their captions; nothing is learned from the pairs.
* **folds**: the same where the bridge was learned from four fifths of the photos with their captions, and then all were
  replaced by photos without a text; the other fifth's captions are asked.
* **looks**: products with titles, asked for by another's picture: how many of ten are of the same type.
* **types**: a random half of the products has no title; the name of a type is asked for among them. Halves differ by
  several points, so eight are asked.
* **posters**: films by their poster, 70 % of each side, mirrored, brighter or darker, in other colours, JPEG of quality 35;
  of films whose posters are the same to the byte, either is right.
* **mixed**: a picture with the name of a colour that its type comes in, and a picture with its own colour as what to keep
  away from: the share of that colour, and of the type.
* **taste**: "comedy" with and without each user: ndcg@20 of their held-out comedies, the difference with its interval.
* **words**: words that stand in one title only, and plots' second sentences where the first alone is indexed.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from known_items import same_files
from PIL import Image, ImageEnhance, ImageOps

from multimodal_rec import Recommender
from multimodal_rec.query import Query

Row = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One line of the table; a target of None is a figure for comparison."""

    what: str
    figure: float
    target: float | None = None
    at_most: bool = False


@dataclass(frozen=True)
class Bench:
    """Where the data are and where workspaces go."""

    data: Path
    workspaces: Path
    fresh: bool

    def rows(self, name: str, file: str = "items.jsonl") -> list[Row]:
        """The rows of a data set."""
        text = (self.data / name / file).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if line.strip()]

    def picture(self, name: str, row: Row) -> Path:
        """The file of a row's picture."""
        return self.data / name / row["image"]

    def built(self, name: str, workspace: str, rows: Sequence[Row], interactions: Path | None = None) -> Recommender:
        """A recommender over these rows of a data set, in a workspace that other rows of it may have been in."""
        folder = self.workspaces / workspace
        if self.fresh and folder.exists():
            for path in folder.iterdir():
                if path.name.startswith("vectors"):
                    continue
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return Recommender.build(
            self.catalogue(workspace, rows), workspace=folder, interactions=interactions, media_root=self.data / name
        )

    def catalogue(self, workspace: str, rows: Sequence[Row]) -> Path:
        """A file of these rows."""
        path = self.workspaces / f"{workspace}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path


def captions(bench: Bench) -> Iterator[Line]:
    photos = [{"id": row["id"], "image": row["image"]} for row in bench.rows("captions")]
    first = {row["id"]: row["captions"][0] for row in bench.rows("captions", "captions.jsonl")}
    with bench.built("captions", "captions", photos) as rec:
        ranks = ranks_of_own(rec, [(photo["id"], Query(first[photo["id"]])) for photo in photos])
    for limit, target in ((1, None), (5, None), (10, 0.38)):
        yield Line(f"captions: recall@{limit}", share(ranks, limit), target)


def folds(bench: Bench, parts: int = 5) -> Iterator[Line]:
    photos = [{"id": row["id"], "image": row["image"]} for row in bench.rows("captions")]
    first = {row["id"]: row["captions"][0] for row in bench.rows("captions", "captions.jsonl")}
    random.Random(0).shuffle(photos)
    ranks: list[int] = []
    for part in range(parts):
        asked = photos[part::parts]
        held_out = {photo["id"] for photo in asked}
        told = [photo | {"title": first[photo["id"]]} for photo in photos if photo["id"] not in held_out]
        with bench.built("captions", "captions", told) as rec:
            rec.update(bench.catalogue("captions", photos), media_root=bench.data / "captions")
            ranks += ranks_of_own(rec, [(photo["id"], Query(first[photo["id"]])) for photo in asked])
    for limit, target in ((1, None), (5, None), (10, 0.43)):
        yield Line(f"captions, pairs of the other folds known: recall@{limit}", share(ranks, limit), target)


def products(bench: Bench) -> tuple[list[Row], dict[str, Row]]:
    """The products with title and picture alone, and what else is known of each."""
    rows = [{"id": row["id"], "title": row["title"], "image": row["image"]} for row in bench.rows("fashion")]
    return rows, {row["id"]: row for row in bench.rows("fashion", "items_extra.jsonl")}


def looks(bench: Bench) -> Iterator[Line]:
    rows, extra = products(bench)
    with bench.built("fashion", "fashion", rows) as rec:
        queries = [Query(image=bench.picture("fashion", row), exclude=[row["id"]]) for row in rows]
        shares = [
            np.mean([extra[hit]["articleType"] == extra[row["id"]]["articleType"] for hit in hits])
            for row, hits in zip(rows, answers(rec, queries, 10), strict=True)
        ]
    yield Line("fashion: same type by picture, precision@10", float(np.mean(shares)), 0.78)


def types(bench: Bench, halves: int = 8) -> Iterator[Line]:
    rows, extra = products(bench)
    means = [
        named_types(bench, rows, extra, set(random.Random(half).sample([row["id"] for row in rows], len(rows) // 2)))
        for half in range(halves)
    ]
    what = "fashion: name of a type over the untitled half, precision@10"
    for place, (more, target) in enumerate(((f", mean of {halves}", 0.82), (", without words", None))):
        yield Line(what + more, float(np.mean([each[place] for each in means])), target)
    yield Line(f"{what}, worst half", min(with_words for with_words, _ in means))
    yield Line(f"{what}, best half", max(with_words for with_words, _ in means))


def named_types(bench: Bench, rows: list[Row], extra: dict[str, Row], untitled: set[str]) -> tuple[float, float]:
    """Precision@10 of the types' names over products whose titles are not known, with words and without."""
    counts = Counter(extra[item_id]["articleType"] for item_id in untitled)
    names = sorted(name for name, count in counts.items() if count >= 10)
    half = [
        {key: value for key, value in row.items() if key != "title" or row["id"] not in untitled}
        | {"half": int(row["id"] in untitled)}
        for row in rows
    ]
    with bench.built("fashion", "fashion", half) as rec:
        lists = [
            answers(rec, [Query(name, where="half=1", words=words) for name in names], 10) for words in (True, False)
        ]
    with_words, without = (
        float(
            np.mean(
                [extra[hit]["articleType"] == name for name, hits in zip(names, found, strict=True) for hit in hits]
            )
        )
        for found in lists
    )
    return with_words, without


def posters(bench: Bench, count: int = 500) -> Iterator[Line]:
    films = [film_row(row) for row in bench.rows("ml100k")]
    chance = random.Random(0)
    asked = chance.sample([row for row in films if row["image"]], count)
    with bench.built("ml100k", "films", films) as rec:
        queries = [Query(image=distorted(bench.picture("ml100k", row), chance)) for row in asked]
        found = answers(rec, queries, 1)
    files = [{"id": row["id"], "image": str(bench.picture("ml100k", row))} for row in films if row["image"]]
    keys = same_files(files)
    right = [keys.get(hits[0]) == keys[row["id"]] for row, hits in zip(asked, found, strict=True)]
    yield Line("posters, distorted: own film first", float(np.mean(right)), 0.97)


def distorted(path: Path, chance: random.Random) -> Image.Image:
    """A picture cropped somewhere to 70 % of each side, mirrored, of other brightness and colours, in poor quality."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    width, height = int(0.7 * picture.width), int(0.7 * picture.height)
    left, top = chance.randint(0, picture.width - width), chance.randint(0, picture.height - height)
    picture = ImageOps.mirror(picture.crop((left, top, left + width, top + height)))
    picture = ImageEnhance.Brightness(picture).enhance(chance.choice([0.75, 1.25]))
    picture = ImageEnhance.Color(picture).enhance(chance.choice([0.6, 1.4]))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=35)
    return Image.open(file).convert("RGB")


def mixed(bench: Bench, count: int = 300) -> Iterator[Line]:
    rows, extra = products(bench)
    kinds = Counter((extra[row["id"]]["articleType"], extra[row["id"]]["baseColour"]) for row in rows)
    chance = random.Random(0)
    pairs: list[tuple[Row, str]] = []  # a product, and a colour that ten others of its type have
    for row in chance.sample(rows, len(rows)):
        own = extra[row["id"]]
        colours = sorted(c for (kind, c), many in kinds.items() if kind == own["articleType"] and many >= 10)
        colours = [colour for colour in colours if colour != own["baseColour"]]
        if colours and len(pairs) < count:
            pairs.append((row, chance.choice(colours)))
    own_colours = [extra[row["id"]]["baseColour"] for row, _ in pairs]
    pictures = [bench.picture("fashion", row) for row, _ in pairs]
    left_out = [[row["id"]] for row, _ in pairs]

    def asked(**more: Sequence[str]) -> list[Query]:
        return [
            Query(image=picture, exclude=out, **{name: values[place] for name, values in more.items()})
            for place, (picture, out) in enumerate(zip(pictures, left_out, strict=True))
        ]

    def shares(lists: list[list[str]], field: str, wanted: Sequence[str]) -> float:
        return float(
            np.mean([[extra[hit][field] == value for hit in hits] for hits, value in zip(lists, wanted, strict=True)])
        )

    colours, kept = [colour for _, colour in pairs], [extra[row["id"]]["articleType"] for row, _ in pairs]
    with bench.built("fashion", "fashion", rows) as rec:
        plain = answers(rec, asked(), 10)
        with_text = answers(rec, asked(text=[colour.lower() for colour in colours]), 10)
        away = answers(rec, asked(less_like=[colour.lower() for colour in own_colours]), 10)
    before, after = shares(plain, "baseColour", colours), shares(with_text, "baseColour", colours)
    yield Line("mixed: share of the colour, picture alone", before)
    yield Line("mixed: share of the colour, picture and colour", after, 1.5 * before)
    yield Line("mixed: type kept, picture alone", shares(plain, "articleType", kept))
    yield Line("mixed: type kept, picture and colour", shares(with_text, "articleType", kept), 0.8)
    alone = shares(plain, "baseColour", own_colours)
    yield Line("mixed: share of the own colour, picture alone", alone)
    yield Line("mixed: share of the own colour, kept away from", shares(away, "baseColour", own_colours), alone, True)
    yield Line("mixed: type kept, own colour kept away from", shares(away, "articleType", kept))


def taste(bench: Bench) -> Iterator[Line]:
    films = [film_row(row) for row in bench.rows("ml100k")]
    comedies = {row["id"] for row in films if "Comedy" in row["categories"]}
    split = bench.data / "ml100k" / "splits" / "warm"
    with (split / "test.csv").open(encoding="utf-8") as file:
        held_out: dict[str, set[str]] = {}
        for event in csv.DictReader(file):
            if event["item_id"] in comedies:
                held_out.setdefault(event["user_id"], set()).add(event["item_id"])
    with bench.built("ml100k", "tastes", films, split / "train.csv") as rec:
        users = [user for user in sorted(held_out) if rec.history(user)]
        seen = [[event.item_id for event in rec.history(user)] for user in users]

        def gains(**more: Any) -> np.ndarray:
            queries = [
                Query("comedy", exclude=out, **({"user": user} | more if more else {}))
                for user, out in zip(users, seen, strict=True)
            ]
            found = answers(rec, queries, 20)
            return np.array([ndcg(hits, held_out[user]) for user, hits in zip(users, found, strict=True)])

        plain = gains()
        yield Line("comedy, anyone: ndcg@20 of held-out comedies", float(plain.mean()))
        for strength in (0.2, 0.5, 0.8):
            own = gains(taste=strength)
            gain = own - plain
            lowest = gain.mean() - 1.96 * gain.std(ddof=1) / len(gain) ** 0.5
            yield Line(f"comedy, each user, taste {strength}: ndcg@20", float(own.mean()))
            yield Line(f"comedy, taste {strength}: gain, lower end of the paired 95 % interval", float(lowest), 0.0)


def words(bench: Bench, count: int = 300) -> Iterator[Line]:
    films = [film_row(row) for row in bench.rows("ml100k")]
    titles = {row["id"]: set(re.findall(r"[^\W\d_]{3,}", row["title"].casefold())) for row in films}
    holders = Counter(word for own in titles.values() for word in own)
    rare = [(item_id, word) for item_id, own in titles.items() for word in sorted(own) if holders[word] == 1]
    chosen = random.Random(0).sample(rare, count)
    with bench.built("ml100k", "films", films) as rec:
        for on in (True, False):
            ranks = ranks_of_own(rec, [(item_id, Query(word, words=on)) for item_id, word in chosen])
            yield Line(
                f"words of one title{'' if on else ', without words'}: first", share(ranks, 1), 0.99 if on else None
            )
    plots = [(row, re.split(r"(?<=[.!?])\s+", row["description"] or "")) for row in films]
    known = [row | {"description": parts[0]} for row, parts in plots]
    asked = [(row["id"], parts[1]) for row, parts in plots if len(parts) > 1 and len(parts[1].split()) >= 6]
    with bench.built("ml100k", "films", known) as rec:
        for on in (True, False):
            ranks = ranks_of_own(rec, [(item_id, Query(text, words=on)) for item_id, text in asked])
            what = f"second sentence of a plot{'' if on else ', without words'}"
            yield Line(f"{what}: recall@10", share(ranks, 10))


def film_row(row: Row) -> Row:
    return {name: row.get(name) for name in ("id", "title", "description", "categories", "image")}


def answers(rec: Recommender, queries: Sequence[Query], k: int) -> list[list[str]]:
    """The ids that each query finds."""
    return [[hit.item_id for hit in hits] for hits in rec.search_all(queries, k=k)]


def ranks_of_own(rec: Recommender, asked: Sequence[tuple[str, Query]], k: int = 10) -> list[int]:
    """At which place each query finds its item, k + 1 for those that do not within k."""
    lists = answers(rec, [query for _, query in asked], k)
    return [hits.index(own) + 1 if own in hits else k + 1 for (own, _), hits in zip(asked, lists, strict=True)]


def share(ranks: Sequence[int], limit: int) -> float:
    return float(np.mean(np.array(ranks) <= limit))


def ndcg(hits: Sequence[str], wanted: set[str]) -> float:
    discounts = 1 / np.log2(np.arange(2, len(hits) + 2))
    return float(
        sum(d for hit, d in zip(hits, discounts, strict=True) if hit in wanted) / discounts[: len(wanted)].sum()
    )


SECTIONS: dict[str, Callable[[Bench], Iterator[Line]]] = {
    "captions": captions,
    "folds": folds,
    "looks": looks,
    "types": types,
    "posters": posters,
    "mixed": mixed,
    "taste": taste,
    "words": words,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("sections", nargs="*", choices=[[], *SECTIONS], default=[])
    parser.add_argument("--workspaces", type=Path)
    parser.add_argument("--fresh", action="store_true", help="build anew from the vectors of the media alone")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        workspaces = (arguments.workspaces or Path(temporary)).absolute()
        workspaces.mkdir(parents=True, exist_ok=True)
        bench = Bench(arguments.data.absolute(), workspaces, arguments.fresh)
        print(f"{'':74}{'measured':>9}{'wanted':>10}")
        for name in arguments.sections or SECTIONS:
            for line in SECTIONS[name](bench):
                sign = "<" if line.at_most else ">="
                wanted = "" if line.target is None else f"{sign} {line.target:.3f}"
                print(f"{line.what:74}{line.figure:9.3f}{wanted:>10}", flush=True)


if __name__ == "__main__":
    main()
