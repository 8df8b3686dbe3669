"""Every command and snippet of the README does what a reader expects of it: it runs."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample_data"
COMMAND = ".venv/bin/multimodal-rec"
ITEMS, CLIPS, VIEWERS = 24, 2, 12
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(readme: str) -> list[str]:
    """The shell commands and Python snippets of a README in its order; a snippet is a command to `python -c`."""
    python = shlex.quote(sys.executable)
    found: list[str] = []
    for language, block in BLOCK.findall(readme):
        if language == "python":
            found.append(f"{python} -c {shlex.quote(block)}")
        elif block.startswith(COMMAND):
            lines = block.replace("\\\n", " ").splitlines()
            found += [line.replace(COMMAND, f"{python} -m multimodal_rec.cli", 1) for line in lines if line.strip()]
    return found


def make_catalogue(folder: Path) -> None:
    """Write the files that the README names: a part of the sample data, with an item 1 and a user 42."""
    rows = [json.loads(line) for line in (SAMPLE / "items.jsonl").read_text(encoding="utf-8").splitlines()]
    clips = [row for row in rows if row["video"]][:CLIPS]
    stills = [row | {"video": None} for row in rows if row not in clips][: ITEMS - CLIPS]
    numbers = {row["id"]: str(number) for number, row in enumerate(clips + stills, start=1)}
    for row in clips + stills:
        for name in filter(None, (row["image"], row["video"])):
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(SAMPLE / name, folder / name)
    lines = [json.dumps(row | {"id": numbers[row["id"]]}) for row in clips + stills]
    (folder / "items.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    with (SAMPLE / "interactions.csv").open(newline="", encoding="utf-8") as file:
        log = [row | {"item_id": numbers[row["item_id"]]} for row in csv.DictReader(file) if row["item_id"] in numbers]
    viewers = list(dict.fromkeys(row["user_id"] for row in log))[:VIEWERS]
    users = {viewer: str(number) for number, viewer in enumerate(viewers, start=42)}
    write_table(
        folder / "interactions.csv",
        [row | {"user_id": users[row["user_id"]]} for row in log if row["user_id"] in users],
    )
    write_table(folder / "new_users.csv", [row for row in log if row["user_id"] not in users])

    shutil.copy(SAMPLE / "queries/snow.jpg", folder / "poster.jpg")
    (folder / "already_shown.txt").write_text("2\n3\n", encoding="utf-8")
    queries = [
        {"id": "words", "text": "a quiet film about the sea"},
        {"id": "picture", "image": "poster.jpg"},
        {"id": "clip", "video": clips[0]["video"]},
        {"id": "less", "text": ["snow", "night"], "item": [1], "less_like": "sea", "weights": {"text": 2}},
        {"id": "mixed", "text": "snow", "image": "poster.jpg", "video": clips[1]["video"]},
    ]
    (folder / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries), encoding="utf-8")


def write_table(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def written_files(command: str) -> list[str]:
    """The files that a command is told to write."""
    words = shlex.split(command)
    return [value for option, value in pairwise(words) if option in ("--output", "--html")]


def test_every_example_runs_in_the_order_of_the_readme(tmp_path: Path) -> None:
    make_catalogue(tmp_path)
    commands = examples((ROOT / "README.md").read_text(encoding="utf-8"))
    assert any(" build " in command for command in commands)
    assert any(" -c " in command for command in commands)
    for command in commands:
        for name in written_files(command):
            (tmp_path / name).unlink(missing_ok=True)
        done = subprocess.run(
            ["sh", "-c", command],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert "Traceback" not in done.stderr, f"{command}\n{done.stderr}"
        assert "skipped" not in done.stderr, f"{command}\n{done.stderr}"
        for name in written_files(command):
            assert (tmp_path / name).stat().st_size > 100, command


def test_examples_are_found_in_their_order() -> None:
    readme = (
        f"```\nmake demo\n```\n\n```\n{COMMAND} a \\\n  --b 'c d'\n\n{COMMAND} e\n```\n\n"
        f"```python\nx = 1\nprint('y')\n```\n\n```sh\n{COMMAND} f --output o.csv --html p.html\n```\n"
    )
    found = [shlex.split(command) for command in examples(readme)]
    cli = [sys.executable, "-m", "multimodal_rec.cli"]
    assert found == [
        [*cli, "a", "--b", "c d"],
        [*cli, "e"],
        [sys.executable, "-c", "x = 1\nprint('y')\n"],
        [*cli, "f", "--output", "o.csv", "--html", "p.html"],
    ]
    assert written_files(examples(readme)[-1]) == ["o.csv", "p.html"]
