"""The loss of each step, in chunks, against the same chunks and the whole with everything kept."""

import copy
import weakref

import pytest
import torch
from torch import nn
from torch.nn import functional

from recurra import tree
from recurra.cells import GRU, LSTM, MinGRU
from recurra.errors import InputError, InputTypeError
from recurra.layers import (
    Bidirectional,
    LiveNorm,
    Pointwise,
    Recurrent,
    Residual,
    Stack,
    VariationalDropout,
    step_losses,
)

CLASSES = 5


class Entropy(nn.Module):
    """A head and the cross entropy of each step."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.head = nn.Linear(size, CLASSES)

    def forward(self, y: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        scores = self.head(y).transpose(1, 2)
        return functional.cross_entropy(scores, target, reduction="none")


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def made(kind, dtype=torch.float64, dropout=0.0):
    layer = Stack(
        Pointwise(nn.Linear(3, 4), 3, 4),
        Residual(Recurrent(kind(4, 4))),
        kind(4, 6),
        dropout=dropout,
    )
    x = torch.randn(2, 23, 3, dtype=dtype)
    return layer.to(dtype), Entropy(6).to(dtype), x, torch.randint(0, CLASSES, (2, 23))


def in_chunks(layer, criterion, x, target, state, lengths, every):
    """Return the losses of the same chunks, all in one graph."""
    losses = []
    for i, (part, right) in enumerate(zip(x.split(every, 1), target.split(every, 1), strict=True)):
        left = None if lengths is None else (lengths - i * every).clamp(0, part.shape[1])
        y, state = layer(part, state, lengths=left)
        losses.append(criterion(y, right))
    return torch.cat(losses, 1), state


def taught(layer, criterion, x, target, lengths, run):
    """Return losses, last state and all gradients, from a state that has some."""
    layer.zero_grad()
    criterion.zero_grad()
    x = x.clone().requires_grad_()
    state = tree.map(lambda s: torch.rand_like(s).requires_grad_(), layer.initial_state(len(x)))
    torch.manual_seed(1)
    losses, last = run(layer, criterion, x, target, state, lengths)
    weights = torch.linspace(1, 2, losses.shape[1], dtype=losses.dtype)
    ((losses * weights).sum() + sum(leaf.sum() for leaf in tree.leaves(last))).backward()
    given = [x, *tree.leaves(state), *layer.parameters(), *criterion.parameters()]
    return [losses, *tree.leaves(last), *(leaf.grad for leaf in given)]


def ours(every):
    def run(layer, criterion, x, target, state, lengths):
        return step_losses(layer, x, criterion, target, every=every, state=state, lengths=lengths)

    return run


def both(kind, every, lengths=None, **options):
    parts = (*made(kind, **options), lengths)
    torch.manual_seed(7)
    one = taught(*parts, ours(every))
    torch.manual_seed(7)
    size = every if every > 0 else (5 if every else 23)
    other = taught(*parts, lambda *args: in_chunks(*args, size))
    torch.manual_seed(7)
    whole = taught(*parts, lambda *args: in_chunks(*args, 23))
    return one, other, whole


@pytest.mark.parametrize("kind", [GRU, LSTM, MinGRU])
@pytest.mark.parametrize("every", [1, 7, 23, 100, 0, -1])
@pytest.mark.parametrize("lengths", [None, torch.tensor([23, 9])], ids=["full", "ragged"])
def test_it_changes_no_bit_of_the_chunks_and_nothing_of_the_whole(kind, every, lengths):
    one, chunks, whole = both(kind, every, lengths)
    for a, b, c in zip(one, chunks, whole, strict=True):
        assert torch.equal(a, b)
        torch.testing.assert_close(a, c, rtol=1e-12, atol=1e-12)


def test_dropout_is_replayed():
    one, chunks, _ = both(GRU, 6, dropout=0.5)
    assert all(torch.equal(a, b) for a, b in zip(one, chunks, strict=True))


def test_neither_outputs_nor_graphs_of_a_chunk_are_kept(monkeypatch):
    layer, criterion, x, target = made(MinGRU)
    alive, most = list[weakref.ref](), 0

    def watched(y, right):
        nonlocal most
        alive.append(weakref.ref(y))
        most = max(most, sum(one() is not None for one in alive))
        return criterion(y, right)

    layer.requires_grad_(False)
    criterion.requires_grad_(False)
    x.requires_grad_()
    losses, _ = step_losses(layer, x, watched, target, every=2)
    assert sum(one() is not None for one in alive) <= 1
    losses.sum().backward()
    assert most <= 2  # of 12 chunks


def test_of_a_gradient_there_is_a_gradient():
    layer, criterion, x, target = made(GRU)
    x.requires_grad_()

    def second(every):
        losses, _ = step_losses(layer, x, criterion, target, every=every)
        (first,) = torch.autograd.grad(losses.square().sum(), x, create_graph=True)
        return torch.autograd.grad(first.square().sum(), list(layer.parameters()))

    for a, b in zip(second(4), second(0), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_without_gradients_it_says_the_same():
    layer, criterion, x, target = made(LSTM)
    losses, last = step_losses(layer, x, criterion, target, every=5)
    with torch.no_grad():
        plain, state = step_losses(layer, x, criterion, target, every=5)
    torch.testing.assert_close(losses, plain, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(last, state, rtol=1e-12, atol=1e-12)
    assert step_losses(LSTM(3, 4).double(), x, lambda y: y.sum(-1))[0].shape == (2, 23)


def test_a_weight_of_neither_module_is_refused():
    layer, criterion, x, target = made(GRU)
    with pytest.raises(InputError, match=r"weight of shape \[5, 6\].* no gradient"):
        step_losses(layer, x, lambda y, right: criterion(y, right), target)
    frozen = copy.deepcopy(criterion).requires_grad_(False)
    step_losses(layer, x, lambda y, right: frozen(y, right), target)  # it needs none


def refused(layer, says, x=None, criterion=None, targets=(), **options):
    x = torch.randn(2, 5, 3) if x is None else x
    with pytest.raises((InputError, InputTypeError), match=says):
        step_losses(layer, x, criterion or (lambda y: y.sum(-1)), *targets, **options)


def test_what_has_no_chunks_is_refused():
    hooked = GRU(3, 4)
    hooked.register_forward_hook(lambda *_: None)
    refused(Bidirectional(GRU(3, 4), GRU(3, 4)), "reads backward")
    refused(Recurrent(GRU(3, 4), weight_drop=0.5), "one mask for a whole sequence")
    stack = Stack(GRU(3, 4), GRU(4, 4), dropout=0.5, variational=True)
    assert isinstance(stack.between, VariationalDropout)
    refused(stack, "one mask for a whole sequence")
    refused(hooked, "has hooks")
    refused(Stack(Pointwise(LiveNorm(3), 3, 3), GRU(3, 4)), "no batch norm")
    step_losses(stack.eval(), torch.randn(2, 5, 3), lambda y: y.sum(-1))


def test_what_is_no_sequence_is_refused():
    gru = GRU(3, 4)
    refused(gru, r"target 0 is \[2, 4\]", targets=(torch.zeros(2, 4),))
    refused(gru, r"returned \[2, 1, 4\]; it returns the loss of each step", criterion=lambda y: y)
    refused(gru, "returned float", criterion=lambda y: 1.0)
    refused(gru, "every is -2", every=-2)
    refused(nn.Identity(), "no Layer, give the first")
