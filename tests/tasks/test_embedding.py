"""Embeddings in training, and labels that a model does not know."""

from typing import Any

import pytest
import torch

from recurra.data.readers.parallel import Pair
from recurra.data.readers.tabular import TextLabel
from recurra.errors import DataError
from recurra.tasks.catalogue import find
from recurra.tasks.embedding import TokenEmbedding
from recurra.tasks.evaluation import known


def test_padding_is_never_read_as_an_unknown_word() -> None:
    embed = TokenEmbedding(9, 4, word_dropout=1.0)
    found = embed(torch.tensor([[5, 7, 0, 0]]))[0]
    assert torch.equal(found[0], embed.table.weight[1])
    assert torch.equal(found[1], embed.table.weight[1])
    assert torch.equal(found[2:], embed.table.weight[:1].expand(2, -1))
    assert torch.equal(embed.eval()(torch.tensor([[5]]))[0, 0], embed.table.weight[5])


def test_features_of_a_source_are_dropped_in_training() -> None:
    task = find("translation")
    recipe = task.recipe(hidden=4, embedding=64, dropout=0.5, vocabulary=40)
    network: Any = task.build(task.fit([Pair("a b c", "x y", "")], recipe), recipe)
    tokens = torch.tensor([[4, 5, 4]])
    torch.manual_seed(0)
    assert 0.2 < float((network.train().embed(tokens) == 0).float().mean()) < 0.8
    assert float((network.eval().embed(tokens) == 0).float().mean()) == 0


def test_a_label_that_a_model_does_not_know_is_told_with_its_row() -> None:
    known(["a", "b"], [TextLabel("x", "b", "f.tsv:2")])
    with pytest.raises(DataError, match=r"f\.tsv:3: label 'c' is unknown to this model: a, b"):
        known(["a", "b"], [TextLabel("x", "b", "f.tsv:2"), TextLabel("y", "c", "f.tsv:3")])
