"""Many answers at once: probabilities that sum to one, and equations written out."""

import itertools

import pytest
import torch
from torch import Tensor, nn

from recurra import GRU, Recurrent
from recurra.data.batch import Aligned
from recurra.errors import InputError
from recurra.topologies import NADE, Bernoulli, ManyToManyEqual
from recurra.topologies.sets import Sets

COUNT = 5


def outputs() -> list[Sets]:
    torch.manual_seed(0)
    return [Bernoulli(COUNT).double(), NADE(COUNT, 3).double()]


OUTPUTS = pytest.mark.parametrize("output", outputs(), ids=lambda one: type(one).__name__)


def every() -> Tensor:
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=COUNT)), dtype=torch.float64)


@OUTPUTS
def test_probabilities_of_all_answers_sum_to_one(output: Sets):
    torch.manual_seed(1)
    scores, y = 2 * torch.randn(output.size, dtype=torch.float64), every()
    nll = output.nll(scores.expand(len(y), -1), y)
    assert float((-nll).exp().sum().detach()) == pytest.approx(1, abs=1e-12)


def test_nade_is_its_equations():
    output = outputs()[1]
    assert isinstance(output, NADE)
    torch.manual_seed(2)
    scores, y = torch.randn(output.size, dtype=torch.float64), every()
    bias, start = scores[:COUNT], scores[COUNT:]
    found = output.nll(scores.expand(len(y), -1), y)
    for row, nll in zip(y, found, strict=True):
        total, wanted = start.clone(), 0.0
        for i in range(COUNT):
            p = torch.sigmoid(bias[i] + output.write[i] @ torch.sigmoid(total))
            wanted -= float((p if row[i] else 1 - p).log().detach())
            total = total + row[i] * output.read[i]
        assert float(nll.detach()) == pytest.approx(wanted, rel=1e-10)


def test_gradients_of_nade():
    output = NADE(4, 3).double()
    y = torch.tensor([[0, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], dtype=torch.float64)
    scores = torch.randn(3, output.size, dtype=torch.float64, requires_grad=True)

    def lost(scores: Tensor, read: Tensor, write: Tensor) -> Tensor:
        given = {"read": read, "write": write}
        module = _Nll(output)
        named = {f"output.{name}": value for name, value in given.items()}
        found: Tensor = torch.func.functional_call(module, named, (scores, y))
        return found

    weights = [p.detach().clone().requires_grad_() for p in (output.read, output.write)]
    assert torch.autograd.gradcheck(lost, (scores, *weights))


class _Nll(nn.Module):
    def __init__(self, output: Sets) -> None:
        super().__init__()
        self.output = output

    def forward(self, scores: Tensor, y: Tensor) -> Tensor:
        return self.output.nll(scores, y)


@OUTPUTS
def test_draws_have_their_probabilities(output: Sets):
    torch.manual_seed(3)
    scores = torch.randn(1, output.size, dtype=torch.float64)
    drawn = output.draw(scores.expand(40_000, -1), torch.Generator().manual_seed(0))
    codes = (drawn @ (2.0 ** torch.arange(COUNT, dtype=torch.float64))).long()
    shares = torch.bincount(codes, minlength=2**COUNT) / len(drawn)
    y = every()
    p = (-output.nll(scores.expand(len(y), -1), y)).exp()
    order = (y @ (2.0 ** torch.arange(COUNT, dtype=torch.float64))).long()
    assert float((shares[order] - p.detach()).abs().max()) < 0.01
    again = output.draw(scores.expand(40_000, -1), torch.Generator().manual_seed(0))
    assert torch.equal(drawn, again)


@OUTPUTS
def test_without_temperature_each_is_the_likelier(output: Sets):
    torch.manual_seed(4)
    scores = torch.randn(7, output.size, dtype=torch.float64)
    found = output.draw(scores, temperature=0.0)
    for i in range(COUNT):
        other = found.clone()
        other[:, i] = 1 - other[:, i]
        if isinstance(output, NADE) and i < COUNT - 1:
            continue  # what follows depends on it
        assert bool((output.nll(scores, found) <= output.nll(scores, other) + 1e-12).all())
    sharp = output.draw(scores, torch.Generator().manual_seed(1), temperature=1e-6)
    assert torch.equal(sharp, found)


@OUTPUTS
def test_the_loss_counts_live_steps_alone(output: Sets):
    torch.manual_seed(5)
    scores = torch.randn(3, 4, output.size, dtype=torch.float64)
    y = (torch.rand(3, 4, COUNT) < 0.4).double()
    lengths = torch.tensor([4, 0, 2])
    spoiled, told = scores.clone(), y.clone()
    spoiled[1], told[1], spoiled[2, 2:], told[2, 2:] = torch.nan, 7.0, torch.inf, torch.nan
    first, second = output.loss(scores, y, lengths), output.loss(spoiled, told, lengths)
    wanted = output.nll(torch.cat([scores[0], scores[2, :2]]), torch.cat([y[0], y[2, :2]]))
    wanted = wanted.detach()
    for found in (first, second):
        assert float(found.total.detach()) == pytest.approx(float(wanted.sum()), rel=1e-12)
        assert int(found.count) == 6
    assert [len(row) for row in output.decode(scores, lengths)] == [4, 0, 2]
    steps = output.decode(scores, lengths)[2]
    drawn = output.draw(scores[2, :2], temperature=0.0)
    assert steps == [step.nonzero()[:, 0].tolist() for step in drawn]


@OUTPUTS
def test_wrong_answers_are_refused(output: Sets):
    scores, lengths = torch.zeros(1, 2, output.size).double(), torch.tensor([2])
    y = torch.zeros(1, 2, COUNT).double()
    with pytest.raises(InputError, match="0 and 1"):
        output.loss(scores, y + 0.5, lengths)
    with pytest.raises(InputError, match="smooth"):
        output.loss(scores, y, lengths, 0.1)
    with pytest.raises(InputError, match="takes"):
        output.loss(scores[..., 1:], y, lengths)
    with pytest.raises(InputError, match="temperature is -1"):
        output.draw(scores[0], temperature=-1.0)
    with pytest.raises(InputError, match="1 or more"):
        type(output)(*[0] * (2 if isinstance(output, NADE) else 1))


def test_what_sounds_together_is_learned_jointly_only():
    """Two things that always hold together, or both not: ln 2 a step jointly, 2 ln 2 apart."""
    torch.manual_seed(0)
    draw = (torch.rand(32, 10, 1) < 0.5).float()
    y = torch.cat([draw, draw], -1)
    x, lengths = torch.ones(32, 10, 2), torch.full((32,), 10)
    reached = {}
    for output in (Bernoulli(2), NADE(2, 8)):
        network = ManyToManyEqual(
            nn.Identity(), Recurrent(GRU(2, 4)), nn.Linear(4, output.size), output
        )
        optimiser = torch.optim.Adam(network.parameters(), 0.05)
        for _ in range(250):
            optimiser.zero_grad()
            total, count = network.loss(Aligned(x, lengths, y))
            (total / count).backward()
            optimiser.step()
        reached[type(output)] = float(total / count)
    # a little less than the truth: each of the ten steps has a probability of its own to learn
    assert 1.3 < reached[Bernoulli] < 2 * 0.6932
    assert 0.6 < reached[NADE] < 0.72
