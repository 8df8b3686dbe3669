"""The releases of a workspace through time: list them, go back to one, delete the old."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from multimodal_rec.errors import WorkspaceError
from multimodal_rec.releases import Manifest, Releases, read_manifest
from multimodal_rec.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ReleaseEntry:
    """One release on disk."""

    number: int
    current: bool
    created: str
    """ISO 8601, UTC."""
    counts: dict[str, int]
    """Items, users and interactions."""
    metrics: dict[str, float]
    """What was measured in training."""
    bytes: int
    """Size of all files."""
    damage: str | None = None
    """What is wrong with it, None where all is well."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """Numbers of releases: those deleted, those left, and those among the latter that only a reader keeps there."""

    removed: list[int]
    kept: list[int]
    in_use: list[int]


def list_releases(workspace: Path, *, read_all: bool = False) -> list[ReleaseEntry]:
    """The releases on disk, oldest first, each checked: with `read_all` by reading every file of it.

    Raises:
        WorkspaceError: there is none.
    """
    releases = Releases(workspace / "releases")
    current = releases.current_number()
    return [_entry(releases, number, current, read_all) for number in releases.numbers()]


def rollback(workspace: Path, to: int | None = None) -> Manifest:
    """Make an earlier release the current one, by default the newest whole one before it; return its manifest.

    The next update starts from it. Newer releases stay until then, so `to` also leads forward again.

    Raises:
        WorkspaceError: there is no such release, or it is damaged, or the workspace is busy.
    """
    place = Workspace(workspace)
    releases = place.releases
    releases.current_number()  # there is a workspace at all
    with place.writing(create=True):
        numbers, current = releases.numbers(), releases.current_number()
        if to is not None and to not in numbers:
            listed = ", ".join(map(str, numbers)) or "none"
            raise WorkspaceError(f"{workspace} has no release {to}, only {listed}: see `multimodal-rec releases`")
        damage = ""
        for number in [to] if to is not None else sorted((n for n in numbers if n < current), reverse=True):
            try:
                manifest = read_manifest(releases.folder(number), read_all=True)
            except WorkspaceError as error:
                damage = f" ({error})"
                continue
            releases.point_to(number)
            return manifest
    if to is not None:
        raise WorkspaceError(f"release {to} is damaged{damage}: take another of `multimodal-rec releases`")
    raise WorkspaceError(f"{workspace} has no whole release before {current}{damage}: run `multimodal-rec build` again")


def prune(workspace: Path, keep: int = 1) -> Pruned:
    """Delete all releases but the newest `keep` and the current one. What a reader has open stays until it is closed.

    Raises:
        WorkspaceError: keep is below 1, or the workspace is missing or busy.
    """
    if keep < 1:
        raise WorkspaceError(f"keep is {keep}: the current release has to stay, keep at least 1")
    place = Workspace(workspace)
    with place.writing():
        removed, in_use = place.releases.prune(keep)
        return Pruned(removed, place.releases.numbers(), in_use)


def _entry(releases: Releases, number: int, current: int, read_all: bool) -> ReleaseEntry:
    folder = releases.folder(number)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    try:
        manifest = read_manifest(folder, read_all=read_all)
    except WorkspaceError as error:
        return ReleaseEntry(number, number == current, "", {}, {}, size, str(error))
    return ReleaseEntry(number, number == current, manifest.created, manifest.counts, manifest.metrics, size)
