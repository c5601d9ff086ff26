"""Convolutions over time and features: their formula, and what they say of wrong sizes."""

import pytest
import torch

from recurra.layers import PlaneConvolution


def filtered(layer: PlaneConvolution, x: torch.Tensor) -> torch.Tensor:
    """Return Σ_j Σ_d W_{c,j,d} x_{t−j,k+d} of one row, number by number."""
    time, keys = x.shape
    y = torch.zeros(time, keys, layer.filters, dtype=x.dtype)
    for t in range(time):
        for k in range(keys):
            for j in range(layer.width):
                for d in range(-layer.reach, layer.reach + 1):
                    if t - j >= 0 and 0 <= k + d < keys:
                        weight = layer.weight[:, 0, layer.width - 1 - j, d + layer.reach]
                        y[t, k] += weight * x[t - j, k + d]
    return y.flatten(1)


@pytest.mark.parametrize(("width", "reach"), [(1, 0), (3, 1), (2, 4)])
def test_it_is_the_formula(width: int, reach: int):
    torch.manual_seed(0)
    layer = PlaneConvolution(5, 3, width, reach).double()
    x = torch.randn(2, 4, 5, dtype=torch.float64)
    y, state = layer(x)
    assert y.shape == (2, 4, 15)
    for row in range(2):
        torch.testing.assert_close(y[row], filtered(layer, x[row]))
    assert torch.equal(state.held, torch.cat([torch.zeros(2, 3, 5).double(), x], 1)[:, 8 - width :])


def test_it_knows_no_feature_by_its_place():
    torch.manual_seed(0)
    layer = PlaneConvolution(9, 2, 3, 2)
    x = torch.zeros(1, 4, 9)
    x[:, :, 2:5] = torch.randn(1, 4, 3)
    one, other = (layer(each)[0].unflatten(-1, (9, 2)) for each in (x, x.roll(2, -1)))
    torch.testing.assert_close(one[:, :, :7], other[:, :, 2:])


@pytest.mark.parametrize("sizes", [(0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, -1)])
def test_sizes_are_positive(sizes: tuple[int, int, int, int]):
    with pytest.raises(ValueError, match="it is"):
        PlaneConvolution(*sizes)
