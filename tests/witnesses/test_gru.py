import torch
from torch import nn

from recurra.cells import GRU, GRUState


def test_equals_torch(agrees_with_torch):
    h = torch.randn(3, 4, dtype=torch.float64)
    agrees_with_torch(
        GRU(5, 4),
        nn.GRU(5, 4, batch_first=True),
        GRUState(h),
        h[None],
        lambda cell: {
            "weight_ih_l0": cell.from_input,
            "weight_hh_l0": cell.from_state,
            "bias_ih_l0": cell.bias,
            "bias_hh_l0": torch.cat([torch.zeros_like(cell.bias[4:]), cell.state_bias]),
        },
    )
