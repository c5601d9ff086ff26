"""A word's memory by hand: what stands around it, over all its places in its own document."""

from typing import Any

import pytest
import torch

import recurra
from recurra.data.readers.conll import Tagged
from recurra.tasks.catalogue import find
from recurra.tasks.embedding import TokenEmbedding
from recurra.tasks.ner import tag
from recurra.tasks.spelling import ConvolvedSpelling
from recurra.tasks.words import WordEmbedding
from recurra.topologies import ManyToManyEqual

SAME = [[1, 2, 1, 3, 2, 1, 0, 0], [1, 2, 3, 4, 1, 5, 6, 2]]


def embedding() -> WordEmbedding:
    torch.manual_seed(0)
    words = TokenEmbedding(20, 4)
    return WordEmbedding(words, 8, ConvolvedSpelling(12, 2, 3), memory=6)


def tokens() -> torch.Tensor:
    torch.manual_seed(1)
    x = torch.cat([torch.randint(1, 8, (2, 8, 2)), torch.tensor(SAME)[..., None]], dim=-1)
    x = torch.cat([x, torch.randint(1, 12, (2, 8, 4))], dim=-1)
    return torch.where(x[..., 2:3] > 0, x, 0)


def test_the_memory_is_the_mean_over_a_words_places() -> None:
    embed, x = embedding(), tokens()
    found = embed(x)
    assert found.shape == (2, 8, embed.output_size)
    weight, bias = embed.context.weight, embed.context.bias
    for row, length in ((0, 6), (1, 8)):
        vectors = found[row, :length, :-6]
        padded = torch.cat([torch.zeros(2, 15), vectors, torch.zeros(2, 15)])
        around = [((weight * padded[t : t + 5].T).sum((1, 2)) + bias).relu() for t in range(length)]
        for t in range(length):
            places = [s for s in range(length) if SAME[row][s] == SAME[row][t]]
            wanted = torch.stack([around[s] for s in places]).mean(0)
            torch.testing.assert_close(found[row, t, -6:], wanted)


def test_neither_padding_nor_the_other_rows_are_remembered() -> None:
    embed, x = embedding(), tokens()
    whole = embed(x)
    torch.testing.assert_close(whole[0, :6], embed(x[:1, :6])[0])
    torch.testing.assert_close(whole[1], embed(x[1:])[0])


def test_without_a_memory_there_is_none() -> None:
    embed = WordEmbedding(TokenEmbedding(20, 4), 8, ConvolvedSpelling(12, 2, 3))
    x = tokens()
    assert embed.output_size == 15
    assert torch.equal(
        embed(torch.cat([x[..., :2], x[..., 3:]], -1)).isnan(), torch.zeros(2, 8, 15) > 0
    )


def test_no_entity_goes_on_in_the_next_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    task = find("ner")
    row = Tagged(["a", "b", "c", "d"], ["B-X", "I-X", "B-X", "O"], "", (0, 2))
    recipe: Any = task.recipe(hidden=4, embedding=4)
    codec = task.fit([row], recipe)
    network: Any = task.build(codec, recipe)
    path = [codec.tags.index(name) for name in ("B-X", "I-X", "I-X", "I-X")]
    monkeypatch.setattr(ManyToManyEqual, "predict", lambda *_: [path])
    assert tag(network, codec, [row]) == [["B-X", "I-X", "B-X", "I-X"]]


def test_lines_are_the_sentences_of_a_document(tmp_path: Any) -> None:
    text = "-DOCSTART-\tO\n\nRome\tB-LOC\nfell\tO\n\nShe\tO\nleft{}\tO\n\n"
    (tmp_path / "a.conll").write_text("".join(text.format(i) for i in range(20)))
    fields: dict[str, Any] = {"epochs": 1, "hidden": 4, "embedding": 4, "max_length": 9}
    model = recurra.train(
        "ner", data=str(tmp_path / "a.conll"), out=str(tmp_path / "run"), **fields
    )
    (answer,) = model.predict(["Rome fell\n\nShe left"])
    assert answer.tokens == ["Rome", "fell", "She", "left"]
    row = Tagged(answer.tokens, ["O"] * 4, "", (0, 2))
    assert answer.tags == tag(model.network, model.codec, [row])[0]
    x = model.codec.encode(row)[0]
    assert x.shape == (4, 3 + 16)
    loaded = recurra.load(tmp_path / "run")
    assert loaded.predict(["Rome fell\n\nShe left"]) == [answer]
