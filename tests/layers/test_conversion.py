"""torch.nn as the witness: values, last states and gradients, from a nonzero state."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from recurra import tree
from recurra.cells import GRU, LSTM, Elman, MinGRU
from recurra.layers import (
    Bidirectional,
    LookAhead,
    Recurrent,
    Residual,
    Stack,
    from_torch,
    state_from_torch,
    state_to_torch,
    to_torch,
)

KINDS = {
    "RNN tanh": (nn.RNN, {"nonlinearity": "tanh"}),
    "RNN relu": (nn.RNN, {"nonlinearity": "relu"}),
    "LSTM": (nn.LSTM, {}),
    "GRU": (nn.GRU, {}),
}
CASES = {
    f"{kind}, {depths} deep, {'both' if both else 'one'} way, {'with' if bias else 'no'} bias": (
        *KINDS[kind],
        {"num_layers": depths, "bidirectional": both, "bias": bias},
    )
    for kind, depths, both, bias in itertools.product(
        KINDS, [1, 2, 3], [False, True], [False, True]
    )
}
LENGTHS = torch.tensor([5, 2, 4])


def case(name):
    torch.manual_seed(0)
    kind, own, options = CASES[name]
    module = kind(3, 4, batch_first=True, **own, **options).double()
    stacked = options["num_layers"] * (1 + options["bidirectional"])
    parts = [torch.randn(stacked, 3, 4, dtype=torch.float64) for _ in range(2)]
    hx = tuple(parts) if kind is nn.LSTM else parts[0]
    return module, torch.randn(3, 5, 3, dtype=torch.float64), hx


def tracked(x, hx):
    """Return both as leaves that collect gradients."""
    hx = tree.map(lambda part: part.clone().requires_grad_(), hx)
    return x.clone().requires_grad_(), hx


def backward(y, last):
    seeds = torch.Generator().manual_seed(1)
    sum(
        (leaf * torch.randn(leaf.shape, generator=seeds, dtype=leaf.dtype)).sum()
        for leaf in [y, *tree.leaves(last)]
    ).backward()


def of_torch(module, x, hx):
    """Return what the module computes over packed rows."""
    pack = nn.utils.rnn.pack_padded_sequence
    y, last = module(pack(x, LENGTHS, batch_first=True, enforce_sorted=False), hx)
    return nn.utils.rnn.pad_packed_sequence(y, batch_first=True)[0], last


def expected_gradients(module, cell, name):
    """Return the gradients of a cell's weights, from those of the module's."""
    of = {
        what: module.get_parameter(f"{what}_{name}").grad
        for what in ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if module.bias else [])]
    }
    gradients = {"from_input": of["weight_ih"], "from_state": of["weight_hh"]}
    if module.bias:
        gradients["bias"] = of["bias_ih"]
        if isinstance(cell, GRU):
            gradients["state_bias"] = of["bias_hh"][-cell.hidden_size :]
        else:
            torch.testing.assert_close(of["bias_ih"], of["bias_hh"])
    return gradients


def cells(layer):
    return [part.cell for part in layer.modules() if isinstance(part, Recurrent)]


@pytest.mark.parametrize("name", CASES)
def test_from_torch_computes_the_same_with_the_same_gradients(name):
    module, x, hx = case(name)
    layer = from_torch(module)
    theirs, theirs_hx = tracked(x, hx)
    expected, expected_last = of_torch(module, theirs, theirs_hx)
    backward(expected, expected_last)
    ours, ours_hx = tracked(x, hx)
    y, state = layer(ours, state_from_torch(layer, ours_hx), lengths=LENGTHS)
    last = state_to_torch(layer, state)
    torch.testing.assert_close((y, last), (expected, expected_last))
    backward(y, last)
    torch.testing.assert_close(ours.grad, theirs.grad)
    for left, right in zip(tree.leaves(ours_hx), tree.leaves(theirs_hx), strict=True):
        torch.testing.assert_close(left.grad, right.grad)
    suffixes = ["", "_reverse"] if module.bidirectional else [""]
    names = [f"l{depth}{suffix}" for depth in range(module.num_layers) for suffix in suffixes]
    for cell, their_name in zip(cells(layer), names, strict=True):
        own = {what: p.grad for what, p in cell.named_parameters() if p.requires_grad}
        torch.testing.assert_close(own, expected_gradients(module, cell, their_name))


@pytest.mark.parametrize("name", CASES)
def test_the_way_back_computes_the_same(name):
    module, x, hx = case(name)
    again = to_torch(from_torch(module))
    assert type(again) is type(module)
    assert again.batch_first
    torch.testing.assert_close(of_torch(again, x, hx), of_torch(module, x, hx))


@pytest.mark.parametrize("kind", [Elman, LSTM, GRU], ids=lambda kind: kind.__name__)
def test_layers_of_ours_go_there_and_come_back(kind):
    torch.manual_seed(0)
    layer = Stack(
        Bidirectional(kind(3, 4), kind(3, 4)), Bidirectional(kind(8, 4), kind(8, 4)), dropout=0.25
    )
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.4)
    module = to_torch(layer)
    assert module.dropout == 0.25
    again = from_torch(module)
    assert again.state_dict().keys() == layer.state_dict().keys()
    torch.testing.assert_close(dict(again.state_dict()), dict(layer.state_dict()))
    assert again.between.p == 0.25
    x = torch.randn(2, 6, 3)
    torch.testing.assert_close(module.eval()(x)[0], layer.eval()(x)[0])


def test_a_single_depth_is_no_stack():
    assert isinstance(from_torch(nn.GRU(3, 4)), Recurrent)
    assert isinstance(from_torch(nn.GRU(3, 4, bidirectional=True)), Bidirectional)
    assert to_torch(Stack(GRU(3, 4), dropout=0.5)).dropout == 0


def test_weights_are_copies():
    module = nn.GRU(3, 4)
    layer = from_torch(module)
    layer.cell.from_input.data.zero_()
    assert module.weight_ih_l0.any()


def test_dtype_and_mode_come_along():
    layer = from_torch(nn.LSTM(3, 4).bfloat16().eval())
    assert {p.dtype for p in layer.parameters()} == {torch.bfloat16}
    assert not any(part.training for part in layer.modules())
    module = to_torch(Recurrent(Elman(3, 4, nonlinearity="relu")).double())
    assert (module.weight_ih_l0.dtype, module.nonlinearity) == (torch.float64, "relu")


def test_without_biases_none_trains():
    layer = from_torch(nn.GRU(3, 4, bias=False))
    trained = {name for name, p in layer.named_parameters() if p.requires_grad}
    assert trained == {"cell.from_input", "cell.from_state"}
    assert not layer.cell.bias.any()
    assert not layer.cell.state_bias.any()


@pytest.mark.parametrize("name", [name for name in CASES if "with bias" in name])
def test_states_go_there_and_come_back(name):
    module, _, hx = case(name)
    layer = from_torch(module)
    torch.testing.assert_close(state_to_torch(layer, state_from_torch(layer, hx)), hx)


def test_a_projection_is_refused():
    with pytest.raises(ValueError, match=r"proj_size is 2, .* proj_size=0"):
        from_torch(nn.LSTM(3, 4, proj_size=2))


def test_another_module_is_refused():
    with pytest.raises(TypeError, match=r"takes nn.RNN, nn.LSTM or nn.GRU; got Linear"):
        from_torch(nn.Linear(3, 4))


class Other(GRU):
    """A GRU that might compute anything."""


REFUSED = {
    "residual": (lambda: Residual(GRU(3, 3)), TypeError, "no Residual"),
    "look-ahead": (lambda: Stack(GRU(3, 3), LookAhead(3, 2)), TypeError, "no LookAhead"),
    "stack in a stack": (lambda: Stack(Stack(GRU(3, 3)), GRU(3, 3)), TypeError, "no Stack"),
    "cell": (lambda: Recurrent(MinGRU(3, 3)), TypeError, "no MinGRU"),
    "derived cell": (lambda: Recurrent(Other(3, 3)), TypeError, "no Other"),
    "kinds": (lambda: Stack(GRU(3, 3), LSTM(3, 3)), ValueError, "one kind of cell.*GRU and LSTM"),
    "sizes": (lambda: Stack(GRU(3, 4), GRU(4, 5)), ValueError, "one hidden size.*4 and 5"),
    "directions": (
        lambda: Stack(GRU(3, 4), Bidirectional(GRU(4, 4), GRU(4, 4))),
        ValueError,
        "one number of directions.*1 and 2",
    ),
    "nonlinearities": (
        lambda: Stack(Elman(3, 4), Elman(4, 4, nonlinearity="relu")),
        ValueError,
        "one nonlinearity.*relu and tanh",
    ),
    "weight drop": (
        lambda: Recurrent(GRU(3, 3), weight_drop=0.5),
        ValueError,
        "no weight drop; set weight_drop=0.5 to 0",
    ),
    "variational dropout": (
        lambda: Stack(GRU(3, 3), GRU(3, 3), dropout=0.5, variational=True),
        ValueError,
        "no variational dropout",
    ),
}


@pytest.mark.parametrize(("make", "error", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_what_torch_lacks_is_refused_with_the_reason(make, error, text):
    with pytest.raises(error, match=text):
        to_torch(make())


@pytest.mark.parametrize(
    ("hx", "text"),
    [
        (torch.zeros(1, 2, 4), "LSTM is h, c; hx has 1 tensors"),
        ((torch.zeros(2, 2, 4),) * 2, r"takes \[1 batch 4\]; got \[2, 2, 4\] as hx"),
        ((torch.zeros(1, 2, 5),) * 2, r"got \[1, 2, 5\]"),
    ],
    ids=["fields", "depths", "width"],
)
def test_a_state_that_does_not_fit_is_refused(hx, text):
    with pytest.raises(ValueError, match=text):
        state_from_torch(Recurrent(LSTM(3, 4)), hx)


def _pruned(module: nn.Module, name: str) -> None:
    prune.l1_unstructured(module, name, amount=0.5)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize(
    "made_of_others",
    [_pruned, nn.utils.weight_norm, nn.utils.spectral_norm, parametrizations.weight_norm],
)
def test_weights_made_of_others_are_copied_as_they_are(made_of_others: type) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 9, 3)
    module = nn.LSTM(3, 4, batch_first=True)
    made_of_others(module, "weight_hh_l0")
    module.eval()
    torch.testing.assert_close(from_torch(module)(x)[0], module(x)[0])
    layer = Recurrent(LSTM(3, 4))
    made_of_others(layer.cell, "from_state")
    layer(x)[0].sum().backward()
    torch.testing.assert_close(to_torch(layer.eval())(x)[0], layer(x)[0])
