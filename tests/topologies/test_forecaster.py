"""The forecaster against its equations in plain NumPy, and what must not matter to it."""

import numpy as np
import pytest
import torch
from torch import Tensor

from recurra.cells import GRU
from recurra.data.batch import Foretold
from recurra.decoding import paths
from recurra.errors import InputError
from recurra.layers import Bidirectional, Recurrent, Stack
from recurra.topologies import Forecaster, Gaussian, Point, Quantiles
from recurra.topologies.distributions import Distribution


def make(output: Distribution | None = None, body: int = 6, **options: object) -> Forecaster:
    torch.manual_seed(0)
    given = {"segment": 3, "horizon": 5, "covariates": 2, **options}
    stack = Stack(Recurrent(GRU(body, 7)))
    return Forecaster(stack, output or Point(), given.pop("channels", 2), **given).double().eval()


def numbers(*sizes: int, seed: int = 0) -> Tensor:
    return torch.randn(*sizes, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def gru(cell: GRU, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """One step, gate by gate: r, z, n, as torch.nn.GRU has them."""
    u = cell.project(torch.tensor(x)[None])
    state = type(cell.initial_state(1))(torch.tensor(h)[None])
    return cell.step(u, state)[0][0].detach().numpy()


@pytest.mark.parametrize("independent", [True, False])
def test_it_is_its_equations(independent: bool):
    network = make(independent=independent, marks=True)
    past, known = numbers(1, 7, 2), numbers(1, 12, 2, seed=1)
    past[0, 2, 1] = past[0, 6, 0] = torch.nan
    found = network.middle(past, known)[0].detach().numpy()
    w = {name: p.detach().numpy() for name, p in network.named_parameters()}
    cell = network.body.layers[0].cell
    x, covariates = past[0].numpy(), known[0].numpy()
    last = [x[5, 0], x[6, 1]]
    live = ~np.isnan(x)
    scaled = np.where(live, x - last, 0.0)
    front = np.zeros((2, 2))  # 7 steps fill three segments of 3
    scaled, live = np.vstack([front, scaled]), np.vstack([front, live])
    before, after = np.vstack([front, covariates[:7]]), np.vstack([covariates[7:], front[:1]])
    for group in [[0], [1]] if independent else [[0, 1]]:
        h = np.zeros(7)
        for k in range(0, 9, 3):
            parts = [a[k : k + 3, group].ravel() for a in (scaled, live)]
            told = np.concatenate([*parts, before[k : k + 3].ravel()])
            h = gru(cell, np.maximum(w["read.weight"] @ told + w["read.bias"], 0), h)
        written = []
        for j in range(2):
            q = w["position.weight"][j]
            if independent:
                q = np.concatenate([q, w["channel.weight"][group[0]]])
            q = q + w["ahead.weight"] @ after[3 * j : 3 * j + 3].ravel() + w["ahead.bias"]
            y = w["head.weight"] @ gru(cell, q, h) + w["head.bias"]
            written.append(y.reshape(3, len(group)))
        wanted = np.vstack(written)[:5] + [last[c] for c in group]
        np.testing.assert_allclose(found[:, group], wanted, rtol=1e-10)


def test_rows_do_not_see_each_other_and_channels_only_together():
    past, known = numbers(3, 9, 2), numbers(3, 14, 2)
    other = past.clone()
    other[1, 4, 1] += 5
    for independent in (True, False):
        network = make(independent=independent)
        one, two = network.middle(past, known), network.middle(other, known)
        assert torch.equal(one[[0, 2]], two[[0, 2]])
        assert not torch.isclose(one[1, :, 1], two[1, :, 1]).any()
        assert torch.equal(one[1, :, 0], two[1, :, 0]) == independent


@pytest.mark.parametrize("norm", ["last", "mean", "none"])
def test_a_level_goes_through_where_rows_have_their_own_scale(norm: str):
    network = make(norm=norm)
    past, known = numbers(2, 9, 2), numbers(2, 14, 2)
    moved = network.middle(past + 100, known) - network.middle(past, known)
    assert torch.allclose(moved, torch.tensor(100.0).double(), atol=1e-6) == (norm != "none")
    twice = network.middle(past * 7, known) / network.middle(past, known)
    assert torch.allclose(twice, torch.tensor(7.0).double(), rtol=1e-3) == (norm == "mean")


def test_what_did_not_come_has_no_loss_and_no_say():
    network = make(Gaussian())
    past, known, future = numbers(2, 6, 2), numbers(2, 11, 2), numbers(2, 5, 2)
    whole = network.loss(Foretold(past, known, future))
    assert int(whole.count) == 20
    future[0, 3, 1] = torch.nan
    part = network.loss(Foretold(past, known, future))
    assert int(part.count) == 19
    part.total.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    raw, scale = network(past, known)
    y = (future - scale.middle) / scale.size
    wanted = torch.distributions.Normal(
        raw[..., 0], torch.nn.functional.softplus(raw[..., 1]) + 1e-3
    ).log_prob(y.nan_to_num())
    assert torch.allclose(part.total, -wanted[~y.isnan()].sum())


def test_quantiles_and_samples_are_in_the_units_of_the_past():
    network = make(Gaussian(), norm="mean")
    past, known = 50 + 9 * numbers(1, 6, 2), numbers(1, 11, 2)
    levels = (0.1, 0.5, 0.9)
    quantiles = network.quantile(past, known, levels)
    assert torch.allclose(quantiles[..., 1], network.middle(past, known))
    generator = torch.Generator().manual_seed(0)
    many = network.sample(past.expand(20_000, -1, -1), known.expand(20_000, -1, -1), generator)
    found = torch.stack([(many < quantiles[..., i]).double().mean(0) for i in range(3)], -1)
    assert torch.allclose(found, torch.tensor(levels).double(), atol=0.015)
    with pytest.raises(InputError, match="tells no interval"):
        make(Point()).quantile(past, known, levels)


def test_paths_read_what_they_wrote():
    network = make(Point(), horizon=2, segment=2)
    past, known = numbers(2, 6, 2), numbers(2, 11, 2)
    found = paths(network, past, known, 5, 3)
    assert found.shape == (3, 2, 5, 2)
    written = past
    padded = torch.cat([known, torch.zeros(2, 1, 2).double()], 1)
    for begin in (0, 2, 4):
        ahead = network.middle(written[:, -6:], padded[:, begin : begin + 8])
        written = torch.cat([written, ahead], 1)
    assert torch.equal(found[1], written[:, 6:11])


def test_paths_of_a_distribution_differ_and_are_the_seeds():
    network = make(Gaussian(), horizon=1, segment=1)
    past, known = numbers(2, 6, 2), numbers(2, 9, 2)

    def drawn(seed: int) -> Tensor:
        return paths(network, past, known, 3, 400, torch.Generator().manual_seed(seed))

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
    first = drawn(1)[:, :, 0]  # of the first step, the distribution is known
    below = network.quantile(past, known[:, :7], (0.25,))[:, 0, :, 0]
    assert torch.allclose((first < below).double().mean(0), torch.tensor(0.25).double(), atol=0.08)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"segment": 0}, "segment is 0"),
        ({"horizon": 0}, "horizon is 0"),
        ({"channels": 0}, "channels is 0"),
        ({"body": 1}, "reads 1 feature"),
    ],
)
def test_sizes_that_are_none(options: dict[str, int], message: str):
    with pytest.raises(InputError, match=message):
        make(**options)


def test_a_body_that_reads_backward_is_refused():
    both = Bidirectional(Recurrent(GRU(4, 3)), Recurrent(GRU(4, 3)))
    with pytest.raises(InputError, match="reads backward or lags"):
        Forecaster(Stack(both), Point(), 1, segment=2, horizon=2)


def test_paths_that_cannot_be_drawn():
    network = make(Quantiles(), horizon=2, segment=2)
    past, known = numbers(2, 6, 2), numbers(2, 11, 2)
    for wrong, message in [((5, 0), "count is 0"), ((0, 1), "horizon is 0"), ((6, 1), "known has")]:
        with pytest.raises(InputError, match=message):
            paths(network, past, known, *wrong)
