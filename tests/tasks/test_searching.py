"""Searches of trained networks: a wide beam does not lose, no answer is cut short or goes round."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recurra
from recurra.errors import RecurraError
from recurra.tasks import image_captioning, translation
from recurra.tasks.catalogue import find
from recurra.tasks.model import Model
from recurra.tasks.run import Run, complete
from recurra.tasks.widths import by_width
from recurra.training.metrics import bleu, length_ratio

FOLDER = Path(os.environ.get("RECURRA_DATA", ""))
FIELDS: dict[str, dict[str, Any]] = {
    "translation": {
        "epochs": 6,
        "hidden": 64,
        "embedding": 32,
        "batch_size": 32,
        "learning_rate": 0.02,
    },
    "image_captioning": {"epochs": 4, "batch_size": 8, "learning_rate": 6e-3},
}
TRAIN, TEST = 800, 80
LOST = 0.5  # BLEU: what chance may take from a wider beam on so few sentences


def goes_round(tokens: Sequence[int], shortest: int = 4, times: int = 3) -> bool:
    """Whether a passage of four tokens or more stands three times in a row."""
    return any(
        list(tokens[i : i + size]) * times == list(tokens[i : i + size * times])
        for size in range(shortest, len(tokens) // times + 1)
        for i in range(len(tokens) - size * times + 1)
    )


def tokens_of(model: Model, rows: Sequence[Any], **fields: Any) -> list[list[int]]:
    module: Any = translation if model.task.name == "translation" else image_captioning
    recipe = dataclasses.replace(model.recipe, **fields)
    found = module.hypotheses(model.network, model.codec, rows, recipe)
    return [one.tokens for one in found]


@pytest.fixture(scope="module", params=list(FIELDS))
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model of a part of the embedded sample, half learned, and rows of its test part."""
    task = find(request.param)
    out = str(tmp_path_factory.mktemp(request.param) / "run")
    given = {"out": out, "device": "cpu", "threads": 1, **FIELDS[request.param]}
    recipe = complete(task, given)
    splits = task.read(recipe)
    few = dataclasses.replace(
        splits, train=splits.train[:TRAIN], valid=splits.valid[:60], test=splits.test[:TEST]
    )
    small = dataclasses.replace(task, read=lambda _: few)
    return Run(small, recipe, quiet=True).train(), few.test


def test_a_wide_beam_does_not_lose(trained: Any):
    model, rows = trained
    found = by_width(model, rows)
    assert list(found) == [1, 3, 5, 10]
    assert found[1]["bleu"] > 20  # it has learned something
    assert found[5]["bleu"] > found[1]["bleu"] - LOST
    for figures in found.values():
        assert 0.85 < figures["length_ratio"] < 1.2
    # each is what `evaluate` says of that width, and what its answers are worth
    again = model.task.evaluate(
        model.network, model.codec, rows, dataclasses.replace(model.recipe, beam=3)
    )
    assert found[3] == again


def test_without_a_penalty_a_wide_beam_is_short(trained: Any):
    """What the usual length penalty is for: by log probability alone, little said is best."""
    model, rows = trained
    bare = dataclasses.replace(model, recipe=dataclasses.replace(model.recipe, length_penalty=0.0))
    (short,), (usual,) = (by_width(one, rows, [10]).values() for one in (bare, model))
    assert short["length_ratio"] <= usual["length_ratio"]
    assert by_width(bare, rows, [1]) == by_width(model, rows, [1])


@pytest.mark.parametrize("beam", [0, 1, 3, 5, 10])
def test_no_answer_goes_round(trained: Any, beam: int):
    model, rows = trained
    found = tokens_of(model, rows, beam=beam)
    assert len(found) == len(rows)
    assert not any(map(goes_round, found))


def test_a_network_that_would_go_round_does_not(trained: Any):
    """Its end and all but a few tokens are made unlikely: it can say little else than circles."""
    model, rows = trained
    bias = model.network.decoder.to_logits.bias
    kept = bias.detach().clone()
    try:
        bias.data -= 30
        bias.data[3] -= 30
        bias.data[4:9] += 30
        limit = {"max_length": 60} if model.task.name == "translation" else {}
        free = tokens_of(model, rows[:20], beam=1, no_repeat=0, **limit)
        assert any(map(goes_round, free))
        for beam in (0, 1, 4):
            held = tokens_of(model, rows[:20], beam=beam, **limit)
            assert not any(map(goes_round, held))
    finally:
        bias.data.copy_(kept)


def test_what_goes_round_is_told_from_what_does_not():
    assert goes_round([9, *[1, 2, 3, 4] * 3, 7])
    assert goes_round([5] * 12)
    assert not goes_round([5] * 11)
    assert not goes_round([1, 2, 3] * 3)
    assert not goes_round([1, 2, 3, 4] * 2 + [1, 2, 3])


def test_widths_that_are_none_and_tasks_that_do_not_search(trained: Any):
    model, rows = trained
    with pytest.raises(RecurraError, match="widths: received 0"):
        by_width(model, rows, [1, 0])
    task = find("sentiment")
    with pytest.raises(RecurraError, match="a sentiment model searches for no answers"):
        by_width(dataclasses.replace(model, task=task, recipe=task.recipe()))


@pytest.mark.slow
@pytest.mark.skipif(not FOLDER.name, reason="RECURRA_DATA names no folder with real data sets")
@pytest.mark.parametrize(
    ("task", "data", "fields"),
    [
        (
            "translation",
            "multi30k_en_de",
            {"hidden": 128, "embedding": 64, "vocabulary": 3000, "batch_size": 32},
        ),
        ("image_captioning", "flickr8k", {}),
    ],
    ids=["multi30k", "flickr8k"],
)
def test_real_data_are_searched_as_well(
    task: str, data: str, fields: dict[str, Any], tmp_path: Path
):
    out = str(tmp_path / "run")
    model = recurra.train(task, data=str(FOLDER / data), max_time="4m", out=out, **fields)
    rows = model.task.read(model.recipe).test[:300]
    found = by_width(model, rows)
    assert found[5]["bleu"] > found[1]["bleu"] - LOST
    lengths = [found[width]["length_ratio"] for width in found]
    print(task, {width: (f["bleu"], f["length_ratio"]) for width, f in found.items()})
    assert np.isfinite(lengths).all()
    for beam in (1, 5):
        assert not any(map(goes_round, tokens_of(model, rows, beam=beam)))


def test_the_figures_of_a_width_are_those_of_its_answers(trained: Any):
    model, rows = trained
    found = by_width(model, rows, [5])[5]
    answers = tokens_of(model, rows, beam=5)
    if model.task.name == "translation":
        texts = [model.codec.target.decode(one) for one in answers]
        wanted = [[row.target] for row in rows]
    else:
        texts = [model.codec.text(one) for one in answers]
        wanted = image_captioning.references(rows)
    assert found["bleu"] == pytest.approx(bleu(texts, wanted))
    assert found["length_ratio"] == pytest.approx(length_ratio(texts, wanted))
