"""The whole way on the sample catalogue: build, ask, change, through the command line as a user runs it."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from encoders import find_shots, sample_frame

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_data"
NOT_UTF8 = os.fsdecode(b"\xff")
MANY = "search", "--queries", "queries.jsonl", "--output", "hits.csv"


def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "multimodal_rec.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def results(*arguments: object) -> list[dict]:
    return json.loads(run(*arguments, "--json").stdout)["results"]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "ws"
    done = run("build", SAMPLE / "items.jsonl", "--interactions", SAMPLE / "interactions.csv", "-w", path, "--json")
    summary = json.loads(done.stdout)
    assert summary["items"] >= 80
    assert summary["rejected"] == 0
    assert summary["encoded"]["image"] > 70
    assert summary["encoded"]["video"] >= 12
    return path


def test_recommendations_leave_out_what_was_seen(workspace: Path) -> None:
    hits = results("recommend", "-w", workspace, "--user", "ada", "-k", 6)
    seen = {row["item_id"] for row in table(SAMPLE / "interactions.csv") if row["user_id"] == "ada"}
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4, 5, 6]
    assert not seen & {hit["item_id"] for hit in hits}


def test_each_picture_and_clip_finds_itself(workspace: Path, tmp_path: Path) -> None:
    items = [json.loads(line) for line in (SAMPLE / "items.jsonl").read_text().splitlines()]
    queries = [{"id": i["id"], "image": str(SAMPLE / i["image"])} for i in items if i["image"] and not i["video"]]
    queries += [{"id": i["id"], "video": str(SAMPLE / i["video"])} for i in items if i["video"] and not i["image"]]
    (tmp_path / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries))
    run("search", "-w", workspace, "--queries", tmp_path / "queries.jsonl", "--output", tmp_path / "hits.csv", "-k", 1)
    found = table(tmp_path / "hits.csv")
    right = sum(row["query_id"] == row["item_id"] for row in found)
    assert len(found) == len(queries)
    assert right >= 0.98 * len(queries)


def test_a_shot_is_found_with_its_time_and_shown(workspace: Path, tmp_path: Path) -> None:
    clip = SAMPLE / next(
        item["video"]
        for line in (SAMPLE / "items.jsonl").read_text().splitlines()
        if (item := json.loads(line))["video"]
    )
    last = find_shots(clip)[-1]
    sample_frame(clip, (last.start, last.end)).save(tmp_path / "frame.png")
    page = tmp_path / "page.html"
    hit = results("search", "-w", workspace, "--image", tmp_path / "frame.png", "-k", 3, "--html", page)[0]
    assert hit["video"] == str(clip)
    assert hit["matched"]["modality"] == "video"
    assert hit["matched"]["start"] == pytest.approx(last.start, abs=0.1)
    assert f"at {hit['matched']['at']}" in page.read_text()


def test_a_long_text_is_found_by_its_last_words(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in (SAMPLE / "items.jsonl").read_text().splitlines()]
    descriptions = [item["description"] for item in lines if item["description"]]
    rows = [{"id": str(n), "description": " ".join(descriptions[n * 28 : n * 28 + 28])} for n in range(3)]
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run("build", tmp_path / "items.jsonl", "-w", tmp_path / "ws")
    for row in rows:
        last = re.split(r"(?<=[.!?])\s+", row["description"])[-1]
        hit = results("search", "-w", tmp_path / "ws", "--text", last, "-k", 1)[0]
        assert hit["item_id"] == row["id"]
        assert hit["matched"]["modality"] == "text"
        assert row["description"].find(last) < hit["matched"]["end"]
        assert last[:20] in hit["passage"]


def test_batch_equals_single(workspace: Path, tmp_path: Path) -> None:
    run("recommend", "-w", workspace, "--users", "all", "-k", 5, "--output", tmp_path / "recs.csv")
    rows = [row for row in table(tmp_path / "recs.csv") if row["user_id"] == "bruno"]
    assert [row["item_id"] for row in rows] == [
        hit["item_id"] for hit in results("recommend", "-w", workspace, "--user", "bruno", "-k", 5)
    ]


def test_of_many_histories_those_of_unknown_items_are_skipped(workspace: Path, tmp_path: Path) -> None:
    known = results("recommend", "-w", workspace, "--user", "ada", "--include-seen")[0]["item_id"]
    (tmp_path / "hist.csv").write_text(f"user_id,item_id\nold,{known}\nlost,nowhere\nold,nowhere\n")
    many = ["recommend", "-w", workspace, "--history", tmp_path / "hist.csv", "--users", "all"]
    told = json.loads(run(*many, "--output", tmp_path / "recs.csv", "--json").stdout)
    reason = "no item of this history is in the index: check its item ids"
    assert (told["users"], told["skipped"]) == (1, [{"id": "lost", "reason": reason}])
    assert {row["user_id"] for row in table(tmp_path / "recs.csv")} == {"old"}


def test_contact_sheet_holds_its_pictures(workspace: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    run("search", "-w", workspace, "--image", SAMPLE / "queries/snow.jpg", "-k", 4, "--html", page)
    assert page.read_text().count("data:image/jpeg;base64,") >= 4


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("recommend", "--user", "nobody"), "nobody"),
        (("search", "--text", ""), "empty"),
        (("recommend", "--user", "ada", "-k", "0"), "at least 1"),
        (("search", "--image", __file__), "cannot be read"),
        (("similar", "--item", "no such item"), "no such item"),
        (("search", "--text", "x", "--less-like", "nosuch.mp4"), "neither an item's id nor a file"),
        ((*MANY, "--taste", "0"), "--taste goes into the queries file"),
        ((*MANY, "--no-words"), "--no-words goes into the queries file"),
        ((*MANY, "--html", "page.html"), "--html shows one search"),
    ],
)
def test_bad_questions_get_one_line(workspace: Path, arguments: tuple[str, ...], says: str) -> None:
    done = run(*arguments, "-w", workspace, code=2)
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("recommend", "--user", NOT_UTF8),
        ("explain", "--item", "the-long-pier", f"--user={NOT_UTF8}"),
        ("remove", "--item", NOT_UTF8),
        ("search", "--text", "x", "--where", f"{NOT_UTF8}=1"),
    ],
)
def test_texts_have_to_be_utf_8(workspace: Path, arguments: tuple[str, ...]) -> None:
    says = r"error: what --\w+ is given is not UTF-8: write it in that encoding\n"
    assert re.fullmatch(says, run(*arguments, "-w", workspace, code=2).stderr)


def test_the_name_of_a_file_may_be_in_any_encoding(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / f"{NOT_UTF8}.jpg"
    shutil.copy(SAMPLE / "queries/snow.jpg", path)
    assert "\\udcff.jpg" in run("search", "-w", workspace, "--image", path, "-k", 1).stdout
    page = tmp_path / f"{NOT_UTF8}.html"
    told = json.loads(run("search", "-w", workspace, "--image", path, "--html", page, "--json").stdout)
    assert Path(told["html"]) == page
    assert page.is_file()


def test_missing_workspace_and_unknown_encoder(tmp_path: Path) -> None:
    assert "build" in run("recommend", "-w", tmp_path / "no", "--user", "a", code=2).stderr
    done = run("build", SAMPLE / "items.jsonl", "-w", tmp_path / "ws", "--text-encoder", "./no-such-model", code=2)
    assert "auto" in done.stderr


def test_second_build_encodes_nothing_and_changed_picture_one(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE / "images", tmp_path / "images")
    items = [json.loads(line) | {"video": None} for line in (SAMPLE / "items.jsonl").read_text().splitlines()]
    items = [item for item in items if item["image"]][:20]
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    build = ("build", tmp_path / "items.jsonl", "-w", tmp_path / "ws", "--json")
    assert json.loads(run(*build).stdout)["encoded"]["image"] == 20
    again = json.loads(run(*build).stdout)
    assert again["encoded"] == {"text": 0, "image": 0, "video": 0}
    assert again["reused"]["image"] == 20
    shutil.copy(SAMPLE / "queries/snow.jpg", tmp_path / items[0]["image"])
    assert json.loads(run(*build).stdout)["encoded"]["image"] == 1


def test_broken_rows_are_named_and_good_ones_answer(tmp_path: Path) -> None:
    picture = (SAMPLE / "queries/snow.jpg").read_bytes()
    for name in ("cut.jpg", "copy.jpg"):
        (tmp_path / name).write_bytes(picture[: len(picture) // 3])
    odd = 'a "b" / c\\d 🎬'
    rows = [
        {"id": "cut", "image": "cut.jpg"},
        {"id": "copy", "image": "copy.jpg"},
        {"id": "gone", "image": "gone.jpg", "title": "A film without its poster"},
        {"id": "twice", "title": "first"},
        {"id": "twice", "title": "second"},
        {"id": "empty"},
        {"id": "outside", "title": "Path that leaves", "image": "../../etc/passwd"},
        {"id": odd, "title": "A penguin on ice"},
    ]
    text = "\n".join(json.dumps(row) for row in rows) + "\nthis is no JSON\n"
    (tmp_path / "items.jsonl").write_text(text)
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp,rating\nu,twice,1,5\nu,unheard of,2,4\n")
    done = run(
        "build", tmp_path / "items.jsonl", "--interactions", tmp_path / "log.csv", "-w", tmp_path / "ws", "--json"
    )
    summary = json.loads(done.stdout)
    reasons = [json.loads(line) for line in (tmp_path / "ws/rejected.jsonl").read_text().splitlines()]
    named = {reason["id"] for reason in reasons} | {reason["place"] for reason in reasons}
    assert {"cut", "gone", "twice", "empty", "outside", "unheard of", "items.jsonl line 9"} <= named
    assert any(reason["id"] == "copy" and "copy.jpg: the picture" in reason["reason"] for reason in reasons)
    assert summary["items"] == 4
    assert results("search", "-w", tmp_path / "ws", "--text", "penguin", "-k", 1)[0]["item_id"] == odd
    assert results("recommend", "-w", tmp_path / "ws", "--user", "u", "-k", 5)


@pytest.mark.parametrize(("name", "content"), [("a.jsonl", "\n"), ("a.csv", "id,title\n"), ("folder", None)])
def test_a_catalogue_without_a_row_is_told(tmp_path: Path, name: str, content: str | None) -> None:
    if content is None:
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_text(content)
    done = run("build", tmp_path / name, "-w", tmp_path / "ws", code=2)
    assert done.stderr == "error: the catalogue holds no rows: give one with at least one item\n"


def test_update_and_remove(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "1", "title": "Bread baking"}\n{"id": "2", "title": "Deep sea diving"}\n')
    (tmp_path / "b.jsonl").write_text('{"id": "3", "title": "Volcanoes of Iceland"}\n')
    ws = tmp_path / "ws"
    run("build", tmp_path / "a.jsonl", "-w", ws)
    run("update", tmp_path / "b.jsonl", "-w", ws)
    assert results("search", "-w", ws, "--text", "lava eruption", "-k", 1)[0]["item_id"] == "3"
    assert "no item is left that meets" in run("search", "-w", ws, "--text", "lava", "--where", "title=none").stdout
    run("remove", "-w", ws, "--item", "3")
    assert {hit["item_id"] for hit in results("search", "-w", ws, "--text", "lava eruption")} == {"1", "2"}


def test_help_is_quick() -> None:
    started = time.monotonic()
    assert "recommend" in run("--help").stdout
    modules = subprocess.run(
        [sys.executable, "-c", "import sys, multimodal_rec.cli; print('torch' in sys.modules, 'faiss' in sys.modules)"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert modules.stdout.split() == ["False", "False"]
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("command", ["build", "update"])
def test_without_events_nothing_needs_torch_or_faiss(tmp_path: Path, command: str) -> None:
    items = tmp_path / "items.jsonl"
    items.write_text('{"id": "1", "title": "A quiet harbour"}\n')
    run("build", items, "-w", tmp_path / "ws")  # the encoders' exports are cached by now
    items.write_text('{"id": "1", "title": "A loud harbour"}\n')
    assert not imported(command, items, "-w", tmp_path / "ws", "--quiet", CUDA_VISIBLE_DEVICES="")


def test_one_query_does_not_wait_for_cuda(tmp_path: Path) -> None:
    """Whether there is a device is asked of torch where there is a driver."""
    (tmp_path / "items.jsonl").write_text('{"id": "1", "title": "A quiet harbour"}\n')
    (tmp_path / "queries.jsonl").write_text('{"id": "1", "text": "ships"}\n')
    ws = tmp_path / "ws"
    run("build", tmp_path / "items.jsonl", "-w", ws)
    (tmp_path / "nvidia-smi").touch(0o755)
    driver = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    many = "--queries", tmp_path / "queries.jsonl", "--output", tmp_path / "lists.csv"
    assert "torch" not in imported("search", "-w", ws, "--text", "ships", **driver)
    assert "torch" in imported("search", "-w", ws, *many, **driver)
    assert "torch" in imported("search", "-w", ws, "--text", "ships", **driver, CUDA_VISIBLE_DEVICES="0")


def imported(*arguments: object, **environment: str) -> set[str]:
    """Run a command and say which of torch and faiss were imported."""
    code = """
