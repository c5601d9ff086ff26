"""Checkpoints through time and clipping at the state, against the same chunks that keep all."""

import copy
import weakref
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from recurra import tree
from recurra.cells import CELLS, GRU, LSTM, Cell, Elman, MinGRU
from recurra.engines import PREFERENCE, unroll
from recurra.errors import InputError
from recurra.layers import Bidirectional, Recurrent, Residual, Stack
from tests.dynamics.test_measures import Turn

LENGTHS = torch.tensor([11, 0, 6])
PAIRS = [
    (kind, engine.name, torch.float32 if engine.name in ("native", "triton") else torch.float64)
    for kind in CELLS
    for engine in PREFERENCE
    if engine.refuse(kind(2, 4), torch.zeros(1, 9, 2)) is None
]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def spread_out(layer):
    """Return the layer with random weights, all of which matter."""
    for weight in layer.parameters():
        nn.init.normal_(weight, std=0.4)
    return layer


def by_hand(layer, x, state, lengths, every):
    """Run a layer over chunks, one after another, in one graph."""
    outputs = []
    for i, part in enumerate(x.split(every, 1)):
        left = None if lengths is None else (lengths - i * every).clamp(0, part.shape[1])
        y, state = layer(part, state, lengths=left)
        outputs.append(y)
    return torch.cat(outputs, 1), state


def taught(layer, x, state, lengths=None, run=None):
    """Return outputs, last state and all gradients."""
    layer.zero_grad()
    x = x.clone().requires_grad_()
    state = tree.map(lambda leaf: leaf.clone().requires_grad_(), state)
    y, last = run(layer, x, state, lengths) if run else layer(x, state, lengths=lengths)
    seeds = torch.Generator().manual_seed(1)
    ends = [y, *tree.leaves(last)]
    loss = sum((e * torch.randn(e.shape, generator=seeds, dtype=e.dtype)).sum() for e in ends)
    loss.backward()
    given = [x, *tree.leaves(state)]
    return ends, [leaf.grad for leaf in given], [weight.grad for weight in layer.parameters()]


def flat(found):
    return [part for parts in found for part in parts]


def same_bits(one, other):
    for a, b in zip(one, other, strict=True):
        assert (a is None) == (b is None)
        assert a is None or torch.equal(a, b)


def state_of(layer, rows, dtype):
    return tree.map(lambda leaf: torch.rand_like(leaf).to(dtype), layer.initial_state(rows))


