import math

import pytest
import torch

from recurra.cells import SLSTM, SLSTMState


def unstabilised(state):
    return state.h, state.c * state.m.exp(), state.n * state.m.exp()


@pytest.mark.parametrize("forget", ["sigmoid", "exp"])
@pytest.mark.parametrize("heads", [1, 3])
def test_equals_paper(heads, forget, scalar, agrees_with_paper):
    squash = scalar.sigmoid if forget == "sigmoid" else math.exp
    d = 6 // heads

    def paper(weights, x, state):
        h, c, n = state
        gates = scalar.parts(scalar.affine(weights["from_input"], x, weights["bias"]), 4)
        i, f, z, o = (
            [
                gate[j] + scalar.affine(blocks[j // d], scalar.parts(h, heads)[j // d])[j % d]
                for j in range(6)
            ]
            for gate, blocks in zip(gates, weights["from_state"], strict=True)
        )
        c = [squash(f[j]) * c[j] + math.exp(i[j]) * math.tanh(z[j]) for j in range(6)]
        n = [squash(f[j]) * n[j] + math.exp(i[j]) for j in range(6)]
        h = [scalar.sigmoid(o[j]) * c[j] / n[j] for j in range(6)]
        return h, (h, c, n)

    h, c, n, m = torch.randn(4, 2, 6, dtype=torch.float64)
    state = SLSTMState(h, c, 1 + n.abs(), m)
    agrees_with_paper(SLSTM(3, 6, heads=heads, forget=forget), paper, state, unstabilised)


def test_start_is_the_papers():
    cell = SLSTM(3, 4).double()
    x = torch.randn(2, 3, dtype=torch.float64)
    zero = torch.zeros(2, 4, dtype=torch.float64)
    first, after = cell(x)
    papers, papers_after = cell(x, SLSTMState(zero, zero, zero, zero))
    torch.testing.assert_close(first, papers)
    for ours, theirs in zip(unstabilised(after), unstabilised(papers_after), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert (after.n >= 1).all()


def test_unknown_forget_gate_is_an_error():
    with pytest.raises(ValueError, match="'tanh'; it is 'sigmoid' or 'exp'"):
        SLSTM(5, 4, forget="tanh")
