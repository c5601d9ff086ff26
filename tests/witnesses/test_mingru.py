import torch

from recurra.cells import MinGRU, MinGRUState


def test_equals_paper(scalar, agrees_with_paper):
    def paper(weights, x, state):
        gates, candidates = scalar.parts(
            scalar.affine(weights["from_input"], x, weights["bias"]), 2
        )
        h = []
        for a, b, old in zip(gates, candidates, state[0], strict=True):
            z = scalar.sigmoid(a)
            h.append((1 - z) * old + z * (b + 0.5 if b >= 0 else scalar.sigmoid(b)))
        return h, (h,)

    agrees_with_paper(MinGRU(3, 7), paper, MinGRUState(torch.randn(2, 7, dtype=torch.float64)))
