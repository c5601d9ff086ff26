"""CTC against enumeration of all alignments."""

from itertools import groupby, product

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from recurra.cells import GRU
from recurra.data.batch import Transcribed
from recurra.layers import FixedScale, LookAhead, Recurrent, Stack, aligned
from recurra.streaming import Stream
from recurra.topologies import CTC, negative_log_likelihood
from recurra.topologies.ctc import fits

torch.set_num_threads(1)


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    """The definition of B: repeats are one, then blanks are none."""
    return tuple(symbol for symbol, _ in groupby(path) if symbol != 0)


def enumerate_labellings(scores: Tensor) -> dict[tuple[int, ...], Tensor]:
    """Return p of every labelling [time classes] can have, by a sum over all alignments."""
    p = scores.softmax(-1)
    found: dict[tuple[int, ...], Tensor] = {}
    for path in product(range(scores.shape[1]), repeat=len(scores)):
        term = p.new_ones(())
        for t, symbol in enumerate(path):
            term = term * p[t, symbol]
        found[collapsed(path)] = found.get(collapsed(path), 0) + term
    return found


@given(
    classes=st.integers(2, 3),
    rows=st.lists(
        st.tuples(st.integers(0, 4), st.lists(st.integers(1, 2), max_size=3)),
        min_size=1,
        max_size=3,
    ),
    seed=st.integers(0, 10_000),
)
@example(classes=3, rows=[(4, [1, 1]), (3, []), (2, [1, 1]), (0, []), (0, [1])], seed=0)
@example(classes=2, rows=[(0, []), (0, [1])], seed=1)
@example(classes=3, rows=[(3, [])], seed=2)
@settings(max_examples=30, deadline=None)
def test_likelihood_and_gradient_equal_enumeration(
    classes: int, rows: list[tuple[int, list[int]]], seed: int
) -> None:
    rows = [(time, [min(symbol, classes - 1) for symbol in y]) for time, y in rows]
    time, symbols = max(t for t, _ in rows), max(len(y) for _, y in rows)
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(len(rows), time, classes, generator=generator, dtype=torch.float64)
    lengths = torch.tensor([t for t, _ in rows])
    y = torch.tensor([[*y, *[-9] * (symbols - len(y))] for _, y in rows], dtype=torch.int64)
    y = y.reshape(len(rows), symbols)
    y_lengths = torch.tensor([len(y) for _, y in rows])
    possible = fits(lengths, y, y_lengths)
    ours = scores.masked_fill(
        torch.arange(time)[None, :, None] >= lengths[:, None, None], torch.nan
    )
    ours.requires_grad_()
    nll = negative_log_likelihood(ours, lengths, y, y_lengths)
    (gradient,) = torch.autograd.grad(nll[possible].sum(), ours)
    for row, (steps, wanted) in enumerate(rows):
        theirs = scores[row, :steps].clone().requires_grad_()
        p = enumerate_labellings(theirs).get(tuple(wanted))
        assert (p is not None) == bool(possible[row])
        if p is None:
            assert nll[row] == torch.inf
            assert not gradient[row].any()
            continue
        torch.testing.assert_close(nll[row], -p.log())
        assert not gradient[row, steps:].any()
        if steps:
            (expected,) = torch.autograd.grad(-p.log(), theirs)
            torch.testing.assert_close(gradient[row, :steps], expected)


def test_probabilities_of_all_labellings_sum_to_one() -> None:
    scores = torch.randn(1, 4, 3, dtype=torch.float64)
    labellings = enumerate_labellings(scores[0])
    total = 0.0
    for wanted in labellings:
        y = torch.tensor([wanted], dtype=torch.int64).reshape(1, len(wanted))
        nll = negative_log_likelihood(scores, torch.tensor([4]), y, torch.tensor([len(wanted)]))
        total += float((-nll).exp())
    assert total == pytest.approx(1, abs=1e-12)


