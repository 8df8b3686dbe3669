"""Passages cover a text, fit the window, and end where sentences do."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from encoders.passages import MOST_PASSAGES, passage_length, split_passages, spread


def words(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\S+", text)]


@given(
    st.lists(st.sampled_from(["a", "word", "stop.", "end!", "\n", "你好。"]), min_size=1, max_size=120),
    st.integers(1, 15),
)
def test_passages_hold_every_token_once_and_fit(parts: list[str], longest: int) -> None:
    text = " ".join(parts)
    offsets = words(text)
    spans = split_passages(text, offsets, longest)
    if not offsets:
        return
    counts = [sum(start <= a and b <= end for a, b in offsets) for start, end in spans]
    assert sum(counts) == len(offsets)
    assert max(counts) <= longest
    assert spans == sorted(spans)


def test_cuts_at_the_end_of_a_sentence() -> None:
    text = "One two three four. Five six seven eight nine. Ten eleven twelve."
    spans = split_passages(text, words(text), 10)
    assert [text[a:b] for a, b in spans] == ["One two three four. Five six seven eight nine.", "Ten eleven twelve."]


def test_an_endless_word_is_cut_anyway() -> None:
    text = "x" * 100
    spans = split_passages(text, [(place, place + 1) for place in range(100)], 30)
    assert "".join(text[a:b] for a, b in spans) == text


def test_a_book_is_read_from_its_first_page_to_its_last() -> None:
    spans = [(place, place + 1) for place in range(10_000)]
    chosen = spread(spans, MOST_PASSAGES)
    assert len(chosen) == MOST_PASSAGES
    assert (chosen[0], chosen[-1]) == (spans[0], spans[-1])


def test_longer_texts_have_longer_passages() -> None:
    assert passage_length(1_500, 30, 254) == 30
    assert passage_length(20_000, 30, 254) == 118
    assert passage_length(10**6, 30, 254) == 254
    assert passage_length(50, 30, 18) == 18
    text = " ".join("One two three four five, six seven. Eight nine." for _ in range(2_500))
    offsets = words(text)
    spans = split_passages(text, offsets, passage_length(len(offsets), 30, 254))
    assert len(spans) <= MOST_PASSAGES
    assert sum(len(text[a:b].split()) for a, b in spans) == len(offsets)
