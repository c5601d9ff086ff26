import math

import pytest
import torch

from recurra.cells import RGLRU, RGLRUState


@pytest.mark.parametrize("heads", [1, 2])
def test_equals_paper(heads, scalar, agrees_with_paper):
    d = 6 // heads

    def paper(weights, x, state):
        v = scalar.affine(weights["from_input"], x, weights["bias"])
        biases = scalar.parts(weights["gate_bias"], 2)
        r, i = (
            [
                scalar.sigmoid(
                    scalar.affine(blocks[j // d], scalar.parts(v, heads)[j // d])[j % d] + bias[j]
                )
                for j in range(6)
            ]
            for blocks, bias in zip(weights["gates"], biases, strict=True)
        )
        h = []
        for j in range(6):
            a = scalar.sigmoid(weights["decay"][j]) ** (8 * r[j])
            h.append(a * state[0][j] + math.sqrt(1 - a**2) * i[j] * v[j])
        return h, (h,)

    state = RGLRUState(torch.randn(2, 6, dtype=torch.float64))
    agrees_with_paper(RGLRU(3, 6, heads=heads), paper, state)
