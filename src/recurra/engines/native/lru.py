"""LRU: matrix products around a scan with constant decay, which takes the place of its input."""

import torch
from torch import Tensor

from recurra.engines.fused import Fused, Gradients, Tensors
from recurra.engines.native.fields import ROTATION, fields
from recurra.engines.native.product import add_product, product, rounded, transposed_product
from recurra.engines.native.rows import Rows
from recurra.engines.scan import SCAN

NAMES = ("nu", "theta", "gamma", "from_input", "to_output")


def _forward(
    rows: Rows, x: Tensor, state: Tensors, weights: Tensors, keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    nu, theta, gamma, from_input, to_output = weights
    scaled, d = _scale(gamma, from_input)
    initial = torch.cat(state, dim=1)
    h = product(x, scaled.T)
    last = torch.empty_like(initial)
    decay = zip((None, None), _decay(nu, theta), strict=True)
    inject = ((part, None) for part in h.chunk(2, dim=1))
    rows.call("scan_forward", len(nu), ROTATION, fields(*decay, *inject), initial, h, last)
    y = add_product(product(x, d.T), rounded(h, x.dtype), to_output.T)
    re, im = last.chunk(2, dim=1)
    return y, (re.contiguous(), im.contiguous()), (h,) if keep else ()


def _backward(
    rows: Rows,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    _y: Tensor,
    kept: Tensors,
    grad_y: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor | None, Gradients, Gradients]:
    nu, theta, gamma, from_input, to_output = weights
    (h,) = kept
    scaled, d = _scale(gamma, from_input)
    initial, decay = torch.cat(state, dim=1), _decay(nu, theta)
    of_y = rounded(grad_y, x.dtype)
    grad_h = product(of_y, to_output)
    grad_decay, grad_initial = nu.new_empty(2, len(nu)), torch.empty_like(initial)
    given = (None, decay[0]), (None, decay[1]), (None, None), (None, None)  # inject is of no use
    # the gradient of inject takes the place of that of h
    wanted = [(None, part) for part in grad_decay] + [(g, None) for g in grad_h.chunk(2, dim=1)]
    rows.call(
        "scan_backward", len(nu), ROTATION, fields(*given), initial, h, grad_h,
        torch.cat(grad_last, dim=1), fields(*wanted), grad_initial,
    )  # fmt: skip  # in recurra.h's order and lines
    of_h, grad_x = rounded(grad_h, x.dtype), None
    if x.requires_grad:
        grad_x = add_product(product(of_y, d), of_h, scaled)
    grad_scaled = transposed_product(of_h, x)
    grad_from_input = torch.cat(
        [grad_scaled * gamma.exp().repeat(2)[:, None], transposed_product(of_y, x)]
    )
    grad_gamma = (grad_scaled * scaled).sum(1).view(2, -1).sum(0)
    (re, im), (of_re, of_im) = decay, grad_decay
    # λ = exp(−exp(ν) + i exp(θ)): ∂λ/∂ν = −exp(ν) λ, ∂λ/∂θ = i exp(θ) λ
    grad_nu = -nu.exp() * (of_re * re + of_im * im)
    grad_theta = theta.exp() * (of_im * re - of_re * im)
    of_output = transposed_product(of_y, rounded(h, x.dtype))
    gradients = grad_nu, grad_theta, grad_gamma, grad_from_input, of_output
    return grad_x, grad_initial.chunk(2, dim=1), gradients


def _scale(gamma: Tensor, from_input: Tensor) -> tuple[Tensor, Tensor]:
    """Return exp(γ) B and D: γ scales the rows of B rather than all that B gives."""
    b, d = from_input[: 2 * len(gamma)], from_input[2 * len(gamma) :]
    return gamma.exp().repeat(2)[:, None] * b, d


def _decay(nu: Tensor, theta: Tensor) -> Tensors:
    """Return Re λ and Im λ: rounded once, since every step multiplies by the error too."""
    radius, angle = torch.exp(-nu.double().exp()), theta.double().exp()
    return (radius * torch.cos(angle)).float(), (radius * torch.sin(angle)).float()


LRU_KERNELS = Fused(NAMES, _forward, _backward, SCAN)
