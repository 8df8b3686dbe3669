"""Text as it comes from catalogues (markup, entities, odd spaces) to plain text."""

from __future__ import annotations

import html
import re
import unicodedata
from html.entities import html5

# fmt: off
BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "br", "button", "caption", "center", "dd", "details",
    "dialog", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5",
    "h6", "head", "header", "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "optgroup", "option", "p",
    "pre", "section", "select", "summary", "table", "tbody", "td", "textarea", "tfoot", "th", "thead", "title",
    "tr", "ul",
})
INLINE = frozenset({
    "a", "abbr", "acronym", "area", "audio", "b", "base", "basefont", "bdi", "bdo", "big", "canvas", "cite", "code",
    "col", "colgroup", "datalist", "del", "dfn", "em", "embed", "font", "frame", "frameset", "i", "iframe", "img",
    "input", "ins", "kbd", "label", "link", "map", "mark", "meta", "meter", "noscript", "nobr", "object", "output",
    "param", "picture", "progress", "q", "rp", "rt", "ruby", "s", "samp", "small", "source", "span", "strike",
    "strong", "sub", "sup", "svg", "path", "g", "time", "track", "tt", "u", "var", "video", "wbr",
})
# fmt: on

_INVISIBLE = re.compile(r"<!--|<(script|style|template)\b(?:\s[^<>]*)?>", re.IGNORECASE)
# What is between quotes may hold a ">". No part holds a "<", so that a tag that never ends costs no more than its length.
_TAG = re.compile(
    r"""<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})(\s(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+|\s[^<>]*+|/|)>|<[!?][a-zA-Z\[][^<>]*>"""
)
_CLOSING = re.compile(r"</([a-zA-Z][a-zA-Z0-9:-]{0,30})\s*>")
_EMBEDDED = re.compile(r"data:[\w.+-]{0,60}/[\w.+-]{0,60};base64,[a-zA-Z0-9+/=]*")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
# Without its semicolon an entity is one where no word or value goes on: "?a=1&copy=2" is an address.
_BARE_ENTITY = re.compile(r"&([a-zA-Z]{2,6})(?![a-zA-Z0-9=;])")
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")
# Controls say nothing; joiners stay, since emoji and several scripts are written with them.
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]"
)


def clean_text(text: str) -> str:
    """Return a text without markup, entities, controls or superfluous space; any script and emoji stay.

    Paragraphs and list items become lines of their own. Only tags go that HTML knows, or that are closed, or have
    attributes: "a < b" and "List<String>" stay.
    """
    if ";base64," in text:
        text = _EMBEDDED.sub("", text)
    if "<" in text:
        text = _without_markup(text)
    if "&" in text:
        text = _without_entities(text)
        if "&" in text:  # "&amp;quot;": escaped twice on its way here
            text = _ENTITY.sub(_character, text)
        if "<" in text:  # markup that was itself escaped
            text = _without_markup(text)
    text = unicodedata.normalize("NFC", _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    return _LINES.sub("\n", _SPACES.sub(" ", text)).strip()


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
        if name.lower() in BLOCKS:
            return "\n"
        known = name.lower() in INLINE or name.lower() in closed
        return "" if known or closing or "=" in attributes or attributes.endswith("/") else tag.group()

    return _TAG.sub(replace, text)


def _without_invisible(text: str) -> str:
    """Return a text without comments, scripts and styles; one that never ends is left as it is.

    A single lazy expression would search to the text's end again for every opening.
    """
    kept, place = [], 0
    endless: set[str] = set()
    for opening in _INVISIBLE.finditer(text):
        name = (opening.group(1) or "").lower()
        if opening.start() < place or name in endless:
            continue
        closing = re.compile(rf"</{name}\s*>" if name else "-->", re.IGNORECASE).search(text, opening.end())
        if closing is None:
            endless.add(name)
            continue
        kept.append(text[place : opening.start()])
        place = closing.end()
    return " ".join([*kept, text[place:]])