def network(delay: int) -> CTC:
    torch.manual_seed(0)
    body = Stack(Recurrent(GRU(2, 4)), LookAhead(4, delay)) if delay else Recurrent(GRU(2, 4))
    embed = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    return CTC(FixedScale([0.1] * 3, [2.0] * 3), embed, body, nn.Linear(4, 5), 5).double()


def batch() -> Transcribed:
    torch.manual_seed(1)
    y = torch.tensor([[1, 1, 2], [3, 0, 0], [0, 0, 0], [4, 4, 0]])
    x = torch.randn(4, 7, 3, dtype=torch.float64)
    return Transcribed(x, torch.tensor([7, 4, 2, 2]), y, torch.tensor([3, 1, 0, 2]))


@pytest.mark.parametrize("delay", [0, 2])
def test_scores_are_heads_of_bodies_of_embedded_features_and_stream(delay: int) -> None:
    net, given = network(delay).eval(), batch()
    lengths = given.lengths
    features = net.front(given.x, lengths=lengths)[0]
    states = aligned(net.body, net.embed(features), lengths)
    live = torch.arange(7)[None, :] < lengths[:, None]
    scores = net(given.x, lengths).detach()
    torch.testing.assert_close(scores, net.head(states).detach() * live[..., None])
    stream = Stream(net.layer, rows=1)
    assert stream.delay == delay
    frames = torch.cat([given.x[0], torch.zeros(delay, 3, dtype=torch.float64)])
    stepped = torch.stack([stream.step(frame[None])[0] for frame in frames])
    torch.testing.assert_close(stepped[delay:], scores[0])


@pytest.mark.parametrize("delay", [0, 2])
def test_loss_sums_what_fits_and_counts_its_symbols(delay: int) -> None:
    net, given = network(delay), batch()  # the last row does not fit: 4, blank, 4 in 2 steps
    loss = net.loss(given)
    assert int(loss.count) == 3 + 1 + 1
    scores = net(given.x, given.lengths)
    nll = negative_log_likelihood(scores, given.lengths, given.y, given.y_lengths)
    torch.testing.assert_close(loss.total, nll[:3].sum())
    loss.total.backward()
    assert all(bool(weight.grad.isfinite().all()) for weight in net.parameters())


@pytest.mark.parametrize("delay", [0, 2])
def test_padding_and_other_rows_change_nothing(delay: int) -> None:
    net, given = network(delay), batch()
    beyond = torch.arange(7)[None, :] >= given.lengths[:, None]
    dirty = given._replace(x=given.x.masked_fill(beyond[..., None], torch.nan))
    torch.testing.assert_close(net.loss(dirty), net.loss(given))
    single = [
        net.loss(
            Transcribed(
                given.x[i : i + 1, : given.lengths[i]],
                given.lengths[i : i + 1],
                given.y[i : i + 1, : given.y_lengths[i]],
                given.y_lengths[i : i + 1],
            )
        )
        for i in range(4)
    ]
    torch.testing.assert_close(sum(one.total for one in single), net.loss(given).total)


def test_a_blank_or_a_class_too_many_in_y_is_refused() -> None:
    net, given = network(0), batch()
    for wrong in (0, 5, -1):
        y = given.y.clone()
        y[0, 1] = wrong
        with pytest.raises(ValueError, match="takes"):
            net.loss(given._replace(y=y))


def test_half_precision_scores_are_summed_in_more() -> None:
    scores = torch.randn(1, 60, 5)
    y = torch.tensor([[1, 2, 3, 4] * 5])
    rounded = scores.bfloat16()
    ours = negative_log_likelihood(rounded, torch.tensor([60]), y, torch.tensor([20]))
    exact = negative_log_likelihood(rounded.double(), torch.tensor([60]), y, torch.tensor([20]))
    torch.testing.assert_close(ours.double(), exact, rtol=1e-5, atol=1e-4)
