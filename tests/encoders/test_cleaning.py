"""Text as catalogues have it, against what a reader would see."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders import clean_text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  two\t words\u00a0here ", "two words here"),
        ("Tom &amp; Jerry &#8212; &quot;hi&quot;", 'Tom & Jerry — "hi"'),
        ("escaped twice: &amp;quot;x&amp;quot;", 'escaped twice: "x"'),
        ("<p>One.</p><p>Two <b>bold</b>.</p>", "One.\nTwo bold."),
        ("line<br/>break", "line\nbreak"),
        ("&lt;b&gt;bold&lt;/b&gt; move", "bold move"),
        ("<ul><li>red</li><li>blue</li></ul>", "red\nblue"),
        ("<script>alert('x')</script>seen<style>p{}</style>", "seen"),
        ("<!-- note -->shown", "shown"),
        ('<a href="https://example.org/?a=1&b=2">link</a>', "link"),
        ("3 < 4 and 5 > 2", "3 < 4 and 5 > 2"),
        ("I <3 films & AT&T", "I <3 films & AT&T"),
        ("кино 映画 فيلم फ़िल्म 👩‍🚀🏽 🇫🇷", "кино 映画 فيلم फ़िल्म 👩‍🚀🏽 🇫🇷"),
        ("e\u0301te\u0301", "été"),
        ("soft\u00adhyphen and zero\u200bwidth\x00\x07", "softhyphen and zerowidth"),
        ("a\r\n\r\n\r\nb", "a\nb"),
        ("", ""),
        (" <p> </p> ", ""),
        ("<title>Heat</title>A heist", "Heat\nA heist"),
        ('<a title="a > b">link</a> here', "link here"),
        ("<p class=x>It's <i>fun</i></p>", "It's fun"),
        ("<a href='x' it's>link</a>", "link"),
        (f'<div style="{"x" * 5000}">in</div>', "in"),
        ("<itunes:summary>feed</itunes:summary>", "feed"),
        ("a List<String> and a Map<K, V>", "a List<String> and a Map<K, V>"),
        ("if x <y and z> w", "if x <y and z> w"),
        ("see ?a=1&region=us&copy=2", "see ?a=1&region=us&copy=2"),
        ("R&copy 2020, salt &amp pepper", "R© 2020, salt & pepper"),
        ("<jats:title>Abstract</jats:title><jats:p>H<jats:sub>2</jats:sub>O.</jats:p>", "Abstract\nH2O."),
        ("<keyword>film</keyword><keyword>noir</keyword>", "film noir"),
        ("Great pan<img src='a.jpg'>Dishwasher safe", "Great pan Dishwasher safe"),
        ("<label>Size</label><label>Colour</label>", "Size Colour"),
        ("un<b>believ</b><!-- -->ab<wbr>le", "unbelievable"),
        ("page one\fpage two\vline\x1cfield", "page one page two line field"),
        ("The o\ufb03ce of \ufb01nches", "The office of finches"),
        ("\uff3a\uff45\uff50\u3000\uff11", "Zep 1"),
        ("\U0001d40c\U0001d41a\U0001d42d\U0001d421 \uff76\uff9e\uff92\uff97", "Math \u30ac\u30e1\u30e9"),
        ("\ufe8d\ufedf\ufe9a", "\u0627\u0644\u062b"),
        ("\u00bd cup\u2122, x\u00b2", "\u00bd cup\u2122, x\u00b2"),
        ("<img alt='I <3 you' src=x class='w'>Love songs", "Love songs"),
        ("one<br/ >two", "one\ntwo"),
        ("![a](data:image/svg+xml;charset=utf-8;base64,PHN2Zz4=) map", "![a]() map"),
        ("\u200d\u200f\ufe0f", ""),
        ("\u2800 \u3164", ""),
        ("- \u2014 ...", ""),
        ("\U0001f3ac", "\U0001f3ac"),
        ("$", "$"),
    ],
)
def test_reads_as_a_reader_would(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@given(st.text(max_size=300))
def test_never_fails_and_leaves_no_double_spaces(raw: str) -> None:
    cleaned = clean_text(raw)
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned
    cleaned.encode("utf-8")


@pytest.mark.parametrize(
    ("head", "repeated", "tail"),
    [
        ("", "<", ""),
        ("", "<a ", ""),
        ("", "<!--", ""),
        ("", "<script>", ""),
        ("", "&amp;", ""),
        ("<a ", '"', ""),
        ("", "<a '", ""),
        ("", '<a "<', ""),
        ("a", "\u0301\u0316", ""),
        ("a", "\u0301", "\u0316"),
        ("", "\ufdfa", ""),
    ],
)
def test_hostile_markup_takes_linear_time(head: str, repeated: str, tail: str) -> None:
    def seconds(times: int) -> float:
        """Return the least of a few, as other processes may be busy."""
        raw, found = head + repeated * times + tail * times, []
        for _ in range(3):
            start = time.perf_counter()
            clean_text(raw)
            found.append(time.perf_counter() - start)
        return min(found)

    assert seconds(100_000) < 10 * seconds(25_000)


def test_marks_upon_one_letter_are_kept_up_to_a_limit() -> None:
    stacked = "Z" + "\u0316" * 12 + "a\u0301lgo"
    assert clean_text(stacked) == "Z" + "\u0316" * 12 + "\u00e1lgo"
    assert len(clean_text("x" + "\u0316" * 1000)) == 31


def test_a_wrapped_text_is_kept() -> None:
    assert clean_text("<![CDATA[A quiet film about the sea]]>") == "A quiet film about the sea"
    assert clean_text("<p>Intro</p><![CDATA[A <b>quiet</b> film]]> and more") == "Intro\nA quiet film and more"
    assert clean_text("a[b[0]]>c") == "a[b[0]]>c"


def test_embedded_pictures_go() -> None:
    picture = "data:image/png;base64," + "iVBORw0KGgo/+=" * 1000
    assert clean_text(f'Before <img src="{picture}" alt=""> after') == "Before after"
    assert clean_text(f"Before ![chart]({picture}) after") == "Before ![chart]() after"
