"""The engine `graph`, all but the graphs of CUDA: its recordings are tapes here."""

import copy
import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from recurra import tree
from recurra.cells import GRU, LSTM, SLSTM, Cell, Elman
from recurra.engines import PREFERENCE, choose, graph, unroll
from recurra.engines.graph import player as playing
from recurra.engines.graph import recorder
from recurra.engines.graph.recorder import record, taped
from recurra.errors import EngineRefused
from recurra.layers import Recurrent
from recurra.testing import LAWS, STEP_LAWS, Law
from tests.transforms.table import outcome
from tests.transforms.tools import MAKES_GRAPHS, TOOLS

DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}


@pytest.fixture(autouse=True)
def _taped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(playing, "CHUNKS", (8, 3, 1))
    with taped():
        yield


class Remembered(NamedTuple):
    h: Tensor
    old: Tensor
    older: Tensor
    count: Tensor


class Normal(Cell[Remembered]):
    """A user's cell: layer normalisation, a line of delays, whole numbers, nested modules."""

    scale = 1.0

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.mix = nn.Linear(inputs + 2 * hidden, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.register_buffer("shift", torch.randn(hidden))

    def initial_state(self, batch: int) -> Remembered:
        h = self.zeros(batch, self.hidden_size)
        return Remembered(h, h, h, torch.zeros(batch, dtype=torch.int64, device=h.device))

    def step(self, u: Tensor, state: Remembered) -> tuple[Tensor, Remembered]:
        h, old, older, count = state
        h = torch.tanh(self.norm(self.mix(torch.cat([u, h, older], 1))) * self.scale)
        h = torch.where((count % 3 == 0)[:, None], h + self.shift, h)
        return older, Remembered(h, state.h, old, count + 1)


class Matrix(NamedTuple):
    m: Tensor


class Fast(Cell[Matrix]):
    """A user's cell whose state is a matrix: fast weights."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.keys = nn.Parameter(torch.randn(2 * hidden, inputs) / 2)

    def initial_state(self, batch: int) -> Matrix:
        return Matrix(self.zeros(batch, self.hidden_size, self.hidden_size))

    def project(self, x: Tensor) -> Tensor:
        return x @ self.keys.T

    def step(self, u: Tensor, state: Matrix) -> tuple[Tensor, Matrix]:
        k, v = u.chunk(2, 1)
        m = 0.9 * state.m + torch.einsum("bi,bj->bij", v, k.softmax(1))
        return torch.einsum("bij,bj->bi", m, k), Matrix(m)


KINDS = {kind.__name__: kind for kind in (LSTM, SLSTM, Normal, Fast)}


@pytest.mark.parametrize("law", [law for law in LAWS if law not in STEP_LAWS])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_law(kind: str, dtype: str, law: Law) -> None:
    if (kind, dtype) in (("Normal", "bfloat16"), ("SLSTM", "float32")):
        pytest.skip("a law's exact state has no whole numbers; LSTM's says as much")
    torch.manual_seed(0)
    law(KINDS[kind](3, 5), "graph", DTYPES[dtype])


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool not in MAKES_GRAPHS])
def test_tools_of_torch(tool: str) -> None:
    refused = ("torch.func", "vmap", "per sample", "torch.jit", "parametrizations")
    got = outcome(tool, GRU, "graph")
    assert got.works == (not any(word in tool for word in refused)), got.reason


def played(cell: Cell[Any], x: Tensor, engine: str = "graph") -> list[Tensor]:
    """Return the outputs, the last state, and all gradients of their squares."""
    x = x.detach().requires_grad_()
    y, state = unroll(cell, x, engine=engine)
    ends = [leaf for leaf in (y, *tree.leaves(state)) if leaf.requires_grad]
    sources = [x, *(weight for weight in cell.parameters() if weight.requires_grad)]
    grads = torch.autograd.grad(
        sum(end.square().sum() for end in ends), sources, materialize_grads=True
    )
    return [y.detach(), *(leaf.detach() for leaf in tree.leaves(state)), *grads]


def agrees(cell: Cell[Any], x: Tensor) -> None:
    torch.testing.assert_close(played(cell, x), played(cell, x, "loop"), rtol=1e-9, atol=1e-9)


def begun(kind: type[Cell[Any]] = Normal, time: int = 11) -> tuple[Cell[Any], Tensor]:
    torch.manual_seed(0)
    return kind(3, 4).double(), torch.randn(2, time, 3).double()


def recorded(cell: Cell[Any]) -> int:
    return len(graph.PLAYERS[cell])


@pytest.mark.parametrize("chunks", [(64, 8, 1), (4, 1)])
def test_any_time_of_one_recording(
    chunks: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playing, "CHUNKS", chunks)
    cell, x = begun(time=75)
    for time in (1, 4, 7, 64, 75):
        agrees(cell, x[:, :time])
    assert recorded(cell) == 1


def test_weights_are_those_of_now() -> None:
    cell, x = begun()
    agrees(cell, x)
    with torch.no_grad():
        cell.mix.weight.mul_(2)
        cell.shift.add_(1)
    agrees(cell, x)
    cell.mix.weight.data = torch.randn_like(cell.mix.weight)  # other memory
    cell.norm.weight = nn.Parameter(torch.randn(4).double())  # another parameter
    cell.load_state_dict({name: part + 1 for name, part in cell.state_dict().items()})
    agrees(cell, x)
    assert recorded(cell) == 1


def test_a_cell_that_changes_is_recorded_anew() -> None:
    cell, x = begun()
    agrees(cell, x)
    cell.scale = 0.5
    agrees(cell, x)
    cell.norm.eps = 0.1
    agrees(cell, x)
    cell.mix.weight.requires_grad_(False)
    agrees(cell, x)
    cell.norm = nn.Identity()
    agrees(cell, x)
    assert recorded(cell) == 5
    cell.scale = 1.0
    agrees(cell, x)
    cell.eval()
    agrees(cell, x)
    assert recorded(cell) == 7


def test_other_conditions_are_recorded_anew() -> None:
    cell, x = begun()
    with torch.no_grad():
        unroll(cell, x, engine="graph")
    played(cell, x)
    played(cell, x[:1])
    unroll(cell, x, lengths=torch.tensor([3, 11]), engine="graph")
    assert recorded(cell) == 4
    cell, x = cell.float(), x.float()
    agreed = [unroll(cell, x, engine=name)[0] for name in ("graph", "loop")]
    with torch.autocast("cpu", torch.bfloat16):
        rounded = [unroll(cell, x, engine=name)[0] for name in ("graph", "loop")]
    torch.testing.assert_close(*agreed)
    torch.testing.assert_close(*rounded, rtol=0, atol=0)
    assert not torch.equal(agreed[0], rounded[0])
    assert recorded(cell) == 6


def test_recordings_are_few() -> None:
    cell, x = begun(Elman)
    for rows in range(1, graph.MOST + 4):
        played(cell, x[:1].expand(rows, -1, -1))
    assert [key[0][0] for key in graph.PLAYERS[cell]] == list(range(4, graph.MOST + 4))
    played(cell, x[:1].expand(4, -1, -1))
    assert [key[0][0] for key in graph.PLAYERS[cell]][-2:] == [graph.MOST + 3, 4]


def test_recordings_go_with_their_cell() -> None:
    cell, x = begun()
    agrees(cell, x)
    gone = weakref.ref(next(iter(graph.PLAYERS[cell].values())))
    copy.deepcopy(cell)
    del cell
    gc.collect()
    assert gone() is None


def test_passes_do_not_see_each_other() -> None:
    """Two forward passes before any backward, as of siamese networks, and backward twice."""
    cell, x = begun(time=13)
    one, two = x.clone().requires_grad_(), (2 * x).requires_grad_()
    results = []
    for engine in ("graph", "loop"):
        first, second = unroll(cell, one, engine=engine), unroll(cell, two, engine=engine)
        ends = [(y.square().sum() + state.h.sum()) for y, state in (first, second)]
        grads = [
            torch.autograd.grad(end, [start, cell.mix.weight], retain_graph=True)
            for end, start in zip(ends, (one, two), strict=True)
        ]
        results.append([*grads, *torch.autograd.grad(sum(ends), [one, two, cell.mix.weight])])
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-9)


def test_every_pass_has_its_own_weights() -> None:
    cell, x = begun(GRU)
    results = []
    for engine in ("graph", "loop"):
        torch.manual_seed(1)
        layer = Recurrent(cell, engine=engine, weight_drop=0.5)
        first, _ = layer(x)
        layer(x)
        results.append(torch.autograd.grad(first.square().sum(), list(cell.parameters())))
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-9)
    assert recorded(cell) == 1


def test_outputs_are_not_the_memory_of_recordings() -> None:
    cell, x = begun(time=8)
    first, state = unroll(cell, x, engine="graph")
    kept = [part.detach().clone() for part in (first, *state)]
    played(cell, -x)
    torch.testing.assert_close([first, *state], kept, rtol=0, atol=0)


def test_a_weight_changed_before_backward_is_an_error() -> None:
    cell, x = begun()
    y, _ = unroll(cell, x, engine="graph")
    with torch.no_grad():
        cell.mix.weight.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_gradients_of_gradients() -> None:
    cell, x = begun(LSTM, 3)
    x, weights = x.requires_grad_(), list(cell.parameters())
    lengths, results = torch.tensor([3, 2]), []
    for engine in ("graph", "loop"):
        y, state = unroll(cell, x, lengths=lengths, engine=engine)
        y, state = unroll(cell, y[..., :3], state, engine=engine)  # and once more, of itself
        grads = torch.autograd.grad(
            y.square().sum() + state.c.sum(), [x, *weights], create_graph=True
        )
        again = torch.autograd.grad(sum(grad.square().sum() for grad in grads), [x, *weights])
        results.append([*grads, *again])
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-9)


def test_under_inference_mode_first() -> None:
    cell, x = begun()
    with torch.inference_mode():
        y, _ = unroll(cell, x, engine="graph")
    torch.testing.assert_close(y.clone(), unroll(cell, x, engine="loop")[0])
    agrees(cell, x)


def test_threads_take_turns() -> None:
    cell, x = begun(GRU, 9)
    inputs = [x * scale for scale in (1, 2, 3)]
    expected = [played(cell, one, "loop") for one in inputs]
    played(cell, x)
    wrong: list[BaseException] = []

    def work(i: int) -> None:
        try:
            with taped():
                for _ in range(3):
                    torch.testing.assert_close(played(cell, inputs[i]), expected[i])
        except BaseException as error:  # told by the thread that waits
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


class Odd(Normal):
    """Does in its step what cannot be recorded."""

    def __init__(self, odd: str) -> None:
        super().__init__(3, 4)
        self.odd, self.steps, self.extra = odd, 0, [torch.ones(4).double()]
        self.dropout, self.batch = nn.Dropout(), nn.BatchNorm1d(4, track_running_stats=False)
        self.register_buffer("mean", torch.zeros(4))

    def step(self, u: Tensor, state: Remembered) -> tuple[Tensor, Remembered]:
        y, state = super().step(u, state)
        match self.odd:
            case "draws":
                y = self.dropout(y)
            case "waits":
                y = y if y.sum() > 0 else -y
            case "masks":
                y = y.masked_fill(torch.zeros_like(y, dtype=torch.bool), y[y > 5].sum())
            case "counts":
                self.steps += 1
            case "tracks":
                self.mean.mul_(0.9)
            case "mixes":
                y = self.batch(y)
            case "widens":
                state = state._replace(h=state.h.float())
            case "fails":
                y = y @ torch.ones(9, 9).double()
            case "holds":
                y = y + self.extra[0]
            case "reads":
                y = y[:, torch.arange(4)]
        return y, state


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ("draws", "draws random numbers"),
        ("waits", "waits for numbers of a tensor"),
        ("masks", "waits for numbers of a tensor"),
        ("counts", "changes the cell itself"),
        ("tracks", "changes the cell itself"),
        ("mixes", "its rows see each other"),
        ("widens", "another shape or dtype after a step"),
        ("fails", "cannot be tried: RuntimeError: mat1 and mat2"),
    ],
)
def test_what_cannot_be_recorded_is_refused(odd: str, reason: str) -> None:
    cell, x = Odd(odd).double(), torch.randn(2, 5, 3).double()
    drawn = torch.get_rng_state()
    with pytest.raises(EngineRefused, match=f"engine graph cannot run Odd: .*{reason}"):
        unroll(cell, x, engine="graph")
    assert torch.equal(torch.get_rng_state(), drawn)
    assert (cell.steps, float(cell.mean.sum())) == (0, 0.0)


def test_what_only_looks_odd_is_recorded() -> None:
    x = torch.randn(2, 5, 3).double()
    for odd in ("reads", "draws"):
        agrees(Odd(odd).double().eval(), x)
    cell = Odd("holds").double()
    agrees(cell, x)
    cell.extra[0].add_(1)
    agrees(cell, x)


def test_hooks_within_are_refused() -> None:
    cell, x = begun()
    cell.norm.register_forward_hook(lambda *given: None)
    with pytest.raises(EngineRefused, match="a LayerNorm within the cell has hooks"):
        unroll(cell, x, engine="graph")


def test_what_fails_while_it_is_recorded_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that was chosen is left for the next; one that was asked for tells why."""
    cell, x = begun()
    monkeypatch.setattr("recurra.engines.order", lambda *given: PREFERENCE)

    def fails(*given: object, **more: object) -> None:
        raise EngineRefused("its steps cannot be recorded: no such luck")

    with monkeypatch.context() as patch:
        patch.setattr(playing, "record", fails)
        with pytest.raises(EngineRefused, match="no such luck"):
            unroll(copy.deepcopy(cell), x, engine="graph")
        y, _ = unroll(cell, x)
    torch.testing.assert_close(y, unroll(cell, x, engine="loop")[0], rtol=0, atol=0)
    with pytest.raises(EngineRefused, match=r"graph cannot run Normal: .*no such luck"):
        unroll(cell, x, engine="graph")


def test_never_chosen_on_the_cpu() -> None:
    cell, x = begun()
    assert choose(cell, x).name == "loop"
    assert choose(cell, x, "graph").name == "graph"
    with pytest.raises(EngineRefused, match="and a tensor of the cell elsewhere"):
        choose(copy.deepcopy(cell).to("meta"), x, "graph")


def test_without_tapes_the_cpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cell, x = begun()
    token = recorder._TAPED.set(False)
    try:
        with pytest.raises(EngineRefused, match="graphs are recorded on cuda; the input is on cpu"):
            unroll(cell, x, engine="graph")
    finally:
        recorder._TAPED.reset(token)


def test_a_tape_repeats_operations_on_their_memory() -> None:
    """As a graph does: numbers and names of Python are those of then, tensors those of now."""
    a, out, factor = torch.ones(2, 3), torch.zeros(3), [2.0]

    def function() -> Tensor:
        turned = (a * factor[0]).t_()  # has another shape from now on, in the same memory
        out.add_(turned[:, 0])
        return (a * a).sum(1)

    recording = record(function, torch.device("cpu"))
    out.zero_()
    a.fill_(3)
    factor[0] = 100.0
    result = recording.result
    recording.replay()
    assert out.tolist() == [6.0] * 3
    assert result.tolist() == [27.0] * 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("kind", KINDS)
def test_on_cuda(kind: str) -> None:
    torch.manual_seed(0)
    cell, x = KINDS[kind](3, 5).double().cuda(), torch.randn(3, 75, 3).double().cuda()
    agrees(cell, x)
    agrees(cell, -x)
    layer = Recurrent(cell)
    lengths = torch.tensor([75, 9, 0], device="cuda")
    torch.testing.assert_close(
        layer(x, lengths=lengths)[0], unroll(cell, x, lengths=lengths, engine="loop")[0]
    )
