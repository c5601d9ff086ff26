import pytest
import torch
from torch import nn

from recurra import tree
from recurra.cells import GRU, LSTM
from recurra.layers import LookAhead, Recurrent, Stack, VariationalDropout


def test_it_is_its_layers_one_after_another():
    torch.manual_seed(0)
    below, above = Recurrent(GRU(3, 5)), Recurrent(LSTM(5, 2))
    x, lengths = torch.randn(2, 7, 3), torch.tensor([7, 3])
    y, (first, second) = Stack(below, above)(x, lengths=lengths)
    middle, of_below = below(x, lengths=lengths)
    top, of_above = above(middle, lengths=lengths)
    torch.testing.assert_close((y, *first, *second), (top, *of_below, *of_above))


def test_delays_add_up_and_sizes_are_the_ends():
    stack = Stack(GRU(3, 5), LookAhead(5, 2), Stack(LookAhead(5, 4), GRU(5, 6)))
    assert (stack.delay, stack.input_size, stack.output_size) == (6, 3, 6)
    assert tree.names(stack.initial_state(1)) == ["0.h", "1.held", "2.0.held", "2.1.h"]


def test_sizes_that_do_not_chain_are_named():
    with pytest.raises(
        ValueError, match=r"layer 2 of the stack takes 4 .* layer 1 below it gives 5"
    ):
        Stack(GRU(3, 5), GRU(5, 5), GRU(4, 5))


def test_an_empty_stack_is_none():
    with pytest.raises(ValueError, match="at least one"):
        Stack()


def test_other_modules_are_refused():
    with pytest.raises(TypeError):
        Stack(GRU(3, 5), nn.Linear(5, 5))


def test_a_state_of_another_depth_is_refused():
    stack = Stack(GRU(3, 3), GRU(3, 3))
    with pytest.raises(ValueError):
        stack(torch.zeros(1, 2, 3), stack.initial_state(1)[:1])


@pytest.mark.parametrize("variational", [False, True])
def test_dropout_lies_between_layers_only(variational):
    torch.manual_seed(0)
    identity = [LookAhead(40, 1) for _ in range(3)]  # y_t = x_{t−1}
    x = torch.ones(4, 6, 40)
    alone = Stack(identity[0], dropout=0.5, variational=variational).train()
    torch.testing.assert_close(alone(x)[0][:, 1:], x[:, 1:])
    stack = Stack(*identity, dropout=0.5, variational=variational).train()
    y = stack(x)[0][:, 3:]
    assert set(y.unique().tolist()) == {0.0, 4.0}  # kept twice, 1 / (1 − ½)²
    assert (y != 0).double().mean() == pytest.approx(0.25, abs=0.06)
    same_at_every_step = bool((y == y[:, :1]).all())
    assert same_at_every_step == variational
    torch.testing.assert_close(stack.eval()(x)[0][:, 3:], x[:, 3:], rtol=0, atol=0)


def test_variational_dropout_draws_per_row_and_call_and_nothing_in_evaluation():
    torch.manual_seed(0)
    dropout = VariationalDropout(0.25).train()
    x = torch.ones(50, 3, 80)
    y = dropout(x)
    assert (y == y[:, :1]).all()
    assert not torch.equal(y[0], y[1])
    assert not torch.equal(dropout(x), y)
    assert (y == 0).double().mean() == pytest.approx(0.25, abs=0.02)
    torch.testing.assert_close(y[y != 0], torch.full_like(y[y != 0], 4 / 3))
    assert dropout.eval()(x) is x


@pytest.mark.parametrize("rate", [-0.5, 1.0, 7.0])
def test_a_rate_is_a_rate(rate):
    with pytest.raises(ValueError, match=r"rate is .*below 1"):
        VariationalDropout(rate)
    with pytest.raises(ValueError, match=r"dropout is .*below 1"):
        Stack(GRU(3, 3), dropout=rate)
