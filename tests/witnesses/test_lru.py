import cmath
import math

import torch

from recurra.cells import LRU, LRUState


def test_equals_paper(scalar, agrees_with_paper):
    def paper(weights, x, state):
        re, im, skip = scalar.parts(scalar.affine(weights["from_input"], x), 3)
        h = []
        for j in range(5):
            damping, angle = math.exp(weights["nu"][j]), math.exp(weights["theta"][j])
            eigenvalue = cmath.exp(complex(-damping, angle))
            injected = math.exp(weights["gamma"][j]) * complex(re[j], im[j])
            h.append(eigenvalue * complex(state[0][j], state[1][j]) + injected)
        y = []
        for row, d in zip(weights["to_output"], skip, strict=True):
            c = [complex(row[j], -row[5 + j]) for j in range(5)]
            y.append(sum(cj * hj for cj, hj in zip(c, h, strict=True)).real + d)
        return y, ([value.real for value in h], [value.imag for value in h])

    state = LRUState(*torch.randn(2, 2, 5, dtype=torch.float64))
    agrees_with_paper(LRU(3, 5), paper, state)
