"""Search by words: exact names, rare words and model numbers, which vectors of meaning blur.

SQLite's full-text index (FTS5) of titles, descriptions, categories and attributes stands in the table of items. What a
word is worth falls with the number of items that hold it, so a rare name decides a search and a common word hardly
moves it. Words such as "the" and "what" count only where a title says just what is asked for: The Who, What a Day.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from multimodal_rec.arrays import BoolArray, IntArray
from multimodal_rec.function_words import is_function_word
from multimodal_rec.sql import rows_among

Rows = IntArray

FEW = 0.02
"""Words in a larger share of the items, or in more than the root of their number, say nothing of any one of them; see
`FEWEST`."""
FEWEST = 20
"""Words in fewer items than this always count."""
MOST_WORDS = 32
"""Words of a query that are looked up."""
MOST_KNOWN = 4096
"""Words whose holders are remembered."""
SHORTEST_PREFIX = 3
MOST_PREFIXED = 5
"""A word that nothing holds stands for those that it begins, if no more items than this hold them."""
STANDING_IN = 0.4
"""What such a word is worth beside one that an item holds as it is: "train" may mean no "training"."""
MOST_FOUND = 200
"""Items that a text can find by its words."""
LEAST_FOUND = 0.005
"""An item that would gain less is not found by its words: it could pass only what scores the same but for chance."""
RARITY_POWER = 4
"""Bends the share of rarity: a word in 1 of 1,000 items is worth 1, in 10 of them .2, in 100 of them .01."""
NAMES_AMONG = 1000
"""A word in one of so many items, or fewer, is taken for a name: it decides whatever else a text asks for."""
DOUBT = 3.0
"""How fast the gain by a less rare word falls with the share of the text's other telling words that an item lacks: in a
small catalogue every other word is rare, and a text of several is meant by what it says."""
ELSEWHERE = 0.6
"""What a word outside the title is worth beside one in it."""

_SCRIPTS = "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
"""Characters of scripts without spaces between words; each is taken for a word of its own."""
_UNSPACED = re.compile(f"({_SCRIPTS})")
_RUN = re.compile(f"({_SCRIPTS}+)")
_CREATE = (
    "CREATE VIRTUAL TABLE words USING fts5(title, rest, content = '', detail = full, "
    'tokenize = "unicode61 remove_diacritics 2")'
)


class Holders(NamedTuple):
    """The items that hold a word, where they are not too many."""

    rows: Rows
    """Their places, ascending."""
    titled: BoolArray
    """(n,) which of them hold it in the title."""
    common: bool
    """Whether too many hold it anywhere: these are the items that have it in the title, by which it may be a name."""
    surely: float
    """How surely they hold the word that was meant."""


def index_words(db: sqlite3.Connection) -> None:
    """Add the full-text index to a table of items that will not change any more."""
    with db:
        db.execute(_CREATE)
        add_words(db)
        db.execute("INSERT INTO words (words) VALUES ('optimize')")


def add_words(db: sqlite3.Connection, ids: Iterable[str] | None = None) -> None:
    """Take items, all if none are named, into the full-text index."""
    db.executemany("INSERT INTO words (rowid, title, rest) VALUES (?, ?, ?)", _indexed(db, ids))


def remove_words(db: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Take items out of the full-text index; they must still be in their table as they were when they came."""
    db.executemany("INSERT INTO words (words, rowid, title, rest) VALUES ('delete', ?, ?, ?)", _indexed(db, ids))


def _indexed(db: sqlite3.Connection, ids: Iterable[str] | None) -> Iterator[tuple[int, str, str]]:
    """Yield position, title and all other words of items."""
    query = "SELECT position, title, description, categories, attributes FROM items"
    if ids is None:
        rows: Iterable[tuple[int, str | None, str | None, str, str]] = db.execute(query)
    else:
        rows = (row for item_id in ids for row in db.execute(f"{query} WHERE id = ?", (item_id,)).fetchall())
    for position, title, description, categories, attributes in rows:
        rest = " \n ".join([description or "", *_texts(categories, attributes)])
        yield position, _spaced(title or ""), _spaced(rest)


