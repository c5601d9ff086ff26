"""Codecs and what stands beside them, by examples written out."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from recurra.codecs.scale import Scale
from recurra.data.batch import Labelled
from recurra.data.readers.arrays import LabelledImage
from recurra.data.readers.captions import CaptionedImage
from recurra.data.readers.conll import Tagged
from recurra.data.readers.midi import Tune
from recurra.data.readers.parallel import Pair
from recurra.data.readers.tabular import TextLabel
from recurra.data.vocabulary import END, PAD, START, UNKNOWN, Vocabulary
from recurra.tasks.catalogue import find
from recurra.tasks.codecs.captions import CaptionCodec
from recurra.tasks.codecs.pictures import ImageCodec
from recurra.tasks.codecs.tags import TagCodec, spans
from recurra.tasks.codecs.text import TextCodec
from recurra.tasks.codecs.tunes import MusicCodec, parse
from recurra.tasks.evaluation import collect, mean_loss
from recurra.topologies import Loss, cross_entropy

WORDS = Vocabulary.build([["a", "b", "c", "a", "b", "a"]], size=99)  # a: 4, b: 5, c: 6
BLACK = np.zeros((2, 2, 3), np.uint8)


def shifted(x: Tensor, y: Tensor, ids: list[int], start: int = START, end: int = END) -> None:
    assert x.tolist() == [start, *ids]
    assert y.tolist() == [*ids, end]


def test_captions_are_shifted_by_one() -> None:
    codec = CaptionCodec(WORDS, (2, 2, 3), Scale())
    items = [codec.encode(CaptionedImage(BLACK, [text], "")) for text in ("A c", "b")]
    shifted(*items[0][:2], [4, 6])
    batch = codec.collate(items)
    assert batch.x.tolist() == [[START, 4, 6], [START, 5, PAD]]
    assert batch.y.tolist() == [[4, 6, END], [5, END, PAD]]
    assert batch.lengths.tolist() == [3, 2]


def test_pairs_are_shifted_by_one_and_each_side_has_its_own_tokens() -> None:
    recipe = find("translation").recipe(vocabulary=60, max_length=5)
    pairs = [Pair("uvw vwu u", "xyz zx", ""), Pair("w", "z y x zz", "")]
    codec = find("translation").fit(pairs, recipe)
    items = [codec.encode(pair) for pair in pairs]
    for pair, (x, y, read) in zip(pairs, items, strict=True):
        ids = codec.target.encode(pair.target).ids
        shifted(x, y, ids[:4])
        assert read.tolist() == [*codec.source.encode(pair.source).ids[:5], END]
        assert len(ids) > 4 or codec.target.decode(ids) == pair.target
    assert codec.target.decode(codec.target.encode("xyz zx y").ids) == "xyz zx y"
    assert codec.source.decode(codec.source.encode("uvw vwu").ids) == "uvw vwu"
    batch = codec.collate(items)
    assert batch.context_lengths.tolist() == [len(read) for _, _, read in items]
    assert batch.lengths.tolist() == [len(x) for x, _, _ in items]
    assert len(set(batch.context_lengths.tolist())) == 2
    assert batch.context_lengths.tolist() != batch.lengths.tolist()


def test_tunes_are_shifted_by_one_and_keep_key_and_mode() -> None:
    from recurra.data.music import Notes

    notes = Notes()
    codec = MusicCodec(notes, 4)
    x, y, asked = codec.encode(Tune(None, 7, "minor", "", (9, 10, 11, 12, 13)))
    shifted(x, y, [9, 10, 11], notes.start, notes.end)
    assert asked.tolist() == [7, 1]
    network: Any = find("music_generation").build(
        codec, find("music_generation").recipe(hidden=4, embedding=4)
    )
    told = network.encoder(torch.tensor([[7, 0], [7, 1], [8, 0]]))
    assert len({tuple(row) for row in told.tolist()}) == 3


def test_labels_are_numbered_in_their_order() -> None:
    codec = ImageCodec(["cat", "dog", "eel"], (2, 2, 3), Scale())
    rows = [LabelledImage(BLACK, label, "") for label in ("cat", "eel", "dog", "newt")]
    assert codec.collate([codec.encode(row) for row in rows]).y.tolist() == [0, 2, 1, -1]


def test_texts_are_cut_and_keep_their_own_lengths() -> None:
    codec = TextCodec(WORDS, ["no", "yes"], 3)
    rows = [TextLabel("A b c a", "yes", ""), TextLabel("c", "no", "")]
    batch = codec.collate([codec.encode(row) for row in rows])
    assert batch.x.tolist() == [[4, 5, 6], [6, PAD, PAD]]
    assert batch.lengths.tolist() == [3, 1]
    assert batch.y.tolist() == [1, 0]


def test_letters_stand_beside_their_words_known_or_not() -> None:
    codec = TextCodec(WORDS, ["no", "yes"], 2, letters=True)
    codec = TextCodec.from_files(codec.files())
    rows = [TextLabel("A xyz c", "yes", ""), TextLabel("", "no", "")]
    batch = codec.collate([codec.encode(row) for row in rows])
    assert batch.x.shape == (2, 2, 17)
    assert batch.x[0, :, :5].tolist() == [[4, 97, 0, 0, 0], [UNKNOWN, 120, 121, 122, 0]]
    assert not batch.x[1].any()
    assert batch.lengths.tolist() == [2, 0]


def test_a_tag_stands_beside_its_word_whatever_its_case() -> None:
    letters = Vocabulary.build([list("abcABC")], size=99)
    codec = TagCodec(WORDS, letters, ["O", "B-X", "I-X"], 3)
    x, tags = codec.encode(Tagged(["A", "b", "C", "a"], ["B-X", "I-X", "O", "B-X"], ""))
    assert x[:, 0].tolist() == [4, 5, 6]
    assert tags.tolist() == [1, 2, 0]
    assert len({*codec.encode(Tagged(["c", "C"], ["O", "O"], ""))[0][:, 1].tolist()}) == 2


def test_of_documents_a_word_is_known_again_and_a_sentences_first_one_is_told() -> None:
    letters = Vocabulary.build([list("abcABC")], size=99)
    codec = TagCodec(WORDS, letters, ["O", "B-X"], 9, documents=True, rare=5)
    row = Tagged(["a", "zz", "A", "b", "zz", "a"], ["O"] * 6, "", (0, 2, 5))
    x, _ = codec.encode(row)
    assert x[:, 2].tolist() == [1, 2, 1, 3, 2, 1]
    first = [False, False, True, False, False, True]
    plain = codec.encode(row._replace(starts=()))[0][:, 1]
    assert x[0, 1] != plain[0]
    assert [bool(a != b) for a, b in zip(x[:, 1], plain, strict=True)] == [True, *first[1:]]
    alone = TagCodec(WORDS, letters, ["O", "B-X"], 9).encode(row)[0]
    assert torch.equal(x[:, 3:], alone[:, 2:])
    again = TagCodec.from_files(codec.files())
    assert (again.documents, again.rare) == (True, 5)
    assert torch.equal(again.encode(row)[0], x)


def test_entities_are_runs_of_one_kind() -> None:
    tokens, tags = list("abcdefg"), ["B-X", "I-X", "B-X", "O", "I-Y", "I-Y", "I-X"]
    assert spans(tokens, tags) == [
        ("a b", "X", 0, 1), ("c", "X", 2, 2), ("e f", "Y", 4, 5), ("g", "X", 6, 6),
    ]  # fmt: skip  # read as a table


def test_keys_by_any_of_their_names() -> None:
    asked = ["C", "c# minor", "Db major", "Eb", "gb minor", "A♭", "B♭ minor", "B"]
    assert [parse(text) for text in asked] == [
        (0, "major"), (1, "minor"), (1, "major"), (3, "major"), (6, "minor"), (8, "major"),
        (10, "minor"), (11, "major"),
    ]  # fmt: skip  # read as a table


class Echo(nn.Module):
    """Its logits are the first word and its double; it drops half of them in training."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        logits = self.scale * torch.stack([x[:, 0], 2 * x[:, 0]], 1)
        return nn.functional.dropout(logits.float(), 0.5, self.training)

    def loss(self, batch: Labelled, smoothing: float = 0.0) -> Loss:
        return cross_entropy(self(batch.x, batch.lengths), batch.y, smoothing=smoothing)


