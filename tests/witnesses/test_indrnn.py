import pytest
import torch

from recurra.cells import IndRNN, IndRNNState


@pytest.mark.parametrize("time_scale", [None, 3.0])
def test_equals_paper(time_scale, scalar, agrees_with_paper):
    bound = 1 if time_scale is None else 2 ** (1 / time_scale)

    def paper(weights, x, state):
        a = scalar.affine(weights["from_input"], x, weights["bias"])
        u = [max(-bound, min(bound, value)) for value in weights["from_state"]]
        h = [max(0.0, ai + ui * hi) for ai, ui, hi in zip(a, u, state[0], strict=True)]
        return h, (h,)

    state = IndRNNState(torch.rand(2, 7, dtype=torch.float64))
    cell = IndRNN(3, 7, time_scale=time_scale)
    with torch.no_grad():
        cell.from_state.mul_(torch.tensor([-3, -1, -0.5, 0.5, 1, 3, 9]))  # some beyond the bound
    agrees_with_paper(cell, paper, state)


def test_weight_beyond_the_bound_acts_as_the_bound_and_can_come_back():
    cell = IndRNN(1, 1)
    with torch.no_grad():
        cell.from_input.fill_(1)
        cell.from_state.fill_(5)
    y, _ = cell(torch.ones(1, 1), IndRNNState(torch.tensor([[2.0]])))
    assert y.item() == 3  # 1 + 1·2
    y.sum().backward()
    assert cell.from_state.grad.item() == 2
