"""The readers on real data sets: counts as their publishers state them."""

import os
from pathlib import Path
from typing import Any

import pytest

from recurra.data.readers import captions, conll, images, midi, parallel, tabular
from recurra.data.splits import Splits
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
