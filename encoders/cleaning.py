"""Text as it comes from catalogues (markup, entities, odd spaces) to plain text."""

from __future__ import annotations

import html
import re
import unicodedata

_INVISIBLE = re.compile(r"<!--|<(script|style|template)\b[^<>]{0,2000}>", re.IGNORECASE)
_BLOCK_TAG = re.compile(
    r"</?(?:p|div|br|li|ul|ol|tr|td|th|table|h[1-6]|section|article|blockquote|hr|dd|dt)\b[^<>]{0,2000}>", re.IGNORECASE
)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9:-]{0,30}(?:\s[^<>]{0,2000})?/?>|<![a-zA-Z\[][^<>]{0,2000}>")
_EMBEDDED = re.compile(r"data:[\w.+-]{0,60}/[\w.+-]{0,60};base64,[a-zA-Z0-9+/=]*")
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")
# Controls say nothing; joiners stay, since emoji and several scripts are written with them.
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]"
)


def clean_text(text: str) -> str:
    """Return a text without markup, entities, controls or superfluous space; any script and emoji stay.

    Paragraphs and list items become lines of their own. Only things that look like tags go: "a < b" stays.
    """
    if ";base64," in text:
        text = _EMBEDDED.sub("", text)
    if "<" in text:
        text = _without_markup(text)
    if "&" in text:
        text = html.unescape(text)
        if "&" in text and _ENTITY.search(text):  # "&amp;quot;": escaped twice on its way here
            text = html.unescape(text)
        if "<" in text:  # markup that was itself escaped
            text = _without_markup(text)
    text = unicodedata.normalize("NFC", _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    return _LINES.sub("\n", _SPACES.sub(" ", text)).strip()


_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")


def _without_markup(text: str) -> str:
    if "<![CDATA[" in text:  # as feeds wrap a text
        text = text.replace("<![CDATA[", "").replace("]]>", " ")
    return _TAG.sub("", _BLOCK_TAG.sub("\n", _without_invisible(text)))


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
