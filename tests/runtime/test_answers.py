"""What the runtime answers is what the model answers, task by task."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recurra
from recurra.errors import RecurraError
from recurra.onnx.export import export
from recurra.runtime import Exported, load
from tests.onnx.test_models import model
from tests.tasks.conftest import write_rolls, write_sensor, write_series

pytestmark = pytest.mark.unchecked("a graph would hold the checks too")

Both = tuple[recurra.Model, Exported]


def both(name: str, folder: Path, **fields: Any) -> Both:
    given = model(name, folder, **fields)
    export(given, folder / "out", rows=2)
    return given, load(folder / "out")


def same(pair: Both, inputs: list[Any], **decoding: Any) -> list[Any]:
    """Compare all that is said of these inputs, and return it."""
    given, exported = pair
    wanted = [one.asdict() for one in given.predict(inputs, **decoding)]
    found = [one.asdict() for one in exported.predict(inputs, **decoding)]
    assert len(found) == len(wanted) == len(inputs)
    for one, other in zip(found, wanted, strict=True):
        compare(one, other)
        json.dumps(one)
    return found


def compare(found: Any, wanted: Any) -> None:
    assert type(found) is type(wanted)
    if isinstance(wanted, dict):
        assert list(found) == list(wanted)
        for name in wanted:
            compare(found[name], wanted[name])
    elif isinstance(wanted, list | tuple):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            compare(one, other)
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, abs=1e-5, rel=1e-5, nan_ok=True)
    else:
        assert found == wanted


def told(parts: Iterator[Any]) -> tuple[list[str], Any]:
    *some, answer = parts
    assert all(isinstance(one, str) for one in some)
    return some, answer


@pytest.mark.parametrize(
    "fields", [{}, pytest.param({"members": 2, "bag": True}, marks=pytest.mark.slow)]
)
def test_labels_of_texts(fields: dict[str, Any], tmp_path: Path) -> None:
    texts = ["the film was fine", "awful", "my room was never seen before , and long"]
    found = same(both("sentiment", tmp_path, **fields), texts)
    assert len({one["probability"] for one in found}) == 3


@pytest.mark.parametrize("output", ["crf", pytest.param("softmax", marks=pytest.mark.slow)])
def test_tags_of_words(output: str, tmp_path: Path) -> None:
    pair = both("ner", tmp_path, output=output)
    found = same(pair, ["Ann saw Rome .", ["Bo", "left", "Zürich"], "x", "Gus met Oslo " * 9])
    assert len({tag for one in found for tag in one["tags"]}) > 1


@pytest.mark.parametrize("fields", [{}, pytest.param({"members": 2}, marks=pytest.mark.slow)])
def test_translations(fields: dict[str, Any], tmp_path: Path) -> None:
    pair = both("translation", tmp_path, **fields)
    texts = ["a red cat", "white", "a green fox and a blue dog"]
    ways: list[dict[str, Any]] = [
        {"beam": 1, "no_repeat": 2},
        {"beam": 3, "length_penalty": 1.0, "no_repeat": 3},
        {"beam": 4, "length_penalty": 0.0, "no_repeat": 0},
        {"beam": 0, "temperature": 0.9, "top_k": 9, "top_p": 0.8, "seed": 3},
        {"beam": 0, "temperature": 1.5, "max_length": 6},
    ]
    said = [[one["text"] for one in same(pair, texts, **way)] for way in ways]
    assert len({str(one) for one in said}) > 2
    assert same(pair, texts[:1])[0]["attention"]


@pytest.mark.parametrize("unit", ["characters", pytest.param("words", marks=pytest.mark.slow)])
def test_running_texts(unit: str, tmp_path: Path) -> None:
    pair = given, exported = both("language_model", tmp_path, unit=unit)
    same(pair, ["The value of it all", "é"] if unit == "characters" else ["The value of it all"])
    for prompt in ("The", ""):
        asked = {"temperature": 0.8, "top_p": 0.9, "seed": 4, "max_length": 40}
        heard: list[str] = []
        (wanted,) = given.write([prompt], heard.append, **asked)
        parts, found = told(exported.generate(prompt, **asked))
        assert found.asdict() == wanted.asdict()
        assert "".join(parts) == found.text
        assert [prompt, *parts] == heard
        assert len(parts) > 3


def test_labels_of_images(tmp_path: Path) -> None:
    from PIL import Image

    pixels = np.random.default_rng(1).integers(0, 256, (3, 8, 8)).astype(np.uint8)
    Image.fromarray(pixels[2]).save(tmp_path / "one.png")
    found = same(
        both("image_classification", tmp_path), [pixels[0], pixels[1], str(tmp_path / "one.png")]
    )
    assert len({one["probability"] for one in found}) == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"bidirectional": False, "lookahead": 2},
        pytest.param({"bidirectional": True}, marks=pytest.mark.slow),
    ],
)
def test_labels_of_signals(fields: dict[str, Any], tmp_path: Path) -> None:
    pair = both("signal_classification", tmp_path, **fields)
    x = np.random.default_rng(0).normal(size=(3, 12, 2))
    file = tmp_path / "some.npz"
    np.savez(file, x=x)
    found = same(pair, [x[0], x[1, :5], x[2, :1], str(file)])
    assert (found[0]["heard"] is None) is fields["bidirectional"]
    assert len(found[3]["signals"]) == 3


def test_tunes(tmp_path: Path) -> None:
    pair = given, exported = both("music_generation", tmp_path)
    asked = {"temperature": 0.9, "top_p": 0.9, "max_length": 40, "seed": 2}
    same(pair, ["G major", (2, "minor"), "Bb"], **asked)
    parts, tune = told(exported.generate("G major", **asked))
    assert tune == given.predict(["G major"], **asked)[0]
    notes = given.codec.notes
    assert parts == [notes.name(token) for token in tune.tokens]


@pytest.mark.parametrize(
    "way", [pytest.param({"beam": 1}, marks=pytest.mark.slow), {"beam": 3, "length_penalty": 0.6}]
)
def test_captions(way: dict[str, Any], tmp_path: Path) -> None:
    pair = both("image_captioning", tmp_path, members=len(way))
    images = np.random.default_rng(2).integers(0, 256, (3, *pair[0].codec.shape)).astype(np.uint8)
    found = same(pair, [*images], **way)
    assert told(pair[1].generate(images[0], **way))[1].asdict() == pytest.approx(found[0])


def noises(*sizes: int) -> list[Any]:
    drawn = np.random.default_rng(3)
    return [(drawn.normal(0, 0.1, size).astype(np.float32), 8000) for size in sizes]


@pytest.mark.parametrize(
    "fields",
    [
        {"bidirectional": False, "lookahead": 1},
        pytest.param({"bidirectional": True}, marks=pytest.mark.slow),
    ],
)
def test_labels_of_sounds(fields: dict[str, Any], tmp_path: Path) -> None:
    found = same(both("audio_classification", tmp_path, **fields), noises(3000, 900, 1))
    assert (found[0]["since"] is None) is fields["bidirectional"]


@pytest.mark.parametrize(
    "fields",
    [
        {"bidirectional": False, "lookahead": 2},
        pytest.param({"bidirectional": True}, marks=pytest.mark.slow),
    ],
)
def test_transcripts(fields: dict[str, Any], tmp_path: Path) -> None:
    pair = both("speech_recognition", tmp_path, **fields)
    found = same(pair, noises(6000, 2000, 300))
    assert found[0]["words"]
    with pytest.raises(RecurraError, match="by the best path"):
        pair[1].predict(noises(300), beam=3)


@pytest.mark.parametrize(
    ("surprise", "fields"),
    [("error", {}), pytest.param("likelihood", {"output": "gaussian"}, marks=pytest.mark.slow)],
)
def test_alarms(surprise: str, fields: dict[str, Any], tmp_path: Path) -> None:
    pair = both("anomaly_detection", tmp_path, **fields)
    pair[0].network.threshold.fill_(0.4)
    export(pair[0], tmp_path / "out", rows=2)
    pair = pair[0], load(tmp_path / "out")
    (tmp_path / "more").mkdir()
    file = str(write_sensor(tmp_path / "more"))
    found = same(pair, [file], surprise=surprise)
    assert found[0]["series"][0]["threshold"] == pytest.approx(0.4)
    assert same(pair, [file], surprise=surprise, threshold=0.01)[0]["series"][0]["alarms"]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, marks=pytest.mark.slow),
        pytest.param({"output": "student_t"}, marks=pytest.mark.slow),
        pytest.param({"output": "squared"}, marks=pytest.mark.slow),
        {"strategy": "recursive", "output": "gaussian", "samples": 5},
        pytest.param(
            {"strategy": "recursive", "output": "student_t", "samples": 3}, marks=pytest.mark.slow
        ),
    ],
)
def test_forecasts(fields: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    found = same(both("forecasting", tmp_path, **fields), [str(write_series(tmp_path / "more"))])
    assert bool(found[0]["forecasts"][0]["quantiles"]) is (fields.get("output") != "squared")


@pytest.mark.parametrize("output", ["joint", pytest.param("independent", marks=pytest.mark.slow)])
def test_pieces_that_go_on(output: str, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    pair = both("polyphonic_music", tmp_path, output=output, neighbours=2)
    asked = {"length": 5, "seed": 3, "temperature": 0.8}
    file = write_rolls(tmp_path / "more")
    assert any(same(pair, [file], **asked)[0]["notes"])
    same(pair, [file], length=3, temperature=0.0)


@pytest.mark.parametrize("name", ["signal_classification", "audio_classification", "sentiment"])
def test_what_comes_is_answered_as_it_comes_and_ends_as_the_whole(
    name: str, tmp_path: Path
) -> None:
    given, exported = both(name, tmp_path, bidirectional=False, lookahead=2)
    ((samples, _),) = noises(3010)
    rows = np.random.default_rng(0).normal(size=(7, 2))
    whole, parts = {
        "signal_classification": (rows, [rows[:1], rows[1:6], rows[6:]]),
        "audio_classification": (
            (samples, getattr(given.recipe, "sample_rate", 0)),
            np.split(samples, [7, 900]),
        ),
        "sentiment": ("my film was fine", ["my fi", "lm was", " fine"]),
    }[name]
    (wanted,) = given.predict([whole])
    session = exported.live()
    told = [answer for part in parts for answer in session.step(part)]
    late = session.end()
    assert told
    assert len(late) >= 2
    assert [one["step"] for one in told + late] == list(range(1, len(told + late) + 1))
    assert late[-1]["label"] == wanted.label
    assert late[-1]["probabilities"] == pytest.approx(wanted.probabilities, abs=2e-6)
