"""Layers side by side: their outputs, and how they wait for the slowest."""

import pytest
import torch

from recurra.cells import GRU, LSTM
from recurra.layers import Beside, Bidirectional, Convolution, LookAhead, Recurrent, aligned


def test_outputs_stand_side_by_side():
    torch.manual_seed(0)
    layer = Beside(GRU(3, 4), Convolution(3, 2, 3)).eval()
    x, lengths = torch.randn(2, 6, 3), torch.tensor([6, 4])
    y, _ = layer(x, lengths=lengths)
    wanted = [part(x, lengths=lengths)[0] for part in layer.layers]
    torch.testing.assert_close(y, torch.cat(wanted, -1))
    assert (layer.input_size, layer.output_size, layer.delay) == (3, 6, 0)


def test_who_is_fast_waits_for_who_looks_ahead():
    torch.manual_seed(0)
    layer = Beside(Recurrent(GRU(3, 4)), LookAhead(3, 2))
    torch.nn.init.normal_(layer.layers[1].weight)
    x, lengths = torch.randn(2, 6, 3), torch.tensor([6, 4])
    assert layer.delay == 2
    y = aligned(layer, x, lengths)
    for row, n in enumerate(lengths.tolist()):
        wanted = [aligned(part, x[row : row + 1, :n])[0] for part in layer.layers]
        torch.testing.assert_close(y[row, :n], torch.cat(wanted, -1))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="Beside got no layers"):
        Beside()
    with pytest.raises(ValueError, match="the layers take 3, 2 features; side by side they read"):
        Beside(GRU(3, 4), LSTM(2, 4))
    assert Beside(GRU(3, 4)).streams
    assert not Beside(GRU(3, 4), Bidirectional(GRU(3, 4), GRU(3, 4))).streams
