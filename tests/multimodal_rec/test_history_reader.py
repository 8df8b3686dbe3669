"""One history read in NumPy gives what the network gives in torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from multimodal_rec.fusion import FusionConfig, FusionNetwork
from multimodal_rec.history_reader import HistoryReader
from multimodal_rec.threads import one_thread


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("length", [1, 7, 20])
def test_reads_as_the_network_does(layers: int, length: int) -> None:
    torch.manual_seed(layers)
    config = FusionConfig(dim=16, history=20, layers=layers, heads=4, items=5, features={})
    encoder = FusionNetwork(config).eval().history_encoder
    for weight in encoder.parameters():  # so that biases and norms count
        torch.nn.init.normal_(weight, std=0.5)
    items, ratings = torch.randn(length, 16), torch.randn(length)
    with torch.inference_mode():
        expected = encoder(items[None], ratings[None])[0, -1].numpy()
    found = HistoryReader.of(encoder, config)(items.numpy(), ratings.numpy())
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_one_thread_until_the_last_has_ended() -> None:
    def threads() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    with threadpool_limits(2, user_api="blas"):
        before = threads()
        with one_thread:
            with one_thread:
                assert threads() == {1}
            assert threads() == {1}
        assert threads() == before
