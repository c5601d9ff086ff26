import math

import pytest
import torch

from recurra.cells import MLSTM, MLSTMState


def unstabilised(state):
    scale = state.m.exp()[..., None]
    return state.c * scale[..., None], state.n * scale


@pytest.mark.parametrize("heads", [1, 2])
def test_equals_paper(heads, scalar, agrees_with_paper):
    d = 6 // heads

    def paper(weights, x, state):
        a = scalar.affine(weights["from_input"], x, weights["bias"])
        q, k, v, o = (scalar.parts(part, heads) for part in scalar.parts(a[:24], 4))
        i, f = scalar.parts(a[24:], 2)
        y, memories, normalisers = [], [], []
        for head in range(heads):
            key = [value / math.sqrt(d) for value in k[head]]
            write, keep = math.exp(i[head]), scalar.sigmoid(f[head])
            c = [
                [keep * state[0][head][r][s] + write * v[head][r] * key[s] for s in range(d)]
                for r in range(d)
            ]
            n = [keep * state[1][head][s] + write * key[s] for s in range(d)]
            weight = max(abs(scalar.affine([n], q[head])[0]), 1)
            for value, gate in zip(scalar.affine(c, q[head]), o[head], strict=True):
                y.append(scalar.sigmoid(gate) * value / weight)
            memories.append(c)
            normalisers.append(n)
        return y, (memories, normalisers)

    # e^-m in the floor's reach would be the one place where the cell differs from the paper
    c = torch.randn(2, heads, d, d, dtype=torch.float64)
    n = torch.randn(2, heads, d, dtype=torch.float64)
    m = torch.rand(2, heads, dtype=torch.float64)
    agrees_with_paper(MLSTM(3, 6, heads=heads), paper, MLSTMState(c, n, m), unstabilised)


def test_a_memory_that_forgets_all_and_is_given_nothing_stays_finite():
    cell = MLSTM(1, 4, heads=1)
    with torch.no_grad():
        cell.bias[-2:] = -300  # both gates closed: m as in equation 15 would fall and fall
    x = torch.ones(2, 1, requires_grad=True)
    state = cell.initial_state(2)
    for _ in range(5):
        y, state = cell(x, state)
    assert (state.m >= 0).all()
    assert (y == 0).all()  # the paper's: e^-300 is nothing beside the 1 of the denominator
    gradients = torch.autograd.grad(y.sum(), [x, *cell.parameters()])
    assert all(gradient.isfinite().all() for gradient in gradients)
