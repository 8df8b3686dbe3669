"""What the contact sheet shows of an answer: the part that matched."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from multimodal_rec.contact_sheet import hit_card
from multimodal_rec.parts import Part
from multimodal_rec.recommender import Hit

COLORS = ("red", "green", "blue")


@pytest.mark.parametrize(
    ("part", "color"),
    [
        (None, "red"),
        (Part("a", "text", 0, 9), "red"),
        (Part("a", "image", 0.0, 0.0), "red"),
        (Part("a", "image", 1.0, 2.0), "green"),
        (Part("a", "image", 2.0, 3.0), "blue"),
    ],
)
def test_the_frame_of_an_animation_that_matched(tmp_path: Path, part: Part | None, color: str) -> None:
    first, *others = (Image.new("RGB", (32, 32), name) for name in COLORS)
    first.save(tmp_path / "moves.gif", save_all=True, append_images=others, duration=1000)
    hit = Hit(
        rank=1,
        item_id="a",
        score=1.0,
        title="A",
        categories=(),
        image=tmp_path / "moves.gif",
        video=None,
        attributes={},
        matched=part,
    )
    picture = hit_card(hit).picture
    assert picture is not None
    shown = Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2])))
    expected = Image.new("RGB", (1, 1), color).getpixel((0, 0))
    assert isinstance(expected, tuple)
    assert shown.getpixel((16, 16)) == pytest.approx(expected, abs=8)