@pytest.mark.parametrize(("kind", "engine", "dtype"), PAIRS, ids=lambda value: str(value))
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
def test_checkpoints_change_no_bit(kind, engine, dtype, lengths):
    plain = spread_out(Recurrent(kind(2, 4), engine=engine)).to(dtype)
    layer = Recurrent(copy.deepcopy(plain.cell), engine=engine, checkpoint_every=4)
    x, state = torch.randn(3, 11, 2, dtype=dtype), state_of(plain, 3, dtype)
    found = taught(layer, x, state, lengths)
    wanted = taught(plain, x, state, lengths, lambda *run: by_hand(*run, 4))
    for one, other in zip(found, wanted, strict=True):
        same_bits(one, other)
    if dtype == torch.float64:  # a product of fewer lines may round otherwise
        whole = taught(plain, x, state, lengths)
        for one, other in zip(flat(found), flat(whole), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


class H(NamedTuple):
    h: Tensor


class Noisy(Cell[H]):
    """A step that draws: h' = tanh(W x + m ⊙ h)."""

    def __init__(self) -> None:
        super().__init__(2, 4)
        self.from_input = nn.Parameter(torch.randn(4, 2, dtype=torch.float64))

    def initial_state(self, batch: Any) -> H:
        return H(self.zeros(batch, 4))

    def step(self, u: Tensor, state: H) -> tuple[Tensor, H]:
        h = torch.tanh(u @ self.from_input.T + torch.rand_like(state.h) * state.h)
        return h, H(h)


def test_what_was_drawn_is_drawn_again():
    cell = Noisy()
    x, state = torch.randn(3, 10, 2).double(), H(torch.rand(3, 4).double())
    runs = []
    chunked = Recurrent(cell, checkpoint_every=4)
    for layer, run in [(chunked, None), (Recurrent(cell), lambda *given: by_hand(*given, 4))]:
        torch.manual_seed(5)
        found = taught(layer, x, state, None, run)
        runs.append((found, torch.rand(1)))  # the generator stands where it would stand
    for one, other in zip(runs[0][0], runs[1][0], strict=True):
        same_bits(one, other)
    assert torch.equal(runs[0][1], runs[1][1])


NETS = {
    "weight drop": lambda **more: Recurrent(LSTM(4, 4), weight_drop=0.5, **more),
    "bidirectional": lambda **more: Bidirectional(
        Recurrent(GRU(4, 4), **more), Recurrent(MinGRU(4, 4), **more)
    ),
    "stack": lambda **more: Stack(
        Recurrent(LSTM(4, 4), weight_drop=0.3, **more),
        Residual(Recurrent(Elman(4, 4), **more)),
        Recurrent(MinGRU(4, 4), **more),
        dropout=0.3,
    ),
}


@pytest.mark.parametrize("make", NETS.values(), ids=NETS.keys())
@pytest.mark.parametrize("every", [4, -1])
def test_checkpoints_within_networks_that_drop(make, every):
    plain = spread_out(make()).double().train()
    layer = make(checkpoint_every=every).double().train()
    layer.load_state_dict(plain.state_dict())
    x, state = torch.randn(3, 11, 4).double(), state_of(plain, 3, torch.float64)
    runs = []
    for one in (layer, plain):
        torch.manual_seed(3)
        runs.append(flat(taught(one, x, state, LENGTHS)))
    for one, other in zip(*runs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


class Box:
    """What a graph holds in place of a tensor."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def kept(layer, x):
    """Return how many numbers a graph still holds after the first pass."""
    boxes = weakref.WeakSet[Box]()

    def pack(tensor):
        boxes.add(box := Box(tensor.detach()))  # no circle of tensor and graph
        return box

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda box: box.tensor):
        y, _ = layer(x)
    assert y.requires_grad
    pieces = {box.tensor.untyped_storage() for box in boxes}
    sizes = {piece.data_ptr(): piece.nbytes() for piece in pieces}
    return sum(sizes.values()) // x.itemsize


@pytest.mark.parametrize("engine", ["loop", "vendor"])
def test_only_states_are_kept(engine):
    cell, x = LSTM(1, 16), torch.randn(2, 400, 1)
    own = x.numel() + sum(weight.numel() for weight in cell.parameters())
    few = kept(Recurrent(cell, engine=engine, checkpoint_every=-1), x) - own
    assert few <= 20 * 2 * 2 * 16  # √400 states of two rows, h and c
    assert kept(Recurrent(cell, engine=engine), x) - own > 400 * 2 * 16


def test_what_is_not_asked_for_is_not_computed():
    layer = Recurrent(LSTM(2, 4), checkpoint_every=3).double()
    plain = Recurrent(copy.deepcopy(layer.cell)).double()
    for each in (layer, plain):
        each.cell.from_state.requires_grad_(False)
    x = torch.randn(2, 8, 2).double()
    for pick in (lambda y, last: y[:, 2].sum(), lambda y, last: last.c.sum()):
        for each in (layer, plain):
            each.zero_grad()
            pick(*each(x)).backward()
        assert layer.cell.from_state.grad is None
        torch.testing.assert_close(layer.cell.bias.grad, plain.cell.bias.grad)
    with torch.no_grad():
        assert not layer(x)[0].requires_grad
    with torch.inference_mode():
        layer(x)
    assert torch.equal(layer(x[:, :3])[0], plain(x[:, :3])[0])  # one chunk: nothing to forget


def test_gradients_of_gradients():
    layer = spread_out(Recurrent(LSTM(2, 3), checkpoint_every=2)).double()
    x = torch.randn(1, 5, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: layer(x)[0], x)
    weight = layer.cell.from_state
    (first,) = torch.autograd.grad(layer(x)[0].sum(), weight, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), weight)
    plain = Recurrent(layer.cell, engine="loop")
    (first,) = torch.autograd.grad(plain(x)[0].sum(), weight, create_graph=True)
    torch.testing.assert_close(second, torch.autograd.grad(first.square().sum(), weight)[0])


def test_the_second_pass_is_cast_as_the_first():
    layer = Recurrent(GRU(2, 4), engine="loop", checkpoint_every=3)
    plain = Recurrent(layer.cell, engine="loop")
    x, grads = torch.randn(2, 9, 2), []
    for each, run in (
        (layer, lambda x: layer(x)),
        (plain, lambda x: by_hand(plain, x, None, None, 3)),
    ):
        each.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            y, _ = run(x)
        y.sum().backward()  # after autocast has ended
        grads.append([weight.grad for weight in each.parameters()])
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=2e-2, atol=2e-2)
        assert one.dtype == torch.float32


def test_transforms_take_the_run_that_keeps_all():
    layer = Recurrent(GRU(2, 4), checkpoint_every=3).double()
    x = torch.randn(2, 9, 2).double()
    found = torch.func.grad(lambda x: layer(x)[0].square().sum())(x)
    wanted = x.clone().requires_grad_()
    layer(wanted)[0].square().sum().backward()
    torch.testing.assert_close(found, wanted.grad)


@pytest.mark.slow
@pytest.mark.unchecked("beartype breaks a whole graph")
def test_a_compiled_layer_says_the_same():
    layer = Recurrent(GRU(2, 4), checkpoint_every=3, clip_state=1e3, clip_every=3)
    x = torch.randn(2, 9, 2)
    torch.testing.assert_close(torch.compile(layer)(x)[0], layer(x)[0])


@pytest.mark.parametrize("kind", CELLS, ids=lambda kind: kind.__name__)
def test_clipping_that_does_not_act_changes_no_bit(kind):
    plain = spread_out(Recurrent(kind(2, 4), engine="loop")).double()
    layer = Recurrent(plain.cell, engine="loop", clip_state=1e9, clip_every=4)
    x, state = torch.randn(3, 11, 2).double(), state_of(plain, 3, torch.float64)
    found = taught(layer, x, state, LENGTHS)
    wanted = taught(plain, x, state, LENGTHS, lambda *run: by_hand(*run, 4))
    for one, other in zip(found, wanted, strict=True):
        same_bits(one, other)
    tight = Recurrent(plain.cell, engine="loop", clip_state=1e-3, clip_every=4)
    same_bits(taught(tight, x, state, LENGTHS)[0], taught(plain, x, state, LENGTHS)[0])


def test_clipping_bounds_the_gradient_of_each_row_between_chunks():
    layer = Recurrent(Turn(2 * torch.eye(3)), clip_state=5.0, clip_every=2)
    x = torch.zeros(2, 7, 3, dtype=torch.float64, requires_grad=True)
    h = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    _, last = layer(x, type(layer.initial_state(1))(h))
    direction = torch.tensor([[1.0, 0, 0], [0, 0.6, 0.8]], dtype=torch.float64)
    small = torch.tensor([1.0, 1e-3])
    (last.h * direction * small[:, None]).sum().backward()
    # steps 7 | 6 5 | 4 3 | 2 1: doubled at each, held to 5 at each bar
    wanted = torch.tensor([[10.0, 5, 10, 5, 4, 2, 1]])
    torch.testing.assert_close(x.grad[0].norm(dim=1).float(), wanted[0])
    torch.testing.assert_close(
        x.grad[1].norm(dim=1).float(), 1e-3 * 2.0 ** torch.arange(6, -1, -1).float()
    )
    torch.testing.assert_close(h.grad.norm(dim=1).float(), torch.tensor([5.0, 0.128]))


def test_the_norm_is_over_all_of_a_state():
    layer = Recurrent(LSTM(2, 4), clip_state=0.01, clip_every=5).double()
    state = tree.map(lambda leaf: leaf.requires_grad_(), state_of(layer, 2, torch.float64))
    _, last = layer(torch.randn(2, 5, 2).double(), state)
    (1e3 * (last.h + last.c)).sum().backward()
    norm = torch.cat([state.h.grad, state.c.grad], 1).norm(dim=1)
    torch.testing.assert_close(norm, torch.full((2,), 0.01).double())


def test_a_gradient_that_is_no_number_is_not_hidden():
    layer = Recurrent(Turn(torch.eye(3)), clip_state=1.0, clip_every=2)
    x = torch.zeros(1, 4, 3, dtype=torch.float64, requires_grad=True)
    (layer(x)[1].h * torch.nan).sum().backward()
    assert x.grad.isnan().all()


def test_checkpoints_and_clipping_together():
    clips = Recurrent(LSTM(2, 4), clip_state=0.05, clip_every=2).double()
    both = Recurrent(clips.cell, clip_state=0.05, clip_every=2, checkpoint_every=4)
    x, state = torch.randn(3, 11, 2).double(), state_of(clips, 3, torch.float64)
    for one, other in zip(taught(both, x, state), taught(clips, x, state), strict=True):
        for a, b in zip(one, other, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    whole = Recurrent(clips.cell)
    assert not torch.allclose(taught(clips, x, state)[2][0], taught(whole, x, state)[2][0])


@pytest.mark.parametrize("clip", [0.0, 0.1])
def test_clipping_cures_a_run_that_explodes(clip):
    layer = Recurrent(Turn(1.15 * torch.eye(3)), clip_state=clip, clip_every=1)
    step = torch.optim.SGD(layer.parameters(), 0.1)
    x = torch.zeros(2, 50, 3, dtype=torch.float64)
    x[:, 0] = 1e-3
    losses = []
    for _ in range(6):
        step.zero_grad()
        loss = (layer(x)[1].h - 1e-3).square().mean()  # it is to keep what it was given
        loss.backward()
        step.step()
        losses.append(loss.item())
    assert (losses[-1] < 1e-3 * losses[0]) == bool(clip), losses


WRONG = [
    ({"checkpoint_every": -2}, "checkpoint_every is -2"),
    ({"checkpoint_every": 2.5}, "checkpoint_every is 2.5"),
    ({"checkpoint_every": True}, "checkpoint_every is True"),
    ({"clip_state": -1.0}, "clip_state is -1.0"),
    ({"clip_state": float("nan")}, "clip_state is nan"),
    ({"clip_state": "1"}, "clip_state is '1'"),
    ({"clip_every": 0}, "clip_every is 0"),
    ({"clip_state": 1.0, "checkpoint_every": 5, "clip_every": 2}, "make it a multiple"),
]


@pytest.mark.parametrize(("options", "why"), WRONG, ids=[why for _, why in WRONG])
@pytest.mark.unchecked("annotations would refuse first")
def test_wrong_numbers(options, why):
    with pytest.raises(InputError, match=why):
        Recurrent(GRU(2, 4), **options)


@pytest.mark.parametrize("options", [{"checkpoint_every": 2}, {"clip_state": 1.0}], ids=str)
def test_hooks_around_a_whole_sequence_are_refused(options):
    cell = GRU(2, 4)
    prune.l1_unstructured(cell, "from_state", 0.5)
    with pytest.raises(InputError, match=r"GRU has hooks.*set \w+ to 0"):
        Recurrent(cell, **options)(torch.randn(1, 9, 2))
    with pytest.raises(InputError, match="clip_state has no rule"):
        torch.func.grad(lambda x: Recurrent(GRU(2, 4), clip_state=1.0)(x)[0].sum())(
            torch.randn(1, 9, 2)
        )


@pytest.mark.parametrize("options", [{"checkpoint_every": 2}, {"clip_state": 1.0}], ids=str)
def test_no_rows_and_no_steps(options):
    layer = Recurrent(GRU(2, 4), **options)
    assert layer(torch.randn(0, 9, 2))[0].shape == (0, 9, 4)
    assert layer(torch.randn(3, 0, 2))[0].shape == (3, 0, 4)
    y, _ = unroll(layer.cell, x := torch.randn(2, 9, 2))
    torch.testing.assert_close(layer(x)[0], y)
