"""Vectors in a table of PostgreSQL with pgvector: one live store that many processes share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar, Self

import numpy as np

from index.base import FloatArray, IndexFileError, Match
from index.checks import check_ids, check_question, checked_dim, checked_vectors
from index.files import Header, read_header, write_files

try:
    import psycopg
    from pgvector.psycopg import register_vector
    from psycopg import sql
except ImportError as error:
    raise ImportError("an index in PostgreSQL needs: pip install 'multimodal-rec[postgres]'") from error


class PostgresIndex:
    """A `VectorIndex` that is a table: every change is committed when the call returns, and seen by all.

    It is exact. With `graph` pgvector keeps an HNSW index beside the table: large tables are then searched
    approximately, those of up to some thousand vectors or with `allowed` ids still exactly.
    """

    kind: ClassVar[str] = "postgres"

    def __init__(self, dim: int, *, conninfo: str = "", table: str = "item_vectors", graph: bool = False) -> None:
        """Open the table, or make it.

        Args:
            dim: length of every vector, at most 16,000 (2,000 with `graph`).
            conninfo: what to connect to, as libpq knows it; by default its environment variables tell (`PGHOST`, …).
            table: the name, with the schema before a dot if need be.
            graph: whether to keep an HNSW index.

        Raises:
            psycopg.Error: the server cannot be reached, or has no pgvector that this user may use.
            ValueError: the table holds vectors of another dimension.
        """
        self._dim, self._table_name, self._graph = checked_dim(dim), table, graph
        self._table = sql.Identifier(*table.split("."))
        self._lock = Lock()  # a connection does one thing at a time
        self._connection = psycopg.connect(conninfo, autocommit=True)
        self._run("CREATE EXTENSION IF NOT EXISTS vector")
        register_vector(self._connection)
        self._run(
            "CREATE TABLE IF NOT EXISTS {table} (id text PRIMARY KEY, embedding vector({dim}) NOT NULL,"
            " position bigint GENERATED ALWAYS AS IDENTITY)"
        )
        self._run("CREATE TEMPORARY TABLE incoming (id text, embedding vector({dim}), place int) ON COMMIT DELETE ROWS")
        if graph:
            self._run("CREATE INDEX IF NOT EXISTS {graph} ON {table} USING hnsw (embedding vector_ip_ops)")
            self._run("SET hnsw.iterative_scan = strict_order")
            self._run("SET hnsw.max_scan_tuples = 2147483647")
        held = self._run(
            "SELECT atttypmod FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'embedding'",
            [self._table.as_string(self._connection)],
        )
        if held != [(dim,)]:
            self.close()
            raise ValueError(f"table {table} holds vectors of dimension {held[0][0]}, not {dim}")

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return self._dim

    @property
    def ids(self) -> list[str]:
        """The ids held, in the order in which they were added."""
        return [item_id for (item_id,) in self._run("SELECT id FROM {table} ORDER BY position")]

    def __len__(self) -> int:
        """Number of vectors held."""
        return int(self._run("SELECT count(*) FROM {table}")[0][0])

    def __contains__(self, item_id: object) -> bool:
        """Whether a vector is held under this id."""
        possible = _storable([item_id]) if isinstance(item_id, str) else []
        return bool(possible and self._run("SELECT 1 FROM {table} WHERE id = %s", possible))

    def add(self, ids: Sequence[str], vectors: FloatArray, *, lasting: bool = False) -> None:  # noqa: ARG002
        """Hold float32 (n, dim) vectors under n ids; an id that is held already is replaced."""
        vectors = checked_vectors(vectors, self._dim)
        check_ids(ids, vectors)
        if len(_storable(ids)) < len(ids):
            raise ValueError("PostgreSQL keeps no id with a NUL character or half a surrogate pair")
        with self._lock, self._connection.transaction(), self._connection.cursor() as cursor:
            with cursor.copy("COPY incoming FROM STDIN WITH (FORMAT BINARY)") as copy:
                copy.set_types(["text", "vector", "int4"])
                for place, (item_id, vector) in enumerate(zip(ids, vectors, strict=True)):
                    copy.write_row((item_id, vector, place))
            cursor.execute(self._written("DELETE FROM {table} USING incoming WHERE {table}.id = incoming.id"))
            cursor.execute(
                self._written("INSERT INTO {table} (id, embedding) SELECT id, embedding FROM incoming ORDER BY place")
            )

    def remove(self, ids: Collection[str]) -> int:
        """Forget the vectors of these ids and return how many there were."""
        return len(self._run("DELETE FROM {table} WHERE id = ANY(%s) RETURNING id", [_storable(ids)]))

    def vectors(self, ids: Sequence[str]) -> FloatArray:
        """Return the float32 (n, dim) vectors of these ids."""
        held = dict(self._run("SELECT id, embedding FROM {table} WHERE id = ANY(%s)", [_storable(ids)]))
        result = [held[item_id].to_numpy() for item_id in ids]
        return np.stack(result) if result else np.empty((0, self._dim), dtype=np.float32)

    def scores(self, query: FloatArray, ids: Sequence[str]) -> FloatArray:
        """Return the float32 (n,) inner products of a (dim,) query with the vectors of these ids."""
        return self.vectors(ids) @ checked_vectors(query[None], self._dim)[0]

    def search(
        self,
        queries: FloatArray,
        k: int,
        *,
        allowed: Collection[str] | None = None,
        excluded: Sequence[Collection[str]] | None = None,
    ) -> list[list[Match]]:
        """Return for each of the (q, dim) queries the k ids of largest inner product, best first."""
        queries = checked_vectors(queries, self._dim)
        check_question(queries, k, excluded)
        inside = None if allowed is None else _storable(allowed)
        outside = [_storable(ids) for ids in excluded] if excluded else [[]] * len(queries)
        return [self._best(query, k, inside, left_out) for query, left_out in zip(queries, outside, strict=True)]

    def save(self, folder: Path) -> None:
        """Write into an existing folder which table this is; how to connect is not written."""
        write_files(folder, Header(self.kind, {"dim": self._dim, "table": self._table_name, "graph": self._graph}), {})

    @classmethod
    def load(cls, folder: Path, *, verify: bool = True, conninfo: str = "") -> Self:
        """Open the table that `save` wrote down."""
        header = read_header(folder, verify=verify)
        if header.kind != cls.kind:
            raise IndexFileError(f"{folder}: the saved index is of kind {header.kind}, not {cls.kind}")
        try:
            return cls(conninfo=conninfo, **header.settings)
        except psycopg.Error as error:
            table = header.settings["table"]
            raise IndexFileError(f"{folder}: table {table} cannot be opened, is PGHOST set? ({error})") from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _best(self, query: FloatArray, k: int, inside: list[str] | None, outside: list[str]) -> list[Match]:
        statement = self._written(
            "SELECT id, -(embedding <#> %(query)s) FROM {table} WHERE {inside} AND {outside}"
            " ORDER BY embedding <#> %(query)s LIMIT %(k)s",
            inside=sql.SQL("true" if inside is None else "id = ANY(%(inside)s)"),
            outside=sql.SQL("id <> ALL(%(outside)s)" if outside else "true"),
        )
        values = {"query": query, "k": k, "inside": inside, "outside": outside}
        with self._lock, self._connection.transaction(), self._connection.cursor() as cursor:
            found = cursor.execute(statement, values).fetchall()
            if self._graph and len(found) < k:  # the graph may have given up where most ids are left out
                cursor.execute("SET LOCAL enable_indexscan = off")
                found = cursor.execute(statement, values).fetchall()
        return [Match(item_id, score) for item_id, score in found]

    def _run(self, statement: str, values: Any = None) -> list[Any]:
        with self._lock, self._connection.cursor() as cursor:
            cursor.execute(self._written(statement), values)
            return cursor.fetchall() if cursor.description else []

    def _written(self, statement: str, **parts: sql.Composable) -> sql.Composed:
        graph = sql.Identifier(self._table_name.rpartition(".")[2] + "_graph")
        return sql.SQL(statement).format(table=self._table, dim=sql.Literal(self._dim), graph=graph, **parts)


def _storable(ids: Iterable[str]) -> list[str]:
    """Return the ids that a text of PostgreSQL can hold."""
    return [item_id for item_id in ids if "\0" not in item_id and item_id == item_id.encode(errors="replace").decode()]
