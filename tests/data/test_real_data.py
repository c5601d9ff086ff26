"""The readers on real data sets: counts as their publishers state them."""

import os
from pathlib import Path
from typing import Any

import pytest

from recurra.data import units
from recurra.data.readers import captions, conll, images, midi, parallel, prose, tabular
from recurra.data.splits import Splits
from recurra.data.units import pieces
from recurra.tasks.codecs.prose import ProseCodec
from recurra.training.options import RunningText
from tests.every import Every as Recipe

ROOT = Path(os.environ.get("RECURRA_DATA", "no folder"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ROOT.is_dir(), reason="RECURRA_DATA names no folder of data sets"),
]


def sizes(splits: Splits[Any]) -> list[int]:
    return [len(part) for part in splits.parts]


def of(name: str) -> Recipe:
    if not (ROOT / name).is_dir():
        pytest.skip(f"RECURRA_DATA has no folder {name}")
    return Recipe(data=str(ROOT / name))


def test_sst2() -> None:
    splits = tabular.read(of("sst2"))
    assert sizes(splits) == [6920, 872, 1821]
    assert sum(row.label == "1" for row in splits.train) == 3610


@pytest.mark.parametrize(
    ("name", "sentences", "tokens"),
    [
        ("conll2003_en", [14041, 3250, 3453], [203621, 51362, 46435]),
        ("wnut17", [3394, 1009, 1287], [62730, 15733, 23394]),
    ],
)
def test_tagged_news(name: str, sentences: list[int], tokens: list[int]) -> None:
    splits = conll.read(of(name))
    assert sizes(splits) == sentences
    assert [sum(len(row.tokens) for row in part) for part in splits.parts] == tokens


def test_conll2003_has_the_entities_that_its_paper_counts() -> None:
    train = conll.read(of("conll2003_en")).train
    begun = [tag for row in train for tag in row.tags if tag.startswith("B-")]
    counts = {kind: begun.count(f"B-{kind}") for kind in ("LOC", "MISC", "ORG", "PER")}
    # Tjong Kim Sang and De Meulder 2003, https://aclanthology.org/W03-0419, table 2.
    assert counts == {"LOC": 7140, "MISC": 3438, "ORG": 6321, "PER": 6600}


def test_multi30k() -> None:
    splits = parallel.read(of("multi30k_en_de"))
    assert sizes(splits) == [29000, 1014, 1000]
    assert splits.train[0].target == "Two young, White males are outside near many bushes."


def test_mnist() -> None:
    splits = images.read(of("mnist"))
    assert sizes(splits) == [54000, 6000, 10000]
    assert [row.label for row in splits.test[:5]] == ["7", "2", "1", "0", "4"]


def test_flickr8k() -> None:
    splits = captions.read(of("flickr8k"))
    assert sizes(splits) == [6000, 1000, 1000]
    assert splits.skipped == 5
    assert {len(row.captions) for row in splits.train} == {5}


def test_nottingham() -> None:
    assert sizes(midi.read(of("nottingham_midi"))) == [824, 115, 95]


def test_ptb_has_its_tokens_and_words() -> None:
    found = prose.read(RunningText(data=str(of("ptb").data)))
    texts = (piece for passage in found.train for piece in pieces(passage.text))
    codec = ProseCodec(units.fit("words", texts, 16_000))
    assert [len(codec.stream(part)) - 1 for part in found.parts] == [929_589, 73_760, 82_430]
    assert len(codec.units) == 1 + 10_000  # and the end of a text


def test_tinyshakespeare_is_one_text() -> None:
    book = prose.read(RunningText(data=f"{of('tinyshakespeare').data}/input.txt", test_share=0.1))
    assert sum(len(part[0].text) for part in book.parts) == 1_115_394
    assert len(book.test[0].text) == 111_539
