import pytest
import torch

from recurra.cells import GRU, MinGRU
from recurra.layers import LookAhead, Recurrent, Residual, Stack, aligned


def test_it_adds_the_layer_of_the_normalised_input():
    torch.manual_seed(0)
    layer = Recurrent(GRU(4, 4)).double()
    residual = Residual(layer).double()
    torch.nn.init.normal_(residual.norm.weight)
    x = torch.randn(2, 5, 4, dtype=torch.float64)
    y, state = residual(x)
    root = (x.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt()
    inner, expected_state = layer(residual.norm.weight * x / root)
    torch.testing.assert_close(y, x + inner)
    torch.testing.assert_close(state, expected_state)


def test_input_and_answer_meet_where_the_layer_lags():
    """y_t = x_t + r(norm(x))_t, with r the look-ahead of its formula."""
    torch.manual_seed(0)
    ahead = LookAhead(3, 2).double()
    torch.nn.init.normal_(ahead.weight)
    residual = Residual(ahead).double()
    assert residual.delay == 2
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    lengths = torch.tensor([6, 3])
    y = aligned(residual, x, lengths)
    normed = residual.norm(x)
    for row, length in enumerate(lengths.tolist()):
        for t in range(length):
            expected = x[row, t].clone()
            for j in range(3):
                if t + j < length:
                    expected += ahead.weight[j] * normed[row, t + j]
            torch.testing.assert_close(y[row, t], expected)


def test_delay_passes_outward():
    assert Residual(GRU(3, 3)).delay == 0
    assert Residual(Stack(GRU(3, 4), LookAhead(4, 5), MinGRU(4, 3))).delay == 5


def test_sizes_must_be_equal():
    with pytest.raises(ValueError, match=r"GRU takes 3 features and gives 4"):
        Residual(GRU(3, 4))
