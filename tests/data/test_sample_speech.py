"""Synthetic speech: the same every time, another by voice, speed and pitch; clear in failure."""

import sys

import numpy as np
import pytest

from recurra.data.samples import espeak, speech
from recurra.data.samples.speech import SPEAKERS, Line, roughen, speak, voices
from recurra.errors import MissingExtra, RecurraError

RATE = 8000
LINES = [
    Line("seven", "en-us+f1", 160, 50),
    Line("seven", "en-us+m7", 160, 50),
    Line("seven", "en-us+f1", 320, 50),
    Line("seven", "en-us+f1", 160, 90),
    Line("seven one", "en-us+f1", 160, 50),
]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_speech_is_the_same_from_the_synthesiser_and_from_the_cache(tmp_path):
    first = speak(LINES, RATE)
    (kept,) = (tmp_path / "recurra").iterdir()
    again = speak(LINES, RATE)
    kept.write_bytes(kept.read_bytes()[:-50])
    anew = speak(LINES, RATE)
    assert len(first) == len(LINES)
    for one, other, third in zip(first, again, anew, strict=True):
        assert one.dtype == np.float32
        assert np.abs(one).max() > 0.1
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, third)


def test_voice_speed_pitch_and_words_are_heard():
    plain, other, fast, high, longer = speak(LINES, RATE)
    assert len(fast) < 0.7 * len(plain)
    assert len(longer) > 1.2 * len(plain)
    assert pitch(high) > 1.15 * pitch(plain)
    assert pitch(other) < 0.8 * pitch(plain)


def pitch(samples):
    """Return the frequency of the strongest repetition, in Hz."""
    longest = samples - samples.mean()
    likeness = np.correlate(longest, longest, "full")[len(longest) - 1 :]
    lags = slice(RATE // 500, RATE // 60)
    return RATE / (lags.start + likeness[lags].argmax())


def test_a_rate_changes_the_number_of_samples_and_not_the_sound():
    low, high = speak(LINES[:1], RATE)[0], speak(LINES[:1], 2 * RATE)[0]
    assert abs(len(high) - 2 * len(low)) <= 2
    assert np.corrcoef(high[::2][: len(low)], low)[0, 1] > 0.9


def test_no_voice_is_in_two_parts():
    parts = [set(names) for names in SPEAKERS.values()]
    assert sum(map(len, parts)) == len(set.union(*parts)) == sum(map(len, SPEAKERS.values()))
    every = [voice for part in SPEAKERS for voice in voices(part)]
    said = speak([Line("nine", voice, 160, 50) for voice in every], RATE)
    assert len({samples.tobytes() for samples in said}) == len(every)


def test_roughened_speech_has_silence_level_and_noise_of_its_generator():
    clean = speak(LINES[:1], RATE)[0]
    rough = [roughen(clean, RATE, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(rough[0], rough[1])
    assert len(rough[2]) != len(rough[0])
    many = [roughen(clean, RATE, np.random.default_rng(seed)) for seed in range(100)]
    longer = [len(one) - len(clean) for one in many]
    assert min(longer) >= 0
    assert 0.2 * RATE < max(longer) <= 0.3 * RATE
    levels = [np.abs(one).max() / np.abs(clean).max() for one in many]
    assert min(levels) < 0.2
    assert 0.8 < max(levels) < 1.6


def test_without_the_package_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(MissingExtra, match=r"espeakng-loader: pip install 'recurra\[demo\]'"):
        speak(LINES, RATE)


def test_an_unknown_voice_is_one_line():
    with pytest.raises(RecurraError, match=r"failed: espeak-ng does not say 'a' by .* nobody"):
        speak([Line("a", "nobody", 160, 50)], RATE)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import os; os.abort()", r"failed: it ended with code -\d+"),
        ("import sys; sys.exit('no such library')", "failed: no such library"),
        ("print('abcd', end='')", "said 0 of 5 lines"),
    ],
)
def test_a_synthesiser_that_fails_is_one_line(tmp_path, monkeypatch, script, words):
    worker = tmp_path / "worker.py"
    worker.write_text(script)
    monkeypatch.setattr(espeak, "__file__", str(worker))
    with pytest.raises(RecurraError, match=words):
        speak(LINES, RATE)


def test_a_synthesiser_that_hangs_is_one_line(tmp_path, monkeypatch):
    worker = tmp_path / "worker.py"
    worker.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(espeak, "__file__", str(worker))
    monkeypatch.setattr(speech, "PATIENCE", 0.5)
    with pytest.raises(RecurraError, match="does not answer"):
        speak(LINES, RATE)
