"""Nonlinearities in float32 are off by a few units in the last place, near 0 and far from it."""

from typing import no_type_check

import pytest
import torch

pytest.importorskip("triton", reason="Triton is for Linux")

import triton
import triton.language as tl

from recurra.engines.triton.gates import log_sigmoid, maximum, relu, sigmoid, tanh

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@triton.jit
@no_type_check  # Triton reads the source, which no wrapper may hide
def each(x, out, N: tl.constexpr):
    at = tl.arange(0, N)
    x = tl.load(x + at)
    log, slope = log_sigmoid(x)
    tl.store(out + at, tanh(x))
    tl.store(out + N + at, sigmoid(x))
    tl.store(out + 2 * N + at, log)
    tl.store(out + 3 * N + at, slope)
    tl.store(out + 4 * N + at, relu(x))
    tl.store(out + 5 * N + at, maximum(x, -x))


def found(x: torch.Tensor) -> torch.Tensor:
    out = torch.empty(6, len(x), device=DEVICE)
    each[(1,)](x.to(DEVICE), out, N=len(x))
    return out.cpu()


def test_every_size_of_numbers() -> None:
    sizes = torch.logspace(-6, 1.9, 2048)
    x = torch.cat([sizes, -sizes])
    exact = x.double()
    minus = torch.sigmoid(-exact)
    want = [torch.tanh(exact), torch.sigmoid(exact), -torch.nn.functional.softplus(-exact), minus]
    for got, right in zip(found(x), want, strict=False):
        # e^−x: half a unit, and what the rounding of x / ln 2 makes of it
        allowed = (8 + 2 * exact.abs()) * 2.0**-24
        assert ((got.double() - right).abs() <= allowed * right.abs()).all()


def test_what_is_no_number_stays() -> None:
    out = found(torch.tensor([torch.nan, torch.inf, -torch.inf, 0.0]))
    assert out[:, 0].isnan().all()
    assert out[:, 1].tolist() == [1, 1, 0, 0, torch.inf, torch.inf]
    assert out[:, 2].tolist() == [-1, 0, -torch.inf, 1, 0, torch.inf]
