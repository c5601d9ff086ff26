"""State carried over long sequences: as a loop over each of them, and resumed exactly."""

import copy
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from recurra import tree
from recurra.cells import GRU, LSTM
from recurra.data.windows import Stretches
from recurra.errors import BundleError, RecurraError
from recurra.layers import Bidirectional, LookAhead, Recurrent, Stack
from recurra.topologies import ManyToManyEqual
from recurra.topologies.carry import carrying
from recurra.training.batches import load
from recurra.training.checkpoint import RunFolder
from recurra.training.lanes import Lanes
from tests.training import lanes_worker
from tests.training.lanes_worker import LANES, SIZES, STEPS, collate, network, prepare, sequences


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_rows_of_a_batch_go_on_with_those_before(count: int, seed: int):
    stretches = Stretches(sequences(), STEPS)
    lanes = Lanes(stretches, count, seed)
    epochs = []
    for epoch in range(3):
        batches = list(lanes)
        assert lanes.epoch == epoch + 1
        assert sorted(i for batch in batches for i in batch) == list(range(len(stretches)))
        assert len(batches[0]) == count
        for before, after in pairwise(batches):
            assert len(after) <= len(before)
            for old, new in zip(before, after, strict=False):
                assert new == old + 1 or bool(stretches[new][-1])
        assert all(bool(stretches[i][-1]) for i in batches[0])
        epochs.append(batches)
    # of a lane each, only equal ones change places
    assert epochs[0] != epochs[1] or count == 7
    # as even as sequences allow: no lane is longer than the others by more than one of them
    assert len(epochs[0]) <= -(-len(stretches) // count) + max(stretches.counts)


def test_processes_share_the_lanes():
    stretches = Stretches(sequences(), STEPS)
    whole, *parts = (list(Lanes(stretches, 4, 0, *of)) for of in [(0, 1), (0, 2), (1, 2)])
    for batch, first, second in zip(whole, *parts, strict=True):
        assert batch[::2] == first
        assert batch[1::2] == second


def test_too_few_sequences_or_uneven_processes_are_refused():
    stretches = Stretches(sequences(), STEPS)
    with pytest.raises(RecurraError, match="batch_size: 8 lanes for 7 sequences"):
        Lanes(stretches, 8, 0)
    with pytest.raises(RecurraError, match="3 lanes cannot be shared out to 2 processes"):
        Lanes(stretches, 3, 0, 0, 2)


def by_hand(net: ManyToManyEqual, epochs: int, rate: float) -> None:
    """Read each lane by itself, cut off from the graph at each stretch; one step per batch."""
    stretches = Stretches(sequences(), STEPS)
    lanes = Lanes(stretches, LANES, 0)
    optimiser = torch.optim.SGD(net.parameters(), rate)
    for _ in range(epochs):
        states = [None] * LANES
        for batch in list(lanes):
            total, count = torch.zeros(()), 0
            for row, index in enumerate(batch):
                x, y, fresh = stretches[index]
                state = None if fresh else states[row]
                out, state = net.body(net.embed(x)[None], state)
                states[row] = tree.map(Tensor.detach, state)
                scores = net.head(out[0])
                total = total + nn.functional.cross_entropy(scores, y, reduction="sum")
                count += len(y)
            optimiser.zero_grad()
            (total / count).backward()
            optimiser.step()


def test_it_is_truncated_backpropagation():
    net = network(Stack(Recurrent(LSTM(4, 5)), Recurrent(GRU(5, 5))))
    written_out = copy.deepcopy(net)
    by_hand(written_out, 2, 0.1)
    stretches = Stretches(sequences(), STEPS)
    lanes = Lanes(stretches, LANES, 0)
    optimiser = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(2):
        for _, batch in load(stretches, collate, lanes, pin=False):
            optimiser.zero_grad()
            total, count = net.loss(batch)
            (total / count).backward()
            optimiser.step()
    for mine, right in zip(net.parameters(), written_out.parameters(), strict=True):
        torch.testing.assert_close(mine, right, rtol=1e-5, atol=1e-6)


def test_what_is_carried_makes_the_whole_sequence():
    net = network().eval()
    stretches = Stretches(sequences(), STEPS)
    with torch.no_grad():
        lanes = Lanes(stretches, 3, 0)
        parts = [net.loss(batch) for _, batch in load(stretches, collate, lanes, pin=False)]
        whole = torch.zeros(())
        for x, y in sequences():
            out, _ = net.body(net.embed(x)[None])
            whole += nn.functional.cross_entropy(net.head(out[0]), y, reduction="sum")
    torch.testing.assert_close(sum(part.total for part in parts), whole)
    assert sum(int(part.count) for part in parts) == sum(SIZES)


def test_evaluation_carries_a_state_of_its_own():
    net = network().train()
    stretches = Stretches(sequences(), STEPS)
    batches = [batch for _, batch in load(stretches, collate, Lanes(stretches, 3, 0), pin=False)]
    net.loss(batches[0])
    before = tree.leaves(net.carried)
    with carrying(net):
        assert net.carried is None
        net.loss(batches[0])
        net.loss(batches[1])
    assert all(a is b for a, b in zip(tree.leaves(net.carried), before, strict=True))
    assert not any(leaf.requires_grad for leaf in before)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (lambda: Bidirectional(GRU(4, 3), GRU(4, 3)), "reads backward"),
        (lambda: Stack(Recurrent(GRU(4, 4)), LookAhead(4, 2)), "lags behind"),
    ],
)
def test_what_cannot_carry_is_refused(body, says: str):
    batch = collate([Stretches(sequences(), STEPS)[0]])
    with pytest.raises(ValueError, match=says):
        network(body()).loss(batch)


def test_a_row_without_a_state_is_refused():
    batch = collate([Stretches(sequences(), STEPS)[1]])
    with pytest.raises(ValueError, match="goes on, and has no state"):
        network().loss(batch)


class Killed(BaseException):
    """Stands for kill -9: nothing is saved after it."""


def train(net: nn.Module, folder: Path, **fields) -> None:
    chosen = {"epochs": 3, "batch_size": LANES, "accumulate": 2, "seed": 1, **fields}
    lanes_worker.train(folder, net, **chosen)


@pytest.mark.parametrize("dies", [1, 2, 4, 7, 12, 17])
def test_a_killed_run_goes_on_with_the_state_it_carried(
    dies: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = network()
    train(whole, prepare(tmp_path / "whole"))
    folder, calls, loss = prepare(tmp_path / "run"), [0], ManyToManyEqual.loss

    def dying(self, *given, **named):
        calls[0] += 1
        if calls[0] == dies:
            raise Killed
        return loss(self, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(ManyToManyEqual, "loss", dying)
        with pytest.raises(Killed):
            train(network(), folder)
    again = network()
    train(again, folder, resume=True)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    carried = [tree.leaves(net.carried) for net in (whole, again)]
    assert all(torch.equal(a, b) for a, b in zip(*carried, strict=True))


def test_the_state_of_another_network_is_refused(tmp_path: Path):
    folder = prepare(tmp_path / "run")
    train(network(), folder)
    last = RunFolder(folder)
    tensors, state = last.load_last()
    tensors["carried.0.0"] = torch.zeros(1, LANES, 77)
    last.save_last(tensors, state)
    with pytest.raises(BundleError, match="carried state of another network"):
        train(network(), folder, resume=True, epochs=4)
    tensors["carried.0.0"] = torch.zeros(2, LANES, 5)
    last.save_last(tensors, state)
    with pytest.raises(BundleError, match="saved on 2 processes"):
        train(network(), folder, resume=True, epochs=4)
