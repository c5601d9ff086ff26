"""Sounds labelled as they are heard: whole, in a batch, in a stream, from file and from array."""

from pathlib import Path

import numpy as np
import pytest
import torch

import recurra
from recurra.data.samples import spoken
from recurra.data.samples.speech import SPEAKERS
from recurra.errors import DataError, RecurraError
from recurra.layers import Running
from recurra.streaming import Stream
from recurra.tasks.audio_classification import AudioRecipe, as_heard
from tests.data.sounds import RATE, tone, truncate, write

from .conftest import TINY, write_sounds

SMALL = {**TINY, "sample_rate": RATE, "epochs": 3, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    models = {}

    def train(**fields):
        key = str(sorted(fields.items()))
        if key not in models:
            (folder / "data").mkdir(exist_ok=True)
            data = folder / "data"
            if not any(data.iterdir()):
                write_sounds(data)
            out = str(folder / f"run{len(models)}")
            models[key] = recurra.train(
                "audio_classification", data=str(data), out=out, **{**SMALL, **fields}
            )
        return models[key]

    return train


WAYS = [{"pool": pool} for pool in ("last", "mean", "max", "attention")]
WAYS += [{"lookahead": 3, "layers": 2}, {"coefficients": 13, "cell": "mingru"}]


@pytest.mark.parametrize("fields", WAYS, ids=str)
def test_what_is_heard_at_each_step_is_what_the_sound_up_to_there_says(trained, fields):
    model = trained(**fields)
    network, codec = model.network.eval(), model.codec
    sounds = [tone(0.2), tone(0.13, 2500) + tone(0.13, 300)]
    rows = [codec.encode(spoken.LabelledSound(s.astype("f4"), "", b"", "")) for s in sounds]
    batch = codec.collate(rows)
    p = as_heard(network, batch)
    with torch.no_grad():
        whole = network(batch.x, batch.lengths).softmax(-1)
        for row, length in enumerate(batch.lengths.tolist()):
            torch.testing.assert_close(p[row, length - 1], whole[row], rtol=0, atol=1e-5)
            if not model.recipe.lookahead:  # which hears a little of what follows, too
                for t in (1, 5, length - 2):
                    cut = network(batch.x[row : row + 1, :t]).softmax(-1)[0]
                    torch.testing.assert_close(p[row, t - 1], cut, rtol=0, atol=1e-5)


@pytest.mark.parametrize("fields", WAYS, ids=str)
def test_a_stream_of_samples_says_the_same(trained, fields):
    model = trained(**fields)
    network, codec = model.network.eval(), model.codec
    x = codec.encode(spoken.LabelledSound(tone(0.2).astype("f4"), "", b"", ""))[0]
    wanted = as_heard(network, codec.collate([(x, torch.tensor(0))]))[0]
    body = Stream(network.body)
    so_far = Stream(Running(network.pool, network.body.output_size))
    silence = torch.zeros(network.body.delay, codec.hop)
    found = []
    for frame in torch.cat([x, silence]):
        y = body.step(frame[None])
        if (t := len(found)) >= network.body.delay:
            with torch.no_grad():
                found.append(network.head(so_far.step(y)).softmax(-1)[0])
        else:
            found.append(torch.zeros(t))
    found = torch.stack(found[network.body.delay :])
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


def test_a_file_an_array_and_another_rate_are_one_sound(trained, tmp_path):
    model = trained()
    path = write(tmp_path / "a.wav", tone(0.3), subtype="FLOAT")
    inputs = [str(path), path, (tone(0.3), RATE), (tone(0.3, rate=32000), 32000)]
    answers = model.predict(inputs)
    alone = [model.predict([one])[0] for one in inputs]
    for answer, single in zip(answers, alone, strict=True):
        assert answer.label == single.label == answers[0].label
        assert answer.probability == pytest.approx(answers[0].probability, abs=0.02)
        assert answer.probability == pytest.approx(single.probability, abs=1e-5)
        assert answer.seconds == pytest.approx(0.3)
    assert [a.sound for a in answers] == [str(path), str(path), "array", "array"]
    assert answers[0].probability == pytest.approx(answers[2].probability, abs=1e-6)


def test_it_is_told_since_when_the_label_stood(trained):
    model = trained(pool="last", hidden=16, epochs=12)
    first, second = (tone(0.4, pitch) for pitch in (300, 2500))
    (answer,) = model.predict([(np.concatenate([first, second]), RATE)])
    assert answer.label == "high"
    likeliest = [max(p, key=p.get) for _, p in answer.heard]
    times = [t for t, _ in answer.heard]
    assert times == sorted(times)
    assert times[-1] == answer.seconds == pytest.approx(0.8)
    assert likeliest[times.index(answer.since)] == answer.label
    assert all(one == answer.label for one in likeliest[times.index(answer.since) :])
    assert likeliest[times.index(answer.since) - 1] == "low"
    assert 0.4 < answer.since < 0.7
    assert answer.heard[-1][1] == answer.probabilities
    assert "since" in str(answer)
    assert set(answer.asdict()) == {
        *("sound", "label", "probability", "probabilities", "seconds", "since")
    }


def test_what_reads_backward_too_does_not_say_since_when(trained):
    (answer,) = trained(bidirectional=True).predict([(tone(0.3), RATE)])
    assert answer.since is None
    assert not answer.heard
    assert "since" not in str(answer)


def test_the_bundle_hears_the_same_and_holds_no_spectrum(trained, tmp_path):
    model = trained()
    model.save(tmp_path / "copy")
    again = recurra.load(tmp_path / "copy")
    names = set(again.network.state_dict())
    assert not {name for name in names if "filters" in name or "taper" in name or "mean" in name}
    ours, theirs = (m.predict([(tone(0.3), RATE)])[0].asdict() for m in (model, again))
    assert ours == theirs


def bad(folder: Path):
    write(folder / "zero.wav", np.zeros(0))
    truncate(write(folder / "cut.flac", np.random.default_rng(0).standard_normal(9000) / 9))
    (folder / "text.wav").write_text("no sound\n" * 99)
    return [
        (str(folder / "zero.wav"), "holds 0 samples"),
        (folder / "cut.flac", "cannot be read as a sound"),
        (str(folder / "text.wav"), "cannot be read as a sound"),
        (str(folder / "gone.wav"), "is missing"),
        (str(folder), "is a folder"),
        ((np.zeros(0), RATE), "0 samples"),
        ((np.zeros(9), 3), "rate of 3 Hz"),
        (np.zeros(9), "input 1 is a ndarray; give a sound file, or"),
        (7, "input 1 is a int"),
    ]


def test_bad_inputs_of_predict_are_one_line(trained, tmp_path):
    model = trained()
    for given, words in bad(tmp_path):
        with pytest.raises(RecurraError, match=words) as caught:
            model.predict([given])
        assert "\n" not in str(caught.value)


def test_silence_and_one_sample_are_heard(trained):
    for samples in (np.zeros(4000), np.ones(1), np.zeros(1)):
        (answer,) = trained().predict([(samples, RATE)])
        assert np.isfinite(answer.probability)
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_evaluate_refuses_labels_that_it_does_not_know(trained, tmp_path):
    for label in ("low", "odd"):
        for i in range(3):
            write(tmp_path / label / f"{i}.wav", tone(0.1, 300 + 100 * i))
    with pytest.raises(DataError, match="label 'odd' is unknown to this model: high, low"):
        trained().evaluate(str(tmp_path), test=str(tmp_path), valid=str(tmp_path))


def test_the_sample_is_synthetic_says_so_and_has_voices_of_its_own_in_each_part(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert spoken.TAKES == 3
    monkeypatch.setattr(spoken, "TAKES", 1)
    recipe = AudioRecipe.of({"sample_rate": RATE})
    splits = spoken.load(recipe)
    assert [len(part) for part in splits.parts] == [460, 60, 120]
    for name, rows in zip(("train", "valid", "test"), splits.parts, strict=True):
        assert all(row.where.startswith(f"synthetic/{name}/") for row in rows)
        speakers = {row.where.split("+")[1].split(":")[0] for row in rows}
        assert speakers == set(SPEAKERS[name])
        assert {sum(row.label == word for row in rows) for word in spoken.NAMES} == {
            len(rows) // 10
        }
    again = spoken.load(AudioRecipe.of({"sample_rate": RATE, "seed": 1}))
    for one, other in [(splits.valid, again.valid), (splits.test, again.test)]:
        assert all(np.array_equal(a.samples, b.samples) for a, b in zip(one, other, strict=True))
    assert [row.where for row in splits.train] != [row.where for row in again.train]
