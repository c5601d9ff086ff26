"""Copies of a stream, and streams of cells whose weights are made of others."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from recurra import tree
from recurra.cells import GRU, LRU, LSTM, MinGRU
from recurra.errors import InputTypeError
from recurra.layers import LookAhead, Recurrent, Stack
from recurra.streaming import Stream

X = torch.randn(6, 3, 2, generator=torch.Generator().manual_seed(1))  # time, rows, input

MAKERS = {
    "native": lambda: Stack(LSTM(2, 20), MinGRU(20, 5)),
    "parts": lambda: Stack(LSTM(2, 20), LookAhead(20, 2)),
    "loop": lambda: Stack(LRU(2, 20), LookAhead(20, 2)),
}


def begun(engine: str) -> Stream:
    torch.manual_seed(0)
    stream = Stream(MAKERS[engine](), 3, capacity=70)
    if stream.engine != engine:
        pytest.skip("the native library is not built")
    for x in X[:3]:
        stream.step(x)
    return stream


@pytest.mark.parametrize("engine", MAKERS)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_goes_on_by_itself(engine: str, copied: type) -> None:
    stream = begun(engine)
    other = copied(stream)
    # one goes on, leaves and ends; the other's rows and numbers are still those of before
    state = stream.state
    expected = [stream.step(x).clone() for x in X[3:]]
    stream.leave(0)
    stream.close()
    assert other.rows == [0, 1, 2]
    torch.testing.assert_close(other.state, state, rtol=0, atol=0)
    for x, y in zip(X[3:], expected, strict=True):
        torch.testing.assert_close(other.step(x), y, rtol=0, atol=0)
    assert other.join() == 3
    other.step(torch.zeros(4, 2))


def test_a_copy_keeps_the_weights_that_the_stream_took() -> None:
    stream = begun("native")
    x = X[3]
    with torch.no_grad():
        for weight in stream.layer.parameters():
            weight.zero_()
    other = copy.deepcopy(stream)
    torch.testing.assert_close(other.step(x), stream.step(x), rtol=0, atol=0)
    other.refresh()
    assert not torch.equal(other.step(x), stream.step(x))


def test_what_holds_a_stream_is_copied_with_it() -> None:
    class Service(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = Recurrent(LSTM(2, 4))
            self.stream = Stream(self.layer)

    service = Service()
    other = copy.deepcopy(service)
    assert other.stream.layer is other.layer
    assert other.layer is not service.layer
    shallow = copy.copy(service.stream)
    assert shallow.layer is service.layer


@pytest.mark.parametrize("engine", MAKERS)
def test_a_stream_is_not_pickled(engine: str) -> None:
    with pytest.raises(InputTypeError, match=r"save its layer's weights and `stream\.state`"):
        pickle.dumps(begun(engine))


def test_a_closed_stream_is_copied_closed() -> None:
    stream = begun("native")
    stream.close()
    assert copy.deepcopy(stream).engine == "closed"


def _pruned(cell: nn.Module, name: str) -> None:
    prune.l1_unstructured(cell, name, amount=0.5)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    "made_of_others",
    [_pruned, nn.utils.weight_norm, nn.utils.spectral_norm, parametrizations.weight_norm],
)
@pytest.mark.parametrize("ahead", [False, True])
def test_weights_made_of_others(made_of_others: type, ahead: bool) -> None:
    torch.manual_seed(0)
    cell = GRU(2, 20)
    made_of_others(cell, "from_input")
    layer = Stack(cell, LookAhead(20, 1)) if ahead else Recurrent(cell)
    layer(torch.zeros(1, 1, 2))[0].sum().backward()  # the weight is in a graph
    stream = Stream(layer.eval(), 3)
    with torch.no_grad():
        y, state = layer(X.transpose(0, 1))
    for t, x in enumerate(X):
        torch.testing.assert_close(stream.step(x), y[:, t], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(stream.state, state, rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        for name, part in cell.named_parameters():
            if "from_input" in name:
                part.add_(torch.randn_like(part))
        layer(X[:1])
        before = stream.step(X[0])
        stream.refresh()
        assert not torch.equal(before, stream.step(X[0]))


def test_a_hook_is_part_of_what_streams() -> None:
    layer = Recurrent(GRU(2, 4))
    layer.cell.register_forward_hook(lambda cell, args, result: (result[0] * 2, result[1]))
    stream = Stream(layer, 3)
    assert stream.engine == "loop"
    assert stream.reason is not None
    assert "has hooks" in stream.reason
    with torch.no_grad():
        torch.testing.assert_close(stream.step(X[0]), layer(X[0][:, None])[0][:, 0])


def test_a_sign_that_waits_is_turned() -> None:
    stream = begun("native")
    state = tree.map(lambda leaf: torch._neg_view(leaf), stream.state)
    stream.state = state
    torch.testing.assert_close(stream.state, tree.map(Tensor.resolve_neg, state), rtol=0, atol=0)
