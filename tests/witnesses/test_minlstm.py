import torch

from recurra.cells import MinLSTM, MinLSTMState


def test_equals_paper(scalar, agrees_with_paper):
    def paper(weights, x, state):
        gates = scalar.parts(scalar.affine(weights["from_input"], x, weights["bias"]), 3)
        h = []
        for a, b, candidate, old in zip(*gates, state[0], strict=True):
            f, i = scalar.sigmoid(a), scalar.sigmoid(b)
            new = candidate + 0.5 if candidate >= 0 else scalar.sigmoid(candidate)
            h.append(f / (f + i) * old + i / (f + i) * new)
        return h, (h,)

    agrees_with_paper(MinLSTM(3, 7), paper, MinLSTMState(torch.randn(2, 7, dtype=torch.float64)))


def test_both_gates_closed_still_share_the_state():
    cell = MinLSTM(1, 1)
    with torch.no_grad():
        cell.from_input.copy_(torch.tensor([[-1.0], [-1.0], [1.0]]))
        cell.bias.zero_()
    y, _ = cell(torch.full((1, 1), 200.0), MinLSTMState(torch.tensor([[1.0]])))
    assert y.item() == (1 + 200.5) / 2  # e^-200 / (e^-200 + e^-200) is a half
