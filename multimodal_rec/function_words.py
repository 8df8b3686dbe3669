"""English words that tie others together and say nothing of an item, however few titles hold them."""

from __future__ import annotations

import re

_EDGES = re.compile(r"^\W+|\W+$")
_ENDING = re.compile("(?:n't|'(?:s|d|m|re|ve|ll))$")

_WORDS = """
a an the this that these those some any each every either neither both such
i me my mine myself you your yours yourself he him his himself she her hers herself it its itself
we us our ours ourselves they them their theirs themselves
someone somebody something anyone anybody anything
about above across after against along among around as at before behind below beneath beside between beyond by
despite during except for from in into like near of off on onto out over per since than through till to toward
towards under until up upon via with within without
am is are was were be been being do does did doing done have has had having
can cannot could shall should will would might must can't won't
and but or nor so yet if then else because although though unless while whereas whether not no too also
there here just very
what which who whom whose when where why how
"""
FUNCTION_WORDS = frozenset(_WORDS.split())
"""Articles, pronouns, prepositions, auxiliaries, conjunctions and question words."""


def is_function_word(word: str) -> bool:
    """Whether a word of a query, in lower case, is one of these, with whatever is written on to it: "(what's"."""
    bare = _EDGES.sub("", word).replace("\u2019", "'")
    return bare in FUNCTION_WORDS or _ENDING.sub("", bare) in FUNCTION_WORDS
