"""Changes of items: the next release is the current one, but for them.

What was learned is kept, so the vectors of all other items stay as they are. Those of the changed items take their
places in copies of the indexes, and files that tell nothing of single items are copied unread. Only where a large part
of the catalogue changes, or another index suits its new size, all is assembled anew from the stored vectors. Items that
are as they were do not count, so that a whole catalogue may be given of which little has changed.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from multimodal_rec.alignment import Alignment
from multimodal_rec.catalogue import Problem
from multimodal_rec.content import Content
from multimodal_rec.embed import Encoders, recorded_encoders
from multimodal_rec.errors import CatalogueError, UnknownItem, WorkspaceError
from multimodal_rec.index_choice import new_index
from multimodal_rec.parts import remove_parts
from multimodal_rec.progress import Progress, silent
from multimodal_rec.releases import (
    ALIGNMENT_FILE,
    INDEX_FOLDER,
    ITEMS_FILE,
    PARTS_FOLDER,
    PREFERENCES_FOLDER,
    Manifest,
    load_indexes,
    read_manifest,
    save_indexes,
)
from multimodal_rec.rows import is_cut_off
from multimodal_rec.work import Learned, Summary, Work, encoder_records, part_rows, whole_vectors
from multimodal_rec.workspace import Workspace

MOST_MISSING = 0.5
"""A catalogue that does not name so large a share of the items is hardly whole."""
LARGE_SHARE = 0.25
"""From this share of the items on, all is assembled anew: an approximate index would be trained again in any case."""


def update(
    catalogue: Path,
    workspace: Path,
    *,
    remove_missing: bool = False,
    media_root: Path | None = None,
    threads: int | None = None,
    progress: Progress = silent,
) -> Summary:
    """Add the items of a catalogue to a workspace, replacing those of the same id. What was learned is kept.

    With `remove_missing`, the items that the catalogue does not name go: it then holds just what the catalogue does, as
    after a build. Of a catalogue of which a row cannot be read, such as one that is still being written, no item counts as
    missing. Where all are there just so, no release is published. Raises: as `build`, and CatalogueError where more than
    half of the items would go.
    """
    return change(
        workspace,
        catalogue,
        remove_missing=remove_missing,
        media_root=media_root,
        any_usable=True,
        threads=threads,
        progress=progress,
    )


def remove(ids: Sequence[str], workspace: Path) -> Summary:
    """Take items out of a workspace.

    Raises:
        UnknownItem: one of them is not there; nothing is removed then.
        WorkspaceError: the workspace is missing or busy, or nothing would be left in it.
    """
    return change(workspace, removed=ids)


def change(
    workspace: Path,
    catalogue: Path | None = None,
    *,
    removed: Sequence[str] = (),
    remove_missing: bool = False,
    media_root: Path | None = None,
    any_usable: bool = False,
    encoders: Encoders | None = None,
    threads: int | None = None,
    wait: float = 0,
    progress: Progress = silent,
) -> Summary:
    """Take items out of a workspace, then add or replace those of a catalogue, in one release.

    With `remove_missing` the items that the catalogue does not name are taken out too. `encoders` are used if they are
    those of the current release, and loaded otherwise. Another process that changes the workspace is waited for `wait`
    seconds. Raises as `update` and `remove`; where `any_usable` asks for a usable row of the catalogue, also when there is
    none.
    """
    place = Workspace(workspace)
    with place.writing(wait=wait):
        folder = place.releases.current()
        manifest = read_manifest(folder)
        with Work(place, progress) as work:
            work.start_from(folder, manifest)
            gone = _known(work, removed)
            if catalogue is None and len(gone) == len(work.items):
                raise WorkspaceError("removing every item would leave no index: build another catalogue instead")
            work.summary.removed = work.items.remove(gone)
            if catalogue is None:
                _publish_changes(work, folder, manifest, gone, None)
                return work.summary
            given = encoders
            if encoders is None or encoder_records(encoders) != (manifest.text_encoder, manifest.image_encoder):
                encoders = recorded_encoders(manifest, threads)
            put = work.read_changes(catalogue, media_root)
            if remove_missing:
                missing = _missing(work, put, catalogue)
                work.summary.removed += work.items.remove(missing)
                gone += missing
            unusable = set(work.embed(encoders, put))
            if encoders is not given:
                encoders.release()  # what follows needs the memory
            if any_usable and unusable.issuperset(put):
                work.refuse_catalogue()
            work.items.take_back(folder / ITEMS_FILE, unusable.difference(gone))  # a row of no use replaces nothing
            put = [item_id for item_id in put if item_id not in unusable]
            changed = list(dict.fromkeys([*gone, *work.items.unlike(folder / ITEMS_FILE, put)]))
            if not changed:
                work.conclude(manifest)
            elif _fits(work, manifest, len(changed)):
                _publish_changes(work, folder, manifest, changed, encoders)
            else:
                _publish_anew(work, folder, manifest, encoders)
            return work.summary


def _known(work: Work, ids: Sequence[str]) -> list[str]:
    """The ids, each once; raises UnknownItem where no item has one of them."""
    known = work.items.get(ids)
    for item_id in ids:
        if item_id not in known:
            raise UnknownItem(item_id)
    return list(known)


def _missing(work: Work, put: Sequence[str], catalogue: Path) -> list[str]:
    """The items that the catalogue does not name: those of these ids are its own, and those of rows of no use stay too.

    So do those in folders that could not be read, and all of them where it may name more than could be read.
    """
    named = {*put, *(problem.id for problem in work.problems)}
    missing = [item_id for item_id in work.items.ids() if item_id not in named]
    if catalogue.is_dir():
        missing = [item_id for item_id in missing if named.isdisjoint(map(str, PurePosixPath(item_id).parents))]
    if not (put and missing):
        return []
    unread = sum(problem.id is None for problem in work.problems)
    why = f"rows of it name none ({unread}), and may be theirs" if unread else ""
    if is_cut_off(catalogue):
        why = "its last row does not end in a new line, and may be cut off"
    if why:
        reason = f"items that it does not name are kept ({len(missing)}): {why}"
        work.problems.append(Problem("catalogue", None, reason, kept=True))
        return []
    if len(missing) > MOST_MISSING * len(work.items):
        raise CatalogueError(
            f"{catalogue} does not name {len(missing)} of {len(work.items)} items: is it whole? "
            "Where it is, `multimodal-rec build` takes it as it is"
        )
    return missing


def _publish_anew(work: Work, folder: Path, manifest: Manifest, encoders: Encoders) -> None:
    """Publish the release that follows the one in this folder, with all vectors of its items assembled anew."""
    if not work.all_stored(encoders):  # the store was damaged
        work.embed(encoders)
        work.problems[:] = dict.fromkeys(work.problems)
    encoders.release()  # what follows needs the memory
    alignment, learned = Alignment.load(folder / ALIGNMENT_FILE), Learned.recorded(folder, manifest)
    work.publish(work.pages(encoders, learned.words), alignment, learned, encoders)


def _publish_changes(
    work: Work, folder: Path, manifest: Manifest, changed: list[str], encoders: Encoders | None
) -> None:
    """Publish the release that follows the one in this folder, from which the table differs in these items alone."""
    held = work.items.get(changed)
    present = [item_id for item_id in changed if item_id in held]
    learned: Learned | None = None
    index, parts = load_indexes(folder)
    new_or_gone = [item_id for item_id in changed if (item_id in index) != (item_id in held)]
    index.remove([item_id for item_id in changed if item_id not in held])
    remove_parts(parts, changed)
    if encoders and present:
        alignment, learned = Alignment.load(folder / ALIGNMENT_FILE), Learned.recorded(folder, manifest)
        content = Content.of(work.vectors(encoders, learned.words, present), alignment)
        wholes = whole_vectors(content, learned)
        index.add(content.ids, wholes)
        with work.gathered(parts.dim) as new_parts:
            for rows in part_rows(content, work.parts(encoders, present), wholes, learned):
                new_parts.extend(*rows)
            parts.add(*new_parts.done())
        learned = learned.with_items(content)
    known_by_users = work.events.any_of(new_or_gone)
    counts = work.counts(index.ids) if known_by_users else manifest.counts | {"items": len(index)}
    # What a build would have to read to make just this release is not known any more, so the key of its input is none.
    following = manifest.model_copy(update={"counts": counts, "input_key": ""})
    with work.stage("publish"), work.workspace.releases.publish(following) as draft:
        _copy_files(folder, draft, manifest)
        work.items.snapshot_changes(folder / ITEMS_FILE, draft / ITEMS_FILE, changed)
        save_indexes(draft, index, parts)
        if learned:
            learned.save_items(draft / PREFERENCES_FOLDER)
    work.conclude(read_manifest(work.workspace.releases.current()))


def _fits(work: Work, manifest: Manifest, changed: int) -> bool:
    """Whether the index of a release can take so many vectors, and is what its new size asks for."""
    _, plan = new_index(work.wanted_index, len(work.items), manifest.dim)
    return changed <= LARGE_SHARE * len(work.items) and plan["planned"] == manifest.index.get("planned")


def _copy_files(folder: Path, draft: Path, manifest: Manifest) -> None:
    """Copy the files of a release that do not change with its items: a link would have both share their damages."""
    for name in manifest.files:
        if Path(name).parts[0] not in (ITEMS_FILE, INDEX_FOLDER, PARTS_FOLDER):
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, draft / name)
