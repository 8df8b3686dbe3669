"""The command line: a thin shell over `build`, `Recommender` and `doctor`.

Standard output carries answers only; progress and logs go to standard error. Heavy modules are imported by the
commands that need them, so that `--help` answers at once.
"""

from __future__ import annotations

import atexit
import gc
import json
import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from multimodal_rec.contact_sheet import Card
    from multimodal_rec.progress import Progress
    from multimodal_rec.recommender import Hit, Recommender
    from multimodal_rec.work import Summary

app = typer.Typer(
    help="Recommend and search films, products, clips, news: whatever your catalogue holds.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

TEXTS = ("--user", "--item", "--text", "--where")
"""Options whose values are no names of files."""

Workspace = Annotated[Path, typer.Option("--workspace", "-w", help="Folder of the index.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def _hush(quiet: bool) -> bool:
    """Keep what encoders warn of to themselves, too."""
    if quiet:
        logging.getLogger("encoders").setLevel(logging.ERROR)
    return quiet


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes.", callback=_hush)]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads at the most [default: physical cores, up to 8]")]
Seed = Annotated[
    int, typer.Option(help="Of everything random. Results repeat with as many threads: the rounding depends on these.")
]
Count = Annotated[int, typer.Option("-k", help="How many items.")]
Conditions = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION",
        help="Only items that meet this, such as 'price<=20', 'language=en,fr', 'genre!=Horror', "
        "'published_at>=2024-05-01', 'published_at>now-7d', available-now, 'not price<5'; repeat for more.",
        show_default=False,
    ),
]
Exclude = Annotated[Path | None, typer.Option(metavar="IDS.txt", help="Items to leave out.", show_default=False)]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also write a page with the pictures.")]
MediaRoot = Annotated[
    Path | None, typer.Option(help="Folder of the media, if not the catalogue's.", show_default=False)
]
Catalogue = Annotated[Path, typer.Argument(help="A .jsonl, .csv or .parquet file, or a folder of media.")]


