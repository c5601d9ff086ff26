"""An ensemble's answer is its members' mean, and each learns as if it were alone."""

import torch
from torch import Tensor, nn

from recurra.cells import GRU
from recurra.data.batch import Labelled, Single
from recurra.layers import Last, Recurrent
from recurra.topologies import Ensemble, ManyToOne, OneToOne, cross_entropy


def sequences() -> ManyToOne:
    return ManyToOne(nn.Identity(), Recurrent(GRU(3, 4)), Last(), nn.Linear(4, 5)).double()


def grids() -> OneToOne:
    return OneToOne(nn.Identity(), GRU(3, 4), nn.Linear(4, 5)).double()


def labelled() -> Labelled:
    x = torch.randn(6, 7, 3, dtype=torch.float64)
    return Labelled(x, torch.tensor([7, 1, 3, 7, 2, 5]), torch.tensor([0, 1, 2, 3, 4, 0]))


def mean(members: list[nn.Module], *batch: Tensor) -> Tensor:
    return sum((m(*batch).softmax(-1) for m in members), torch.zeros(())) / len(members)


def test_the_answer_is_the_mean_of_probabilities():
    members = [sequences() for _ in range(3)]
    batch = labelled()
    found = Ensemble(members)(batch.x, batch.lengths)
    torch.testing.assert_close(found.exp(), mean(members, batch.x, batch.lengths))
    single = [grids() for _ in range(2)]
    x = batch.x[:, 0]
    torch.testing.assert_close(Ensemble(single)(x).exp(), mean(single, x))


def test_in_evaluation_the_loss_is_of_the_answer():
    ensemble, batch = Ensemble(grids() for _ in range(3)).eval(), labelled()
    one = Single(batch.x[:, 0], batch.y)
    wanted = cross_entropy(ensemble(one.x), one.y, smoothing=0.1)
    torch.testing.assert_close(ensemble.loss(one, 0.1), wanted)
    alone = torch.stack([member.loss(one).total for member in ensemble.members]).mean()
    assert ensemble.loss(one).total < alone  # Jensen


def test_in_training_each_member_learns_as_if_alone():
    ensemble, batch = Ensemble(sequences() for _ in range(3)).train(), labelled()
    loss = ensemble.loss(batch, smoothing=0.1)
    loss.total.backward()
    assert int(loss.count) == len(batch.y)
    for member in ensemble.members:
        shared = [parameter.grad for parameter in member.parameters()]
        own = torch.autograd.grad(member.loss(batch, smoothing=0.1).total, [*member.parameters()])
        for found, wanted in zip(shared, own, strict=True):
            torch.testing.assert_close(found, wanted / 3)


def test_one_alone_is_no_ensemble():
    assert isinstance(Ensemble.of(1, grids), OneToOne)
    assert len(Ensemble.of(4, grids).members) == 4
    first, second = Ensemble.of(2, grids).members
    assert not torch.equal(next(first.parameters()), next(second.parameters()))