def find_words(
    db: sqlite3.Connection, text: str, total: int, known: dict[str, Holders], *, alone: bool = True
) -> dict[str, float]:
    """How well the rare words of a text are met, 0 to 1, by the items that hold any of them.

    Args:
        db: a table of items with the index of `index_words`.
        text: what is asked for.
        total: number of items.
        known: words that were looked up in this table before; more are added.
        alone: whether nothing else is asked for. Beside a picture, a word such as "film" says what it shows and is
            nobody's name.
    """
    words = list(dict.fromkeys(_query_words(text)))[:MOST_WORDS]
    telling = [word for word in words if not is_function_word(word)]
    every = [_known_holders(db, word, total, known) for word in telling]
    if len(telling) < len(words):
        every.append(_known_holders(db, text.replace("\0", " ").casefold(), total, known, in_titles=True))
    holders = [own for own in every if len(own.rows) and (alone or not own.common)]
    if not holders:
        return {}
    worths = [0.0 if own.common else own.surely * _rarity(len(own.rows), total) for own in holders]
    whole = sum(worths) or 1.0
    gains = [_gains(own, worth * worth / whole, len(every), total) for own, worth in zip(holders, worths, strict=True)]
    rows, word_rows = np.unique(np.concatenate([own.rows for own in holders]), return_inverse=True)
    # Of each holder of each word, the share of all telling words that it holds.
    met = np.bincount(word_rows)[word_rows] / len(holders)
    doubts = np.repeat([_doubt(len(own.rows), total) for own in holders], [len(own.rows) for own in holders])
    found = np.minimum(1.0, np.bincount(word_rows, np.concatenate(gains) * met**doubts))
    best = np.argsort(-found, kind="stable")[:MOST_FOUND]
    best = best[found[best] >= LEAST_FOUND]
    gain_of = dict(zip(rows[best].tolist(), found[best].tolist(), strict=True))
    ids = rows_among(db, "SELECT position, id FROM items WHERE position IN (?)", list(gain_of))
    return {item_id: gain_of[row] for row, item_id in ids}


def _gains(own: Holders, gain: float, words: int, total: int) -> npt.NDArray[np.float64]:
    """(n,) what the holders of one of so many words gain, if a title's word is worth so much."""
    if not own.titled.any():
        return np.full(len(own.rows), ELSEWHERE * gain)
    # A word that descriptions are full of may yet be the name of one item, if little else is asked for.
    name = own.surely * _rarity(int(own.titled.sum()), total) ** 2 / words
    return np.where(own.titled, max(name, gain), ELSEWHERE * gain)


def _doubt(holders: int, total: int) -> float:
    """How fast the gain by a word with so many holders falls with the telling words that an item lacks."""
    return DOUBT * max(0.0, 1 - math.log(total / holders) / math.log(NAMES_AMONG))


def _known_holders(
    db: sqlite3.Connection, word: str, total: int, known: dict[str, Holders], *, in_titles: bool = False
) -> Holders:
    """The items that hold a word, or these words one behind the other in their titles; remembered."""
    key = f"title : {word}" if in_titles else word
    own = known.get(key)
    if own is None:
        if len(known) >= MOST_KNOWN:
            known.clear()
        most = max(FEWEST, int(min(FEW * total, math.sqrt(total))))
        own = known[key] = _titled(db, word, most) if in_titles else _holders(db, word, most)
    return own


def _titled(db: sqlite3.Connection, words: str, most: int) -> Holders:
    """The items whose titles hold words one behind the other."""
    phrase = _phrase(words)
    places = np.array(sorted(_rows(db, f"title : {phrase}", most) or []), np.int64)
    common = len(places) > 0 and _rows(db, phrase, most) is None
    return Holders(places, np.ones(len(places), np.bool_), common=common, surely=1.0)


def _holders(db: sqlite3.Connection, word: str, most: int) -> Holders:
    """The items that hold a word, or else one that it begins."""
    phrase = _phrase(word)
    rows, surely = _rows(db, phrase, most), 1.0
    if rows == [] and len(word) >= SHORTEST_PREFIX:
        phrase, most, surely = phrase + "*", MOST_PREFIXED, STANDING_IN
        rows = _rows(db, phrase, most) or []
    titled = [] if rows == [] else _rows(db, f"title : {phrase}", most) or []
    places, named = sorted({*(rows or []), *titled}), set(titled)
    in_title = np.fromiter((row in named for row in places), np.bool_, len(places))
    return Holders(np.array(places, np.int64), in_title, common=rows is None, surely=surely)


def _phrase(words: str) -> str:
    """Words one behind the other, as a full-text query."""
    return '"' + _spaced(words).replace('"', '""') + '"'


def _rows(db: sqlite3.Connection, query: str, most: int) -> list[int] | None:
    """Places of the items that meet a full-text query; None where more than `most` do."""
    found = db.execute("SELECT rowid FROM words WHERE words MATCH ? LIMIT ?", (query, most + 1)).fetchall()
    return None if len(found) > most else [row for (row,) in found]


def _rarity(holders: int, total: int) -> float:
    """1 for a word that one item of many holds, 0 for one that all hold."""
    return 1.0 if total < 2 else float((math.log(total / holders) / math.log(total)) ** RARITY_POWER)


def _query_words(text: str) -> Iterator[str]:
    """Yield the words of a query; of a run of characters without spaces, each pair of neighbours."""
    for word in text.replace("\0", " ").casefold().split():
        for piece in filter(None, _RUN.split(word)):
            if len(piece) > 2 and _RUN.fullmatch(piece):
                yield from (piece[start : start + 2] for start in range(len(piece) - 1))
            else:
                yield piece


def _spaced(text: str) -> str:
    return _UNSPACED.sub(r" \1 ", text)


def _texts(categories: str, attributes: str) -> Iterator[str]:
    """Yield the categories and those attributes that are text or lists of text."""
    for value in [json.loads(categories), *json.loads(attributes).values()]:
        yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))
