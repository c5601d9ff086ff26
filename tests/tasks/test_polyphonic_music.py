"""Notes that are foretold: figures by hand, continuations that begin where the piece stops."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import recurra
from recurra.data.rolls import KEYS, Roll
from recurra.errors import RecurraError
from recurra.tasks.codecs.rolls import RollCodec, named
from recurra.tasks.polyphonic_music import POLYPHONIC_MUSIC, continued
from recurra.tasks.run import complete
from recurra.tasks.sounding import accuracy, by_chances, chances
from tests.tasks.conftest import TINY, write_rolls


def roll(*steps: tuple[int, ...]) -> Roll:
    frames = np.zeros((len(steps), KEYS), np.uint8)
    for time, keys in enumerate(steps):
        frames[time, list(keys)] = 1
    return Roll(frames, "")


def test_accuracy_is_hits_of_all_that_is_said_or_wanted():
    said, wanted = roll((1, 2), (3,)).frames, roll((1,), (3, 4)).frames
    assert accuracy([said], [wanted]) == pytest.approx(2 / 4)
    assert accuracy([roll(()).frames], [roll(()).frames]) == 0.0


def test_chances_are_counted_after_what_was_before():
    codec, rows = RollCodec(1, 100), [roll((5,), (5,), (), (), (5,))]
    after = chances(codec, rows, after=True)
    assert after[1, 5] == pytest.approx((1 + 1) / (2 + 2))  # on: goes on once of two
    assert after[0, 5] == pytest.approx((1 + 1) / (2 + 2))  # off: begins once of two
    assert after[0, 6] == pytest.approx(1 / 6)
    plain = chances(codec, rows, after=False)
    assert plain[0, 5] == plain[1, 5] == pytest.approx((2 + 2) / (4 + 4))
    found = by_chances(codec, plain, [roll((5,), (5,))])
    keys = np.full(KEYS, 2 / 8)
    keys[5] = 0.5
    wanted = -np.log(keys[5]) - np.log(1 - np.delete(keys, 5)).sum()
    assert found["nll"] == pytest.approx(float(wanted))


def test_a_step_is_foretold_from_those_before_it():
    x, y = RollCodec(1, 3).encode(roll((1,), (2,), (3,), (4,), (5,)))
    assert [int(step.nonzero()[0]) for step in x] == [1, 2, 3]
    assert [int(step.nonzero()[0]) for step in y] == [2, 3, 4]


def test_names_of_keys():
    assert [named(key) for key in (0, 39, 48, 87)] == ["A0", "C4", "A4", "C8"]


def test_a_scale_is_learned_and_goes_on(tmp_path: Path):
    from symusic import Score

    pieces = [[[60 + (i + n) % 12] for n in range(14)] for i in range(12)]
    path = tmp_path / "scales.json"
    path.write_text(json.dumps({"train": pieces, "valid": pieces[:2], "test": pieces[2:4]}))
    model = recurra.train(
        "polyphonic_music", data=str(path), out=str(tmp_path / "run"), **{
            **TINY, "hidden": 32, "embedding": 32, "epochs": 60, "learning_rate": 0.02,
            "dropout": 0.0, "transpose": 0, "patience": 0, "batch_size": 2,
        },
    )  # fmt: skip  # as options
    assert model.metrics["test"]["nll"] < 0.2 * model.metrics["baseline"]["nll"]
    assert model.metrics["test"]["accuracy"] > 0.95
    piece = tmp_path / "piece.json"
    piece.write_text(json.dumps([[[60], [61], [62]]]))
    (answer,) = model.predict([piece], temperature=0.0, length=4)
    assert answer.notes == [["D#4"], ["E4"], ["F4"], ["F#4"]]
    assert (answer.steps, answer.piece) == (3, str(piece))
    score = Score.from_midi(answer.midi)
    starts = [(note.start // 480, note.pitch) for note in score.tracks[0].notes]
    assert sorted(starts) == [(n, 60 + n) for n in range(7)]
    again = recurra.load(tmp_path / "run").predict([piece], temperature=0.0, length=4)
    assert again[0].asdict() == answer.asdict()


def test_what_cannot_be_continued_is_refused(tmp_path: Path):
    model = recurra.train(
        "polyphonic_music", data=write_rolls(tmp_path), out=str(tmp_path / "run"), **TINY
    )
    (tmp_path / "x.mid").write_bytes(b"no tune")
    for name, said in [("x.mid", "MThd"), ("gone.json", "is missing")]:
        with pytest.raises(RecurraError, match=said):
            model.predict([tmp_path / name])


def test_a_piece_goes_on_from_all_that_was_before():
    recipe = complete(
        POLYPHONIC_MUSIC, {"data": "x", "hidden": 24, "embedding": 16, "temperature": 0.0}
    )
    torch.manual_seed(0)
    network = POLYPHONIC_MUSIC.build(RollCodec(1, 100), recipe).eval()
    with torch.no_grad():
        network.head[-1].weight.mul_(20)
    draw = np.random.default_rng(0)
    given = Roll((draw.random((9, KEYS)) < 0.1).astype(np.uint8), "")

    def follows(piece: Roll, length: int) -> list[list[str]]:
        longer = replace(recipe, length=length)
        return continued(network, RollCodec(1, 100), piece, "", longer).notes

    notes, names = follows(given, 5), [named(key) for key in range(KEYS)]
    for step in range(1, 5):
        written = roll(*(tuple(names.index(one) for one in each) for each in notes[:step]))
        longer = Roll(np.concatenate([given.frames, written.frames]), "")
        assert follows(longer, 1) == [notes[step]]
    assert len({str(step) for step in notes}) > 1
