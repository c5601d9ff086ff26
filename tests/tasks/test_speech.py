"""Speech recognition: what is heard, when, by a stream, with a language model."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import recurra
from recurra.codecs.standard import Standard
from recurra.codecs.units import Units
from recurra.data.readers.sound import Wanted
from recurra.data.readers.transcripts import Utterance
from recurra.data.samples import strings
from recurra.data.samples.scenes import NAMES
from recurra.decoding import Emission
from recurra.errors import DataError, RecurraError
from recurra.tasks import transcribing
from recurra.tasks.codecs.speech import SpeechCodec, Word
from recurra.tasks.listening import Listener
from recurra.tasks.model import Model
from recurra.tasks.run import build, complete
from recurra.tasks.speech_recognition import SPEECH_RECOGNITION as TASK
from recurra.topologies import CTC

from .conftest import TINY, WRITERS

RATE, FRAME = 8000, 240
SCALE = Standard((-10.0,) * 8, (3.0,) * 8)
SIZES = {"data": "x", "sample_rate": RATE, "bands": 8, "embedding": 8, "hidden": 8, "device": "cpu"}


def codec(texts: tuple[str, ...] = ("one two", "two one six")) -> SpeechCodec:
    units = Units.learn(texts, "characters", 50, lowercase=False)
    return SpeechCodec(units, SCALE, RATE, FRAME)


def model(**fields: Any) -> Model:
    recipe = complete(TASK, {**SIZES, **fields})
    torch.manual_seed(0)
    network = build(TASK, codec(), recipe)
    for weight in network.parameters():  # far from silence: what is heard decides
        nn.init.normal_(weight, std=0.9)
    return Model(TASK, recipe, codec(), network.eval())


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    """Return a sound that is another one every 60 milliseconds."""
    random, count = np.random.default_rng(seed), round(seconds * RATE)
    pitches = np.repeat(random.uniform(100, 3500, count // 480 + 1), 480)[:count]
    loud = np.repeat(random.uniform(0, 0.5, count // 480 + 1), 480)[:count]
    return (loud * np.sin(2 * np.pi * pitches * np.arange(count) / RATE)).astype(np.float32)


class Said(CTC):
    """A network that says what it is told to: one symbol every second frame."""

    def __init__(self, codec: SpeechCodec, texts: list[str]) -> None:
        nn.Module.__init__(self)  # there is no body
        self.weight = nn.Parameter(torch.zeros(1))
        self.codec, self.texts = codec, texts
        self.body = SimpleNamespace(delay=0)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        scores = torch.zeros(*x.shape[:2], len(self.codec.units))
        scores[..., 0] = 10.0
        for row, first in enumerate(x[:, 0, 0].tolist()):
            for i, symbol in enumerate(self.codec.units.encode(self.texts[round(first)])):
                scores[row, 2 * i, symbol] = 20.0
        return scores


def rows(texts: list[str], lengths: list[int]) -> list[Utterance]:
    """Return recordings whose first sample is their number, of so many frames."""
    found = []
    for i, (text, frames) in enumerate(zip(texts, lengths, strict=True)):
        samples = np.zeros(frames * FRAME - 7, np.float32)
        samples[0] = i
        found.append(Utterance(samples, text, "", f"list.csv:{i + 2}"))
    return found


def test_word_error_rate_is_that_of_the_answers_in_their_order() -> None:
    own = codec()
    wanted = ["one two", "two", "two one six", "one"]
    network = Said(own, ["one one", "two", "two six", "one"])
    network.loss = lambda batch: SimpleNamespace(total=3.0 * len(batch.x), count=2 * len(batch.x))
    recipe = complete(TASK, {**SIZES, "batch_size": 3})
    found = TASK.evaluate(network, own, rows(wanted, [40, 12, 33, 20]), recipe)
    assert found["wer"] == pytest.approx(2 / 7)  # two → one, and a word left out
    assert found["cer"] == pytest.approx((3 + 4) / (7 + 3 + 11 + 3))
    assert found["loss"] == pytest.approx(1.5)


def test_what_was_never_learned_is_told_with_its_row_and_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = codec()
    network = Said(own, ["one"])
    network.loss = lambda batch: SimpleNamespace(total=0.0, count=1)
    (row,) = rows(["on\u00e9"], [10])
    found = TASK.evaluate(network, own, [row], complete(TASK, SIZES))
    assert found["wer"] == 1.0
    assert (
        "list.csv:2: '\u00e9' was never learned, and counts as an error" in capsys.readouterr().err
    )


def test_the_baseline_is_the_usual_transcript_of_training_or_none() -> None:
    train = rows(["one two", "one two", "six"], [30, 30, 30])
    test = rows(["one six", "two"], [30, 30])
    assert TASK.baseline(codec(), train, test, complete(TASK, {}))["wer"] == pytest.approx(2 / 3)
    test = rows(["one two", "two"], [30, 30])
    assert TASK.baseline(codec(), train, test, complete(TASK, {}))["wer"] == pytest.approx(1 / 3)
    strange = rows(["one two six one two", "two", "six", "one"], [30] * 4)
    assert (
        TASK.baseline(codec(), strange, test, complete(TASK, {}))["wer"] == 1.0
    )  # nothing said is better in training


def test_a_transcript_too_long_for_its_frames_is_refused_with_its_row() -> None:
    own = codec()
    fits, tight = rows(["one", "noon"], [3, 4])
    assert len(own.encode(fits)[0]) == 3
    assert len(own.encode(fits)[1]) == 3
    message = r"list\.csv:3: has 4 symbols, 1 of them repeats, in 4 frames of 30 ms"
    with pytest.raises(DataError, match=message):
        own.encode(tight)


def test_frames_hold_all_samples_and_silence_behind_them() -> None:
    own = codec()
    samples = noise(0.1)
    frames = own.frames(samples)
    assert frames.shape == (4, FRAME)  # 800 samples
    assert torch.equal(frames.flatten()[:800], torch.from_numpy(samples))
    assert not frames.flatten()[800:].any()


def test_words_have_the_times_of_their_first_and_last_symbols() -> None:
    own = codec()
    numbers = own.units.encode("one two")
    spread = [(2, 4), (4, 5), (9, 10), (10, 11), (20, 21), (22, 23), (30, 33)]
    scores = [-0.1, -0.2, -0.3, -0.9, 0.0, 0.0, -0.6]
    emissions = [
        Emission(symbol, start, stop, score)
        for symbol, (start, stop), score in zip(numbers, spread, scores, strict=True)
    ]
    found = own.heard(emissions, -1.5, 32 * FRAME, 4)
    assert found.text == "one two"
    assert found.words == [
        Word("one", 0.06, 0.3, round(math.exp(-0.2), 4)),
        Word("two", 0.6, 0.96, round(math.exp(-0.2), 4)),  # no later than the recording
    ]
    assert found.confidence == pytest.approx(math.exp(-1.5))
    assert (found.seconds, found.delay) == (0.96, 120.0)
    assert "one@0.06 two@0.60" in str(found)


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("fields", [{"lookahead": 2}, {"lookahead": 0, "subsample": 2}])
def test_a_stream_in_any_pieces_hears_what_the_whole_says(
    fields: dict[str, int], beam: int
) -> None:
    ours = model(bidirectional=False, layers=2, beam=beam, **fields)
    ours.codec = SpeechCodec(ours.codec.units, SCALE, RATE, 80 * ours.recipe.subsample)
    samples = noise(1.23)
    (whole,) = ours.predict([(samples, RATE)])
    assert whole.text
    for cuts in ([], [100, 101, 5000, 5000, 9700]):
        listener = Listener(ours)
        assert listener.delay == whole.delay == fields["lookahead"] * ours.recipe.subsample * 10
        for piece in np.split(samples, cuts):
            text = listener.push(piece)
        heard = listener.finish()
        assert heard.text.startswith(text[: len(text) // 2])
        assert heard.text == whole.text
        assert [w.start for w in heard.words] == [w.start for w in whole.words]
        assert heard.confidence == pytest.approx(whole.confidence, rel=1e-4)
        assert heard.seconds == whole.seconds


def test_a_stream_knows_nothing_of_what_comes_after_its_delay() -> None:
    ours = model(bidirectional=False, lookahead=2)
    samples, other = noise(1.2), noise(1.2)
    other[12 * FRAME :] = noise(1.2, seed=1)[12 * FRAME :]
    x = torch.stack([ours.codec.frames(one) for one in (samples, other)])
    with torch.no_grad():
        first, second = ours.network(x)
    same = torch.isclose(first, second, atol=1e-6).all(-1)
    assert same[:10].all()
    assert not same[10:12].any()


def test_one_recording_of_several_is_heard_as_it_is_alone() -> None:
    ours = model(layers=2, bidirectional=True)
    several = [(noise(seconds, i), RATE) for i, seconds in enumerate([0.9, 0.31, 1.4])]
    together = ours.predict(several)
    for one, given in zip(together, several, strict=True):
        (alone,) = ours.predict([given])
        assert alone.text == one.text
        assert [word.start for word in alone.words] == [word.start for word in one.words]
        assert alone.confidence == pytest.approx(one.confidence, rel=1e-4)
    assert len({one.text for one in together}) > 1


def test_files_and_samples_of_any_rate_are_taken_and_others_are_not(tmp_path: Path) -> None:
    import soundfile

    ours, samples = model(), noise(0.8)
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    file, array = ours.predict([tmp_path / "a.wav", (samples, RATE)])
    told = {**file.asdict(), "sound": "array"}
    assert told == array.asdict()
    assert file.sound == str(tmp_path / "a.wav")
    (stereo,) = ours.predict([(np.stack([samples, samples], 1), RATE)])
    assert stereo.text == file.text
    (faster,) = ours.predict([(noise(0.8), 2 * RATE)])
    assert faster.seconds == pytest.approx(0.4, abs=0.01)
    with pytest.raises(RecurraError, match=r"gone\.wav: is missing"):
        ours.predict([tmp_path / "gone.wav"])
    with pytest.raises(RecurraError, match="input 2 is a float; give a sound file"):
        ours.predict([(samples, RATE), 3.0])
    short = model(max_length=100)
    with pytest.raises(RecurraError, match=r"lasts 1\.2 s; at most 1 s"):
        short.predict([(noise(1.2), RATE)])


def test_a_listener_is_of_a_model_of_speech_that_reads_one_way() -> None:
    with pytest.raises(RecurraError, match="reads backward"):
        Listener(model(bidirectional=True))


class Letters:
    """Units of a language model: a few letters."""

    name = "characters"

    def __init__(self, letters: str = "abcdeinostwx ") -> None:
        self.letters = letters

    def encode(self, text: bytes) -> np.ndarray:
        return np.array(
            [2 + self.letters.find(c) if c in self.letters else 1 for c in text.decode()]
        )


class Opinion(nn.Module):
    """A language model that wants one letter more than all others."""

    def __init__(self, units: Letters, wanted: str) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(2 + len(units.letters)))
        with torch.no_grad():
            self.logits[2 + units.letters.index(wanted)] = 8.0

    def start(self, context: Tensor) -> Tensor:
        assert context.shape == (1, 0)
        return torch.zeros(1, 1)

    def advance(self, token: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return self.logits.expand(len(token), -1), state


def given(monkeypatch: pytest.MonkeyPatch, units: Any, task: str = "language_model") -> None:
    bundle = SimpleNamespace(
        task=SimpleNamespace(name=task),
        codec=SimpleNamespace(units=units),
        network=Opinion(Letters(), "x"),
    )
    monkeypatch.setattr("recurra.tasks.model.load", lambda folder: bundle)


def test_a_language_model_is_asked_in_its_own_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, Letters())
    units = codec().units
    found = transcribing.fusion("lm", units, 0.5)
    theirs = Letters().letters
    for number, name in enumerate(units.names[4:], 4):
        assert found.tokens[number] == 2 + theirs.index(name)
    assert (found.start, found.weight) == (0, 0.5)


class Unsure(Said):
    """A network that hears s or x, perhaps a blank between words, and s."""

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        scores = torch.full((len(x), 5, len(self.codec.units)), -20.0)
        scores[..., 0] = 0.0
        for frame, letter, score in [(0, "s", 3.0), (0, "x", 2.5), (2, " ", -1.0), (4, "s", 3.0)]:
            scores[:, frame, self.codec.units.names.index(letter)] = score
        return scores


def test_a_language_model_and_a_bonus_move_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, Letters())
    own = codec()
    network = Unsure(own, [])

    def text(**fields: Any) -> str:
        recipe = complete(TASK, {**SIZES, "beam": 8, **fields})
        (found,) = TASK.predict(network, own, [(np.zeros(5 * FRAME), RATE)], recipe)
        return str(found.text)

    assert text() == text(beam=1) == text(lm="lm", lm_weight=0.0) == "ss"
    assert text(lm="lm", lm_weight=0.2) == "xs"
    assert text(word_bonus=2.0) == "s s"
    for name, value in [("lm", "lm"), ("word_bonus", 1.0)]:
        with pytest.raises(RecurraError, match=f"{name}: the best path has no use for it"):
            text(beam=1, **{name: value})


def test_a_model_that_is_no_fitting_language_model_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    units = codec().units
    given(monkeypatch, Letters(), task="sentiment")
    with pytest.raises(RecurraError, match="lm: lm is a sentiment model"):
        transcribing.fusion("lm", units, 1.0)
    words = Letters()
    words.name = "words"
    given(monkeypatch, words)
    with pytest.raises(RecurraError, match="reads words, and this model hears characters"):
        transcribing.fusion("lm", units, 1.0)
    given(monkeypatch, Letters("ONETWSIX"))
    with pytest.raises(RecurraError, match="never read most"):
        transcribing.fusion("lm", units, 1.0)
    given(monkeypatch, Letters("onetwsi "))
    assert transcribing.fusion("lm", units, 1.0).tokens[units.encode("x")[0]] == 1
    assert "lm: has never read 'x'" in capsys.readouterr().err


@pytest.mark.parametrize("units", ["words", "subwords"])
def test_other_units_train_too(units: str, tmp_path: Path) -> None:
    data, out = WRITERS["speech_recognition"](tmp_path), tmp_path / "run"
    small = {**TINY, "vocabulary": 30, "sample_rate": RATE, "bands": 8}
    recurra.train("speech_recognition", data=data, out=str(out), units=units, **small)
    again = recurra.load(out)
    assert again.codec.units.kind == units
    assert set(again.evaluate()) == {"wer", "cer", "loss"}


def test_the_sample_is_strings_of_digits_by_voices_of_each_part_alone() -> None:
    recipe = complete(TASK, {})
    found = strings.load(recipe, Wanted(8000, 30.0))
    assert [len(part) for part in found.parts] == [690, 72, 144]
    speakers = [{one.speaker.split("+")[1] for one in part} for part in found.parts]
    assert not speakers[0] & speakers[1]
    assert not speakers[0] & speakers[2]
    assert not speakers[1] & speakers[2]
    for one in [*found.train[:50], *found.test[:50]]:
        words = one.text.split()
        assert 3 <= len(words) <= 5
        assert set(words) <= set(NAMES)
        assert 0.5 < len(one.samples) / 8000 < 6
