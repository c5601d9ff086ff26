"""The embedded samples: their sizes, and that no part has seen what another holds."""

import datetime
import random
import re
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from recurra.data.readers import tabular
from recurra.data.samples import dates, digits, ner, scenes, sentiment
from recurra.data.splits import Splits
from recurra.errors import MissingExtra
from tests.every import Every as Recipe


@cache
def loaded(load: Callable[[Recipe], Splits[Any]]) -> Splits[Any]:
    return load(Recipe())


def disjoint(parts: list[set[Any]]) -> bool:
    return sum(map(len, parts)) == len(set().union(*parts))


def contents(part: list[Any]) -> list[Any]:
    return [
        tuple(field.tobytes() if isinstance(field, np.ndarray) else field for field in row)
        for row in part
    ]


@pytest.mark.parametrize("sample", [digits, scenes, dates, sentiment, ner])
def test_the_seed_shuffles_training_only(sample: ModuleType) -> None:
    first, second = loaded(sample.load), sample.load(Recipe(seed=1))
    assert contents(first.valid) == contents(second.valid)
    assert contents(first.test) == contents(second.test)
    ours, theirs = contents(first.train), contents(second.train)
    assert ours != theirs
    assert sorted(ours, key=repr) == sorted(theirs, key=repr)


def test_digits_are_stratified_and_disjoint() -> None:
    splits = loaded(digits.load)
    assert [len(part) for part in splits.parts] == [1259, 179, 359]
    assert disjoint([{row.where for row in part} for part in splits.parts])
    assert disjoint([{row.image.tobytes() for row in part} for part in splits.parts])
    assert splits.train[0].image.shape == (8, 8, 1)
    assert max(row.image.max() for row in splits.train) == 255
    counts = Counter(row.label for row in splits.test)
    assert len(counts) == 10
    assert max(counts.values()) - min(counts.values()) <= 2


def pair_of(caption: str) -> tuple[int, int]:
    names = [name.removesuffix("e") for name in scenes.NAMES]
    told = re.findall(r"(?:bright|dim) (\w+)", caption)
    found = [names.index(word.removesuffix("s").removesuffix("e")) for word in told]
    assert len(found) == 2, caption
    return min(found), max(found)


def test_scenes_have_one_short_caption_each() -> None:
    splits = loaded(scenes.load)
    assert [len(part) for part in splits.parts] == [4000, 400, 400]
    assert {row.image.shape for part in splits.parts for row in part} == {(24, 24, 3)}
    thing = rf"(a|two) %s ({'|'.join(scenes.NAMES)})(s|es)?"
    grammar = re.compile(f"{thing % 'bright'} ({'|'.join(scenes.RELATIONS)}) {thing % 'dim'}")
    for part in splits.parts:
        for row in part:
            assert len(row.captions) == 1
            assert grammar.fullmatch(row.captions[0]), row.captions[0]


def test_a_quarter_of_the_test_scenes_combines_unseen_digits() -> None:
    splits = loaded(scenes.load)
    known = {pair_of(row.captions[0]) for part in splits.parts[:2] for row in part}
    assert not known & scenes.UNSEEN
    fresh = [row for row in splits.test if pair_of(row.captions[0]) in scenes.UNSEEN]
    assert len(fresh) == 100
    assert all("unseen" in row.where for row in fresh)


@pytest.mark.parametrize("relation", scenes.RELATIONS)
def test_a_scene_shows_what_its_caption_says(relation: str) -> None:
    drawings = {d: [np.full((8, 8), 255, np.uint8)] for d in range(10)}
    scene = scenes.Scene(scenes.Thing(3, "bright"), relation, scenes.Thing(7, "dim"))
    assert scene.caption() == f"a bright three {relation} a dim seven"
    for seed in range(5):
        image = scenes.draw(scene, drawings, random.Random(seed)).max(-1)
        bright = np.argwhere(image > 200).mean(0)
        dim = np.argwhere((image > 90) & (image < 200)).mean(0)
        down, right = dim - bright
        expected = {
            "to the left of": right > 9 and abs(down) <= 2,
            "to the right of": right < -9 and abs(down) <= 2,
            "above": down > 9 and abs(right) <= 2,
            "below": down < -9 and abs(right) <= 2,
        }
        assert expected[relation]


