"""Probabilities and loss of a classifier come from one pass."""

import pytest
import torch

from recurra.data.readers.tabular import TextLabel
from recurra.tasks.evaluation import classified, collect, mean_loss
from recurra.tasks.run import complete
from recurra.tasks.sentiment import SENTIMENT, build, fit


def test_one_pass_tells_probabilities_and_loss():
    torch.manual_seed(0)
    rows = [TextLabel("a b c " * (i % 7 + 1), "ab"[i % 3 == 0], "") for i in range(150)]
    recipe = complete(SENTIMENT, {"data": "x", "hidden": 4, "embedding": 4})
    codec = fit(rows, recipe)
    network = build(codec, recipe)
    passes = []

    def logits(batch):
        passes.append(len(batch.x))
        return network(batch.x, batch.lengths)

    found, loss = classified(network, codec, rows, logits)
    assert sum(passes) == 150
    assert network.training
    want = collect(network, codec, rows, lambda b: network(b.x, b.lengths).softmax(-1).tolist())
    assert found == want
    assert loss["loss"] == pytest.approx(mean_loss(network, codec, rows)["loss"], rel=1e-6)
    assert classified(network, codec, [], logits) == ([], {"loss": 0.0})
