"""One self-contained HTML page that shows a query and its answers, for people who would rather look than read."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader
from PIL import Image

from encoders import EncoderError, MediaError, read_frames, read_image, sample_frame
from multimodal_rec.items import Item
from multimodal_rec.recommender import Hit

THUMBNAIL = (360, 360)


@dataclass(frozen=True, slots=True)
class Card:
    """A picture with words under it; `score` and `rank` for answers only."""

    title: str
    note: str
    picture: str | None
    rank: int | None = None
    score: float | None = None


def item_card(item: Item) -> Card:
    """Show an item that the query names."""
    return Card(item.title or item.id, ", ".join(item.categories), thumbnail(item.image, item.video))


def example_card(image: Path | None = None, video: Path | None = None, text: str | None = None) -> Card:
    """Show an example that the query was asked by."""
    name = image or video
    return Card(text or (name.name if name else ""), "asked for", thumbnail(image, video))


def hit_card(hit: Hit) -> Card:
    """Show an answer."""
    note = ", ".join(hit.categories)
    shot = hit.matched if hit.matched and hit.matched.modality == "video" else None
    if shot:
        note = f"{note} · at {shot.at}" if note else f"at {shot.at}"
    if hit.contributions:
        gave = ", ".join(f"{name.replace('_', ' ')} {part:.2f}" for name, part in hit.contributions.items())
        note = f"{note} · {gave}" if note else gave
    if hit.matched and hit.matched.modality != "text":
        span = hit.matched.start, hit.matched.end
        picture = thumbnail(None, hit.video, span) if shot else thumbnail(hit.image, None, span)
    else:
        picture = thumbnail(hit.image, hit.video)
    return Card(hit.title or hit.item_id, note, picture, hit.rank, hit.score)


def write_contact_sheet(
    path: Path, heading: str, query_heading: str, query: Sequence[Card], hits: Sequence[Hit]
) -> None:
    """Write the page; pictures that cannot be read are shown as missing."""
    pages = Environment(loader=PackageLoader("multimodal_rec", "."), autoescape=True, trim_blocks=True)
    page = pages.get_template("contact_sheet.html.j2").render(
        heading=heading, query_heading=query_heading, query=query, answers=[hit_card(hit) for hit in hits]
    )
    path.write_text(page, encoding="utf-8", errors="replace")  # names of files may be in any encoding


def thumbnail(image: Path | None, video: Path | None, shot: tuple[float, float] | None = None) -> str | None:
    """A small JPEG of a picture, or of a frame of a clip, as a data address; of one shot or frame of an animation, start and
    end in seconds.
    """
    try:
        if image is not None:
            picture: Image.Image = _frame(image, shot[0]) if shot else read_image(image)
        elif video is not None:
            picture = sample_frame(video, shot)
        else:
            return None
    except (MediaError, EncoderError, OSError):
        return None
    picture.thumbnail(THUMBNAIL)
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _frame(image: Path, seconds: float) -> Image.Image:
    """The frame of an animated picture that starts at about this time; a picture that does not move itself."""
    frames, spans = read_frames(image)
    starts = [abs(start - seconds) for start, _ in spans] or [0.0]
    return frames[starts.index(min(starts))]
