"""Data sets of the hub, through a stand-in for its library: no network."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from recurra.data.readers import conll, parallel, tabular
from recurra.errors import DataError, MissingExtra
from tests.every import Every as Recipe


class Split(list[dict[str, Any]]):
    features: dict[str, Any]


def split(features: dict[str, Any], rows: list[dict[str, Any]]) -> Split:
    made = Split(rows)
    made.features = features
    return made


PLAIN = SimpleNamespace()
SENTIMENT = {"sentence": PLAIN, "label": SimpleNamespace(names=["negative", "positive"])}
TAGS = {
    "tokens": SimpleNamespace(feature=PLAIN),
    "ner_tags": SimpleNamespace(feature=SimpleNamespace(names=["O", "B-PER", "I-PER"])),
}


def texts(count: int, label: int | None = None) -> list[dict[str, Any]]:
    return [
        {"sentence": f"text {i}", "label": i % 2 if label is None else label} for i in range(count)
    ]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str | None], Any]:
    sets: dict[tuple[str, str | None], Any] = {}
    library = ModuleType("datasets")

    def load_dataset(name: str, config: str | None) -> Any:
        if (name, config) not in sets:
            raise FileNotFoundError(f"no data set {name}\nand a long story")
        return sets[name, config]

    library.load_dataset = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", library)
    return sets


def test_texts_with_class_names_and_hidden_test_labels(hub: dict[Any, Any]) -> None:
    hub["glue", "sst2"] = {
        "train": split(SENTIMENT, texts(40)),
        "validation": split(SENTIMENT, texts(3)),
        "test": split(SENTIMENT, texts(5, label=-1)),
    }
    splits = tabular.read(Recipe(data="hf:glue:sst2"))
    assert [len(part) for part in splits.parts] == [36, 3, 4]
    assert splits.valid[1] == tabular.TextLabel("text 1", "positive", "hf:glue:sst2/validation:2")


def test_tagged_tokens(hub: dict[Any, Any]) -> None:
    rows = [{"tokens": ["Ada", "ran", str(i)], "ner_tags": [2, 0, 0]} for i in range(20)]
    hub["ner", None] = {"train": split(TAGS, rows)}
    splits = conll.read(Recipe(data="hf:ner"))
    assert [len(part) for part in splits.parts] == [16, 2, 2]
    assert splits.train[0].tags == ["B-PER", "O", "O"]
    rows[3]["ner_tags"] = [0]
    with pytest.raises(DataError, match="hf:ner/train:4: does not have one tag per token"):
        conll.read(Recipe(data="hf:ner"))
    with pytest.raises(DataError, match="no column 'words'; its columns are tokens, ner_tags"):
        conll.read(Recipe(data="hf:ner", token_column="words"))


def test_translations(hub: dict[Any, Any]) -> None:
    rows = [{"translation": {"en": f"one {i}", "de": f"eins {i}"}} for i in range(20)]
    hub["pairs", None] = {"train": split({"translation": PLAIN}, rows)}
    assert parallel.read(Recipe(data="hf:pairs")).train[0][:2] == ("eins 0", "one 0")
    turned = parallel.read(Recipe(data="hf:pairs", source="en"))
    assert turned.train[0][:2] == ("one 0", "eins 0")


def test_what_the_hub_lacks(hub: dict[Any, Any]) -> None:
    with pytest.raises(DataError, match=r"hf:none: cannot be loaded: no data set none$"):
        tabular.read(Recipe(data="hf:none"))
    hub["odd", None] = {"everything": split(SENTIMENT, texts(4))}
    with pytest.raises(DataError, match="no training split; its splits are everything"):
        tabular.read(Recipe(data="hf:odd"))


def test_the_library_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"datasets: pip install 'recurra\[hf\]'"):
        tabular.read(Recipe(data="hf:glue:sst2"))
