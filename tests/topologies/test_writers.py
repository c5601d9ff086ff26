"""Several writers write by their mean; each learns as if it were alone."""

import math

import pytest
import torch
from torch import nn

from recurra.cells import GRU
from recurra.data.batch import Paired
from recurra.decoding import beam, greedy
from recurra.layers import AdditiveAttention, Recurrent
from recurra.topologies import Decoder, ManyToManyUnequal, Writer, Writers, cross_entropy

LENGTHS = torch.tensor([4, 2, 3])
READ = torch.tensor([5, 1, 3])


def writer() -> ManyToManyUnequal:
    decoder = Decoder(
        7, 3, Recurrent(GRU(3 + 4, 5)), context_size=4, attention=AdditiveAttention(5, 6, 4)
    )
    network = ManyToManyUnequal(nn.Embedding(9, 2), Recurrent(GRU(2, 6)), decoder)
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    return network.double()


@pytest.fixture
def writers() -> Writers:
    torch.manual_seed(0)
    return Writers(writer() for _ in range(3)).eval()


def paired() -> Paired:
    generator = torch.Generator().manual_seed(1)
    context = torch.randint(9, (3, 5), generator=generator)
    x, y = torch.randint(7, (2, 3, 4), generator=generator)
    return Paired(context=context, x=x, y=y, lengths=LENGTHS, context_lengths=READ)


def test_each_step_is_the_mean_of_probabilities(writers: Writers):
    batch = paired()
    fields = batch.context, batch.x, batch.lengths, batch.context_lengths
    wanted = torch.stack([one(*fields).softmax(-1) for one in writers.members]).mean(0)
    torch.testing.assert_close(writers(*fields).exp(), wanted)
    state = writers.start(batch.context, batch.context_lengths)
    for step in range(4):
        logp, state = writers.advance(batch.x[:, step], state)
        live = step < LENGTHS
        torch.testing.assert_close(logp[live].exp(), wanted[live, step])
        seen = torch.stack([each.weights for each in state.states]).mean(0)
        torch.testing.assert_close(state.weights, seen)


def test_searches_score_by_the_mean(writers: Writers):
    batch = paired()
    context = batch.context, batch.context_lengths
    common = {"start": 1, "end": 2, "max_steps": 5}
    ended = 0
    for row, ranked in enumerate(beam(writers, context, width=4, **common)):
        for found in ranked:
            tokens = torch.tensor([[1, *found.tokens]])
            logp = writers(batch.context[row : row + 1], tokens, None, READ[row : row + 1])[0]
            follows = [*found.tokens, 2][:5]
            total = sum(float(logp[t, token].detach()) for t, token in enumerate(follows))
            assert found.score == pytest.approx(total)
            ended += len(found.tokens) < 5
    assert ended
    for row, found in enumerate(greedy(writers, context, **common)):
        state = writers.start(batch.context[row : row + 1], READ[row : row + 1])
        token, total = torch.tensor([1]), 0.0
        for wanted in [*found.tokens, 2][:5]:
            logp, state = writers.advance(token, state)
            token = logp.argmax(-1)
            total += float(logp.max().detach())
            assert int(token) == wanted
        assert found.score == pytest.approx(total)
        assert found.weights is not None


def test_in_training_each_learns_as_if_alone_and_is_fed_as_much_of_its_own(writers: Writers):
    batch = paired()
    writers.train()
    loss = writers.loss(batch, smoothing=0.1)
    loss.total.backward()
    assert int(loss.count) == int(LENGTHS.sum())
    for one in writers.members:
        assert isinstance(one, Writer)
        own = torch.autograd.grad(one.loss(batch, smoothing=0.1).total, [*one.parameters()])
        for parameter, wanted in zip(one.parameters(), own, strict=True):
            torch.testing.assert_close(parameter.grad, wanted / 3)
    writers.scheduled = 0.5
    writers.loss(batch)
    assert [one.scheduled for one in writers.members] == [0.5] * 3


def test_in_evaluation_the_loss_is_of_the_mean(writers: Writers):
    batch = paired()
    logp = writers(batch.context, batch.x, batch.lengths, batch.context_lengths)
    live = torch.arange(4) < LENGTHS[:, None]
    torch.testing.assert_close(writers.loss(batch, 0.1), cross_entropy(logp, batch.y, live, 0.1))
    alone = [float(one.loss(batch).total.detach()) for one in writers.members]
    assert float(writers.loss(batch).total.detach()) < math.fsum(alone) / 3  # Jensen


def test_one_alone_is_no_ensemble():
    assert isinstance(Writers.of(1, writer), ManyToManyUnequal)
    assert len(Writers.of(4, writer).members) == 4
