"""Every decoding option has an effect, through `model.predict` and the public command."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from recurra.cli import main
from recurra.data.readers.captions import CaptionedImage
from recurra.data.readers.parallel import Pair
from recurra.tasks.catalogue import find
from recurra.tasks.model import Model, load


def untrained(name: str, fit: Sequence[Any], **fields: Any) -> Model:
    """A model whose random weights make some tokens much likelier than others."""
    task = find(name)
    recipe = task.recipe.of(task.defaults, {"hidden": 8, "embedding": 8, "layers": 1}, fields)
    torch.manual_seed(1)
    codec = task.fit(fit, recipe)
    network = task.build(codec, recipe).eval()
    nn.init.normal_(network.decoder.to_logits.weight, std=2.0)
    return Model(task, recipe, codec, network)


@pytest.fixture(scope="module")
def musician() -> Model:
    return untrained("music_generation", [], max_length=12, temperature=1.0, top_p=1.0)


@pytest.fixture(scope="module")
def translator() -> Model:
    text = "a red cat saw my old dog near the green house by it".split()  # noqa: SIM905  # reads better than a list
    pairs = [Pair(" ".join(text[i:]), " ".join(text[:i]), "here") for i in range(1, len(text))]
    return untrained("translation", pairs, max_length=12, vocabulary=40)


def tokens(model: Model, keys: Sequence[str] = ("C major",), **options: Any) -> list[list[int]]:
    return [tune.tokens for tune in model.predict(keys, **options)]


def test_temperature_0_is_the_likeliest(musician: Model) -> None:
    cold = tokens(musician, temperature=0)
    assert cold == tokens(musician, temperature=0, seed=5) == tokens(musician, top_k=1)
    assert cold == tokens(musician, temperature=1e-6) == tokens(musician, top_p=1e-9)
    assert cold != tokens(musician, temperature=1)
    recipe = dataclasses.replace(musician.recipe, temperature=0.0)
    recipe.check()
    assert cold == tokens(dataclasses.replace(musician, recipe=recipe), temperature=0.0)


@pytest.mark.parametrize(
    "options", [{"seed": 1}, {"temperature": 20.0}, {"top_k": 2}, {"top_p": 0.3}], ids=str
)
def test_sampling_options_have_an_effect(musician: Model, options: dict[str, Any]) -> None:
    keys = ["C major", "a minor"] * 4
    assert tokens(musician, keys) == tokens(musician, keys, seed=0)
    assert tokens(musician, keys) != tokens(musician, keys, **options)


def test_pieces_of_one_call_differ_and_are_those_of_any_other(musician: Model) -> None:
    several = tokens(musician, ["C major"] * 4)
    assert len({tuple(one) for one in several}) == 4
    assert several[:2] == tokens(musician, ["C major"] * 2)


def test_length_and_beam_have_an_effect(musician: Model, translator: Model) -> None:
    long = tokens(musician, temperature=0, max_length=9)
    assert tokens(musician, temperature=0, max_length=4) == [long[0][:4]]
    text = ["a red cat", "my old dog near the green house"]

    def run(**options: Any) -> list[str]:
        return [str(one) for one in translator.predict(text, **options)]

    greedy, wide, sampled = run(beam=1), run(beam=8), run(beam=0)
    assert greedy != wide != sampled != greedy
    assert run() == run(beam=translator.recipe.beam) != greedy
    assert run(beam=0, temperature=0) == greedy == run(beam=0, top_k=1)
    assert run(beam=0, seed=3) != sampled == run(beam=0)
    pairs = zip(run(beam=1, max_length=2), greedy, strict=True)
    assert all(long.startswith(short) and short != long for short, long in pairs)


@pytest.mark.parametrize("beam", [0, 1, 3, 8])
def test_nothing_is_written_twice_where_that_is_asked(translator: Model, beam: int) -> None:
    texts = ["a red cat", "my old dog near the green house", "it", "saw a cat by it"]

    def twice(**options: Any) -> int:
        answers = [one.tokens for one in translator.predict(texts, beam=beam, **options)]
        return sum(len(set(tokens)) < len(tokens) for tokens in answers)

    assert twice(no_repeat=1) == 0 < twice(no_repeat=0)


def test_a_caption_has_no_more_words_than_are_asked_for() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    words = "a red cat saw my old dog near the green house by the river"
    captioner = untrained("image_captioning", [CaptionedImage(images[0], [words], "here")])

    def lengths(**options: Any) -> list[int]:
        return [len(one.text.split()) for one in captioner.predict(list(images), **options)]

    assert max(lengths(beam=1, max_length=3)) == 3 < max(lengths(beam=1))
    assert max(lengths(beam=3, max_length=2)) == 2


def test_the_command_hands_its_options_on(
    musician: Model, translator: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    musician.save(tmp_path / "music")
    translator.save(tmp_path / "text")

    def run(*arguments: str) -> bytes:
        target = tmp_path / "tune.mid"
        assert (
            main(["generate", str(tmp_path / "music"), "C major", "--out", str(target), *arguments])
            == 0
        )
        return target.read_bytes()

    music = load(tmp_path / "music")

    def expected(**options: Any) -> bytes:
        return music.predict(["C major"], **options)[0].midi

    for given in [
        {"seed": 2},
        {"temperature": 0.0},
        {"temperature": 9.0},
        {"top_k": 2},
        {"top_p": 0.2},
        {"max_length": 6},
    ]:
        ((name, value),) = given.items()
        flag = f"--{name.replace('_', '-')}"
        assert run(flag, str(value)) == expected(**given) != expected(), given
    for bad in ("-1", "nan"):
        capsys.readouterr()
        assert main(["generate", str(tmp_path / "music"), "C major", "--temperature", bad]) == 2
        assert "temperature" in capsys.readouterr().err
    capsys.readouterr()
    written = []
    for width in ("1", "8"):
        main(["predict", str(tmp_path / "text"), "a red cat", "--beam", width, "--as-json"])
        written.append(json.loads(capsys.readouterr().out))
    assert written[0] != written[1]
