"""Recurrent weights whose products neither vanish nor explode."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from recurra.cells import initialisation
from recurra.cells.base import Cell, LinearCell
from recurra.cells.lru import LRU
from recurra.errors import InputError
from recurra.init.gates import no_gate
from recurra.init.parts import each, positive


def orthogonal(model: nn.Module, gain: float = 1.0) -> list[str]:
    """Start recurrent matrices orthogonal, one for each gate and head.

        Uᵀ U = gain² I

    Saxe et al. 2014, https://arxiv.org/abs/1312.6120, section 3.

    Returns:
        The names of the parts that were set.
    Raises:
        TypeError, ValueError: a value is not as it should be, or no part has such a matrix.
    """
    gain = positive("orthogonal", "gain", gain)

    def act(cell: Cell[Any]) -> None:
        weight = _weight(cell)
        initialisation.orthogonal_blocks(weight)
        weight.mul_(gain)

    return each(model, "orthogonal", _no_matrix, act)


def identity(model: nn.Module, scale: float = 1.0) -> list[str]:
    """Start simple recurrent networks at h' = φ(W x + scale · h), without bias: IRNN.

    Le, Jaitly and Hinton 2015, https://arxiv.org/abs/1504.00941, section 2 (with φ = relu); a
    scale a little below 1 forgets, section 4.4 (not traced).

    Args:
        model: any with `Elman`, `IndRNN`, `nn.RNN` or `nn.RNNCell`; cells with gates stay.
        scale: of the identity.
    Returns:
        The names of the parts that were set.
    Raises:
        TypeError, ValueError: a value is not as it should be, or no part is so simple.
    """
    scale = positive("identity", "scale", scale)

    def act(cell: Cell[Any]) -> None:
        weight = _weight(cell)
        weight.copy_(torch.eye(len(weight)) if weight.dim() == 2 else torch.ones(len(weight)))
        weight.mul_(scale)
        bias = getattr(cell, "bias", None)
        if isinstance(bias, Tensor):
            bias.zero_()

    return each(model, "identity", _not_simple, act)


def ring(
    model: nn.Module,
    min_radius: float = 0.9,
    max_radius: float = 0.999,
    max_phase: float = 2 * math.pi,
) -> list[str]:
    """Start the eigenvalues of a step evenly on a ring, by area.

        |λ|² = U(min_radius², max_radius²)      arg λ = U(0, max_phase)

    Orvieto et al. 2023, https://arxiv.org/abs/2303.06349, lemma 3.2. Of `LRU` they are λ; of linear
    cells with a gate (`MinGRU`, `MinLSTM`, `RGLRU`, `MLSTM`), which have none but real decays, |λ|
    is what a step keeps at an input of 0; of a matrix (`Elman`, `nn.RNN`) they are λ and λ̄ in a
    random basis, U = Q Λ Qᵀ with turns by arg λ, so that no sum of it grows above max_radius.

    Returns:
        The names of the parts that were set.
    Raises:
        TypeError, ValueError: there is no such ring, or no part has such eigenvalues.
    """
    for value in (min_radius, max_radius, max_phase):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"ring: {value!r} is no number")
    edges = min_radius, max_radius, max_phase
    initialisation.ring(1, *edges)

    def keep(size: int) -> Tensor:
        rate, _ = initialisation.ring(size, *edges)
        return -rate - torch.log(-torch.expm1(-rate))  # logit e^−rate

    def act(cell: Cell[Any]) -> None:
        if isinstance(cell, LRU):
            cell.ring(*edges)
        elif isinstance(cell, LinearCell):
            cell.remember(keep)
        else:
            weight = _weight(cell)
            weight.copy_(_matrix(len(weight), *edges))

    return each(model, "ring", _no_ring, act)


def _matrix(size: int, *edges: float) -> Tensor:
    """Return a normal matrix of eigenvalues on a ring."""
    rate, angle = initialisation.ring(-(-size // 2), *edges)
    radius = torch.exp(-rate)
    blocks = [
        r * torch.stack([torch.stack([c, -s]), torch.stack([s, c])])
        for r, c, s in zip(radius, angle.cos(), angle.sin(), strict=True)
    ]
    if size % 2:  # one of them real
        blocks[-1] = radius[-1:, None]
    basis = torch.empty(size, size)
    nn.init.orthogonal_(basis)
    turns = torch.zeros(size, size)
    for i, block in enumerate(blocks):
        turns[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = block
    return basis @ turns @ basis.T


def _weight(cell: Cell[Any]) -> Tensor:
    return cell.get_parameter("from_state").detach()


def _no_matrix(cell: Cell[Any]) -> str | None:
    weight = cell._parameters.get("from_state")
    if weight is None:
        return f"{type(cell).__name__} has no recurrent weight `from_state`"
    size = weight.shape[-1]
    if weight.dim() < 2 or weight.numel() % size**2:
        return f"`from_state` of {type(cell).__name__}, {list(weight.shape)}, is no square matrix"
    return None


def _not_simple(cell: Cell[Any]) -> str | None:
    weight = cell._parameters.get("from_state")
    if weight is None or tuple(weight.shape) not in (
        (cell.hidden_size,),
        (cell.hidden_size, cell.hidden_size),
    ):
        return f"{type(cell).__name__} is no simple recurrent network"
    return None


def _no_ring(cell: Cell[Any]) -> str | None:
    if isinstance(cell, LRU):
        return None
    if isinstance(cell, LinearCell):
        return no_gate(cell)
    simple = _not_simple(cell)
    return simple or _no_matrix(cell)
