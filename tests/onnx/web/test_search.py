"""Sequences are searched and drawn in a page as they are in Python."""

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from recurra.decoding import BestPath, PrefixBeam, align, beam, greedy
from recurra.topologies import negative_log_likelihood
from tests.onnx.web.conftest import Ask

START, END, SIZE = 2, 3, 9


class Table:
    """Writes by a table, whatever stood before a token."""

    def __init__(self, rows: Tensor) -> None:
        self.rows = rows

    def start(self, count: int) -> Tensor:
        """Return nothing, of so many rows."""
        return torch.zeros(count, 1)

    def advance(self, token: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return what follows a token."""
        return self.rows[token], state.clone()


def rows(seed: int) -> Tensor:
    return torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(seed)) * 2


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("width", "alpha", "no_repeat", "steps"),
    [(1, 0.0, 0, 12), (1, 0.0, 2, 40), (4, 0.0, 0, 10), (4, 1.0, 3, 30), (3, 0.6, 0, 2)],
)
def test_a_beam_finds_what_pythons_does(
    ask: Ask, seed: int, width: int, alpha: float, no_repeat: int, steps: int
) -> None:
    table = rows(seed)
    bounds: dict[str, Any] = {"start": START, "end": END, "no_repeat": no_repeat}
    named = {"start": START, "end": END, "noRepeat": no_repeat, "maxSteps": steps}
    wanted = (
        greedy(Table(table), (1,), max_steps=steps, **bounds)
        if width == 1
        else beam(Table(table), (1,), max_steps=steps, width=width, length_penalty=alpha, **bounds)[
            0
        ]
    )
    found = ask("search", table.tolist(), {**named, "width": width, "alpha": alpha})
    assert [one["tokens"] for one in found] == [one.tokens for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one["score"] == pytest.approx(other.score, rel=1e-5)
        assert one["normalised"] == pytest.approx(other.normalised, rel=1e-5)


def test_what_is_forbidden_is_not_written(ask: Ask) -> None:
    table = rows(0)
    best = int(table[START].argmax())
    bounds = {"start": START, "end": END, "maxSteps": 8, "forbidden": [best]}
    wanted = greedy(Table(table), (1,), start=START, end=END, max_steps=8, forbidden=[best])
    assert ask("search", table.tolist(), bounds)[0]["tokens"] == wanted[0].tokens


def test_what_is_drawn_is_as_likely_as_it_should_be(ask: Ask) -> None:
    table = torch.full((SIZE, SIZE), -99.0)
    table[:, 4:8] = torch.tensor([0.7, 0.2, 0.06, 0.04]).log()
    bounds = {"start": START, "end": END, "maxSteps": 1}

    def shares(**options: float) -> list[float]:
        found = Counter(one[0] for one in ask("drawn", table.tolist(), bounds, options, 2000))
        assert set(found) <= {4, 5, 6, 7}
        return [found[token] / 2000 for token in range(4, 8)]

    assert shares() == pytest.approx([0.7, 0.2, 0.06, 0.04], abs=0.03)
    assert shares(temperature=0.5) == pytest.approx([0.912, 0.074, 0.007, 0.003], abs=0.03)
    assert shares(top_k=2) == pytest.approx([7 / 9, 2 / 9, 0, 0], abs=0.03)
    assert shares(top_p=0.95) == pytest.approx([70 / 96, 20 / 96, 6 / 96, 0], abs=0.03)
    assert shares(temperature=0) == [1, 0, 0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_recordings_are_decoded_as_pythons_decoders_do(ask: Ask, seed: int) -> None:
    classes, time = 5, 14
    scores = torch.randn(time, classes, generator=torch.Generator().manual_seed(seed)).double() * 2
    logp = scores.log_softmax(-1)
    bonus = [0.0, 0.5, 0.0, 1.0, 0.0]
    found = ask("ctc", logp.tolist(), 6, bonus)
    path, searched = BestPath(), PrefixBeam(classes, 6, bonus=bonus)
    path.push(logp)
    searched.push(logp)
    assert found["path"] == path.symbols
    assert found["symbols"] == searched.best[0].symbols
    y = torch.tensor([path.symbols])
    nll = negative_log_likelihood(scores[None], torch.tensor([time]), y, torch.tensor([y.numel()]))
    assert found["likelihood"] == pytest.approx(-float(nll))
    for one, other in zip(found["places"], align(logp, path.symbols), strict=True):
        assert [one["symbol"], one["start"], one["stop"]] == list(other[:3])
        assert one["score"] == pytest.approx(other.score)
    assert all(a["stop"] <= b["start"] for a, b in pairwise(found["places"]))


@pytest.mark.parametrize("size", [(3, 5), (8, 8), (20, 31)])
def test_pictures_are_resized_as_pillow_does(ask: Ask, size: tuple[int, int]) -> None:
    image = pytest.importorskip("PIL.Image", reason="what is compared with is Pillow")
    plane = np.random.default_rng(0).integers(0, 256, (13, 9)).astype(np.uint8)
    wanted = image.fromarray(plane).resize(size[::-1], image.Resampling.BILINEAR)
    found = ask("resized", plane.flatten().tolist(), plane.shape, size)
    # Pillow goes first along the one axis or the other, and rounds to bytes between
    apart = np.reshape(found, size) - np.array(wanted).astype(int)
    assert np.abs(apart).max() <= 1
