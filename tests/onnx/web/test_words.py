"""Texts are cut and numbered in a page as they are in Python."""

import json
import random

import numpy as np
import pytest
from tokenizers.normalizers import NFC

from recurra.codecs.streams.tags import Path
from recurra.codecs.tagged import shape, spans
from recurra.data import units as kinds
from recurra.data.habit import Habit
from recurra.data.vocabulary import SPECIALS, Vocabulary, composed, train_subwords, words
from tests.onnx.web.conftest import Ask
from tests.onnx.web.texts import some

HABITS = {
    "plain": Habit(),
    "blanks": Habit(blanks=True, kept=("a b",)),
    "kept": Habit(kept=("U.", "U.S.", "Mr.")),
    "all": Habit(
        inside="'-&",
        digits=",.:-/",
        before="#@",
        after="%$+",
        suffixes=("'s", "'k", "n't"),
        prefixes=("l'", "ß'"),
        patterns=("initialism", "initial", "ordinal", "link"),
        merged=("cannot",),
        kept=("U.", "U.S.", "Mr.", "’s", "a'b"),
        split_last=("Mr.",),
    ),
}
KEPT = ["Mr. A of the U.S.A. and the U. in U.S.", "a'bc a'b’s a'b", "a bc a b a b", "no Mr.)"]
CORPUS = ["Der Zug fährt um 12:30 Uhr nach München ab.", "a\u0301 naïve café, 1,000.5 $"] * 40


@pytest.mark.parametrize("lower", [True, False])
def test_words_are_those_of_the_vocabulary(ask: Ask, lower: bool) -> None:
    texts = some(3000, seed=int(lower))
    assert ask("words", texts, lower) == [words(text, lower=lower) for text in texts]


@pytest.mark.parametrize("name", HABITS)
def test_words_are_cut_as_a_habit_does(ask: Ask, name: str) -> None:
    habit, texts = HABITS[name], [*KEPT, *some(3000, seed=2)]
    found = ask("habit", json.loads(habit.to_json()), texts)
    assert found == [habit.words(text) for text in texts]


def test_a_text_spells_no_special_token(ask: Ask) -> None:
    vocabulary = Vocabulary((*SPECIALS, "a", "<", "s"))
    rows = [["<s>", "a", "</s>", "<pad>"], ["s", "<", "b"], []]
    assert ask("numbers", vocabulary.tokens, rows) == [vocabulary.encode(row) for row in rows]


def test_shapes_are_those_of_the_tags(ask: Ask) -> None:
    asked = [(word, bool(i % 2)) for i, word in enumerate(["", *some(1500, seed=3)])]
    assert ask("shape", asked) == [shape(word, first=first) for word, first in asked]


def test_entities_are_those_of_the_tags(ask: Ask) -> None:
    tokens = list("abcdefgh")
    tags = ["I-A", "I-A", "B-A", "I-B", "O", "I-B", "I-B", "B-B"]
    assert ask("spans", tokens, tags) == [list(one) for one in spans(tokens, tags)]


@pytest.mark.parametrize("size", [120, 1300])  # without bytes, and with them
def test_subwords_are_those_of_the_tokenizer(ask: Ask, size: int) -> None:
    # the library's Unicode is older than Python's: it does not order the latest marks
    alike = NFC().normalize_str
    texts = [t for t in [*CORPUS[:2], *some(2000, seed=4)] if alike(t) == composed(t)]
    drawn = random.Random(0)
    tokenizer = train_subwords([*CORPUS, *texts[:500]], size)
    many = tokenizer.get_vocab_size()
    numbers = [[drawn.randrange(many) for _ in range(drawn.randrange(12))] for _ in range(500)]
    encoded, decoded = ask("tokenizer", json.loads(tokenizer.to_str()), texts, numbers)
    assert encoded == [tokenizer.encode(text).ids for text in texts]
    assert decoded == [tokenizer.decode(one) for one in numbers]


@pytest.mark.parametrize("name", ["characters", "bytes", "words", "subwords"])
def test_units_are_those_of_the_language_model(ask: Ask, name: str) -> None:
    found = kinds.fit(name, [text.encode() for text in CORPUS], 400)
    texts = some(500, seed=5)
    stored = {"unit": name, "vocabulary": found.stored()}
    for text, (numbers, shown, spelled) in zip(texts, ask("units", stored, texts), strict=True):
        assert numbers == found.encode(text.encode()).tolist()
        assert shown == found.shown(text)
        assert [bytes(one) for one in spelled] == [found.spell(number) for number in numbers]


def test_a_path_ends_as_the_taggers(ask: Ask) -> None:
    drawn = np.random.default_rng(0)
    crf = Path(*(3 * drawn.normal(size=size) for size in ((5,), (5, 5), (5,))))
    rows, memory = drawn.normal(size=(200, 5)), {"best": np.zeros(0)}
    wanted = crf.go(memory, rows)
    assert ask("path", crf.asdict(), rows.tolist()) == wanted
    assert wanted != rows.argmax(-1).tolist()
