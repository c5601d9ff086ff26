"""A causal convolution beside its sum written out."""

import pytest
import torch

from recurra.layers import Convolution


def test_it_is_its_definition():
    torch.manual_seed(0)
    layer = Convolution(2, 3, 4).double()
    x = torch.randn(2, 6, 2, dtype=torch.float64)
    y = layer(x)[0]
    weight, bias = layer.over_time.weight, layer.over_time.bias
    for row in range(2):
        for t in range(6):
            wanted = bias.clone()
            for j in range(4):
                if t - j >= 0:
                    wanted = wanted + weight[:, :, 3 - j] @ x[row, t - j]
            torch.testing.assert_close(y[row, t], wanted.clamp(min=0))


def test_wrong_sizes_are_refused():
    for sizes in [(0, 1, 1), (1, 0, 1), (1, 1, 0)]:
        with pytest.raises(ValueError, match="is 0; it is at least 1"):
            Convolution(*sizes)
