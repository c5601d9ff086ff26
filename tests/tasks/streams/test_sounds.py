"""Sounds that are heard: samples in any pieces, and what `predict` says of the whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recurra.errors import RecurraError
from recurra.tasks.streams.session import Session

from .made import cuts, heard, made, refuses, restored, same, size

HEARS: dict[str, Any] = {"sample_rate": 8000, "hop_ms": 10.0, "window_ms": 20.0, "bands": 8}
CAUSAL: dict[str, Any] = {**HEARS, "bidirectional": False}
WRONG: list[Any] = [
    *(None, 1.0, "a", {}, [0.1, "b"], [0.1, None], [0.1, True], [[0.1]], [float("nan")]),
    *([2e6], [10**400], np.zeros((4, 1), np.float32), np.zeros(4, np.int16)),
    *(np.array([0, np.inf], np.float32), [0.0] * 1_000_001),
]


def sound(count: int = 1903) -> np.ndarray:
    drawn = np.random.default_rng(3)
    wave = 0.4 * np.sin(np.arange(count) * np.linspace(0.1, 1.9, count))
    return (wave + 0.05 * drawn.standard_normal(count)).astype(np.float32)


@pytest.mark.parametrize(
    "fields",
    [{"pool": "mean"}, {"lookahead": 2}, {"coefficients": 5, "mask_bands": 0, "pool": "last"}],
)
def test_the_label_of_a_sound_so_far(tmp_path: Path, fields: dict[str, Any]):
    model = made("audio_classification", tmp_path, **HEARS, **fields)
    x = sound()
    whole = heard(model, [x])
    for pieces in ([x.tolist()], np.split(x, range(37, len(x), 37)), cuts(x, 1), cuts(x, 2)):
        assert same(heard(model, pieces), whole)
    (answer,) = model.predict([(x, 8000)])
    assert len(whole) == len(answer.heard) == -(-len(x) // 80)
    for one, (_, told) in zip(whole, answer.heard, strict=True):
        assert one["probabilities"] == pytest.approx(told, abs=1e-5)
    assert whole[-1]["label"] == answer.label
    assert model.streamed().seconds == 0.01


@pytest.mark.parametrize(
    "fields",
    [
        {"units": "characters", "lookahead": 2},
        {"units": "words"},
        {"units": "subwords", "vocabulary": 40},
        {"units": "subwords", "vocabulary": 1000},
    ],
)
def test_what_is_new_of_a_transcript(tmp_path: Path, fields: dict[str, Any]):
    model = made("speech_recognition", tmp_path, **CAUSAL, **fields)
    with torch.no_grad():
        model.network.head[1].weight.mul_(4)
    x = sound(8000)
    whole = heard(model, [x])
    for pieces in (np.split(x, range(333, len(x), 333)), cuts(x, 2)):
        assert heard(model, pieces) == whole
    (answer,) = model.predict([(x, 8000)])
    assert answer.text
    assert "".join(one["text"] for one in whole) == answer.text
    steps = [one["step"] for one in whole]
    assert steps == sorted(set(steps))
    assert steps[-1] <= -(-len(x) // model.codec.frame)


@pytest.mark.parametrize("units", ["characters", "words", "subwords"])
def test_symbols_are_written_as_they_come(tmp_path: Path, units: str):
    model = made("speech_recognition", tmp_path, **CAUSAL, units=units, vocabulary=40)
    streamed, known = model.streamed(), model.codec.units
    symbols = np.random.default_rng(0).integers(0, len(known), 300)
    memory, told = streamed.begin(), ""
    for part in np.split(symbols, range(7, 300, 7)):
        told += "".join(one["text"] for one in streamed.say(memory, part))
        memory = restored(memory)
    path = [int(one) for one, before in zip(symbols, [0, *symbols], strict=False) if one != before]
    assert told == known.decode([one for one in path if one])
    assert len(told) > 100


def test_bytes_are_written_when_their_character_is_whole(tmp_path: Path):
    model = made("speech_recognition", tmp_path, **CAUSAL, units="subwords", vocabulary=1000)
    streamed, memory = model.streamed(), model.streamed().begin()
    symbols = np.array(model.codec.units.encode("low \U0001f600h \u00e9\u00e9 high"))
    told = [streamed.say(memory, np.array([one, 0])) for one in symbols]
    assert (
        "".join(one["text"] for some in told for one in some) == "low \U0001f600h \u00e9\u00e9 high"
    )
    assert not any("\ufffd" in one["text"] for some in told for one in some)


def test_a_memory_stays_as_small_as_it_is(tmp_path: Path):
    for name in ("audio_classification", "speech_recognition"):
        (tmp_path / name).mkdir()
        session = Session(made(name, tmp_path / name, **CAUSAL))
        for _ in range(3):
            session.push(sound())
            assert size(session.memory) < 300
            owner = session.memory["samples"].base
            assert owner is None or owner.size < 300


def test_wrong_frames_change_nothing(tmp_path: Path):
    for name in ("audio_classification", "speech_recognition"):
        (tmp_path / name).mkdir()
        refuses(made(name, tmp_path / name, **CAUSAL), WRONG, [0.1] * 333)


def test_a_model_that_hears_both_ways_waits(tmp_path: Path):
    for name in ("audio_classification", "speech_recognition"):
        (tmp_path / name).mkdir()
        model = made(name, tmp_path / name, **{**HEARS, "bidirectional": True})
        with pytest.raises(RecurraError, match="--no-bidirectional"):
            Session(model)
