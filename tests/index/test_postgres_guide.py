"""The snippets of docs/postgres.md do what they say, on a real server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from multimodal_rec import Recommender
from multimodal_rec.build import build

GUIDE = Path(__file__).parents[2] / "docs" / "postgres.md"
TITLES = {"sea": "A ship in a storm on the sea", "tea": "How to brew tea", "train": "Steam trains of the north"}


def test_a_workspace_is_exported_and_asked(postgres: None, tmp_path: Path) -> None:
    fill, ask = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)

    def exported(titles: dict[str, str]) -> list[str]:
        rows = [json.dumps({"id": item_id, "title": title}) for item_id, title in titles.items()]
        (tmp_path / "items.jsonl").write_text("\n".join(rows), encoding="utf-8")
        build(tmp_path / "items.jsonl", tmp_path / "ws")
        for code in (fill, ask):
            command = [sys.executable, "-c", code]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        return [line.split()[1] for line in done.stdout.splitlines()]

    assert exported(TITLES)[0] == "sea"
    with Recommender.open(tmp_path / "ws") as recommender:
        expected = [hit.item_id for hit in recommender.search(text="a ship on a stormy sea", k=3, words=False)]
    assert exported(TITLES) == expected
    assert set(exported({"tea": "How to brew tea", "bread": "Bread"})) == {"tea", "bread"}
