"""A stream is the sequence, frame by frame: for every cell and layer, and rows that come and go."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor

import recurra
from recurra import tree
from recurra.cells import CELLS, GRU, LRU, LSTM, Elman, IndRNN, MinGRU, MinLSTM
from recurra.engines.native import library
from recurra.errors import InputError, InputTypeError, RecurraError
from recurra.layers import Bidirectional, Layer, LookAhead, Recurrent, Residual, Stack
from recurra.streaming import Stream

TIME = 9
NATIVE = {
    "LSTM",
    "GRU",
    "Elman",
    "Elman-relu",
    "IndRNN",
    "MinGRU",
    "MinLSTM",
    "Stack",
    "weight-drop",
}
PARTS = {"Stack-mixed", "Stack-within", "Residual-LookAhead"}

LAYERS: dict[str, Callable[[], Any]] = {
    **{kind.__name__: lambda kind=kind: kind(5, 7) for kind in CELLS},
    "Elman-relu": lambda: Elman(5, 7, nonlinearity="relu"),
    "Stack": lambda: Stack(GRU(5, 67), Stack(LSTM(67, 3), dropout=0.5), MinGRU(3, 130)),
    "Stack-mixed": lambda: Stack(LSTM(5, 6), LRU(6, 7)),
    "Stack-within": lambda: Stack(
        LookAhead(5, 1), LRU(5, 6), Stack(GRU(6, 6), LSTM(6, 5), LookAhead(5, 2)), IndRNN(5, 7)
    ),
    "Residual": lambda: Residual(GRU(5, 5)),
    "LookAhead": lambda: LookAhead(5, 3),
    "Residual-LookAhead": lambda: Stack(LSTM(5, 6), Residual(Stack(GRU(6, 6), LookAhead(6, 2)))),
    "weight-drop": lambda: Recurrent(LSTM(5, 7), weight_drop=0.5),
}


def prepared(name: str) -> Layer:
    """Return a layer with no parameter at zero, and a numbering that is the same in every run."""
    torch.manual_seed(0)
    layer = recurra.layers.as_layer(LAYERS[name]())
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return layer


def whole(layer: Layer, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
    """Return what the layer gives in evaluation, in float64."""
    exact = copy.deepcopy(layer).eval().double()
    if state is not None:
        state = tree.map(torch.Tensor.double, state)
    with torch.no_grad():
        y, last = exact(x.double(), state)
    return y, last


def close(got: Tensor, want: Tensor) -> None:
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, want.float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 13])
@pytest.mark.parametrize("name", LAYERS)
def test_a_stream_is_the_sequence(name: str, rows: int) -> None:
    layer = prepared(name)
    x = torch.randn(rows, TIME, 5)
    expected, last = whole(layer, x)
    stream = Stream(layer, rows)
    for t in range(TIME):
        close(stream.step(x[:, t]), expected[:, t])
    assert type(stream.state) is type(layer.initial_state(1))
    for got, want in zip(tree.leaves(stream.state), tree.leaves(last), strict=True):
        close(got, want)
    is_native = name in NATIVE and library.missing() is None
    in_parts = name in PARTS and library.missing() is None
    assert stream.engine == ("native" if is_native else "parts" if in_parts else "loop")
    assert (stream.reason is None) == is_native
    assert stream.delay == layer.delay


@pytest.mark.parametrize("name", LAYERS)
def test_rows_join_and_leave(name: str) -> None:
    """Each session is what its own sequence gives, whoever is stepped beside it, and when."""
    layer = prepared(name)
    stream = Stream(layer, rows=0, capacity=4)
    choose = torch.Generator().manual_seed(3)
    frames: dict[int, list[Tensor]] = {}
    outputs: dict[int, list[Tensor]] = {}
    ended = []
    for _ in range(40):
        if len(frames) < 4 and torch.rand((), generator=choose) < 0.5:
            row = stream.join()
            assert row not in frames
            frames[row], outputs[row] = [], []
        order = [row for row in frames if torch.rand((), generator=choose) < 0.7]
        order = [order[i] for i in torch.randperm(len(order), generator=choose)]
        named: Any = torch.tensor(order, dtype=torch.int64) if len(order) % 2 else order
        x = torch.randn(len(order), 5, generator=choose)
        y = stream.step(x, rows=named)
        for i, row in enumerate(order):
            frames[row].append(x[i])
            outputs[row].append(y[i])
        if frames and torch.rand((), generator=choose) < 0.2:
            row = next(iter(frames))
            stream.leave(row)
            ended.append((frames.pop(row), outputs.pop(row)))
        assert stream.rows == sorted(frames)
    ended += zip(frames.values(), outputs.values(), strict=True)
    sessions = [pair for pair in ended if pair[0]]
    assert len(sessions) > 5
    for given, received in sessions:
        expected, _ = whole(layer, torch.stack(given)[None])
        close(torch.stack(received), expected[0])


def test_all_that_are_in_use_are_stepped_where_none_is_named() -> None:
    layer = prepared("GRU")
    stream, x = Stream(layer, 3), torch.randn(3, TIME, 5)
    expected, _ = whole(layer, x)
    stream.step(x[:, 0])
    stream.leave(1)
    for t in range(1, TIME):
        close(stream.step(x[[0, 2], t]), expected[[0, 2], t])
    assert stream.join() == 1
    close(stream.step(x[:, 0])[1:2], whole(layer, x[1:2])[0][:, 0])


@pytest.mark.parametrize("name", LAYERS)
def test_rows_do_not_see_each_other(name: str) -> None:
    layer, x = prepared(name), torch.randn(5, TIME, 5)
    x[[0, 1, 3, 4]] = torch.nan
    stream = Stream(layer, 5)
    got = torch.stack([stream.step(x[:, t]) for t in range(TIME)], 1)[2]
    close(got, whole(layer, x[2:3])[0][0])


@pytest.mark.parametrize("name", LAYERS)
def test_a_state_goes_from_the_sequence_to_the_stream_and_back(name: str) -> None:
    layer, x = prepared(name), torch.randn(2, 2 * TIME, 5)
    expected, last = whole(layer, x)
    with torch.no_grad():
        _, state = layer.eval()(x[:, :TIME])
    stream = Stream(layer, 2)
    stream.state = state
    for t in range(TIME, TIME + 4):
        close(stream.step(x[:, t]), expected[:, t])
    with torch.no_grad():
        rest, end = layer(x[:, TIME + 4 :], stream.state)
    close(rest, expected[:, TIME + 4 :])
    for got, want in zip(tree.leaves(end), tree.leaves(last), strict=True):
        close(got, want)


def test_the_state_is_a_copy_and_of_some_rows_too() -> None:
    layer, x = prepared("LSTM"), torch.randn(3, 2, 5)
    stream = Stream(layer, 3)
    stream.step(x[:, 0])
    before = stream.state
    kept = tree.map(torch.clone, before)
    y = stream.step(x[:, 1])
    assert torch.equal(before.h, kept.h)
    assert torch.equal(stream.read([2, 0]).h, y[[2, 0]])
    stream.write(tree.map(lambda leaf: leaf[[0, 2]], before), [0, 2])
    close(stream.step(x[:, 1])[[0, 2]], y[[0, 2]])
    stream.reset([1])
    assert stream.read([1]).c.abs().sum() == 0
    stream.reset()
    assert all(leaf.abs().sum() == 0 for leaf in stream.state)


@pytest.mark.parametrize("name", ["LSTM", "LRU"])
def test_frames_need_not_touch(name: str) -> None:
    layer, x = prepared(name), torch.randn(3, TIME, 5)
    expected, _ = whole(layer, x)
    stream, y = Stream(layer, 3), torch.full((3, TIME, 9), torch.nan)
    for t in range(TIME):
        out = y[:, t, :7]
        assert stream.step(x[:, t], out=out) is out
    close(y[..., :7], expected)
    assert y[..., 7:].isnan().all()


def test_the_output_may_be_the_input() -> None:
    layer, x = recurra.layers.as_layer(LSTM(6, 6)), torch.randn(4, 6)
    want = Stream(layer, 4).step(x)
    got = Stream(layer, 4).step(x, out=x)
    assert got is x
    assert torch.equal(got, want)


@pytest.mark.parametrize("name", ["LSTM", "LRU"])
def test_weights_are_copied_and_taken_anew(name: str) -> None:
    layer, x = prepared(name), torch.randn(1, 2, 5)
    stream = Stream(layer)
    first, second = stream.step(x[:, 0]), Stream(layer).step(x[:, 0])
    state = stream.state
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(0.5)
    assert torch.equal(first, second)
    stream.reset()
    assert torch.equal(stream.step(x[:, 0]), first)
    stream.refresh()
    close(stream.step(x[:, 1]), whole(layer, x[:, 1:], state)[0][:, 0])


def test_other_dtypes_run_the_layer_itself() -> None:
    layer, x = prepared("LSTM").double(), torch.randn(2, TIME, 5, dtype=torch.float64)
    stream = Stream(layer, 2)
    assert stream.engine == "loop"
    assert stream.reason is not None
    assert "torch.float64" in stream.reason
    got = torch.stack([stream.step(x[:, t]) for t in range(TIME)], 1)
    torch.testing.assert_close(got, layer(x)[0].detach())


def test_an_engine_asked_for_by_name_steps() -> None:
    stream = Stream(Recurrent(LSTM(5, 7), engine="loop"))
    assert stream.engine == "loop"
    assert stream.reason == "a layer asks for the engine loop"


def test_an_output_that_fits_nowhere_steps_no_part() -> None:
    stream = Stream(prepared("Stack-within"), 2)
    stream.step(torch.randn(2, 5))
    before = stream.state
    for out in (torch.zeros(2, 8), torch.zeros(2, 7, dtype=torch.float64)):
        with pytest.raises(REFUSED):
            stream.step(torch.randn(2, 5), out=out)
    with pytest.raises(REFUSED):
        stream.step(torch.randn(2, 6))
    for got, want in zip(tree.leaves(stream.state), tree.leaves(before), strict=True):
        assert torch.equal(got, want)
    out = torch.zeros(2, 7)
    assert stream.step(torch.randn(2, 5), out=out) is out
    assert float(out.abs().max()) > 0


class Peephole(LSTM):
    """May differ from LSTM anywhere."""


def test_a_derived_cell_is_not_taken_for_its_base() -> None:
    assert Stream(Peephole(5, 7)).reason == "there is no native step of Peephole"


# Where annotations are checked while the tests run, they refuse first.
REFUSED = (RecurraError, TypeCheckError)
X = torch.zeros(2, 5)
WRONG = [
    (X.double(), None, None, "x is torch.float64 on cpu"),
    (X.to("meta"), None, None, "x is torch.float32 on meta"),
    (X[:1], None, None, r"takes torch.float32 on cpu, \[2, 5\]"),
    (X[:, None], None, None, r"\[2, 1, 5\]"),
    (X.to_sparse(), None, None, "x is "),
    (X.tolist(), None, None, "x is a list; give a torch.Tensor"),
    (X, torch.zeros(2, 8), None, r"out is torch.float32 on cpu, \[2, 8\]"),
    (X, torch.zeros(2, 7).double(), None, "out is torch.float64"),
    (X, torch.zeros(2, 7).to("meta"), None, "out is torch.float32 on meta"),
    (X, None, [0, 0], "a row is named twice"),
    (X, None, [0, 2], "row 2 is not in use"),
    (X, None, [-1, 0], "row -1 is not in use"),
    (X, None, [0], r"\[1, 5\]"),
    (X, None, torch.tensor([0.0, 1.0]), "rows are numbers of rows"),
    (X, None, [[0, 1]], "rows are numbers of rows"),
]


@pytest.mark.parametrize(("x", "out", "rows", "text"), WRONG)
@pytest.mark.parametrize("name", ["LSTM", "LRU"])
def test_wrong_frames_are_refused(name: str, x: Any, out: Any, rows: Any, text: str) -> None:
    stream = Stream(prepared(name), 2)
    before = stream.state
    with pytest.raises(REFUSED, match=f"{text}|Type-check error"):
        stream.step(x, out=out, rows=rows)
    assert all(torch.equal(a, b) for a, b in zip(before, stream.state, strict=True))


def test_native_frames_lie_in_one_piece() -> None:
    stream = Stream(prepared("LSTM"), 2)
    if stream.engine != "native":
        pytest.skip("the native library is not built")
    for x in (torch.zeros(5, 2).T, torch.zeros(2, 10)[:, ::2]):
        with pytest.raises(RecurraError, match="each row in one piece"):
            stream.step(x)
    with pytest.raises(RecurraError, match="each row in one piece"):
        stream.step(X, out=torch.zeros(1, 7).expand(2, 7))


def test_wrong_states_are_refused() -> None:
    stream = Stream(prepared("LSTM"), 2)
    good = stream.state
    wrong = {
        r"the state is a tensor; Recurrent takes LSTMState\(h, c\)": good.h,
        r"the state is \(a tensor, a tensor\); Recurrent takes LSTMState": (good.h, good.c),
        r"state h is torch.float64 on cpu": tree.map(torch.Tensor.double, good),
        r"the state is LSTMState\(h, c: int\)": good._replace(c=0),
        r"state h is \[3, 7\]; for 2 rows": tree.map(
            lambda leaf: leaf.new_zeros(3, leaf.shape[1]), good
        ),
    }
    for text, bad in wrong.items():
        with pytest.raises(InputError if "h is" in text else InputTypeError, match=text):
            stream.state = bad
    with pytest.raises(InputError, match=r"state h is \[2, 7\]; for 1 rows"):
        stream.write(good, [0])


def test_streams_that_cannot_be() -> None:
    layer = prepared("LSTM")
    both = Bidirectional(GRU(3, 4), GRU(3, 4))
    for bad in (both, Stack(both, GRU(8, 2))):
        with pytest.raises(RecurraError, match=r"does not stream: .* use LookAhead"):
            Stream(bad)
    for options in ({"rows": -1}, {"rows": 3, "capacity": 2}, {"threads": 0}, {"capacity": 0}):
        with pytest.raises(RecurraError, match="between 0 and the capacity"):
            Stream(layer, **options)
    with pytest.raises(RecurraError, match="did you mean 'float16'"):
        Stream(layer, weights="float17")
    with pytest.raises(RecurraError, match="weights of int8 need the native library, but there is"):
        Stream(prepared("LRU"), weights="int8")
    with pytest.raises(
        (TypeError, TypeCheckError), match=r"neither a recurra Layer nor a Cell|Type-check"
    ):
        Stream(torch.nn.LSTM(2, 3))  # a wrong argument is the test
    with pytest.raises(RecurraError, match="all 2 rows are in use"):
        Stream(layer, 2).join()
    with pytest.raises(RecurraError, match="row 5 is not in use"):
        Stream(layer, 2).leave(5)


@pytest.mark.parametrize("name", ["LSTM", "LRU"])
def test_a_closed_stream_tells(name: str) -> None:
    with Stream(prepared(name), 2) as stream:
        stream.step(X)
    assert stream.engine == "closed"
    for use in (
        lambda: stream.step(X),
        lambda: stream.state,
        lambda: stream.reset(),
        lambda: stream.refresh(),
    ):
        with pytest.raises(RecurraError, match="this stream is closed"):
            use()
    stream.close()


def test_no_rows_are_stepped_to_no_rows() -> None:
    stream = Stream(prepared("LSTM"), rows=0, capacity=2)
    assert stream.step(torch.zeros(0, 5)).shape == (0, 7)
    assert stream.state.h.shape == (0, 7)


def test_public_names() -> None:
    assert recurra.Stream is Stream
    assert {MinLSTM, IndRNN} <= set(CELLS)
