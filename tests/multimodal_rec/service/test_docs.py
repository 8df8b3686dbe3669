"""The guide names every operation that the service has, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from multimodal_rec.service.app import ROUTERS

GUIDE = Path(__file__).parents[3] / "docs" / "serving.md"


def test_the_guide_lists_all_operations() -> None:
    written = re.findall(r"^\| `([A-Z]+ /\S*)` \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    described = {
        f"{method} {route.path.replace(':path', '')}"
        for router in ROUTERS
        for route in router.routes
        if route.include_in_schema
        for method in route.methods
    }
    assert len(described) >= 20
    assert sorted(written) == sorted(described)
