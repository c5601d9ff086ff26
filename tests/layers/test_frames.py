"""Frames side by side are those of the layer, a few at a time."""

import pytest
import torch

from recurra.cells import GRU
from recurra.layers import FrameStack, LookAhead, Recurrent, Stack, aligned


@pytest.mark.parametrize("delay", [0, 3])
def test_frames_are_the_layers_own_side_by_side(delay: int) -> None:
    torch.manual_seed(0)
    inner = Stack(GRU(2, 4), LookAhead(4, delay)) if delay else Recurrent(GRU(2, 4))
    layer = FrameStack(inner, 3)
    assert (layer.input_size, layer.output_size, layer.delay) == (6, 12, delay // 3)
    x, lengths = torch.randn(2, 5, 6), torch.tensor([5, 2])
    y = aligned(layer, x, lengths)
    steps = aligned(inner, x.reshape(2, 15, 2), lengths * 3)
    torch.testing.assert_close(y, steps.reshape(2, 5, 12))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="takes 1 or more"):
        FrameStack(Recurrent(GRU(2, 4)), 0)
    with pytest.raises(ValueError, match="whole ones of 2"):
        FrameStack(LookAhead(2, 3), 2)
