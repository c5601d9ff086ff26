"""Music that is played: the keys that are likely next, as the model foretells them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recurra.data.rolls import LOWEST, of_pitches
from recurra.tasks.streams.rolls import beside_the_likeliest
from recurra.tasks.streams.session import Session
from recurra.topologies import NADE

from .made import heard, made, refuses, same, size

PIECE = [[60, 64, 67], [], [62, 65, 69, 48], [60, 64, 67, 72], [21, 108]] * 2


@pytest.mark.parametrize("fields", [{"output": "independent"}, {}, {"neighbours": 3, "past": 2}])
def test_the_keys_that_are_likely_next(tmp_path: Path, fields: dict[str, Any]):
    model = made("polyphonic_music", tmp_path, **fields)
    told = heard(model, PIECE)
    assert [one["step"] for one in told] == list(range(1, len(PIECE) + 1))
    frames = torch.from_numpy(of_pitches(PIECE, "").frames).float()[None]
    with torch.inference_mode():
        (keys,) = model.network.predict(frames, torch.tensor([len(PIECE)]))
    for one, held in zip(told, keys, strict=True):
        assert sorted(key - LOWEST for key, p in one["likely"] if p > 0.5) == held
        assert [p for _, p in one["likely"]] == sorted((p for _, p in one["likely"]), reverse=True)
        assert all(0.05 <= p <= 1 for _, p in one["likely"])
    assert any(keys)
    assert same(heard(model, [[67, 60, 64, 60], *PIECE[1:]]), told)


def test_a_key_is_as_likely_as_beside_the_likeliest_of_those_below():
    torch.manual_seed(0)
    output, scores = NADE(9, 4), torch.randn(30, 13)
    with torch.no_grad():
        output.read.mul_(6)
        found = beside_the_likeliest(output, scores).numpy()
        held = output.draw(scores, temperature=0.0)
        for row in range(30):
            for i in range(9):
                both = held[row].repeat(2, 1)
                both[:, i:] = 0
                both[1, i] = 1
                # p(y_i = 1) / p(y_i = 0), all that follow being added up, by the sum over them
                total = scores[row, 9:] + (both[0, :i, None] * output.read[:i]).sum(0)
                logit = scores[row, i] + torch.sigmoid(total) @ output.write[i]
                assert found[row, i] == pytest.approx(float(torch.sigmoid(logit)), abs=1e-6)
    assert np.array_equal(found > 0.5, held.numpy() > 0.5)


def test_a_memory_stays_as_small_as_it_is(tmp_path: Path):
    session = Session(made("polyphonic_music", tmp_path))
    for frame in PIECE:
        session.push(frame)
    assert size(session.memory) == 1


def test_wrong_frames_change_nothing(tmp_path: Path):
    wrong: list[Any] = [
        *(None, 60, "60", {}, [60.0], [True], ["60"], [[60]], [20], [109], [None], [10**30]),
        *([60] * 89, np.array([60.0], np.float32)),
    ]
    refuses(made("polyphonic_music", tmp_path), wrong, [60])
