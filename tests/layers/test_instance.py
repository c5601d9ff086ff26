"""Each row's own scale: written out, undone, blind to what is missing."""

import pytest
import torch

from recurra.layers import ReversibleNorm

MIDDLES = ["mean", "last"]


def rows(live_share: float = 1.0):
    torch.manual_seed(0)
    x = 5 * torch.randn(4, 9, 3, dtype=torch.float64) + 100
    return x, torch.rand(4, 9, 3) < live_share


@pytest.mark.parametrize("middle", MIDDLES)
@pytest.mark.parametrize("affine", [False, True])
def test_it_is_the_definition(middle: str, affine: bool):
    norm = ReversibleNorm(3, middle, affine=affine).double()
    if affine:
        torch.nn.init.uniform_(norm.gain, 0.5, 2)
        torch.nn.init.normal_(norm.shift)
    x, live = rows(0.6)
    scaled, scale = norm(x, live)
    for row in range(4):
        for channel in range(3):
            known = x[row, live[row, :, channel], channel]
            m = known.mean() if middle == "mean" else known[-1]
            s = (known.var(correction=0) + 1e-5).sqrt() if middle == "mean" else torch.tensor(1.0)
            right = (known - m) / s
            if affine:
                right = right * norm.gain[channel] + norm.shift[channel]
            torch.testing.assert_close(scaled[row, live[row, :, channel], channel], right)
    assert not scaled[~live].any()
    torch.testing.assert_close(norm.undo(scaled, scale)[live], x[live], rtol=1e-7, atol=0)


@pytest.mark.parametrize("middle", MIDDLES)
def test_what_is_missing_changes_nothing(middle: str):
    norm = ReversibleNorm(3, middle).double()
    x, live = rows(0.6)
    results = []
    for filler in (0.0, torch.nan, torch.inf, 1e30):
        given = x.masked_fill(~live, filler).requires_grad_()
        scaled, scale = norm(given, live)
        norm.undo(scaled, scale).masked_fill(~live, 0).square().sum().backward()
        results.append((scaled.detach(), *map(torch.Tensor.detach, scale), given.grad))
    for result in results[1:]:
        torch.testing.assert_close(result, results[0], rtol=0, atol=0)


@pytest.mark.parametrize("middle", MIDDLES)
def test_moved_and_stretched_rows_look_the_same(middle: str):
    norm = ReversibleNorm(3, middle).double()
    x, _ = rows()
    moved, _ = norm(x + 1000)
    torch.testing.assert_close(moved, norm(x)[0], rtol=1e-7, atol=1e-7)
    if middle == "mean":
        torch.testing.assert_close(norm(7 * x)[0], norm(x)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("middle", MIDDLES)
def test_rows_that_do_not_vary_or_are_empty_stay_finite(middle: str):
    norm = ReversibleNorm(2, middle)
    constant = torch.full((1, 5, 2), 3.0, requires_grad=True)
    scaled, scale = norm(constant)
    assert not scaled.any()
    torch.testing.assert_close(norm.undo(scaled, scale), constant)
    scaled.sum().backward()
    assert constant.grad.isfinite().all()
    nothing, scale = norm(torch.full((1, 5, 2), torch.nan), torch.zeros(1, 5, 2, dtype=torch.bool))
    assert not nothing.any()
    assert torch.equal(norm.undo(torch.ones(1, 4, 2), scale), torch.ones(1, 4, 2))
    assert norm(torch.zeros(2, 0, 2))[0].shape == (2, 0, 2)


@pytest.mark.unchecked("wrong values on purpose")
def test_wrong_values():
    with pytest.raises(ValueError, match="channels is 0"):
        ReversibleNorm(0)
    with pytest.raises(ValueError, match="mean or last"):
        ReversibleNorm(2, "first")
    with pytest.raises(ValueError, match="batch time 2"):
        ReversibleNorm(2)(torch.zeros(1, 4, 3))