def test_plurals() -> None:
    assert str(scenes.Thing(6, "dim", 2)) == "two dim sixes"
    assert str(scenes.Thing(0, "bright", 2)) == "two bright zeros"


def test_no_day_is_in_two_parts_of_the_dates() -> None:
    splits = loaded(dates.load)
    assert [len(part) for part in splits.parts] == [8000, 500, 500]
    assert disjoint([{pair.target for pair in part} for part in splits.parts])
    assert {pair.where.split("/")[1] for pair in splits.train} == set(dates.LANGUAGES)
    days = [datetime.date.fromisoformat(pair.target) for part in splits.parts for pair in part]
    assert min(days) >= dates.FIRST
    assert max(days) <= dates.LAST


def test_one_text_is_one_day() -> None:
    seen: dict[str, str] = {}
    for part in loaded(dates.load).parts:
        for pair in part:
            assert seen.setdefault(pair.source.lower(), pair.target) == pair.target


def form_of(pair: Any) -> tuple[str, ...]:
    return tuple(pair.where.rpartition(":")[0].split("/")[1:])


def test_forms_that_only_the_test_has() -> None:
    splits = loaded(dates.load)
    known = {form_of(pair) for part in splits.parts[:2] for pair in part}
    assert not known & dates.UNSEEN
    held = [pair for pair in splits.test if form_of(pair) in dates.UNSEEN]
    assert len(held) == 150
    assert {form_of(pair) for pair in held} == dates.UNSEEN
    languages = {language for language, _ in known}
    assert {language for language, _ in dates.UNSEEN} <= languages


def test_numeric_dates_name_their_language() -> None:
    numeric = {(f.language, f.name) for f in dates.forms() if f.numeric}
    rows = [pair for pair in loaded(dates.load).train if form_of(pair) in numeric]
    assert len(rows) > 1000
    assert all(pair.source.startswith(f"[{form_of(pair)[0].replace('_', '-')}] ") for pair in rows)
    day = datetime.date(2021, 3, 4)
    short = {f.language: dates.write(day, f) for f in dates.forms() if f.name == "short"}
    assert (short["fr"], short["en"]) == ("04/03/2021", "3/4/21")


def test_sentiment_is_balanced_and_its_test_constructions_are_new() -> None:
    splits = loaded(sentiment.load)
    assert len(splits.train) > 500
    assert disjoint([{row.text for row in part} for part in splits.parts])
    for part in splits.parts:
        share = sum(row.label == "positive" for row in part) / len(part)
        assert 0.4 < share < 0.6
    folder = Path(sentiment.__file__).parent / "sentiment"
    by_construction = Recipe(text_column="text", label_column="construction")
    constructions = [
        {
            row.label
            for row in tabular.read_file(folder / f"{part}.tsv", tabular.Rows(), by_construction)
        }
        for part in ("train", "valid", "test")
    ]
    assert disjoint(constructions)


def test_ner_sentences_are_tagged_in_iob2() -> None:
    splits = loaded(ner.load)
    assert len(splits.train) > 500
    assert disjoint([{" ".join(row.tokens) for row in part} for part in splits.parts])
    types = [{tag[2:] for row in part for tag in row.tags} - {""} for part in splits.parts]
    assert types[0] == types[1] == types[2]


@pytest.mark.parametrize(
    ("sample", "library"),
    [(digits, "sklearn.datasets"), (scenes, "sklearn.datasets"), (dates, "babel.dates")],
)
def test_a_missing_library_is_named(
    sample: ModuleType, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra, match=r"pip install 'recurra\[demo\]'"):
        sample.load(Recipe())
