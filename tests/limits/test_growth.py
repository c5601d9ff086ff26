"""What grows with the length, and what does not: measured, and by what is known beforehand."""

import pytest
import torch
from torch import nn

from recurra.cells import GRU
from recurra.layers import Recurrent
from recurra.limits.case import Case
from recurra.limits.experiments import constant, memory, slow


def test_the_exponent_is_that_of_the_longer_half() -> None:
    line = [(float(n), 5.0 if n < 400 else (n / 400) ** 2) for n in (100, 200, 400, 800)]
    assert slow.grown(line) == pytest.approx(2.0)


def test_every_contender_is_timed_with_a_backward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: train for name, train in slow.contenders().items() if "GRU" in name}
    assert {"GRU, loop", "GRU, vendor", "MinGRU, loop", "MinGRU, scan", "nn.GRU"} <= set(few)
    layer = nn.GRU(slow.WIDTH, 4, batch_first=True)
    x = torch.randn(1, 3, slow.WIDTH)
    (found, *_) = slow.trained(layer)(x)
    layer(x)[0].sum().backward()
    assert torch.equal(found, layer.weight_ih_l0.grad)
    monkeypatch.setattr(slow, "contenders", lambda: few)
    limit = slow.run(Case(quick=True))
    assert [row[0] for row in limit.tables[0].rows] == list(few)
    assert all(row[3] == pytest.approx(1e3 * row[2] / row[1]) for row in limit.tables[0].rows)


def test_parameters_and_state_by_formula() -> None:
    limit = constant.run(Case(quick=True))
    sizes, states = ({row[0]: list(row[1:]) for row in table.rows} for table in limit.tables)
    gru = 3 * 64 * (8 + 64 + 1) + 64 + 64 + 1  # the candidate has a bias of its own
    assert sizes["GRU"] == [gru] * 3
    dense = [64 * (8 * n + 1) + 65 for n in (10, 100, 1000)]
    assert sizes["dense layer over positions"] == dense
    assert states["GRU"] == [4 * 64] * 3
    assert states["LSTM"] == [2 * 4 * 64] * 3


def test_a_stream_is_stepped_as_often_as_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    monkeypatch.setattr(constant.Stream, "step", lambda self, frame: steps.append(frame))
    found = constant.streamed(Recurrent(GRU(8, 4)), (3, 10))
    assert len(steps) == 10
    assert [n for n, _ in found] == [3, 10]


def test_memory_is_shown_beside_time(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"plain": 100.0, "states": 40.0, "chunks": 5.0}
    monkeypatch.setattr(memory, "peak", lambda cell, way, steps, width, settings: known[way])
    monkeypatch.setattr(memory, "seconds", lambda *_: {"plain": 2.0, "states": 2.4, "chunks": 2.6})
    limit = memory.run(Case())
    assert limit.verdict == (
        "65,536 steps of a MinGRU: 100 MB with a graph of everything, 5 MB by step_losses, in 1.30 "
        "times the time."
    )
    assert len(limit.tables[0].rows) == 18
    ours = [row for row in limit.tables[0].rows if row[1].startswith("step_losses")]
    assert {row[5] for row in ours} == {1.3}


def test_all_ways_give_the_same_gradients() -> None:
    from recurra.benchmarks import long

    plain, *others = (long.step_of("gru", way, 2500, 8)() for way in long.WAYS)
    for other in others:
        for a, b in zip(plain, other, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
