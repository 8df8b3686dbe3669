"""Texts to vectors through a transformer: tokens, passages, batches of like length, one vector each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from encoders.base import EncoderError, Encoding, FloatArray
from encoders.model_files import REMEDY
from encoders.network import Inputs
from encoders.on_demand import NetworkOnDemand
from encoders.passages import MOST_PASSAGES, passage_length, split_passages, spread
from encoders.pooling import mean_direction, unit

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LONGEST_PASSAGE = 32  # tokens; a sentence is far easier to find among its like than in a page
BATCH_TOKENS = 256  # tokens in one batch, with padding: the activations stay in a core's cache
FEW_TOKENS = 512  # of a row; attention to more takes memory with the square of their number


@dataclass(frozen=True)
class TokenRules:
    """How a model wants its tokens: at most `window` of them, ids below `vocabulary`, padded with `pad_id`.

    Some models were trained on inputs padded to the full window and with no mask (`fixed_length`, SigLIP). `prompt` is
    put before every text, `query_prompt` instead before those that ask for others. Texts may be made `lower` case, and
    texts of a fixed length padded on the left.
    """

    window: int
    vocabulary: int
    pad_id: int = 0
    fixed_length: bool = False
    prompt: str = ""
    query_prompt: str = ""
    lower: bool = False
    pad_left: bool = False


class TransformerText:
    """A text encoder made of a tokenizer and a network that maps (ids, mask) to one vector per row, of which the first
    `dim` numbers count.
    """

    def __init__(
        self,
        reference: str,
        fingerprint: str,
        *,
        dim: int,
        tokenizer: Callable[[], Tokenizer],
        network: NetworkOnDemand,
        rules: TokenRules,
        bears_padding: bool = True,
    ) -> None:
        """Put the parts together; the tokenizer, fetched when it is first needed, must neither pad nor truncate.

        Where a row's vector changes with padding beside it, only rows of one length share a batch.
        """
        self.reference = reference
        self.fingerprint = fingerprint
        self.dim = dim
        self._load_tokenizer = cache(tokenizer)
        self._lock = Lock()  # it may be asked for by several threads first
        self._network = network
        self._rules = rules
        self._bears_padding = bears_padding

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return float32 (n, dim), unit length; a text longer than the window is the mean of its passages."""
        return self._vectors(self.encode_long(texts))

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """Return the same of texts that ask for others, with the model's prompt for these."""
        return self._vectors(self._encode_long(texts, self._rules.query_prompt))

    def encode_long(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text; texts longer than the window have their passages as parts."""
        return self._encode_long(texts, self._rules.prompt)

    def _vectors(self, encodings: Sequence[Encoding]) -> FloatArray:
        return np.stack([each.vector for each in encodings]) if encodings else np.empty((0, self.dim), np.float32)

    def _encode_long(self, texts: Sequence[str], prompt: str) -> list[Encoding]:
        rows: list[list[int]] = []
        spans_of: list[list[tuple[int, int]]] = []
        notes: list[str] = []
        tokenizer = self._tokenizer()
        unknown = tokenizer.token_to_id(getattr(tokenizer.model, "unk_token", None) or "")
        specials = tokenizer.num_special_tokens_to_add(is_pair=False)
        prompted = len(tokenizer.encode(prompt, add_special_tokens=False).ids) if prompt else 0
        room = self._rules.window - specials - prompted
        if room < 1:
            reason = f"its prompt of {prompted} tokens leaves no room in its window of {self._rules.window}"
            raise EncoderError(f"{self.reference}: {reason}; {REMEDY}")
        for text, ids, offsets in self._tokenize(texts, prompt):
            strange, words = 0 if unknown is None else ids.count(unknown), len(ids) - specials - prompted
            most_are = 2 * strange > words  # a script that the model was not trained on, say
            notes.append(f"the text encoder does not know {strange} of its {words} words or signs" if most_are else "")
            if len(ids) <= self._rules.window:
                spans_of.append([])
                rows.append(ids)
                continue
            longest = passage_length(len(offsets), LONGEST_PASSAGE - specials, room)
            whole = split_passages(text, offsets, longest)
            spans = spread(whole, MOST_PASSAGES)
            if len(spans) < len(whole):
                notes[-1] = f"only {len(spans)} of its {len(whole)} passages were read, evenly spread"
            spans_of.append(spans)
            passages = self._tokenize([text[a:b] for a, b in spans], prompt)
            rows.extend(ids[: self._rules.window] for _, ids, _ in passages)
        vectors = self._encode_rows(rows)

        ends = np.cumsum([0, *(max(1, len(spans)) for spans in spans_of)])
        return [
            _gather(vectors[start:end], spans, note)
            for (start, end), spans, note in zip(pairwise(ends), spans_of, notes, strict=True)
        ]

    def _tokenizer(self) -> Tokenizer:
        with self._lock:
            return self._load_tokenizer()

    def _tokenize(self, texts: Sequence[str], prompt: str) -> list[tuple[str, list[int], list[tuple[int, int]]]]:
        """Return each text with its token ids, special ones included, and the characters of its other tokens."""
        prompted = [prompt + text for text in texts]
        encoded = self._tokenizer().encode_batch([_lower(text) for text in prompted] if self._rules.lower else prompted)
        return [
            (
                text,
                tokens.ids,
                [
                    (max(0, start - len(prompt)), end - len(prompt))
                    for (start, end), special in zip(tokens.offsets, tokens.special_tokens_mask, strict=True)
                    if not special and (end > len(prompt) or not prompt)
                ]
                if len(tokens.ids) > self._rules.window
                else [],
            )
            for text, tokens in zip(texts, encoded, strict=True)
        ]

    def open(self) -> None:
        """Make ready to encode, as the first use would."""
        self._tokenizer()
        self._network.open()

    def release(self) -> None:
        """Give the model's memory back; the next use opens it again."""
        self._network.release()

    def _encode_rows(self, rows: Sequence[list[int]]) -> FloatArray:
        """Return float32 (n, dim), unit length, of token ids; rows of like length share a batch: little is padding."""
        vectors = np.empty((len(rows), self.dim), np.float32)
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        batches: list[list[int]] = []
        for row in order:
            length = self._rules.window if self._rules.fixed_length else len(rows[row])
            some = max(4 if length <= FEW_TOKENS else 1, min(64, BATCH_TOKENS // max(1, length)))
            most = self._network.batch_size(some, 16 * some)
            fits = self._bears_padding or (batches and len(rows[batches[-1][0]]) == len(rows[row]))
            if batches and len(batches[-1]) < most and fits:
                batches[-1].append(row)
            else:
                batches.append([row])
        if batches:
            outputs = self._network.run([self._inputs([rows[row] for row in batch]) for batch in batches])
            for batch, output in zip(batches, outputs, strict=True):
                vectors[batch] = output[:, : self.dim]
        return unit(vectors)

    def _inputs(self, rows: Sequence[list[int]]) -> Inputs:
        length = self._rules.window if self._rules.fixed_length else max(len(row) for row in rows)
        ids = np.full((len(rows), length), self._rules.pad_id, np.int64)
        mask = np.zeros((len(rows), length), np.int64)
        for place, row in enumerate(rows):
            where = slice(length - len(row), length) if self._rules.pad_left else slice(len(row))
            ids[place, where] = row
            mask[place, where] = 1
        if (highest := int(ids.max())) >= self._rules.vocabulary:
            reason = f"its tokenizer knows a token {highest}, the model only {self._rules.vocabulary} tokens"
            raise EncoderError(f"{self.reference}: {reason}; fetch the model again or {REMEDY}")
        return token_inputs(ids, mask, fixed_length=self._rules.fixed_length)


def token_inputs(ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64], *, fixed_length: bool) -> Inputs:
    """Return a text network's inputs: ids (n, t), and the mask (n, t) of real tokens unless the length is fixed."""
    return {"ids": ids} if fixed_length else {"ids": ids, "mask": mask}


def _lower(text: str) -> str:
    """Return a text in lower case, but for characters that become two, so that places in it stay what they are."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(small if len(small := char.lower()) == 1 else char for char in text)


def _gather(vectors: FloatArray, spans: Sequence[tuple[int, int]], note: str) -> Encoding:
    """Return the encoding of one text from its passages' unit vectors, weighted by their length in characters."""
    if len(spans) <= 1:
        return replace(Encoding.whole(vectors[0]), note=note)
    lengths = np.array([end - start for start, end in spans], np.float32)
    return Encoding(
        unit(mean_direction(vectors, lengths)), vectors, tuple((float(a), float(b)) for a, b in spans), note
    )
