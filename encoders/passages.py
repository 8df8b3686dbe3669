"""A long text cut into passages that fit a model's window, at the ends of sentences where possible."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from math import ceil

Span = tuple[int, int]

MOST_PASSAGES = 256  # of a text; a longer one has longer passages, as far as the model's window goes
FILLED = 2 / 3  # of their room that passages are sure to fill on the whole, as they end with a sentence

# A sentence ends at a stop (Latin, CJK, Devanagari, Arabic, Ethiopic …) with what closes it, or at a line's end.
_SENTENCE_END = re.compile(r"""[.!?…]+["'”’»)\]]*(?=\s)|[。！？｡।॥۔؟።]+["'”’»」』）]*|\n+""")


def split_passages(text: str, offsets: Sequence[Span], longest: int) -> list[Span]:
    """Return the spans of characters of a text's passages, in order and covering all of its tokens.

    `offsets` are the (start, end) characters of the text's tokens and `longest` the most tokens of a passage. Passages
    come out of about equal length: twice the window makes two halves, not one full window and a crumb.
    """
    if not offsets:
        return [(0, len(text))]
    count = -(-len(offsets) // longest)
    target = -(-len(offsets) // count)
    sentence_ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    cuts, first, sentence = [0], 0, 0
    while len(offsets) - first > longest:
        # The last sentence end in the later half of the room, else the last word that still fits.
        earliest = offsets[min(first + max(target // 2, 1), len(offsets) - 1)][0]
        latest = offsets[first + longest][0]
        while sentence < len(sentence_ends) and sentence_ends[sentence] <= latest:
            sentence += 1
        end = sentence_ends[sentence - 1] if sentence and sentence_ends[sentence - 1] > earliest else None
        cut = end if end is not None else _word_start(text, earliest, latest)
        while first < len(offsets) and offsets[first][0] < cut:
            first += 1
        cuts.append(cut)
    spans = [_strip(text, start, end) for start, end in pairwise([*cuts, len(text)])]
    return [span for span in spans if span[0] < span[1]]


def passage_length(tokens: int, shortest: int, window: int) -> int:
    """Return the most tokens of a passage of a text with so many: `shortest`, or more where that makes too many.

    At most `window`, so that the passages of a book may still be more than `MOST_PASSAGES`.
    """
    return max(1, min(window, max(shortest, ceil(tokens / (MOST_PASSAGES * FILLED)))))


def spread(spans: list[Span], most: int) -> list[Span]:
    """Return at most `most` of the spans, evenly spread, the first and the last among them."""
    if len(spans) <= most:
        return spans
    step = (len(spans) - 1) / (most - 1)
    return [spans[round(place * step)] for place in range(most)]


def _word_start(text: str, earliest: int, latest: int) -> int:
    """Return the last place after white space in (earliest, latest], or `latest` inside one endless word."""
    place = latest
    while place > earliest and not text[place - 1].isspace():
        place -= 1
    return place if place > earliest else latest


def _strip(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
