"""Text as it comes from catalogues (markup, entities, odd spaces) to plain text."""

from __future__ import annotations

import html
import re
import unicodedata
from html.entities import html5

# fmt: off
BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "br", "button", "caption", "center", "dd", "details",
    "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4",
    "h5", "h6", "head", "header", "hgroup", "hr", "html", "legend", "li", "main", "marquee", "menu", "nav", "ol",
    "optgroup", "option", "p", "pre", "search", "section", "select", "summary", "table", "tbody", "td", "textarea",
    "tfoot", "th", "thead", "title", "tr", "ul",
})
WITHIN_WORDS = frozenset({
    "a", "abbr", "acronym", "b", "basefont", "bdi", "bdo", "big", "bold", "cite", "code", "del", "dfn", "em", "font",
    "i", "ins", "italic", "kbd", "link", "mark", "meta", "nobr", "q", "rp", "rt", "ruby", "s", "samp", "small", "span",
    "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
})
BETWEEN_WORDS = frozenset({
    "area", "audio", "base", "canvas", "col", "colgroup", "datalist", "embed", "frame", "frameset", "g", "iframe",
    "img", "input", "label", "map", "meter", "noscript", "object", "output", "param", "path", "picture", "progress",
    "source", "svg", "track", "video",
})
# fmt: on

_INVISIBLE = re.compile(r"<!--|<(script|style|template)\b(?:\s[^<>]*)?>", re.IGNORECASE)
# What is between quotes may hold a ">", and a short value a "<". Nothing else does, so that a tag that never ends costs no
# more than its length.
_TAG = re.compile(
    r"""<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})(\s(?:[^<>"']++|"(?:[^"<]*+"|[^"]{0,300}+")|'(?:[^'<]*+'|[^']{0,300}+'))*+"""
    r"""|\s[^<>]*+|/\s*|)>|<[!?][a-zA-Z\[][^<>]*>"""
)
_CLOSING = re.compile(r"</([a-zA-Z][a-zA-Z0-9:-]{0,30})\s*>")
_EMBEDDED = re.compile(r"data:[\w.+-]{0,60}/[\w.+-]{0,60}(?:;[\w.+=-]{1,60}){0,3};base64,[a-zA-Z0-9+/=]*")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
# Without its semicolon an entity is one where no word or value goes on: "?a=1&copy=2" is an address.
_BARE_ENTITY = re.compile(r"&([a-zA-Z]{2,6})(?![a-zA-Z0-9=;])")
# Words of ASCII, one space between each two, without the characters that markup and entities begin with.
_PLAIN = re.compile(r"(?=.?[a-zA-Z0-9])[!-%'-;=?-~]++(?: [!-%'-;=?-~]++)*+")
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")
# Controls say nothing; joiners stay, since emoji and several scripts are written with them. Those that are spaces to
# Python part words: pages (\f), a word processor's lines (\v).
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")
# Letters that are others' shapes: ligatures, Hebrew and Arabic as PDFs hold them, full width, half width, mathematical.
_SHAPES = re.compile(
    r"[\ufb00-\ufdff\ufe70-\ufefc\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffdc\U0001d400-\U0001d7ff]+"
)
_STACK = re.compile(r"[^\w\s\x00-\x7f]{31,}")  # marks upon one letter are among these
MOST_MARKS = 30  # upon one letter, as in Unicode's stream-safe format: to sort them takes the square of their number
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and a symbol that look like spaces
_LETTER = re.compile(rf"[^\W_{_FILLERS}]")


def clean_text(text: str) -> str:
    """Return a text without markup, entities, controls or superfluous space; any script and emoji stay.

    Paragraphs and list items become lines of their own. Only tags go that HTML knows, or that are closed, or have
    attributes: "a < b" and "List<String>" stay. A text without any letter, number or symbol says nothing: it is empty.
    """
    if ";base64," in text:
        text = _EMBEDDED.sub("", text)
    if _PLAIN.fullmatch(text):  # as most titles are
        return text
    if "<" in text:
        text = _without_markup(text)
    if "&" in text:
        text = _without_entities(text)
        if "&" in text:  # "&amp;quot;": escaped twice on its way here
            text = _ENTITY.sub(_character, text)
        if "<" in text:  # markup that was itself escaped
            text = _without_markup(text)
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if not text.isascii():
        text = _SHAPES.sub(lambda match: unicodedata.normalize("NFKC", match.group()), _STACK.sub(_lower_stacks, text))
        text = unicodedata.normalize("NFC", text)
    text = _LINES.sub("\n", _SPACES.sub(" ", text)).strip()
    return text if _LETTER.search(text) or any(map(_is_symbol, text)) else ""


def _lower_stacks(run: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for character in run.group():
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def _is_symbol(character: str) -> bool:
    return character not in _FILLERS and unicodedata.category(character)[0] == "S"


def _without_entities(text: str) -> str:
    text = _ENTITY.sub(_character, text)
    return _BARE_ENTITY.sub(lambda match: html5.get(match.group(1), match.group()), text)


def _character(entity: re.Match[str]) -> str:
    return html.unescape(entity.group())


def _without_markup(text: str) -> str:
    if "<![CDATA[" in text:  # as feeds wrap a text
        text = text.replace("<![CDATA[", "").replace("]]>", " ")
    text = _without_invisible(text)
    closed = {match.group(1).lower() for match in _CLOSING.finditer(text)}

    def replace(tag: re.Match[str]) -> str:
        closing, name, attributes = tag.groups()
        if name is None:  # a declaration
            return ""
        name = name.lower()
        local = name.rpartition(":")[2]  # of another vocabulary: "jats:p"
        if local in BLOCKS:
            return "\n"
        if local in WITHIN_WORDS:
            return ""
        known = local in BETWEEN_WORDS or name in closed
        is_tag = known or closing or "=" in attributes or attributes.rstrip().endswith("/")
        return " " if is_tag else tag.group()

    return _TAG.sub(replace, text)


def _without_invisible(text: str) -> str:
    """Return a text without comments, scripts and styles; one that never ends is left as it is.

    A single lazy expression would search to the text's end again for every opening.
    """
    kept: list[str] = []
    place = 0
    endless: set[str] = set()
    for opening in _INVISIBLE.finditer(text):
        name = (opening.group(1) or "").lower()
        if opening.start() < place or name in endless:
            continue
        closing = re.compile(rf"</{name}\s*>" if name else "-->", re.IGNORECASE).search(text, opening.end())
        if closing is None:
            endless.add(name)
            continue
        kept += text[place : opening.start()], " " if name else ""  # a comment may stand within a word
        place = closing.end()
    return "".join([*kept, text[place:]])
