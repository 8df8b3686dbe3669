"""The package as a whole: cheap to import, quick to load once exported, alone in what it knows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import encoders


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_importing_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'torchvision', 'transformers', 'onnxruntime', 'cv2', 'PIL', 'multimodal_rec', 'index'}"
    assert run(f"import sys, encoders; print(sorted({heavy} & set(sys.modules)))") == "[]"


def test_exported_encoders_load_and_answer_without_torch(
    text_encoder: encoders.TextEncoder, image_encoder: encoders.ImageEncoder
) -> None:
    code = """
import sys, encoders
from PIL import Image
text, image = encoders.load_text_encoder(), encoders.load_image_encoder()
text.encode(["a cat"]), image.encode([Image.new("RGB", (30, 20))])
print(text.fingerprint, image.fingerprint, len(image.classes.names), *({"torch", "transformers"} & set(sys.modules)))
"""
    assert run(code).split() == [text_encoder.fingerprint, image_encoder.fingerprint, "1000"]


def test_encoders_follow_the_protocols(
    text_encoder: encoders.TextEncoder, image_encoder: encoders.ImageEncoder
) -> None:
    assert isinstance(text_encoder, encoders.TextEncoder)
    assert isinstance(image_encoder, encoders.ImageEncoder)
    assert (text_encoder.reference, text_encoder.dim) == ("auto", 384)
    assert (image_encoder.reference, image_encoder.dim, image_encoder.text_tower) == ("auto", 1280, None)


def test_no_file_knows_items_or_users() -> None:
    for path in Path(encoders.__file__).parent.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "multimodal_rec" not in source, path
        assert not re.search(r"^\s*(from|import) index\b", source, re.MULTILINE), path
