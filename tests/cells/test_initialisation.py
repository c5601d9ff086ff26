import math

import pytest
import torch

from recurra.cells import CELLS, GRU, LRU, LSTM, MLSTM, RGLRU, SLSTM, Elman, IndRNN, MinGRU, MinLSTM
from recurra.cells.initialisation import chrono, linear, orthogonal_blocks

TIMED = [LSTM, GRU, IndRNN, SLSTM, MinGRU, MinLSTM, RGLRU, MLSTM]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def is_orthogonal(block):
    return torch.allclose(block @ block.T, torch.eye(len(block)), atol=1e-5)


def test_orthogonal_blocks():
    weight = torch.empty(12, 4)
    orthogonal_blocks(weight)
    assert all(is_orthogonal(block) for block in weight.split(4))
    assert not torch.allclose(weight[:4], weight[4:8])


@pytest.mark.parametrize("cell", [Elman, LSTM, GRU, SLSTM], ids=lambda cell: cell.__name__)
def test_recurrent_weights_start_orthogonal(cell):
    weight = cell(3, 12).from_state
    assert all(is_orthogonal(block) for block in weight.reshape(-1, *[weight.shape[-1]] * 2))


def test_relu_elman_stays_bounded():
    cell = Elman(1, 8, nonlinearity="relu")
    state = cell.initial_state(1)
    with torch.no_grad():
        for _ in range(2000):
            _, state = cell(torch.full((1, 1), 50.0), state)
        limit = 100 * torch.relu(50 * cell.from_input.T)
    assert limit.max() > 0
    torch.testing.assert_close(state.h, limit, rtol=1e-4, atol=0)


def test_linear_bound():
    weight = torch.empty(1000, 16)
    linear(weight)
    assert 0.24 < weight.max() <= 0.25
    assert -0.25 <= weight.min() < -0.24


def test_chrono_time_scales_are_uniform():
    scales = chrono(20_000, 101.0).exp()
    assert 1 <= scales.min() < 1.1
    assert 99.9 < scales.max() <= 100.001
    counts = torch.histc(scales, bins=10, min=1, max=100)
    assert (counts - 2000).abs().max() < 300


def kept(cell, hidden):
    """The share of the state that a default step at x = 0 keeps."""
    if isinstance(cell, IndRNN):
        return cell.recurrence()
    if isinstance(cell, RGLRU):
        return torch.sigmoid(cell.decay) ** 4
    row = {LSTM: 1, GRU: 1, SLSTM: 1, MinGRU: 0, MinLSTM: 0}
    if isinstance(cell, MLSTM):
        return torch.sigmoid(cell.bias[-cell.heads :])
    gate = cell.bias.unflatten(0, (-1, hidden))[row[type(cell)]]
    return torch.sigmoid(-gate if isinstance(cell, MinGRU) else gate)


@pytest.mark.parametrize("cell", TIMED, ids=lambda cell: cell.__name__)
def test_time_scale_spreads_the_decays(cell):
    many = {"heads": 400} if cell is MLSTM else {}
    scales = 1 / (1 - kept(cell(3, 400, time_scale=50.0, **many), 400))  # 1 + U(1, 49)
    assert 1.99 < scales.min() < 4
    assert 47 < scales.max() < 50.1
    assert abs(scales.mean() - 26) < 4


@pytest.mark.parametrize("cell", [LSTM, MinLSTM, MLSTM], ids=lambda cell: cell.__name__)
def test_input_gate_takes_the_other_sign(cell):
    made = cell(3, 8, time_scale=50.0)
    if cell is MLSTM:
        i, f = made.bias[-2 * made.heads :].chunk(2)
    else:
        i, f = made.bias[:16].chunk(2)
    assert torch.equal(i, -f)
    assert (f != 0).any()


@pytest.mark.parametrize("cell", TIMED, ids=lambda cell: cell.__name__)
@pytest.mark.parametrize("time_scale", [1.9, 0.0, -3.0])
def test_time_scale_below_two_is_an_error(cell, time_scale):
    with pytest.raises(ValueError, match=f"time_scale is {time_scale}.*at least 2"):
        cell(3, 4, time_scale=time_scale)


@pytest.mark.parametrize("cell", TIMED, ids=lambda cell: cell.__name__)
def test_time_scale_of_two_is_allowed(cell):
    assert all(weight.isfinite().all() for weight in cell(3, 4, time_scale=2.0).parameters())


