"""Names of files that say something, and such as cameras and programs give."""

from __future__ import annotations

import pytest

from multimodal_rec.file_names import title_of


@pytest.mark.parametrize(
    ("stem", "title"),
    [
        ("the_old-lighthouse", "the old lighthouse"),
        ("IMG_1234 beach", "IMG 1234 beach"),
        ("ironman2", "ironman2"),
        ("sea", "sea"),
        ("café", "café"),
        ("海", "海"),
        ("закат-01", "закат 01"),
        ("decade", "decade"),
    ],
)
def test_names_of_words(stem: str, title: str) -> None:
    assert title_of(stem) == title


@pytest.mark.parametrize(
    "stem",
    [
        "IMG_4000",
        "DSC01234",
        "0017",
        "cc0",
        "20260401_101500",
        "2026-04-01 10.15.00",
        "a3f9be120c4d77e1",
        "PXL_20260401~2",
        "3f2b8c1e-face-4beb-9d0a-0f1e2d3c4b5a",
        "dQw4w9WgXcQ",
        "WhatsApp Image 2026-04-01 at 10.15.00",
        "Screenshot (12)",
        "VID-20260401-WA0003",
        "photo1",
        "_",
        "deadbeef01",
        "GX010057",
        "untitled",
    ],
)
def test_names_that_say_nothing(stem: str) -> None:
    assert title_of(stem) is None
