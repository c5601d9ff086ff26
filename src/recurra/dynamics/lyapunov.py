"""How fast neighbouring states part or meet: Lyapunov exponents along a sequence."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from recurra import inputs, tree
from recurra.cells.base import Cell
from recurra.errors import InputError


class Exponents(NamedTuple):
    """The largest exponents, per step, in nats; the largest first.

    Args:
        values: the mean over rows; above 0 neighbours part, below 0 they meet.
        spread: the rows' standard deviation.
    """

    values: list[float]
    spread: list[float]


def lyapunov(
    cell: Cell[Any],
    x: Float[Tensor, "rows time input"],
    count: int = 1,
    *,
    skip: int = 0,
    seed: int = 0,
) -> Exponents:
    """Return the largest Lyapunov exponents of a cell that reads sequences.

        Q_t R_t = ∂s_t/∂s_{t−1} Q_{t−1},    λ_i = Σ_t log |R_t,ii| / T

    by Jacobian–vector products and a QR decomposition at every step. Benettin et al. 1980,
    https://doi.org/10.1007/BF02128236; of recurrent networks Engelken et al. 2023,
    https://doi.org/10.1103/PhysRevResearch.5.043044, section II.

    Args:
        cell: any cell; nothing of it is changed. A state of several tensors is one vector.
        x: what it reads.
        count: how many exponents, at most the numbers of its state.
        skip: first steps that are read but not counted.
        seed: of the first directions.
    Raises:
        TypeError, ValueError: a number or x is not as it should be.
    """
    inputs.numbers("lyapunov", "x", x, ("rows", "time", cell.input_size), inputs.weight(cell))
    like = tree.map(lambda leaf: leaf[:1], cell.initial_state(1))
    sizes = [leaf.numel() for leaf in tree.leaves(like)]
    size = sum(sizes)
    if not 1 <= count <= size or not 0 <= skip < x.shape[1]:
        raise InputError(
            f"count {count}, skip {skip}: from 1 to the {size} numbers of the state, and fewer "
            f"than the {x.shape[1]} steps"
        )

    def step(u: Tensor, flat: Tensor) -> Tensor:
        parts = [
            part.view(1, *leaf.shape[1:])
            for part, leaf in zip(torch.split(flat, sizes), tree.leaves(like), strict=True)
        ]
        _, after = cell.step(u[None], tree.unflatten(like, parts))
        return torch.cat([leaf.flatten() for leaf in tree.leaves(after)])

    def pushed(u: Tensor, flat: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
        found = torch.func.jvp(lambda s: step(u, s), (flat,), (direction,))
        return found[0], found[1]

    one_row = torch.func.vmap(pushed, in_dims=(None, None, 1), out_dims=(0, 1))
    all_rows = torch.func.vmap(one_row)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        u = cell.project(x)
        start = cell.initial_state(len(x))
        flat = torch.cat([leaf.flatten(1) for leaf in tree.leaves(start)], dim=1)
        drawn = torch.randn(len(x), size, count, generator=generator, dtype=torch.float64)
        q = torch.linalg.qr(drawn).Q.to(flat)
        total = torch.zeros(len(x), count, dtype=torch.float64, device=x.device)
        for t in range(x.shape[1]):
            states, pushes = all_rows(u[:, t], flat, q)
            flat = states[:, 0]
            q, r = torch.linalg.qr(pushes.double())
            if t >= skip:
                total += r.diagonal(dim1=1, dim2=2).abs().log()
            q = q.to(flat)
    each = (total / (x.shape[1] - skip)).sort(dim=1, descending=True).values
    spread = each.std(0) if len(x) > 1 else torch.zeros(count)
    return Exponents(each.mean(0).tolist(), spread.tolist())
