import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from recurra import tree
from recurra.cells import (
    CELLS,
    LRU,
    MLSTM,
    Affine,
    LinearCell,
    LRUState,
    MinGRU,
    MinGRUState,
    Rotation,
)
from recurra.cells.mlstm import Accumulate, MLSTMState
from recurra.engines import unroll

LINEAR = [cell for cell in CELLS if issubclass(cell, LinearCell)]
settings.register_profile("short", max_examples=25, deadline=None)
settings.load_profile("short")


def affine(random, scale):
    return Affine(*random(2, 3, 4))


def rotation(random, scale):
    return Rotation(*random(4, 3, 4))


def accumulate(random, scale):
    peak = scale * random(3, 2)
    return Accumulate(-scale * random(3, 2).abs(), random(3, 2, 4, 5), random(3, 2, 5), peak)


def state_of(transition, random, scale):
    if isinstance(transition, Affine):
        return MinGRUState(random(3, 4))
    if isinstance(transition, Rotation):
        return LRUState(*random(2, 3, 4))
    return MLSTMState(random(3, 2, 4, 5), random(3, 2, 5), scale * random(3, 2))


def draw(seed):
    generator = torch.Generator().manual_seed(seed)
    return lambda *sizes: torch.randn(sizes, generator=generator, dtype=torch.float64)


def agree(first, second):
    for a, b in zip(first, second, strict=True):
        assert a.isfinite().all()
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


transitions = pytest.mark.parametrize("make", [affine, rotation, accumulate])
seeds = some.integers(0, 2**32)
scales = some.sampled_from([0.1, 1.0, 30.0, 1000.0])


@transitions
@given(seed=seeds, scale=scales)
def test_then_is_associative(make, seed, scale):
    a, b, c = (make(draw(seed + i), scale) for i in range(3))
    agree(a.then(b).then(c), a.then(b.then(c)))


@transitions
@given(seed=seeds, scale=scales)
def test_then_does_one_after_the_other(make, seed, scale):
    a, b = (make(draw(seed + i), scale) for i in range(2))
    state = state_of(a, draw(seed + 2), scale)
    agree(a.then(b).apply(state), b.apply(a.apply(state)))


@given(seed=seeds)
def test_accumulate_is_affine_where_nothing_overflows(seed):
    random = draw(seed)
    a = accumulate(random, 1.0)
    state = state_of(a, random, 1.0)
    after = a.apply(state)
    for old, new, inject, axes in [(state.c, after.c, a.c, 2), (state.n, after.n, a.n, 1)]:
        wide = (...,) + (None,) * axes
        torch.testing.assert_close(
            after.m.exp()[wide] * new,
            (a.decay + state.m).exp()[wide] * old + a.peak.exp()[wide] * inject,
        )


def test_accumulate_of_zeros_does_nothing():
    random = draw(0)
    nothing = tree.map(torch.zeros_like, accumulate(random, 1.0))
    state = state_of(nothing, random, 1.0)
    state = state._replace(m=state.m.abs())
    agree(nothing.apply(state), state)


@pytest.mark.parametrize("cell", LINEAR, ids=lambda cell: cell.__name__)
def test_transitions_of_a_sequence_fold_into_the_last_state(cell):
    torch.manual_seed(0)
    made = cell(3, 6).double()
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    state = tree.map(torch.rand_like, made.initial_state(2))
    u = made.project(x)
    steps = [tree.map(lambda part, t=t: part[:, t], made.transition(u)) for t in range(5)]
    whole, y, stepped = steps[0], None, state
    for later in steps[1:]:
        whole = whole.then(later)
    for t in range(5):
        y, stepped = made.step(u[:, t], stepped)
    agree(whole.apply(state), stepped)
    agree([made.read(u[:, -1], whole.apply(state))], [y])


