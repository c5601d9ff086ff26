"""Who is compared, after whose answers were checked."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import pytest
import torch

from recurra.benchmarks import contest as contests
from recurra.benchmarks import job as jobs
from recurra.benchmarks.contest import Contest, Peer, Target, hold
from recurra.benchmarks.job import Entry, Job, error, exact, prepare, recurra
from recurra.benchmarks.peers import jax_scan, onnx_runtime, packages, torch_nn
from recurra.benchmarks.questions.mingru import without_bias
from recurra.benchmarks.timing import Pace
from recurra.cells import GRU, LSTM, Elman, IndRNN, MinGRU
from recurra.errors import RecurraError

SHAPE, PACE = (3, 9, 5, 7), Pace(budget=0.0, least=2)
CLASSIC = (LSTM, GRU, Elman)


def off(enter: Any, kind: Any, shape: Sequence[int] = SHAPE, **options: Any) -> float:
    job = prepare(kind, shape, **options)
    return error(enter(job), exact(job), job)


@pytest.mark.parametrize("kind", CLASSIC)
def test_peers_compute_what_recurra_does(kind: Any):
    lengths = torch.tensor([9, 1, 4])
    assert off(recurra, kind) < 1e-5
    assert off(torch_nn.padded, kind) < 1e-5
    assert off(torch_nn.padded, kind, lengths=lengths) < 1e-5
    assert off(torch_nn.packed, kind, lengths=lengths) < 1e-5


@pytest.mark.parametrize("kind", CLASSIC)
def test_peers_on_jax_do(kind: Any, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("jax", reason="comes with the extra bench")
    monkeypatch.setattr(jax_scan, "UNROLLED", (4,))
    assert off(jax_scan.classic, kind) < 1e-5
    if find_spec("keras"):  # imported by the peer, which says on which backend
        assert off(jax_scan.keras, kind) < 1e-5


@pytest.mark.parametrize("kind", CLASSIC)
def test_onnx_runtime_does(kind: Any):
    pytest.importorskip("onnxruntime", reason="comes with the extra bench")
    assert off(onnx_runtime.sequence, kind, train=False) < 1e-5
    job = prepare(kind, (3, 1, 5, 7), train=False)
    step = onnx_runtime.stepping(job.cell, job.x[:, 0], 1)
    double, state = job.cell.double(), None
    for _ in range(3):
        want, state = double(job.x[:, 0].double(), state)
        torch.testing.assert_close(step(), want.float(), atol=1e-5, rtol=1e-5)


def test_the_quickest_unrolling_of_a_scan_is_taken(monkeypatch: pytest.MonkeyPatch):
    took = {1: 0.3, 4: 0.1, 16: 0.2}
    monkeypatch.setattr(jax_scan, "_weights", lambda job: None)
    monkeypatch.setattr(jax_scan, "_entry", lambda job, weights, steps, names: Entry(steps, names))
    monkeypatch.setattr(jax_scan, "_time", lambda run: took[run])
    job = tuple.__new__(Job, [None] * len(Job._fields))  # nothing is asked of it
    assert jax_scan._quickest(job, lambda steps: steps, []).run == 4


def test_packages_of_cells_do():
    pytest.importorskip("minGRU_pytorch", reason="comes with the extra bench")
    pytest.importorskip("torchrecurrent", reason="comes with the extra bench")
    pytest.importorskip("jax", reason="comes with the extra bench")
    assert off(packages.min_gru, without_bias, (3, 9, 5, 5)) < 1e-4
    assert off(packages.ind_rnn, IndRNN) < 1e-5
    assert off(jax_scan.scanned, MinGRU) < 1e-5
    assert off(jax_scan.associative, MinGRU) < 1e-5


def test_a_peer_that_is_not_here_is_named_and_left_out():
    contests.left_out.clear()
    missing = Peer("somebody", torch_nn.padded, "no_such_package")
    contest = Contest(
        "classic",
        "torch",
        prepare(GRU, SHAPE),
        (missing, torch_nn.PADDED),
        {"torch.nn": Target(2.0, 3.0)},
    )
    rows = list(hold(contest, 1, PACE))
    assert [(row.peer, row.must, row.aim) for row in rows] == [("torch.nn", 2.0, 3.0)]
    assert rows[0].ratio == pytest.approx(rows[0].peer_ms / rows[0].ours_ms)
    assert contests.left_out == ["somebody is left out: no_such_package is not installed"]


def test_a_wrong_answer_is_not_timed():
    def wrong(job: Job) -> Entry:
        entry = recurra(job)

        def run() -> list[Any]:
            y, *grads = entry.run()
            return [y, grads[0] + 1e-3, *grads[1:]]

        return Entry(run, entry.names)

    contest = Contest("classic", "torch", prepare(GRU, SHAPE), (), {}, ours=wrong)
    with pytest.raises(RecurraError, match=r"GRU .* is off by"):
        list(hold(contest, 1, PACE))


def test_no_frame_is_so_near_a_kink_that_both_slopes_are_right(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs, "NEAR", 0.02)  # a fifth of all frames
    job = prepare(MinGRU, (8, 200, 5, 7))
    u = job.cell.double().project(job.x.detach().double())
    assert u.abs().min() >= 0.02
    again = prepare(MinGRU, (8, 200, 5, 7))
    assert torch.equal(job.x, again.x)