def test_exponential_forget_gate_starts_where_the_sigmoid_does():
    f = []
    for forget in ("sigmoid", "exp"):
        torch.manual_seed(0)
        f.append(SLSTM(3, 4, forget=forget).bias[4:8])
    torch.testing.assert_close(f[1].exp(), torch.sigmoid(f[0]))


def test_default_time_scales_of_slstm_are_spread_on_a_log_axis():
    scales = 1 / (1 - kept(SLSTM(3, 4000), 4000))
    assert 2 <= scales.min() < 2.1
    assert 97 < scales.max() < 100.1
    assert abs((scales < 1 + 99**0.5).float().mean() - 0.5) < 0.03


@pytest.mark.parametrize(
    ("low", "high", "phase"), [(0.9, 0.999, 0.3), (0.0, 1.0, 2 * math.pi), (0.5, 0.6, 0.01)]
)
def test_lru_starts_on_the_ring(low, high, phase):
    cell = LRU(3, 4000, min_radius=low, max_radius=high, max_phase=phase)
    radius, angle = torch.exp(-cell.nu.exp()), cell.theta.exp()
    assert low - 1e-3 <= radius.min() < low + 0.05
    assert high - 0.01 < radius.max() <= high + 1e-3
    assert 0 < angle.min() < 0.01 * phase
    assert 0.99 * phase < angle.max() <= phase * 1.0001
    # uniform over the ring's area: the square of the radius is uniform
    assert abs((radius**2).mean() - (low**2 + high**2) / 2) < 0.02 * (high**2 - low**2)
    torch.testing.assert_close(cell.gamma.exp() ** 2, 1 - radius**2, rtol=1e-2, atol=1e-6)


def test_lru_input_has_the_variance_of_the_paper():
    # of B, real and imaginary part: 1/2 over the inputs each, so that B x has that of x
    b, d = torch.split(LRU(50, 400).from_input.detach(), [800, 400])
    assert abs(float(b.var()) * 50 - 0.5) < 0.03
    assert float(d.abs().max()) <= 50**-0.5


@pytest.mark.parametrize(
    "ring",
    [
        {"min_radius": 0.9, "max_radius": 0.8},
        {"min_radius": -0.1},
        {"max_radius": 1.1},
        {"max_phase": 0.0},
    ],
    ids=str,
)
def test_lru_refuses_what_is_no_ring(ring):
    with pytest.raises(ValueError, match="0 ≤ min_radius < max_radius ≤ 1"):
        LRU(3, 4, **ring)


def test_rglru_decays_start_where_the_paper_has_them():
    decays = torch.sigmoid(RGLRU(3, 4000).decay) ** 8
    assert 0.8999 < decays.min() < 0.901
    assert 0.998 < decays.max() < 0.9991


@pytest.mark.parametrize("cell", [SLSTM, RGLRU, MLSTM], ids=lambda cell: cell.__name__)
@pytest.mark.parametrize(("hidden", "heads"), [(1, 1), (6, 2), (7, 1), (12, 4)])
def test_heads_divide_the_hidden_size(cell, hidden, heads):
    assert cell(3, hidden).heads == heads


@pytest.mark.parametrize("cell", [SLSTM, RGLRU, MLSTM], ids=lambda cell: cell.__name__)
@pytest.mark.parametrize("heads", [3, 0, -2])
def test_heads_that_do_not_divide_are_an_error(cell, heads):
    with pytest.raises(ValueError, match=f"heads is {heads}; it must divide hidden_size, 8"):
        cell(3, 8, heads=heads)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
def test_starts_differ_from_seed_to_seed_only(cell):
    def weights(seed):
        torch.manual_seed(seed)
        return torch.cat([weight.flatten() for weight in cell(3, 4).parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize("cell", [*TIMED, LRU], ids=lambda cell: cell.__name__)
def test_gradient_reaches_back_over_the_time_scale(cell):
    made = cell(32, 64) if cell is LRU else cell(32, 64, time_scale=100.0)
    x = torch.randn(16, 101, 32)
    first = x[:, 0].clone().requires_grad_()
    y, state = made(first)
    for step in x[:, 1:].unbind(1):
        y, state = made(step, state)
    (gradient,) = torch.autograd.grad((y * torch.randn_like(y)).sum(), first)
    assert 1e-3 < gradient.norm() < 100
