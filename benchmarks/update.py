"""What a change of the catalogue costs: seconds for one item, and for a hundred, beside the size of the catalogue.

    .venv/bin/python benchmarks/update.py WORKSPACE [--anew]

The workspace is copied first. One item is replaced and one removed, five times each, then a hundred are replaced; the
encoders are loaded before, as in a service. `--anew` assembles everything anew for each change, to compare.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from multimodal_rec import Recommender, changes
from multimodal_rec.changes import change
from multimodal_rec.embed import recorded_encoders
from multimodal_rec.releases import read_manifest
from multimodal_rec.workspace import Workspace

TIMES = 5


def timed(
    workspace: Path, rows: list[dict[str, str]] | None, removed: list[str], rec: Recommender
) -> tuple[float, float]:
    """Seconds until a change is published, and until another reader answers from it."""
    catalogue = workspace / "changed.jsonl"
    if rows:
        catalogue.write_text("".join(json.dumps(row) + "\n" for row in rows))
    encoders = recorded_encoders(rec.manifest, None)
    started = time.perf_counter()
    change(workspace, catalogue if rows else None, removed=removed, encoders=encoders)
    published = time.perf_counter()
    with rec.successor() as fresh:
        fresh.recommend(history=[fresh.page(0, 1)[0].id], k=10)
    return published - started, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--anew", action="store_true")
    arguments = parser.parse_args()
    if arguments.anew:
        changes.LARGE_SHARE = -1.0
    with TemporaryDirectory(dir=arguments.workspace.parent) as folder:
        workspace = Path(shutil.copytree(arguments.workspace, Path(folder) / "ws"))
        read_manifest(Workspace(workspace).releases.current())
        with Recommender.open(workspace) as rec:
            ids = [item.id for item in rec.page(0, 200)]
            rec.search("words that load the encoder", k=1)
            rec.recommend(history=ids[:1], k=1)
            size = sum(path.stat().st_size for path in rec._folder.rglob("*") if path.is_file())
            print(
                f"{len(rec):,} items, index {rec.manifest.index['kind']}, {size / 1e6:,.0f} MB a release",
                file=sys.stderr,
            )
            kinds: dict[str, list[tuple[float, float]]] = {"replace 1": [], "remove 1": [], "replace 100": []}
            for turn in range(TIMES):
                rows = [{"id": ids[turn], "title": f"Another title {turn}"}]
                kinds["replace 1"].append(timed(workspace, rows, [], rec))
                kinds["remove 1"].append(timed(workspace, None, [ids[50 + turn]], rec))
            rows = [{"id": each, "title": f"Other words for {each}"} for each in ids[100:200]]
            kinds["replace 100"].append(timed(workspace, rows, [], rec))
        print(f"{'':12}  published, s  answered from, s")
        for name, seconds in kinds.items():
            print(f"{name:12}  {median(s for s, _ in seconds):12.2f}  {median(s for _, s in seconds):16.2f}")


if __name__ == "__main__":
    main()
