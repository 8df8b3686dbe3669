"""Which row of an index holds the vector of which id."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]

IDS_FILE = "ids.txt"
DEAD_FILE = "dead.npy"


class Ids:
    """Ids and the rows they have: new ids get the next rows, and a row that is dropped stays dead until `compact`.

    After a load the ids are known by row at once; the table from id to row is made when it is first asked for.
    """

    def __init__(self, names: list[str] | None = None, dead: Iterable[int] = ()) -> None:
        self._names = names or []
        self._dead = set(dead)
        self._rows: dict[str, int] | None = None
        self._state = object()

    @property
    def names(self) -> list[str]:
        """The id of each row; that of a dead row means nothing."""
        return self._names

    @property
    def state(self) -> object:
        """A token that another takes the place of with every change, to tell whether rows are still the same."""
        return self._state

    @property
    def end(self) -> int:
        """The number of rows, dead ones included, which is the next new row."""
        return len(self._names)

    @property
    def dead(self) -> int:
        """The number of dead rows."""
        return len(self._dead)

    @property
    def by_id(self) -> Mapping[str, int]:
        """The row of each id, in the order of the rows."""
        if self._rows is None:
            rows = dict(zip(self._names, range(len(self._names)), strict=True))
            if self._dead:
                rows = {name: row for row, name in enumerate(self._names) if row not in self._dead}
            self._rows = rows
        return self._rows

    def __len__(self) -> int:
        return len(self._names) - len(self._dead)

    def rows(self) -> Rows:
        """The living rows, ascending."""
        alive = np.ones(self.end, dtype=bool)
        alive[list(self._dead)] = False
        return np.flatnonzero(alive)

    def known(self, ids: Collection[str]) -> list[int]:
        """The rows of those of these ids that are held, in the order given."""
        rows = self.by_id
        return [row for row in map(rows.get, ids) if row is not None]

    def append(self, ids: Collection[str]) -> None:
        """Give these ids, none of which is held, the next rows."""
        rows = self._changing()
        rows.update(zip(ids, range(self.end, self.end + len(ids)), strict=True))
        self._names.extend(ids)

    def drop(self, dropped: Iterable[int]) -> None:
        """Make these living rows dead."""
        rows = self._changing()
        for row in dropped:
            del rows[self._names[row]]
            self._names[row] = ""
            self._dead.add(row)

    def compact(self) -> None:
        """Forget the dead rows: the living ones are numbered anew, in the same order."""
        self._changing()
        self._names = list(self.by_id)
        self._rows = None
        self._dead = set()

    def files(self) -> dict[str, Callable[[Path], object]]:
        """What writes each file."""
        return {IDS_FILE: self._write_names, DEAD_FILE: self._write_dead}

    @classmethod
    def load(cls, folder: Path) -> Ids:
        """Read what `files` wrote."""
        text = (folder / IDS_FILE).read_bytes().decode("utf-8", "surrogatepass")
        return cls(text[1:].split(text[0]) if text else [], np.load(folder / DEAD_FILE).tolist())

    def _changing(self) -> dict[str, int]:
        rows = self.by_id
        self._state = object()
        assert isinstance(rows, dict)  # noqa: S101
        return rows

    def _write_names(self, path: Path) -> None:
        # One character that no id has stands first and between all ids: a million are then split in one call.
        text = "".join(self._names)
        used = set(text)
        separator = next(char for char in map(chr, range(10, 0xD800)) if char not in used)
        joined = separator + separator.join(self._names) if self._names else ""
        path.write_bytes(joined.encode("utf-8", "surrogatepass"))

    def _write_dead(self, path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, np.array(sorted(self._dead), dtype=np.int64))
