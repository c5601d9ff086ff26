import pytest
import torch
from torch import nn

from recurra.cells import Elman, ElmanState


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_equals_torch(nonlinearity, agrees_with_torch):
    h = torch.rand(3, 4, dtype=torch.float64)
    agrees_with_torch(
        Elman(5, 4, nonlinearity=nonlinearity),
        nn.RNN(5, 4, nonlinearity=nonlinearity, batch_first=True),
        ElmanState(h),
        h[None],
        lambda cell: {
            "weight_ih_l0": cell.from_input,
            "weight_hh_l0": cell.from_state,
            "bias_ih_l0": cell.bias,
            "bias_hh_l0": torch.zeros_like(cell.bias),
        },
    )


def test_unknown_nonlinearity_is_an_error():
    with pytest.raises(ValueError, match="'sine'; it is 'tanh' or 'relu'"):
        Elman(5, 4, nonlinearity="sine")
