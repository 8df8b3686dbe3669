"""What a service is started with, and the rule that it is closed to strangers."""

from __future__ import annotations

import hashlib
import ipaddress
import os
from enum import IntEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from multimodal_rec.errors import QueryError

KEYS_VARIABLE = "MULTIMODAL_REC_API_KEYS"
SHORTEST_KEY = 16
"""Characters of an API key."""


class Scope(IntEnum):
    """What a key may do; each scope includes those before it."""

    READ = 1
    """Ask: recommendations, searches, items."""
    WRITE = 2
    """Tell: events and items."""
    ADMIN = 3
    """Retrain, forget users, see the state of the service."""


class Settings(BaseModel):
    """How a service runs."""

    model_config = ConfigDict(frozen=True)

    workspace: Path
    """Folder of the index."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8000
    """Port to listen on; 0 takes a free one."""
    keys: dict[str, Scope] = {}
    """SHA-256 of an API key to what it may do; without keys everyone may do everything."""
    requests_per_second: float | None = None
    """Of one client, on average; bursts of ten times as many pass. None for no limit."""
    most_body_bytes: int = 8 << 20
    """Size of a request without uploads."""
    most_upload_bytes: int = 64 << 20
    """Size of a request with uploads."""
    answer_seconds: float = 30.0
    """Time for one answer, uploads and their decoding included."""
    threads: int | None = None
    """CPU threads for one query."""
    retrain_hours: float | None = None
    """Hours between trainings in the background; None for none but those asked for."""
    allowed_hosts: tuple[str, ...] = ()
    """Names under which it may be asked, beside its own address; empty for any where keys are required."""

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from its own machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def hashed(key: str) -> str:
    """The form in which a key is kept."""
    return hashlib.sha256(key.encode()).hexdigest()


def read_keys(path: Path | None) -> dict[str, Scope]:
    """The API keys of a file, or of the environment variable where there is none.

    Either has words of the form SCOPE:KEY with scopes read, write and admin; lines that start with # are comments.

    Raises:
        QueryError: the file cannot be read, or a word is not of that form.
    """
    place = str(path) if path else KEYS_VARIABLE
    try:
        text = path.read_text(encoding="utf-8") if path else os.environ.get(KEYS_VARIABLE, "")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{path}: the API keys cannot be read: name a text file of SCOPE:KEY lines") from error
    keys = {}
    words = [word for line in text.splitlines() if not line.lstrip().startswith("#") for word in line.split()]
    for number, word in enumerate(words, start=1):
        scope, _, key = word.partition(":")
        if scope.upper() not in Scope.__members__ or len(key) < SHORTEST_KEY:
            raise QueryError(
                f"{place}: word {number} is no API key: write read:KEY, write:KEY or admin:KEY, "
                f"KEY of at least {SHORTEST_KEY} characters"
            )
        keys[hashed(key)] = Scope[scope.upper()]
    return keys


def check_safe(settings: Settings) -> None:
    """Raise QueryError where the service would be open to other machines without keys."""
    if not settings.local and not settings.keys:
        raise QueryError(
            f"listening on {settings.host} needs API keys: set {KEYS_VARIABLE}='read:KEY write:KEY admin:KEY' or give "
            "--api-keys FILE, or listen on 127.0.0.1"
        )