@app.command("build")
def build_command(
    catalogue: Catalogue,
    workspace: Workspace,
    interactions: Annotated[Path | None, typer.Option(help="Table of user_id,item_id,timestamp,rating.")] = None,
    text_encoder: Annotated[str, typer.Option(metavar="REF", help="auto, or a Hugging Face name or folder.")] = "auto",
    image_encoder: Annotated[
        str, typer.Option(metavar="REF", help="auto, torchvision:NAME[:FILE.pth], or a Hugging Face name or folder.")
    ] = "auto",
    media_root: MediaRoot = None,
    index: Annotated[str, typer.Option(metavar="KIND", help="auto, flat, pq, hnsw or ivf.")] = "auto",
    seed: Seed = 0,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Build an index from a catalogue, and learn from interactions."""
    from encoders.memory import share_freed_memory
    from multimodal_rec.build import build

    share_freed_memory()
    with _progress(quiet) as progress:
        summary = build(
            catalogue,
            workspace,
            interactions=interactions,
            text_encoder=text_encoder,
            image_encoder=image_encoder,
            media_root=media_root,
            index=index,
            seed=seed,
            threads=threads,
            progress=progress,
        )
    _print_summary(summary, workspace, as_json)


@app.command("update")
def update_command(
    catalogue: Catalogue,
    workspace: Workspace,
    remove_missing: Annotated[
        bool, typer.Option("--remove-missing", help="Remove the items that the catalogue does not name.")
    ] = False,
    media_root: MediaRoot = None,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Add the items of a catalogue to an index, or replace those of the same id; what was learned is kept."""
    from encoders.memory import share_freed_memory
    from multimodal_rec.changes import update

    share_freed_memory()
    with _progress(quiet) as progress:
        summary = update(
            catalogue,
            workspace,
            remove_missing=remove_missing,
            media_root=media_root,
            threads=threads,
            progress=progress,
        )
    _print_summary(summary, workspace, as_json)


@app.command("retrain")
def retrain_command(
    workspace: Workspace, threads: Threads = None, as_json: AsJson = False, quiet: Quiet = False
) -> None:
    """Learn again from all events, live ones too; publish the model unless it validates worse."""
    from multimodal_rec.retrain import retrain

    with _progress(quiet) as progress:
        result = retrain(workspace, threads=threads, progress=progress)
    if as_json:
        _print_json(result.as_json())
    else:
        _print(f"{result.reason}: release {result.release} ({'new' if result.published else 'as it was'})")
        _print(f"validation ndcg@20: {result.before} before, {result.after} after")


@app.command("remove")
def remove_command(
    workspace: Workspace,
    item: Annotated[list[str], typer.Option("--item", help="Id of an item; repeat for more.", show_default=False)],
    as_json: AsJson = False,
    quiet: Quiet = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Take items out of an index."""
    from multimodal_rec.changes import remove

    _print_summary(remove(item, workspace), workspace, as_json)


@app.command("releases")
def releases_command(
    workspace: Workspace,
    verify: Annotated[bool, typer.Option("--verify", help="Read every file, even those found good before.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,  # noqa: ARG001 - every command takes it
) -> None:
    """List the releases of an index, oldest first, and what is wrong with any."""
    from multimodal_rec.lifecycle import list_releases

    entries = list_releases(workspace, read_all=verify)
    if as_json:
        _print_json({"releases": [asdict(entry) for entry in entries]})
    for entry in [] if as_json else entries:
        state = entry.damage or f"{entry.created}  {_counts(entry.counts)}"
        _print(f"{'*' if entry.current else ' '} {entry.number:4}  {entry.bytes / 1e6:9.1f} MB  {state}")
    if any(entry.damage for entry in entries):
        raise typer.Exit(1)


@app.command("rollback")
def rollback_command(
    workspace: Workspace,
    to: Annotated[
        int | None, typer.Option(metavar="N", help="Release to return to [default: the whole one before]")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Make an earlier release the current one again; the newer ones stay until they are pruned."""
    from multimodal_rec.lifecycle import rollback

    manifest = rollback(workspace, to)
    if as_json:
        _print_json({"release": manifest.number, "created": manifest.created, "counts": manifest.counts})
    else:
        _print(f"release {manifest.number} of {manifest.created} is current: {_counts(manifest.counts)}")


@app.command("prune")
def prune_command(
    workspace: Workspace,
    keep: Annotated[
        int, typer.Option(metavar="N", help="How many of the newest stay; the current one does in any case.")
    ] = 1,
    as_json: AsJson = False,
    quiet: Quiet = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Delete old releases. One that a reader has open stays until it is closed."""
    from multimodal_rec.lifecycle import prune

    pruned = prune(workspace, keep)
    if as_json:
        _print_json(asdict(pruned))
        return
    for name, numbers in asdict(pruned).items():
        _print(f"{name.replace('_', ' '):8} {', '.join(map(str, numbers)) or 'none'}")


@app.command("recommend")
def recommend_command(
    workspace: Workspace,
    user: Annotated[str | None, typer.Option(help="Id of a user.", show_default=False)] = None,
    history: Annotated[
        Path | None, typer.Option(help="Interactions of users who need not be known.", show_default=False)
    ] = None,
    users: Annotated[
        str | None, typer.Option(metavar="all|IDS.txt", help="Many users, to --output.", show_default=False)
    ] = None,
    output: Annotated[Path | None, typer.Option(help="CSV file for the lists of --users.", show_default=False)] = None,
    candidates: Annotated[
        Path | None, typer.Option(help="File of item ids to choose from.", show_default=False)
    ] = None,
    diversity: Annotated[
        float, typer.Option(min=0, max=1, help="How much unlikeness to the items above counts beside the score.")
    ] = 0.0,
    new_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the places for items without any event.")
    ] = 0.0,
    unique: Annotated[bool, typer.Option("--unique", help="Of nearly identical items only the best.")] = False,
    per_category: Annotated[
        int | None, typer.Option(min=1, help="Places at the most for one category.", show_default=False)
    ] = None,
    include_seen: Annotated[bool, typer.Option("--include-seen", help="Also items of the user's history.")] = False,
    where: Conditions = None,
    exclude: Exclude = None,
    k: Count = 10,
    html: Html = None,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Recommend items to a user, to someone new with a history, or to many users at once."""
    from multimodal_rec.batch import read_histories, read_ids, user_of, write_lists
    from multimodal_rec.contact_sheet import item_card
    from multimodal_rec.errors import QueryError
    from multimodal_rec.recommender import NOTHING_KNOWN, check_k
    from multimodal_rec.slate import Slate

    check_k(k)
    if users is not None and (output is None or user is not None):
        raise QueryError("--users needs --output FILE, and no --user")
    if users is None and output is not None:
        raise QueryError("--output goes with --users all or --users IDS.txt")
    with _open(workspace, threads) as recommender:
        limits: Any = {
            "where": where,
            "exclude": read_ids(exclude) if exclude else (),
            "candidates": None if candidates is None else read_ids(candidates),
            "include_seen": include_seen,
            "slate": Slate(diversity, new_share, unique, per_category),
        }
        given, skipped = read_histories(history) if history is not None else (None, [])
        if users is not None and output is not None:
            known = list(given) if given is not None else recommender.users()
            wanted = known if users == "all" else read_ids(Path(users))
            present = set(known)
            skipped += [(name, "no interaction of this user is known") for name in wanted if name not in present]
            wanted = [name for name in wanted if name in present]
            if given is not None:
                lost = {name for name in wanted if not any(event.item_id in recommender for event in given[name])}
                skipped += [(name, NOTHING_KNOWN) for name in wanted if name in lost]
                wanted = [name for name in wanted if name not in lost]
            with _progress(quiet) as progress:
                lists = recommender.recommend_all(
                    ((name, given[name] if given is not None else recommender.history(name)) for name in wanted),
                    k=k,
                    **limits,
                )
                count = write_lists(output, "user_id", _counted(lists, "recommending", len(wanted), progress))
            _print_batch("users", count, skipped, output, as_json)
            return
        if given is not None:
            user, events = user_of(given, user)
            hits = recommender.recommend(history=events, k=k, **limits)
        elif user is None:
            raise QueryError("name a --user, a --history, or --users all with --output")
        else:
            events = recommender.history(user)
            hits = recommender.recommend(user, k=k, **limits)
        query: list[Card] = []
        if html:
            ids = list(dict.fromkeys(event.item_id for event in reversed(events) if event.item_id in recommender))
            query = [item_card(item) for item in recommender.items(ids[:12]).values()]
        _print_hits(hits, as_json, html, f"For {user}", "Their newest", query)


@app.command("search")
def search_command(
    workspace: Workspace,
    text: Annotated[
        list[str] | None, typer.Option(help="Words to look for; repeat for more.", show_default=False)
    ] = None,
    image: Annotated[
        list[Path] | None, typer.Option(help="A picture to find the like of; repeat for more.", show_default=False)
    ] = None,
    video: Annotated[
        list[Path] | None, typer.Option(help="A clip to find the like of; repeat for more.", show_default=False)
    ] = None,
    item: Annotated[
        list[str] | None, typer.Option(help="Id of an item to find the like of; repeat for more.", show_default=False)
    ] = None,
    less_like: Annotated[
        list[str] | None,
        typer.Option(metavar="ID|FILE|TEXT", help="What to keep away from; repeat for more.", show_default=False),
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART=NUMBER",
            help="How much text, image, video, item (1 each) or less_like (.5) counts, such as 'text=2'; repeat.",
            show_default=False,
        ),
    ] = None,
    user: Annotated[str | None, typer.Option(help="Lean to this user's taste.", show_default=False)] = None,
    taste: Annotated[
        float | None, typer.Option(help="How much the user's taste counts, 0 to 1 [default: 0.5]", show_default=False)
    ] = None,
    unique: Annotated[bool, typer.Option("--unique", help="Of nearly identical items only the best.")] = False,
    words: Annotated[bool, typer.Option(help="Find rare words by the letter too.")] = True,
    queries: Annotated[
        Path | None,
        typer.Option(
            help="JSONL of id, text, image, video, item, …, as the options; many at once, to --output.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="CSV file for the answers to --queries.", show_default=False)
    ] = None,
    where: Conditions = None,
    exclude: Exclude = None,
    k: Count = 10,
    html: Html = None,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find items by words, by an example picture or clip, or by any mix of them."""
    from encoders.threads import prefer_cpu
    from multimodal_rec.batch import Skipped, answer_queries, limited, read_ids, read_queries, write_lists
    from multimodal_rec.contact_sheet import example_card, item_card
    from multimodal_rec.errors import QueryError
    from multimodal_rec.query import TASTE, read_weight
    from multimodal_rec.recommender import check_k

    check_k(k)
    if (queries is None) != (output is None):
        raise QueryError("--queries and --output go together")
    if queries is not None:
        of_one = {
            "--text": text,
            "--image": image,
            "--video": video,
            "--item": item,
            "--user": user is not None,
            "--taste": taste is not None,
            "--weight": weight,
            "--less-like": less_like,
            "--unique": unique,
            "--no-words": not words,
        }
        for name, given in of_one.items():
            if given:
                raise QueryError(f"{name} goes into the queries file, with each query: leave it out")
        if html:
            raise QueryError("--html shows one search: leave it out where there is a file of --queries")
    weights = dict(map(read_weight, weight or []))
    parts = {"text": text, "image": image, "video": video, "item": item, "less_like": less_like}
    for name in weights:
        if name in parts and not parts[name]:
            raise QueryError(f"--weight {name} weighs nothing: give --{name.replace('_', '-')}, or leave it out")
    left_out = read_ids(exclude) if exclude else []
    if queries is None:
        prefer_cpu()
    with _open(workspace, threads) as recommender:
        if queries is not None and output is not None:
            recommender.select(where or [])  # what is wrong with it is wrong for all
            skipped: list[Skipped] = []
            with _progress(quiet) as progress:
                asked = limited(read_queries(queries), where or [], left_out)
                found = answer_queries(recommender, asked, k, skipped)
                count = write_lists(output, "query_id", _counted(found, "searching", 0, progress))
            _print_batch("queries", count, skipped, output, as_json)
            return
        hits = recommender.search(
            text,
            image=image,
            video=video,
            user=user,
            taste=TASTE if taste is None else taste,
            k=k,
            where=where,
            exclude=left_out,
            item=item,
            less_like=[Path(each) if Path(each).is_file() else each for each in less_like or []],
            weights=weights,
            words=words,
            unique=unique,
        )
        shown = [*(text or []), *(path.name for path in [*(image or []), *(video or [])]), *(item or [])]
        query: list[Card] = []
        if html:
            query = [example_card(path) for path in image or []] + [example_card(None, path) for path in video or []]
            query += [item_card(each) for each in recommender.items(item or []).values()]
        heading = f"Search: {' '.join(shown)}" if shown else f"For {user}"
        _print_hits(hits, as_json, html, heading, "Like this", query)


@app.command("similar")
def similar_command(
    workspace: Workspace,
    item: Annotated[str, typer.Option(help="Id of an item.", show_default=False)],
    where: Conditions = None,
    exclude: Exclude = None,
    k: Count = 10,
    html: Html = None,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Find the items most like one of the catalogue."""
    from multimodal_rec.batch import read_ids
    from multimodal_rec.contact_sheet import item_card

    with _open(workspace, threads) as recommender:
        hits = recommender.similar(item, k=k, where=where, exclude=read_ids(exclude) if exclude else ())
        example = recommender.item(item)
        query = [item_card(example)] if html else []
        _print_hits(hits, as_json, html, f"Like {example.title or item}", "Like this", query)


@app.command("explain")
def explain_command(
    workspace: Workspace,
    user: Annotated[str, typer.Option(help="Id of a user.", show_default=False)],
    item: Annotated[str, typer.Option(help="Id of an item.", show_default=False)],
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Say why an item is recommended to a user: what gives its score, and what it is like in their history."""
    with _open(workspace, threads) as recommender:
        reasons = recommender.reasons(item, user)
        named = recommender.items([item, *(item_id for item_id, _ in reasons.nearest)])
    score = sum(reasons.contributions.values())
    if as_json:
        nearest = [
            {"item_id": item_id, "title": named[item_id].title, "likeness": likeness}
            for item_id, likeness in reasons.nearest
        ]
        _print_json({"score": score, "contributions": reasons.contributions, "nearest": nearest})
        return
    _print(f"{named[item].title or item}, for {user}: {score:.3f}")
    for name, part in reasons.contributions.items():
        _print(f"{part:8.3f}  {name}")
    _print("Most like it in their history")
    for item_id, likeness in reasons.nearest:
        _print(f"{likeness:8.3f}  {named[item_id].title or '(no title)'}  [{item_id}]")


@app.command("predict")
def predict_command(
    workspace: Workspace,
    user: Annotated[str | None, typer.Option(help="Id of a user.", show_default=False)] = None,
    item: Annotated[list[str] | None, typer.Option(help="Id of an item; repeat for more.", show_default=False)] = None,
    history: Annotated[
        Path | None, typer.Option(help="Interactions of users who need not be known.", show_default=False)
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="Table of user_id,item_id; many at once, to --output.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="CSV file for user_id,item_id,rating of --pairs.", show_default=False)
    ] = None,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Predict the ratings that a user would give items; the interactions must have ratings."""
    from multimodal_rec.batch import read_histories, user_of
    from multimodal_rec.errors import QueryError
    from multimodal_rec.rating_pairs import predict_pairs

    if (pairs is None) != (output is None):
        raise QueryError("--pairs and --output go together")
    if (pairs is None) == (user is None and not item):
        raise QueryError("name a --user and an --item, or --pairs with --output")
    given, skipped = read_histories(history) if history is not None else (None, [])
    with _open(workspace, threads) as recommender:
        if pairs is not None and output is not None:
            count, more = predict_pairs(recommender, pairs, output, given)
            _print_batch("pairs", count, skipped + more, output, as_json)
            return
        if given is not None and item:
            user, events = user_of(given, user)
            ratings = recommender.predict(items=item, history=events)
        elif user is None or not item:
            raise QueryError("--user and --item go together")
        else:
            ratings = recommender.predict(user, item)
        titles = {item_id: each.title for item_id, each in recommender.items(item).items()}
    if as_json:
        rows = [{"item_id": name, "rating": round(value, 4), "title": titles[name]} for name, value in ratings.items()]
        _print_json({"user_id": user, "results": rows})
        return
    for name, value in ratings.items():
        _print(f"{value:6.2f}  {titles[name] or '(no title)'}  [{name}]")


@app.command("serve")
def serve_command(
    workspace: Workspace,
    host: Annotated[str, typer.Option(help="Address to listen on; all but loopback needs API keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    api_keys: Annotated[
        Path | None,
        typer.Option(help="File of read:KEY, write:KEY, admin:KEY [default: $MULTIMODAL_REC_API_KEYS]"),
    ] = None,
    rate_limit: Annotated[
        float | None, typer.Option(min=0.1, help="Requests a second of one client [default: 50, none on loopback]")
    ] = None,
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="Name that it may be asked under; repeat for more.", show_default=False)
    ] = None,
    max_upload_mb: Annotated[int, typer.Option(min=1, help="Size of an upload.")] = 64,
    retrain_hours: Annotated[
        float | None, typer.Option(min=0.01, help="Learn again from new events, every so many hours.")
    ] = None,
    threads: Threads = None,
    as_json: AsJson = False,  # noqa: ARG001 - its log is JSON in any case
    quiet: Quiet = False,
) -> None:
    """Serve recommendations and search over HTTP, with a page to look at them."""
    from multimodal_rec.errors import QueryError

    try:
        from multimodal_rec.service.app import serve
        from multimodal_rec.service.settings import Settings, check_safe, is_loopback, read_keys
    except ModuleNotFoundError as error:
        raise QueryError(f"{error.name} is not installed: pip install 'multimodal-rec[serve]'") from error

    settings = Settings(
        workspace=workspace,
        host=host,
        port=port,
        keys=read_keys(api_keys),
        requests_per_second=rate_limit or (None if is_loopback(host) else 50.0),
        allowed_hosts=tuple(allowed_host or ()),
        most_upload_bytes=max_upload_mb << 20,
        retrain_hours=retrain_hours,
        threads=threads,
    )
    check_safe(settings)
    if not quiet:
        print(f"http://{host}:{port}/ui", file=sys.stderr)  # noqa: T201
    serve(settings, quiet=quiet)


@app.command("evaluate")
def evaluate_command(
    catalogue: Catalogue,
    interactions: Annotated[Path, typer.Option(help="Table of user_id,item_id,timestamp,rating.", show_default=False)],
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="Reuse the vectors of this index.", show_default=False)
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            help="temporal, random, cold-item, cold-in-all, new-user, or all; repeat for more.", show_default="temporal"
        ),
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="Your own test rows; --interactions are the training then.", show_default=False)
    ] = None,
    history: Annotated[
        Path | None, typer.Option(help="With --test: what is known of its users.", show_default=False)
    ] = None,
    candidates: Annotated[
        Path | None, typer.Option(help="With --test: file of the item ids to rank.", show_default=False)
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Draw and train so many times.")] = 1,
    k: Annotated[list[int] | None, typer.Option("-k", min=1, help="Length of lists.", show_default="10 20")] = None,
    peers: Annotated[bool, typer.Option("--peers/--no-peers", help="Also popularity, ItemKNN, EASE, ALS …")] = True,
    ablation: Annotated[bool, typer.Option("--ablation", help="Also without each modality and each block.")] = False,
    report: Annotated[Path | None, typer.Option(help="HTML page to write.", show_default=False)] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for all rows and lists, as CSV.", show_default=False)
    ] = None,
    text_encoder: Annotated[
        str | None, typer.Option(metavar="REF", help="As for build.", show_default="the workspace's, or auto")
    ] = None,
    image_encoder: Annotated[
        str | None, typer.Option(metavar="REF", help="As for build.", show_default="the workspace's, or auto")
    ] = None,
    media_root: MediaRoot = None,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure the recommendations on held-out interactions, beside well-known models. Changes no index."""
    from multimodal_rec.errors import QueryError
    from multimodal_rec.evaluation.evaluate import Given, evaluate
    from multimodal_rec.evaluation.report import write_report
    from multimodal_rec.evaluation.splits import SPLITS
    from multimodal_rec.evaluation.table import lines_of

    names = list(dict.fromkeys(split or ["temporal"]))
    if test is None and (history or candidates):
        raise QueryError("--history and --candidates go with --test")
    if test is not None and split:
        raise QueryError("--test is a split of your own: leave --split out")
    if unknown := set(names) - {*SPLITS, "all"}:
        raise QueryError(f"no split is called {min(unknown)!r}: take {', '.join(SPLITS)}, or all")
    with _progress(quiet) as progress:
        evaluation = evaluate(
            catalogue,
            interactions,
            workspace=workspace,
            splits=SPLITS if "all" in names else names,
            given=Given(test, history, candidates) if test else None,
            ks=k or (10, 20),
            seeds=seeds,
            peers=peers,
            ablation=ablation,
            output=output,
            text_encoder=text_encoder,
            image_encoder=image_encoder,
            media_root=media_root,
            threads=threads,
            progress=progress,
        )
    if report:
        write_report(report, evaluation, f"Evaluation of {catalogue.name}")
    if as_json:
        _print_json(evaluation.as_json() | {"report": report and str(report)})
        return
    for line in lines_of(evaluation):
        _print(line)
    if report:
        _print(f"with charts: {report}")


@app.command("tune")
def tune_command(
    workspace: Workspace,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Settings to try now [default: 20, if no --minutes]", show_default=False)
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Time to try settings in; the first trial is ended anyway.", show_default=False)
    ] = None,
    seed: Seed = 0,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Search the settings that learn best from an index's interactions; build and retrain use them from then on.

    Each trial learns from the older events of all users, and is judged by how well it finds the newest. Rows that you
    keep to test on must not be in the index. The same command again searches on.
    """
    from multimodal_rec.tune import Progressed, tune

    def note(trial: Progressed) -> None:
        if not quiet:
            values = f"{_figure(trial.value)}, best {_figure(trial.best)}"
            print(f"trial {trial.number}: {values}, {trial.seconds:.0f} s", file=sys.stderr)  # noqa: T201

    with _progress(quiet) as progress:
        result = tune(
            workspace, trials=trials, minutes=minutes, seed=seed, threads=threads, note=note, progress=progress
        )
    if as_json:
        _print_json(result.as_json())
        return
    _print(f"trials        {result.trials}, {result.new} of them now, judged by {result.users} users")
    _print(f"{result.measure:13} {_figure(result.best)}, by default {_figure(result.default)}")
    settings = ", ".join(_short(*setting) for setting in result.settings.items())
    _print(f"settings      {settings or 'the defaults: nothing was better'}")
    if settings:
        _print("the next build or retrain learns with them")


@app.command("doctor")
def doctor_command(as_json: AsJson = False, quiet: Quiet = False) -> None:  # noqa: ARG001
    """Look over the installation and say how to mend what is wrong."""
    from multimodal_rec.doctor import examine

    findings = examine()
    well = all(finding.ok for finding in findings)
    if as_json:
        _print_json({"ok": well, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            _print(f"{'ok ' if finding.ok else 'BAD'}  {finding.name:22} {finding.value}")
            if not finding.ok:
                _print(f"     {'':22} -> {finding.remedy}")
    if not well:
        raise typer.Exit(1)


@app.callback()
def _callback(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is done to standard error.")] = False,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if show_version:
        from importlib.metadata import version

        _print(version("multimodal-rec"))
        raise typer.Exit
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    if not verbose:
        logging.getLogger("encoders").setLevel(logging.WARNING)  # they warn of a model, not of items
    for noisy in ("faiss", "PIL", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def main() -> None:
    """Run the command line: exit code 0, or 2 and one line that says what to do."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads yield: contended cores are many times faster
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    # Modules stay: to look for garbage among them, at the start and again at the end, took a third of a short command.
    gc.set_threshold(50_000, 20, 100)
    atexit.register(gc.freeze)
    if isinstance(sys.stdout, TextIOWrapper):  # names of files may be in any encoding; JSON has them so, too
        sys.stdout.reconfigure(errors="backslashreplace")
    _check_texts(sys.argv[1:])
    # Typer carries Click inside from 0.20 on: its public BadParameter leads to the base classes wherever they live
    _, usage_error, click_exception, *_ = typer.BadParameter.__mro__

    try:
        status = app(standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if isinstance(error, click_exception):
            wrong: Any = error
            where = wrong.ctx.command_path if isinstance(error, usage_error) and wrong.ctx else ""
            _fail(wrong.format_message() + (f" (see `{where} --help`)" if where else ""))
        if not _is_ours(error):
            raise
        _fail(str(error) or type(error).__name__)
    sys.exit(status if isinstance(status, int) else 0)


def _check_texts(arguments: Sequence[str]) -> None:
    """Refuse a text that is not UTF-8: SQLite keeps no such id. Names of files may be in any encoding."""
    for before, argument in pairwise(["", *arguments]):
        for option in (before, argument.partition("=")[0]):
            if option in TEXTS and any("\ud800" <= letter <= "\udfff" for letter in argument):
                _fail(f"what {option} is given is not UTF-8: write it in that encoding")


def _is_ours(error: Exception) -> bool:
    from encoders import EncoderError, MediaError
    from multimodal_rec.errors import RecommenderError

    return isinstance(error, RecommenderError | EncoderError | MediaError | sqlite3.DatabaseError)


def _fail(message: str) -> None:
    line = " ".join(message.split())
    print(f"error: {line}", file=sys.stderr)  # noqa: T201
    sys.exit(2)


def _open(workspace: Path, threads: int | None) -> Recommender:
    from multimodal_rec.recommender import Recommender

    return Recommender.open(workspace, threads=threads)


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress]:
    """A progress bar on standard error, where that is a terminal."""
    from multimodal_rec.progress import silent

    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total or None)
            bars.update(tasks[stage], completed=done, total=total or None)

        yield report


def _counted(lists: Iterator[tuple[str, list[Hit]]], stage: str, total: int, progress: Progress) -> Iterator[Any]:
    for number, entry in enumerate(lists, start=1):
        progress(stage, number, total)
        yield entry


def _print(line: str) -> None:
    print(line)  # noqa: T201


def _print_json(value: object) -> None:
    _print(json.dumps(value, ensure_ascii=False, default=str))


def _print_summary(summary: Summary, workspace: Path, as_json: bool) -> None:
    unused = [summary.interactions.get(name, 0) for name in ("rejected", "unknown_items")]
    rejected = workspace / "rejected.jsonl"
    if any(unused) and sum(unused) == summary.interactions["rows"]:
        print(f"no row of the interactions is of use: {rejected} says why", file=sys.stderr)  # noqa: T201
    if as_json:
        _print_json(asdict(summary))
        return
    lines: list[tuple[str, Callable[[], str]]] = [
        ("items", lambda: f"{summary.items} ({summary.rejected} rejected, {summary.warnings} warnings)"),
        ("removed", lambda: f"{summary.removed}"),
        ("encoded", lambda: _counts(summary.encoded) or "nothing"),
        ("reused", lambda: _counts(summary.reused) or "nothing"),
        ("interactions", lambda: _counts(summary.interactions | {"users": summary.users}) or "none"),
        ("learned", lambda: ", ".join(f"{name} {value:g}" for name, value in summary.metrics.items()) or "nothing"),
        ("settings", lambda: ", ".join(_short(*setting) for setting in summary.settings.items())),
        ("seconds", lambda: ", ".join(f"{name} {value:.1f}" for name, value in summary.seconds.items())),
    ]
    told = {"removed": summary.removed, "settings": summary.settings}  # only where there are any
    for name, value in lines:
        if told.get(name, True):
            _print(f"{name:13} {value()}")
    if summary.rejected or summary.warnings or any(unused):
        _print(f"what was left out and why: {rejected}")


def _short(setting: str, value: float) -> str:
    return f"{setting.rpartition('.')[2]} {value:.4g}"


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items() if count)


def _print_batch(what: str, count: int, skipped: list[tuple[str, str]], output: Path, as_json: bool) -> None:
    for name, reason in skipped[:20]:
        print(f"skipped {name}: {reason}", file=sys.stderr)  # noqa: T201
    if as_json:
        rows = [{"id": name, "reason": reason} for name, reason in skipped]
        _print_json({what: count, "skipped": rows, "output": str(output)})
    else:
        _print(f"{count} {what} answered, {len(skipped)} skipped: {output}")


def _print_hits(
    hits: Sequence[Hit], as_json: bool, html: Path | None, heading: str, query_heading: str, query: Sequence[Card]
) -> None:
    if html:
        from multimodal_rec.contact_sheet import write_contact_sheet
        from multimodal_rec.errors import QueryError

        try:
            write_contact_sheet(html, heading, query_heading, query, hits)
        except OSError as error:
            raise QueryError(f"{html}: cannot be written ({error.strerror})") from error
    if as_json:
        _print_json({"results": [hit.as_json() for hit in hits], **({"html": str(html)} if html else {})})
        return
    _print(heading)
    if not hits:
        _print("no item is left that meets all conditions")
    for hit in hits:
        _print(
            f"{hit.rank:3}  {hit.score:6.3f}  {hit.title or '(no title)'}  [{hit.item_id}]  {', '.join(hit.categories)}"
            + (f"  at {hit.matched.at}" if hit.matched and hit.matched.modality == "video" else "")
        )
    if html:
        _print(f"with pictures: {html}")


if __name__ == "__main__":
    main()
