"""Dropout by shared draws: shares, scale, gradients, seeds; and where torch's own is taken."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from recurra.layers import Dropout, VariationalDropout
from recurra.layers.dropout import drop


@pytest.mark.parametrize("rate", [0.1, 0.35, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_share_is_dropped_and_the_rest_is_scaled(rate: float, dtype: torch.dtype):
    torch.manual_seed(0)
    y = drop(torch.ones(997, 1003, dtype=dtype), rate)
    assert (y.dtype, y.shape) == (dtype, (997, 1003))
    assert float((y == 0).double().mean()) == pytest.approx(rate, abs=0.002)
    kept = y[y != 0]
    assert bool((kept == kept[0]).all())
    assert float(kept[0]) == pytest.approx(
        1 / (1 - rate), rel=1e-6 if dtype != torch.bfloat16 else 0.01
    )


def test_numbers_are_dropped_independently():
    torch.manual_seed(1)
    kept = (drop(torch.ones(200_000), 0.5) > 0).double() - 0.5
    for lag in (1, 2, 3, 4, 8, 64):  # four of them share a draw
        assert abs(float((kept[lag:] * kept[:-lag]).mean())) < 4 * 0.25 / 200_000**0.5
    places = kept.view(-1, 4).mean(0)
    assert bool((places.abs() < 4 * 0.5 / 50_000**0.5).all())


def test_rates_beyond_the_grid_are_torchs():
    x = torch.ones(5)
    assert torch.equal(drop(x, 0.0), x)
    assert torch.equal(drop(x, 1e-9), x)
    torch.manual_seed(0)
    found = drop(torch.ones(100), 1 - 1e-9)
    torch.manual_seed(0)
    assert torch.equal(found, functional.dropout(torch.ones(100), 1 - 1e-9))


def test_a_seed_draws_the_same_again():
    layer, x = Dropout(0.3), torch.randn(7, 11)
    masks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        masks.append(layer(x))
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])
    assert not torch.equal(layer(x), layer(x))


def test_gradients_flow_where_numbers_were_kept():
    x = torch.randn(9, 5, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(0)
    y = drop(x, 0.4)
    y.sum().backward()
    assert torch.equal(x.grad == 0, y == 0)
    scale = (y / x)[y != 0]
    assert torch.allclose(x.grad[y != 0], scale)


@pytest.mark.parametrize("size", [(0,), (0, 3), (1,), (3,), (2, 2), (5, 1, 1)])
def test_any_size(size: tuple[int, ...]):
    y = drop(torch.ones(size), 0.5)
    assert y.shape == size
    assert set(y.flatten().tolist()) <= {0.0, 2.0}


def test_a_view_is_taken_as_it_lies():
    x = torch.arange(1.0, 41.0).view(5, 8).T
    torch.manual_seed(0)
    y = drop(x, 0.5)
    assert bool(((y == 0) | (y == 2 * x)).all())


def test_in_evaluation_it_is_the_identity():
    layer, x = Dropout(0.7).eval(), torch.randn(4)
    assert layer(x) is x
    assert isinstance(layer, nn.Dropout)


def test_under_transforms_and_compilers_torchs_own_is_taken():
    x = torch.ones(6, 50)
    masks = torch.func.vmap(lambda row: drop(row, 0.5), randomness="different")(x)
    assert not torch.equal(masks[0], masks[1])
    _, moved = torch.func.jvp(lambda x: drop(x, 0.5), (x,), (torch.ones_like(x),))
    assert set(moved.flatten().tolist()) == {0.0, 2.0}
    exported = torch.export.export(Dropout(0.5).eval(), (x,)).module()
    assert torch.equal(exported(x), x)


def test_variational_masks_are_one_per_row():
    torch.manual_seed(0)
    y = VariationalDropout(0.5)(torch.ones(50, 6, 40))
    assert bool((y == y[:, :1]).all())
    assert float((y[:, 0] == 0).double().mean()) == pytest.approx(0.5, abs=0.05)
