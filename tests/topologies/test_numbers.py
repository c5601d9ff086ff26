"""Numbers as an output: the distribution's own loss over what is live, channel by channel."""

import pytest
import torch
from torch import nn

from recurra import GRU, Recurrent
from recurra.data.batch import Aligned
from recurra.errors import InputError
from recurra.topologies import Gaussian, ManyToManyEqual, Numbers, StudentT


def batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    y = torch.randn(3, 5, 2)
    y[0, 1, 0] = torch.nan
    return torch.randn(3, 5, 4), y, torch.tensor([5, 0, 3])


def test_the_loss_is_of_live_steps_and_known_numbers():
    scores, y, lengths = batch()
    total, count = Numbers(Gaussian(), 2).loss(scores, y, lengths)
    wanted, known = 0.0, 0
    for row, stop in enumerate(lengths.tolist()):
        for t in range(stop):
            for channel in range(2):
                if not y[row, t, channel].isnan():
                    raw = scores[row, t, 2 * channel : 2 * channel + 2]
                    place, scale = raw[0], nn.functional.softplus(raw[1]) + 0.001
                    normal = torch.distributions.Normal(place, scale)
                    wanted, known = wanted - float(normal.log_prob(y[row, t, channel])), known + 1
    assert float(total) == pytest.approx(wanted, rel=1e-5)
    assert int(count) == known == 15


def test_what_lies_beyond_changes_nothing():
    scores, y, lengths = batch()
    other, told = scores.clone(), y.clone()
    other[1], told[1], other[2, 3:], told[2, 3:] = 9.0, torch.nan, torch.inf, 1e9
    output = Numbers(StudentT(), 2)
    wide = torch.cat([scores, scores[..., :2]], -1), torch.cat([other, other[..., :2]], -1)
    first, second = (output.loss(s, v, lengths) for s, v in zip(wide, (y, told), strict=True))
    assert float(first.total) == pytest.approx(float(second.total), rel=1e-6)
    assert int(first.count) == int(second.count)


def test_the_middle_of_each_live_step():
    scores, _, lengths = batch()
    found = Numbers(Gaussian(), 2).decode(scores, lengths)
    assert [len(row) for row in found] == lengths.tolist()
    assert found[2][1] == scores[2, 1, [0, 2]].tolist()


def test_a_network_learns_numbers():
    torch.manual_seed(0)
    output = Numbers(Gaussian(), 1)
    network = ManyToManyEqual(
        nn.Linear(1, 8), Recurrent(GRU(8, 8)), nn.Linear(8, output.size), output
    )
    x = torch.randn(16, 12, 1)
    moved = torch.roll(x, 1, 1)
    moved[:, 0] = torch.nan  # what came before the first is not known
    given = Aligned(x, torch.full((16,), 12), moved)
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    losses = []
    for _ in range(60):
        loss = network.loss(given)
        assert int(loss.count) == 16 * 11
        (loss.total / loss.count).backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float((loss.total / loss.count).detach()))
    assert losses[-1] < losses[0] - 0.8


def test_wrong_numbers_are_refused():
    scores, y, lengths = batch()
    with pytest.raises(InputError, match="channels is 0"):
        Numbers(Gaussian(), 0)
    with pytest.raises(InputError, match="smoothing"):
        Numbers(Gaussian(), 2).loss(scores, y, lengths, smoothing=0.1)
    with pytest.raises(InputError, match="scores"):
        Numbers(StudentT(), 2).loss(scores, y, lengths)