class Case(NamedTuple):
    rows: list[TextLabel]
    codec: TextCodec
    network: Echo


@pytest.fixture
def case() -> Case:
    texts = ["c a", "a", "b a a", "a b", "b"]
    rows = [TextLabel(text, "no" if i % 2 else "yes", "") for i, text in enumerate(texts)]
    return Case(rows, TextCodec(WORDS, ["no", "yes"], 9), Echo().train())


def test_results_stand_in_the_order_of_the_examples(case: Case) -> None:
    def first(batch: Labelled) -> list[int]:
        assert not case.network.training
        return [int(number) for number in batch.x[:, 0]]

    found = collect(case.network, case.codec, case.rows, first, size=2)
    assert found == [6, 4, 5, 4, 5]
    assert case.network.training


def test_a_mean_loss_is_that_of_all_rows_without_dropout(case: Case) -> None:
    words = [6.0, 4.0, 5.0, 4.0, 5.0]
    losses = [
        np.log(np.exp(word) + np.exp(2 * word)) - (word if i % 2 else 2 * word)
        for i, word in enumerate(words)
    ]
    found = mean_loss(case.network, case.codec, case.rows, size=2)
    assert found == {"loss": pytest.approx(float(np.mean(losses)), rel=1e-5)}
    assert case.network.training