import sys, multimodal_rec.cli as cli
cli.app(sys.argv[1:], standalone_mode=False)
print("imported:", *{"torch", "faiss"} & set(sys.modules))
"""
    asked = [sys.executable, "-c", code, *map(str, arguments)]
    env = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"} | environment
    done = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, check=True, env=env)
    return set(done.stdout.splitlines()[-1].split()) - {"imported:"}


def test_a_summary_says_where_unknown_interactions_are_written(tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text('{"id": "1", "title": "A cat"}\n')
    (tmp_path / "log.csv").write_text("user_id,item_id\nu,1\nu,2\n")
    build = "build", tmp_path / "items.jsonl", "-w", tmp_path / "ws"
    built = run(*build, "--interactions", tmp_path / "log.csv")
    assert "rejected.jsonl" in built.stdout
    assert "is of use" not in built.stderr
    (tmp_path / "log.csv").write_text("user_id,item_id\nu,1.0\n,1\n")
    assert "no row of the interactions is of use" in run(*build, "--interactions", tmp_path / "log.csv").stderr
    assert "rejected.jsonl" not in run(*build).stdout


def test_a_medium_under_the_wrong_option_and_a_weight_of_nothing_are_told(workspace: Path) -> None:
    picture, clip = SAMPLE / "queries/snow.jpg", next(SAMPLE.rglob("*.webm"))
    search = "search", "-w", workspace
    assert "asked for with --video" in run(*search, "--image", clip, code=2).stderr
    assert "asked for with --image" in run(*search, "--video", picture, code=2).stderr
    told = "error: --weight image weighs nothing: give --image, or leave it out\n"
    assert run(*search, "--text", "sea", "--weight", "image=2", code=2).stderr == told


WARNING = """
import logging
from multimodal_rec import cli, doctor

def examine():
    logging.getLogger("encoders.export").warning("of a model")
    logging.getLogger("multimodal_rec.embed").warning("of an item")
    return []

doctor.examine = examine
cli.main()
"""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["doctor"], ["WARNING encoders.export: of a model"]),
        (["doctor", "--quiet"], []),
        (["-v", "doctor"], ["WARNING encoders.export: of a model", "WARNING multimodal_rec.embed: of an item"]),
    ],
)
def test_what_encoders_warn_of_a_model_is_told(options: list[str], told: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", WARNING, *options], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == told
