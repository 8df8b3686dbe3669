"""Digests of models: equal for equal weights and settings wherever the files lie, different otherwise."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from encoders.digests import remembered


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as hex; that of a large file is remembered until the file changes."""
    return remembered(path, _file_digest)


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(files: Iterable[Path], **settings: Any) -> str:
    """Return the digest of the files' contents together with the settings.

    Only contents count, in the order given, never names or places. The settings must be plain JSON values.
    """
    description = {"files": [file_digest(path) for path in files], "settings": settings}
    return settings_digest(description)


def settings_digest(settings: dict[str, Any]) -> str:
    """Return the digest of plain JSON values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
