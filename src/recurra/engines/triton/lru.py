"""LRU: matrix products around a scan with constant decay."""

from typing import Any

import torch
from torch import Tensor

from recurra.cells.base import Cell, lift
from recurra.engines.fused import Fused, Gradients, Tensors
from recurra.engines.scan import SCAN
from recurra.engines.triton import complex
from recurra.engines.triton.padded import Padded
from recurra.engines.triton.scan import launch, sums

NAMES = ("nu", "theta", "gamma", "from_input", "to_output")


def _forward(
    rows: Padded, x: Tensor, state: Tensors, weights: Tensors, keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    nu, theta, gamma, from_input, to_output = weights
    scaled, d = _scale(gamma, from_input)
    initial, width = torch.cat(state, dim=1), len(nu)
    inject = torch.nn.functional.linear(x, scaled)
    h, last = torch.empty_like(inject), torch.empty_like(initial)
    launch(
        complex.forward, rows, initial, width, *_decay(nu, theta), 0,
        inject, inject[:, width:], inject.stride(0), h, last, few=True, FIXED=True,
    )  # fmt: skip  # in the kernel's order and lines
    y = torch.nn.functional.linear(h, to_output) + torch.nn.functional.linear(x, d)
    re, im = last.chunk(2, dim=1)
    return y, (re.contiguous(), im.contiguous()), (h,) if keep else ()


def _backward(
    rows: Padded,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    _y: Tensor,
    kept: Tensors,
    grad_y: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor | None, Gradients, Gradients]:
    nu, theta, gamma, from_input, to_output = weights
    (h,), width = kept, len(nu)
    scaled, d = (part.to(h.dtype) for part in _scale(gamma, from_input))
    grad_y = grad_y.to(h.dtype)
    initial, decay = torch.cat(state, dim=1), _decay(nu, theta)
    grad_h, grad_initial = grad_y @ to_output.to(h.dtype), torch.empty_like(initial)
    shares = sums(rows, h, width, 2)
    # the gradient of inject takes the place of that of h
    places = grad_h, grad_h[:, width:]
    launch(
        complex.backward, rows, initial, width, *decay, 0, h, grad_h, torch.cat(grad_last, dim=1),
        *places, *places, grad_h.stride(0), shares, grad_initial, few=True, FIXED=True,
    )  # fmt: skip  # as above
    grad_x = None
    if x.requires_grad:
        grad_x = grad_y @ d + grad_h @ scaled
    x = x.to(h.dtype)
    grad_scaled, of_d = (grad_h.T @ x).float(), grad_y.T @ x
    size = lift(gamma).exp().repeat(2)[:, None]
    grad_from_input = torch.cat([grad_scaled * size, of_d.float()])
    b = lift(from_input[: 2 * width])
    grad_gamma = (grad_scaled * b * size).sum(1).view(2, -1).sum(0)
    re, im = decay
    of_re, of_im = shares.sum(1)
    # λ = exp(−exp(ν) + i exp(θ)): ∂λ/∂ν = −exp(ν) λ, ∂λ/∂θ = i exp(θ) λ
    grad_nu = -lift(nu).exp() * (of_re * re + of_im * im)
    grad_theta = lift(theta).exp() * (of_im * re - of_re * im)
    gradients = grad_nu, grad_theta, grad_gamma, grad_from_input, grad_y.T @ h
    return grad_x, grad_initial.chunk(2, dim=1), gradients


def _scale(gamma: Tensor, from_input: Tensor) -> tuple[Tensor, Tensor]:
    """Return exp(γ) B and D: γ scales the rows of B rather than all that B gives."""
    b, d = from_input[: 2 * len(gamma)], from_input[2 * len(gamma) :]
    return (lift(gamma).exp().repeat(2)[:, None] * b).to(b.dtype), d


def _decay(nu: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
    """Return Re λ and Im λ: rounded once, since every step multiplies by the error too."""
    radius, angle = torch.exp(-nu.double().exp()), theta.double().exp()
    return (radius * torch.cos(angle)).float(), (radius * torch.sin(angle)).float()


def fused(_cell: Cell[Any]) -> Fused:
    """Return the kernels."""
    return Fused(NAMES, _forward, _backward, SCAN)