@pytest.mark.parametrize("cell", LINEAR, ids=lambda cell: cell.__name__)
def test_one_state_spreads_over_the_transitions_of_a_sequence(cell):
    torch.manual_seed(0)
    made = cell(3, 6).double()
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    state = tree.map(torch.rand_like, made.initial_state(2))
    u = made.project(x)
    spread = made.transition(u).apply(tree.map(lambda part: part[:, None], state))
    y = made.read(u, spread)
    for t in range(5):
        one, after = made.step(u[:, t], state)
        agree(tree.map(lambda part, t=t: part[:, t], spread), after)
        agree([y[:, t]], [one])


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
@pytest.mark.parametrize(
    ("sizes", "message"),
    [((0, 4), "input_size is 0; a size is at least 1"), ((3, -1), "hidden_size is -1")],
)
def test_sizes_are_positive(cell, sizes, message):
    with pytest.raises(ValueError, match=message):
        cell(*sizes)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
@pytest.mark.parametrize("hidden", [1, 3, 7, 13])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_step_keeps_type_shapes_and_dtypes(cell, hidden, dtype):
    made = cell(5, hidden).to(dtype)
    before = made.initial_state(2)
    y, after = made(torch.randn(2, 5, dtype=dtype), before)
    assert type(after) is type(before)
    assert (y.shape, y.dtype) == ((2, made.output_size), dtype)
    for old, new in zip(before, after, strict=True):
        assert (new.shape, new.dtype) == (old.shape, dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
@pytest.mark.parametrize("size", [1.0, 50.0, 1000.0])
def test_gradients_are_finite(cell, size, dtype):
    torch.manual_seed(0)
    made = cell(5, 6).to(dtype)
    x = (size * torch.randn(2, 12, 5).sign()).to(dtype)
    x[:, 6:8] = 0  # silence after a shout: the stabilisers are far away
    x.requires_grad_()
    state, outputs = made.initial_state(2), []
    for step in x.unbind(1):
        y, state = made(step, state)
        outputs.append(y)
    total = torch.stack(outputs).sum() + sum(part.sum() for part in state)
    assert total.isfinite()
    leaves = [x, *made.parameters()]
    assert all(grad.isfinite().all() for grad in torch.autograd.grad(total, leaves))


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
def test_step_exports_with_any_batch(cell):
    class Step(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = made

        def forward(self, x, parts):
            y, after = made(x, kind(*parts))
            return y, tuple(after)

    made = cell(3, 6)
    kind = type(made.initial_state(1))
    batch = torch.export.Dim("batch", min=1, max=1024)
    state = tuple(part + 0.1 for part in made.initial_state(2))
    shapes = ({0: batch}, tuple({0: batch} for _ in state))
    exported = torch.export.export(
        Step(), (torch.randn(2, 3), state), dynamic_shapes=shapes
    ).module()
    x, state = torch.randn(5, 3), tuple(torch.rand_like(part) for part in made.initial_state(5))
    y, after = exported(x, state)
    wanted, wanted_after = made(x, kind(*state))
    torch.testing.assert_close(y, wanted)
    torch.testing.assert_close(after, tuple(wanted_after))


def test_repr_shows_the_sizes():
    assert repr(LRU(3, 4)) == "LRU(3, 4)"
    assert repr(MLSTM(5, 4)) == "MLSTM(5, 4)"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("engine", ["loop", "scan"])
def test_a_decay_near_one_is_not_rounded_to_one(engine, dtype):
    cell = MinGRU(1, 1)
    with torch.no_grad():
        cell.from_input.zero_()
        cell.bias.copy_(torch.tensor([-8.0, -20.0]))  # keeps 0.99966 of h, and adds nothing
    x, state = torch.zeros(1, 400, 1), MinGRUState(torch.ones(1, 1))
    with torch.autocast("cpu", dtype), torch.no_grad():
        _, last = unroll(cell, x, state, engine=engine)
    assert last.h.item() == pytest.approx(torch.sigmoid(torch.tensor(8.0)).item() ** 400, rel=1e-3)
