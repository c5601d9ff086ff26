import torch
from torch import nn

from recurra.cells import LSTM, LSTMState


def test_equals_torch(agrees_with_torch):
    h, c = torch.randn(2, 3, 4, dtype=torch.float64)
    agrees_with_torch(
        LSTM(5, 4),
        nn.LSTM(5, 4, batch_first=True),
        LSTMState(h, c),
        (h[None], c[None]),
        lambda cell: {
            "weight_ih_l0": cell.from_input,
            "weight_hh_l0": cell.from_state,
            "bias_ih_l0": cell.bias,
            "bias_hh_l0": torch.zeros_like(cell.bias),
        },
    )
